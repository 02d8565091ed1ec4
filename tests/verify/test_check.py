"""`varlaw.check` on anybody's sampler: three outcomes, every family, and every way to break the contract named."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import varlaw
from varlaw.claims.verdict import Outcome


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _he(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return _rng(seed).normal(0, (2 / shape[1]) ** 0.5, shape)


HE = varlaw.Normal((2 / 64) ** 0.5)


def test_conforms_is_a_positive_statement() -> None:
    verdict = varlaw.check(_he, HE, shape=(32, 64))
    assert verdict.outcome == "CONFORMS"
    assert verdict.certified is not None
    assert verdict.certified <= verdict.delta == 0.01
    assert verdict.interval is not None
    assert verdict.interval[0] < 1 < verdict.interval[1]


def test_violates_names_the_mutant() -> None:
    verdict = varlaw.check(
        lambda shape, seed: 1.02 * _he(shape, seed), HE, shape=(32, 64), mutants={"two percent": HE.scaled(1.02)}
    )
    assert (verdict.outcome, verdict.likely) == ("VIOLATES", "two percent")


def test_undecided_when_told_to_stop() -> None:
    verdict = varlaw.check(_he, HE, shape=(32, 64), max_samples=4096)
    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.samples <= 2 * 4096
    assert verdict.certified is not None


def test_the_verdict_is_keyed_by_name_and_salt() -> None:
    first, again = (varlaw.check(_he, HE, shape=(32, 64)) for _ in range(2))
    other = varlaw.check(_he, HE, shape=(32, 64), salt="other")
    assert first == again
    assert first.observed != other.observed


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize(
    ("law", "draw"),
    [
        (varlaw.Normal(0.02), lambda s, seed: _rng(seed).normal(0, 0.02, s)),
        (varlaw.Uniform(0.3), lambda s, seed: _rng(seed).uniform(-0.3, 0.3, s)),
        (varlaw.Constant(0.1), lambda s, seed: np.full(s, 0.1)),
    ],
    ids=["normal", "uniform", "constant"],
)
def test_families_in_every_dtype(law: object, draw: object, dtype: type) -> None:
    verdict = varlaw.check(lambda s, seed: draw(s, seed).astype(dtype), law, shape=(64, 64))  # type: ignore[operator]
    assert verdict.outcome == "CONFORMS"
    assert verdict.dtype == np.dtype(dtype).name


COARSE = {
    "bfloat16 kept in float16": lambda s, seed: _he(s, seed).astype(ml_dtypes.bfloat16).astype(np.float16),
    "a grid of 1/512 in float16": lambda s, seed: (np.round(_he(s, seed) * 512) / 512).astype(np.float16),
    "a grid of 1/512 in bfloat16": lambda s, seed: (np.round(_he(s, seed) * 512) / 512).astype(ml_dtypes.bfloat16),
}


@pytest.mark.parametrize("name", COARSE)
def test_coarse_grids_violate_in_16_bits(name: str) -> None:
    """Where values are equal too often already the decision says so, else the count of different values."""
    verdict = varlaw.check(COARSE[name], HE, shape=(32, 64), name=name)
    assert verdict.outcome == "VIOLATES"
    assert verdict.quantity == "different values" or "test that fell" in verdict.detail


def test_what_a_format_cannot_show_is_undecided_with_the_reason() -> None:
    verdict = varlaw.check(lambda s, k: np.full(s, 1e17), varlaw.Normal(1.0, mean=1e17), shape=(8, 8))
    assert (verdict.outcome, verdict.samples, verdict.ratio, verdict.interval) == ("UNDECIDED", 0, None, None)
    assert verdict.detail.startswith("float64 is too coarse where Normal(std=1.0, mean=1e+17) lies to show an error of")
    with pytest.raises(AssertionError, match="is too coarse"):
        varlaw.assert_law(lambda s, k: np.full(s, 1e17), varlaw.Normal(1.0, mean=1e17), shape=(8, 8))
    with pytest.raises(ValueError, match=r"law=Uniform\(bound=1e-320\) has std 5"):
        varlaw.check(lambda s, k: _rng(k).uniform(-1e-320, 1e-320, s), varlaw.Uniform(1e-320), shape=(8, 8))


def test_shifted_laws() -> None:
    from varlaw.theory.variates import UniformRange

    assert varlaw.check(lambda s, k: _rng(k).normal(3, 0.5, s), varlaw.Normal(0.5, 3.0), shape=(64, 64)).state == (
        "conforms"
    )
    assert varlaw.check(lambda s, k: _rng(k).uniform(1, 2, s), UniformRange(1.0, 2.0), shape=(64, 64)).state == (
        "conforms"
    )


@pytest.mark.parametrize(("corrected", "outcome"), [(True, "CONFORMS"), (False, "VIOLATES")])
def test_orthogonal(corrected: bool, outcome: str) -> None:
    def draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
        q, r = np.linalg.qr(_rng(seed).normal(size=shape))
        return q * np.sign(np.diag(r)) if corrected else q

    assert varlaw.check(draw, varlaw.Orthogonal(), shape=(32, 16)).outcome == outcome
    assert varlaw.check(draw, varlaw.Orthogonal(1.01), shape=(32, 16)).outcome == "VIOLATES"


def _haar(shape: tuple[int, ...], seed: int) -> np.ndarray:
    q, r = np.linalg.qr(_rng(seed).normal(size=shape))
    return q * np.sign(np.diag(r))


_SOME_SEEDS = {
    "every even seed": lambda seed: seed % 2 == 0,
    "one seed in twenty": lambda seed: seed % 20 == 7,
    "one seed in a hundred": lambda seed: seed % 100 == 7,
}


@pytest.mark.parametrize("name", _SOME_SEEDS)
def test_constants_and_orthogonality_are_asked_of_many_seeds(name: str) -> None:
    wrong = _SOME_SEEDS[name]
    ones = varlaw.check(lambda s, seed: np.full(s, float(wrong(seed))), varlaw.Constant(0.0), shape=(64, 64), name=name)
    gain = varlaw.check(
        lambda s, seed: (1.02 if wrong(seed) else 1.0) * _haar(s, seed), varlaw.Orthogonal(), shape=(8, 8)
    )
    assert (ones.outcome, gain.outcome) == ("VIOLATES", "VIOLATES")
    assert gain.quantity == "singular value"


def test_what_so_many_seeds_say_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = varlaw.check(lambda s, seed: np.zeros(s), varlaw.Constant(0.0), shape=(4, 4), delta=0.05, beta=1e-3)
    assert (verdict.outcome, verdict.samples, verdict.beta) == ("CONFORMS", 135 * 16, 1e-3)
    assert verdict.detail == "135 seeds: a fault in 5 % of them or more is missed with risk 0.001"
    monkeypatch.setattr("varlaw.verify.check._EXACT", 1 << 18)
    huge = varlaw.check(lambda s, seed: np.zeros(s), varlaw.Constant(0.0), shape=(64, 64), name="huge")
    assert huge.detail.startswith("64 seeds: a fault in 19 % of them")


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda s, seed: np.zeros(3), "bad returns shape (3,), but should return (8, 8)"),
        (lambda s, seed: 5, "bad returns int, but should return an array"),
        (lambda s, seed: np.ones(s, dtype=int), "bad returns int64, but should return one of float64"),
        (lambda s, seed: np.random.default_rng().normal(size=s), "bad gives other values when seed"),
        (lambda s, seed: _he(s, seed // 2), "bad ignores part of its seed: seeds 0 and 1 give the same"),
        (lambda s, seed: _he(s, seed >> 8), "bad ignores part of its seed: seeds 0 and 1 give the same"),
    ],
)
def test_a_broken_sampler_is_named(draw: object, words: str) -> None:
    with pytest.raises(varlaw.SamplerError) as caught:
        varlaw.check(draw, varlaw.Normal(0.5), shape=(8, 8), name="bad")  # type: ignore[arg-type]
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def _next(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return next(iter([]))  # type: ignore[no-any-return]


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("law", [varlaw.Normal(1.0), varlaw.Constant(1.0), varlaw.Orthogonal()], ids=["n", "c", "o"])
@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda s, seed: np.matrix(_rng(seed).normal(size=s)), "odd returns np.matrix, but should return an array of"),
        (lambda s, seed: np.ma.masked_greater(_rng(seed).normal(size=s), 2), "odd returns a masked array"),
        (lambda s, seed: __import__("scipy.sparse").sparse.eye_array(8), "odd returns a sparse array"),
        (_next, "odd raises StopIteration at seed 0"),
    ],
    ids=["matrix", "masked", "sparse", "iterator"],
)
def test_odd_arrays_are_named_in_one_line(draw: object, words: str, law: object) -> None:
    with pytest.raises(varlaw.SamplerError, match=words) as caught:
        varlaw.check(draw, law, shape=(8, 8), name="odd")  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


class _Unsaid:
    def __repr__(self) -> str:
        raise RuntimeError


def _nested(shape: tuple[int, ...], seed: int) -> object:
    torch = pytest.importorskip("torch")
    return torch.nested.nested_tensor(layout=torch.jagged, tensor_list=[torch.ones(2), torch.ones(3)])


def _calls() -> dict[str, tuple[Callable[[], object], str]]:
    normal, complexes = varlaw.Normal(1.0), varlaw.Complex(varlaw.Normal(1.0))
    return {
        "iterator of a complex law": (lambda: varlaw.check(_next, complexes, shape=(8, 8)), "raises StopIteration"),
        "iterator of a network": (lambda: varlaw.check_network(lambda k: _next((8,), k), normal), "StopIteration"),
        "huge delta": (lambda: varlaw.check(_he, normal, shape=(8, 8), delta=10**400), "delta=10"),
        "huge fan": (lambda: varlaw.lecun_uniform(10**400), "fan=10"),
        "covariance of another size": (lambda: varlaw.RowsNormal([0.0], [[1.0, 2.0]]), "covariance="),
        "covariance that is none": (lambda: varlaw.RowsNormal([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]]), "covariance="),
        "columns": (lambda: varlaw.check(_he, varlaw.RowsNormal([0.0], [[1.0]]), shape=(8, 8)), "of 1 columns"),
        "no matrix": (lambda: varlaw.check(_he, varlaw.FactorisedNoise(), shape=()), "of two sides"),
        "no rows": (lambda: varlaw.check(_he, varlaw.RowsOfNorm(), shape=(8,)), "of two sides or more"),
        "mutants of parts": (
            lambda: varlaw.check(_he, varlaw.RowsOfNorm(), shape=(8, 8), mutants={"m": normal}), "should be none"
        ),
        "blocks": (lambda: varlaw.predict([1]), "block=1"),  # type: ignore[list-item]
        "no shapes": (lambda: varlaw.check_shapes(_he, normal, 3.5), "shapes=3.5, but should be two"),
        "no law of entries": (lambda: varlaw.Sparse("x", 0.5), "law='x', but should be a law of one number"),
        "no law of parts": (lambda: varlaw.Complex(None), "law=None, but should be a law of one number"),
        "centred by what is no flag": (lambda: varlaw.RowsStandardised(1.0, iter([])), "centred=<.* True or False"),
        "no repr": (lambda: varlaw.Normal(_Unsaid()), "std=<_Unsaid>, but should be a finite number"),
        "nested": (lambda: varlaw.check(_nested, normal, shape=(2, 3)), "returns a nested tensor, but should return"),
    }  # fmt: skip


@pytest.mark.parametrize("case", _calls())
def test_what_cannot_be_is_refused_in_one_line(case: str) -> None:
    call, words = _calls()[case]
    with pytest.raises(ValueError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_sparse_tensors_are_named() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(varlaw.SamplerError, match="odd returns a sparse array"):
        varlaw.check(lambda s, seed: torch.eye(8).to_sparse(), varlaw.Normal(1.0), shape=(8, 8), name="odd")


def test_a_ring_of_buffers_is_seen() -> None:
    ring = [np.empty((8, 8)) for _ in range(3)]
    turn = iter(range(10**6))

    def draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
        buffer = ring[next(turn) % 3]
        buffer[:] = _rng(seed).normal(size=shape)
        return buffer

    with pytest.raises(varlaw.SamplerError, match="writes over the array that it returned before"):
        varlaw.check(draw, varlaw.Normal(1.0), shape=(8, 8))


def test_a_sampler_that_raises_raises_its_own_error() -> None:
    def draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
        return {}["mine"]  # type: ignore[no-any-return]

    with pytest.raises(KeyError, match="mine"):
        varlaw.check(draw, varlaw.Normal(1.0), shape=(8, 8))


@pytest.mark.parametrize(
    ("options", "words"),
    [({"delta": 0}, "delta=0, but should be"), ({"alpha": 2}, "alpha=2, but should be"), ({"beta": -1}, "beta=-1")],
)
def test_risks_out_of_range(options: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        varlaw.check(_he, HE, shape=(32, 64), **options)  # type: ignore[arg-type]


def test_assert_law_fails_with_the_verdict() -> None:
    assert varlaw.assert_law(_he, HE, shape=(32, 64)).outcome == "CONFORMS"
    with pytest.raises(AssertionError) as caught:
        varlaw.assert_law(_he, HE.scaled(0.5), shape=(32, 64), name="mine", mutants={"half": HE})
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert lines[0] == "std x2.004 of Normal(0.0883883)"
    assert "most likely: half" in lines[2]


@pytest.mark.parametrize(
    ("draw", "fact"),
    [
        (lambda s, seed: np.ones(s), "all 256 values are 1"),
        (lambda s, seed: np.full(s, np.nan), "all 64 values are NaN"),
        (lambda s, seed: np.arange(64.0).reshape(s), "the values never change: every seed gives the same tensor"),
    ],
)
@pytest.mark.parametrize("law", [varlaw.Normal(1.0), varlaw.Orthogonal(), varlaw.Constant(0.5)])
def test_a_fact_is_a_violation(draw: object, fact: str, law: object) -> None:
    verdict = varlaw.check(draw, law, shape=(8, 8))  # type: ignore[arg-type]
    assert verdict.outcome == "VIOLATES"
    if law == varlaw.Normal(1.0) or "NaN" in fact:
        assert verdict.detail.startswith(fact)


def test_torch_tensors_are_taken_as_they_are() -> None:
    torch = pytest.importorskip("torch")

    def draw(shape: tuple[int, ...], seed: int) -> object:
        return torch.empty(shape, dtype=torch.bfloat16).normal_(generator=torch.Generator().manual_seed(seed))

    verdict = varlaw.check(draw, varlaw.Normal(1.0), shape=(64, 64), dtype="bfloat16")
    assert verdict.outcome == "CONFORMS"


def _overwritten() -> object:
    buffer = np.empty((32, 64))

    def draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
        buffer[:] = _he(shape, seed)
        return buffer

    return draw


def test_an_array_that_is_written_over_is_refused() -> None:
    with pytest.raises(varlaw.SamplerError, match="writes over the array that it returned before"):
        varlaw.check(_overwritten(), HE, shape=(32, 64))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"shape": (0, 64)}, r"shape=\(0, 64\), but should be a sequence of whole numbers >= 1"),
        ({"shape": 64}, "shape=64, but should be a sequence"),
        ({"shape": "ab"}, "shape='ab', but should be a sequence"),
        ({"draw": None}, "draw=None, but should be a function"),
        ({"dtype": "float8"}, "dtype='float8', but should be one of float64"),
        ({"delta": "fine"}, "delta='fine', but should be a number"),
        ({"max_samples": 0}, "max_samples=0, but should be a whole number"),
        ({"mutants": [HE]}, "but should be laws by name"),
    ],
)
def test_arguments_that_are_none(changes: dict[str, object], words: str) -> None:
    arguments = {"draw": _he, "law": HE, "shape": (32, 64)} | changes
    with pytest.raises((ValueError, TypeError), match=words):
        varlaw.check(**arguments)  # type: ignore[arg-type]


def test_other_byte_orders_and_dtype_objects_are_read() -> None:
    swapped = varlaw.check(lambda s, seed: _he(s, seed).astype(">f8"), HE, shape=np.array([32, 64]).tolist(), name="a")
    assert swapped.outcome == varlaw.check(_he, HE, shape=(32, 64), dtype=np.float64, name="a").outcome == "CONFORMS"


def test_parameters_are_taken_off_the_graph() -> None:
    torch = pytest.importorskip("torch")

    def draw(shape: tuple[int, ...], seed: int) -> object:
        weight = torch.empty(shape).normal_(0, (2 / 64) ** 0.5, generator=torch.Generator().manual_seed(seed))
        return torch.nn.Parameter(weight)

    assert varlaw.check(draw, HE, shape=(32, 64)).outcome == "CONFORMS"
    with pytest.raises(varlaw.SamplerError, match="meta device"):
        varlaw.check(lambda s, seed: torch.empty(s, device="meta"), HE, shape=(32, 64))


@pytest.mark.parametrize(
    ("law", "words"),
    [
        ("he_normal(fan)", "varlaw.theory.laws.schemes.he_normal makes one of fans"),
        ("__import__('os')", 'law="__import__'),
        (varlaw.LAWS["lecun_uniform.variance"], "varlaw.theory.laws.schemes.lecun_uniform makes one of fans"),
        ("mine", r"law='mine', but should be Normal\(std\)"),
        (None, "law=None, but should be"),
        (0.02, "law=0.02, but should be"),
        (varlaw.Normal, "law=the class Normal, but should be"),
        (varlaw.TruncatedNormal(1.0, -np.inf, 2.0), "with two ends"),
    ],
)
def test_what_is_no_law_is_told_what_to_write(law: object, words: str) -> None:
    with pytest.raises(TypeError, match=words) as caught:
        varlaw.check(_he, law, shape=(32, 64))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["he_normal(fan_in)", "he_normal(64)", "N(sqrt(2/fan_in))", "Normal((2/fan_in)**0.5)"])
def test_a_law_may_be_a_text_over_the_fans_of_the_shape(text: str) -> None:
    assert varlaw.check(_he, text, shape=(32, 64)).outcome == "CONFORMS"
    assert varlaw.check(_he, "glorot_normal(fan_in, fan_out)", shape=(32, 64)).outcome == "VIOLATES"


def test_a_text_speaks_of_ranges_and_of_no_fans_that_there_are_not() -> None:
    def uniform(shape: tuple[int, ...], seed: int) -> np.ndarray:
        return np.random.default_rng(seed).uniform(-0.125, 0.125, shape)

    text = "U(-1/sqrt(fan_in), 1/sqrt(fan_in))"
    assert varlaw.check(uniform, text, shape=(32, 64)).statement == "Uniform(0.125)"
    assert varlaw.check(uniform, "U(0, 1)", shape=(64,)).outcome == "VIOLATES"
    with pytest.raises(ValueError, match=r"speaks of fans, but shape=\(64,\) has none"):
        varlaw.check(uniform, text, shape=(64,))


def test_a_uniform_law_between_two_ends_is_a_range() -> None:
    with pytest.raises(TypeError, match=r"between two ends write UniformRange\(2.0, 5.0\)"):
        varlaw.Uniform(2.0, 5.0)
    assert varlaw.UniformRange(2.0, 5.0).mean == 3.5
    with pytest.raises(ValueError, match=r"value=array\(\[0., 0.\]\), but should be a finite number \[Constant\]"):
        varlaw.Constant(np.zeros(2))  # type: ignore[arg-type]


def test_gains_of_named_schemes_may_be_left_out() -> None:
    assert varlaw.LAWS["he_normal.variance"].value(fan_in=200) == pytest.approx(2 / 200, rel=1e-15)
    assert varlaw.LAWS["glorot_uniform.variance"].value(fan_in=200, fan_out=100) == pytest.approx(2 / 300, rel=1e-15)


@pytest.mark.parametrize("shape", [(1,), (2,), (16,), (64, 64)])
def test_right_numbers_on_three_values_conform(shape: tuple[int, ...]) -> None:
    """N(5, 0.01) in bfloat16 is 5 in 88 % of draws: short tensors are often equal, and no seed is ignored."""

    def draw(shape: tuple[int, ...], seed: int) -> np.ndarray:
        return (5 + 0.01 * np.random.default_rng(seed).standard_normal(shape)).astype(ml_dtypes.bfloat16)

    verdict = varlaw.check(draw, varlaw.Normal(0.01, mean=5.0), shape=shape, delta=0.05, beta=1e-3)
    assert verdict.outcome == "CONFORMS"


def test_three_numbers_that_never_change_violate() -> None:
    verdict = varlaw.check(lambda s, seed: _he(s, 1), varlaw.Normal(1.0), shape=(3, 1))
    assert "the values never change" in verdict.detail


@pytest.mark.parametrize(
    ("kept", "side"),
    [(lambda k: k & 0x0FFFFFFF, 64), (lambda k: k >> 8, 256), (lambda k: k % 2**16, 256)],
)
def test_no_part_of_the_seed_may_be_ignored(kept: Callable[[int], int], side: int) -> None:
    with pytest.raises(varlaw.SamplerError, match=r"ignores part of its seed: seeds \d+ and \d+ give the same values"):
        varlaw.check(lambda s, seed: _he(s, kept(seed)), varlaw.Normal((2 / side) ** 0.5), shape=(side, side))


def test_tensors_that_come_again_violate() -> None:
    verdict = varlaw.check(lambda s, seed: _he(s, seed % 1000), varlaw.Normal((2 / 64) ** 0.5), shape=(64, 64))
    assert verdict.outcome == "VIOLATES"
    assert "come again" in verdict.detail


def test_the_largest_numbers_of_float64_conform() -> None:
    verdict = varlaw.check(
        lambda s, seed: 1e308 * (2 * _rng(seed).random(s) - 1), varlaw.Uniform(1e308), shape=(64, 64)
    )
    assert verdict.outcome == "CONFORMS"


_REFUSED: dict[str, tuple[Callable[[Any], object], str]] = {
    "an array for a risk": (lambda torch: varlaw.check(_he, "N(1)", shape=(2, 2), delta=np.ones((3, 4))), "delta"),
    "a sparse tensor for a kind": (lambda torch: varlaw.check_norm(lambda x: x, torch.eye(2).to_sparse()), "kind"),
    "a matrix for a bound": (lambda torch: varlaw.Uniform(torch.eye(3), 1.0), "UniformRange"),
    "a matrix for a fan": (lambda torch: varlaw.lecun_normal(torch.eye(3)), "fan"),
    "a matrix for a gain": (lambda torch: varlaw.glorot_normal(3, 4, torch.eye(3)), "gain"),
    "a matrix for a correlation": (lambda torch: varlaw.predict("relu", correlation=torch.eye(3)), "correlation"),
    "parentheses": (lambda torch: varlaw.predict("(" * 2000), "2000 parentheses within each other"),
    "a law of parentheses": (lambda torch: varlaw.check_network(lambda k: [([1], [1])], "(" * 500), "cannot be read"),
    "a matrix that computes": (
        lambda torch: varlaw.check_layer(lambda: torch.nn.Linear(3, 4), {"*": "N(1)"}, apply=torch.eye(3)), "apply"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", _REFUSED)
def test_what_prints_over_several_lines_is_refused_in_one(name: str) -> None:
    torch = pytest.importorskip("torch")
    call, words = _REFUSED[name]
    with pytest.raises((TypeError, ValueError)) as error:
        call(torch)
    assert words in str(error.value)
    assert "\n" not in str(error.value)
