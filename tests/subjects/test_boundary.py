"""The boundary and the rows over it, on a framework of twenty lines: a stream of its own, NumPy's arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from varlaw.claims.tables import claims_of
from varlaw.subjects import rows
from varlaw.subjects.boundary import Boundary, Stream, measure_fans, of_stream
from varlaw.subjects.namespace import Namespace, called, convolution
from varlaw.subjects.subject import Case, Floats, Sampler


class _Small:
    """A library with one global stream, one layer and one norm."""

    stream = np.random.default_rng(0)

    class Linear:
        def __init__(self, fan_in: int, fan_out: int) -> None:
            self.weight = _Small.stream.normal(0.0, fan_in**-0.5, (fan_out, fan_in))

    class Norm:
        def __init__(self, channels: int, eps: float = 0.5) -> None:
            self.eps, self.mean = eps, np.zeros(channels)

        def __call__(self, x: Floats) -> Floats:
            assert x.shape[-1] == len(self.mean), "channels are last"
            return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + self.eps)


def _write(state: Any, device: str) -> None:
    _Small.stream.bit_generator.state = state


def _seed(seed: int, device: str) -> None:
    _Small.stream.bit_generator.state = np.random.default_rng(seed).bit_generator.state


def _taps(layer: Any, shapes: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    ones = np.ones_like(layer.weight)
    return np.ones(shapes[0]) @ ones.T, np.ones((1, len(ones))) @ ones


DRAWS, CHANCE = of_stream(Stream(read=lambda device: _Small.stream.bit_generator.state, write=_write, seed=_seed))
SMALL = Boundary(
    name="small",
    version=lambda: "1",
    devices=lambda: ("cpu",),
    array=lambda x, dtype, device: np.asarray(x, dtype),
    floats=lambda x: np.asarray(x, np.float64),
    draws=DRAWS,
    chance=CHANCE,
    taps=_taps,
)
NN = Namespace(
    of=SMALL,
    name="small",
    find=lambda: _Small,
    parameters=lambda layer, dtype: {"weight": layer.weight},
    conv=lambda dims, transposed: convolution("Conv"),
    channels_last=True,
)
LINEAR = NN.layer(
    "Linear", "linear", called("Linear", "in_features", "out_features"),
    {"weight": "Normal(1/sqrt(in_features))"}, inputs=("in_features",), layout="torch.linear",
)  # fmt: skip
CASE = {"in_features": 3, "out_features": 5}


def _drawn(row: Sampler, seed: int, count: int, case: Case = CASE) -> list[Any]:
    return [x["weight"] for x in row.draws(case, "float64", "cpu", seed, count)]


def test_draws_depend_on_the_seed_alone_and_leave_the_stream_as_it_was() -> None:
    before = _Small.stream.bit_generator.state
    two, three = _drawn(LINEAR, 7, 2), _drawn(LINEAR, 7, 3)
    assert np.array_equal(two, three[:2])
    assert not np.array_equal(three[0], three[1])
    assert not np.array_equal(_drawn(LINEAR, 8, 1), two[:1])
    assert _Small.stream.bit_generator.state == before


def test_streams_are_drawn_from_in_turns() -> None:
    one, other = (LINEAR.draws(CASE, "float64", "cpu", seed, 3) for seed in (1, 2))
    turns = [(next(one)["weight"], next(other)["weight"]) for _ in range(3)]
    assert np.array_equal([a for a, _ in turns], _drawn(LINEAR, 1, 3))
    assert np.array_equal([b for _, b in turns], _drawn(LINEAR, 2, 3))


def test_the_stream_is_put_back_when_a_layer_cannot_be_built() -> None:
    before = _Small.stream.bit_generator.state
    with pytest.raises(KeyError):
        _drawn(LINEAR, 7, 1, case={})
    assert _Small.stream.bit_generator.state == before


def test_a_layer_measures_its_own_fans_and_has_the_claims_of_its_op() -> None:
    assert LINEAR.measure
    assert LINEAR.measure(CASE) == (3.0, 5.0)
    assert {"init.documented", "forward.second_moment"} <= {claim.name for claim in claims_of(LINEAR)}


def test_fans_of_a_strided_layer_are_those_of_the_interior() -> None:
    """Two taps at stride 2: an output sums two of each channel, an input enters one; the border, of zeros, unseen."""

    def forward(case: Case) -> tuple[Any, Sequence[Sequence[int]]]:
        return case["stride"], [[1, 2, 0]]

    def taps(stride: Any, shapes: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
        y, gradient = np.full((1, 1, shapes[0][2] // stride), 4.0), np.ones((1, 2, shapes[0][2]))
        y[..., 0] = gradient[..., -1] = 0.0
        return y, gradient

    measured = measure_fans(Boundary(**{**vars(SMALL), "taps": taps}), forward, 1)
    assert measured({"stride": 2, "kernel_size": 2}) == (4.0, 1.0)


def test_the_shape_of_a_weight_is_found_beside_the_stream() -> None:
    """An initialiser that asks for it draws the same whether it was asked for before or not."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        return {"weight": _Small.stream.normal(size=NN.shape(case))}

    row = rows.sampler(SMALL, "small.normal", "fill", build, {"weight": "Normal(1)"}, **NN.filled("fill"))
    case = {"layer": "linear", "in_channels": 2, "out_channels": 4, "groups": 1}
    first, again = (_drawn(row, 7, 1, case) for _ in range(2))
    assert np.array_equal(first, again)
    assert row.shape
    assert row.shape(case) == (4, 2)


def test_a_norm_gets_its_channels_where_it_wants_them_and_its_eps_where_the_case_names_one() -> None:
    row = NN.norm("Norm", "rms_norm", lambda nn, c, f: nn.Norm(c["channels"], *([c["eps"]] if "eps" in c else [])))
    x = np.arange(24.0).reshape(2, 3, 4) - 7
    case = {"channels": 3, "eps": 0.25}
    expected = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 0.25)
    assert np.array_equal(row.apply(x, case, "float64", "cpu")["output"], expected)
    assert row.default
    assert not np.array_equal(row.default(x, case, "float64", "cpu")["output"], expected)


def test_a_clip_that_knows_one_leaf_gets_all_of_them_as_one() -> None:
    def clip(leaves: list[Any], limit: float) -> tuple[list[Any], Any]:
        (leaf,) = leaves
        return [leaf * limit / np.linalg.norm(leaf)], np.linalg.norm(leaf)

    row = rows.clipper(SMALL, "small.clip", "clip_norm", clip, single=True)
    (a, b), reported = row.apply([np.array([[3.0]]), np.array([0.0, 4.0])], 1.0, "float64", "cpu")
    assert (a.shape, b.shape, reported) == ((1, 1), (2,), 5.0)
    assert np.allclose([*a.ravel(), *b], [0.6, 0.0, 0.8], rtol=1e-15)


def test_dropout_draws_from_its_seed_and_the_loss_gets_what_it_adjusts() -> None:
    row = rows.dropout(SMALL, "small.drop", "dropout", lambda x, p, key: x * (_Small.stream.random(x.shape) >= p))
    x = np.ones((2, 3, 4))
    assert np.array_equal(*(row.apply(x, 0.5, "float64", "cpu", 3) for _ in range(2)))
    loss = rows.loss(SMALL, "small.loss", lambda z, y, how, **more: np.asarray(len(more)), ("smoothing",))
    assert loss.adjusted
    assert loss.adjusted(x[0], np.zeros(3, np.int64), 0.1, None, "float64", "cpu") == 1
    assert rows.loss(SMALL, "small.loss", lambda z, y, how: z).adjusted is None


def test_a_derivative_reaches_the_weight_that_a_convolution_standardises() -> None:
    torch = pytest.importorskip("torch")
    from varlaw.subjects.torch.framework import vjp
    from varlaw.subjects.torch_modules import weight_used

    class Centred(torch.nn.Conv2d):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return torch.nn.functional.conv2d(x, self.weight - self.weight.mean(dim=-1, keepdim=True))

    x, dy = (torch.arange(6.0).reshape(2, 3) ** k for k in (1, 2))
    found = vjp(lambda x: weight_used(Centred(1, 2, (1, 3)), x), x, dy)
    assert torch.equal(found, dy - dy.mean(dim=-1, keepdim=True))
