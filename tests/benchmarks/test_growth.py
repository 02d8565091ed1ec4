"""How cost grows with what there is more of: entries, leaves, ranks, verdicts, rows of deviations."""

import itertools
import tempfile
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

pytest.importorskip("pytest_benchmark")
torch = pytest.importorskip("torch")

import varlaw.impl.torch as on_torch  # noqa: E402 (needs the skips above)
from varlaw.claims.verdict import Run, Verdict  # noqa: E402
from varlaw.identify.baseline.diff import compare  # noqa: E402
from varlaw.identify.baseline.record import record  # noqa: E402
from varlaw.identify.baseline.records import Baseline  # noqa: E402
from varlaw.reports import schema  # noqa: E402
from varlaw.reports.markdown import render  # noqa: E402
from varlaw.reports.site import write_all  # noqa: E402
from varlaw.verify import coverage, deviations, plan, run  # noqa: E402


def _draw(size: int) -> Callable[[], Any]:
    place, generator = torch.empty(size), torch.Generator().manual_seed(1)
    return lambda: on_torch.normal((size,), 1.0, seed=generator, out=place)


def _initialise(size: int) -> Callable[[], Any]:
    model = torch.nn.ModuleList(torch.nn.Linear(16, 16) for _ in range(size))
    recipe = [on_torch.Rule("*.weight", "normal"), on_torch.Rule("*.bias", "zeros")]
    return lambda: on_torch.initialise(model, recipe, key=1)


def _clip(size: int) -> Callable[[], Any]:
    grads = [torch.ones(256) for _ in range(size)]
    return lambda: on_torch.clip_by_global_norm_(grads, 1e9)


def _slice(size: int) -> Callable[[], Any]:
    """What the last of so many ranks draws of one parameter."""
    rows = 2048 // size
    place = torch.empty(rows, 512)
    fields = {"key": 1, "name": "w", "offset": (2048 - rows, 0), "within": (2048, 512)}
    return lambda: on_torch.keyed_normal((rows, 512), 1.0, out=place, **fields)


def _run(size: int) -> Run:
    """A run of so many verdicts, each on a subject of its own."""
    agreed = plan.plan(plan.Request(targets=("varlaw.numpy.zeros",), dtypes=("float32",)))
    found = run.execute(agreed, strict=False)
    one = found.verdicts[0]
    verdicts = [_named(one, f"{one.subject}_{k}") for k in range(size)]
    return type(found)(run=found.run, verdicts=verdicts)


def _named(one: Verdict, name: str) -> Verdict:
    return type(one)(**{f: getattr(one, f) for f in one.__struct_fields__} | {"subject": name})


def _encode(size: int) -> Callable[[], Any]:
    found = _run(size)
    return lambda: schema.encode(found)


def _summary(size: int) -> Callable[[], Any]:
    found = _run(size)
    return lambda: render(found)


def _unmatched(size: int) -> Callable[[], Any]:
    found = _run(size)
    return lambda: coverage.unmatched(found.verdicts)


def _foreseen(size: int) -> Callable[[], Any]:
    """Rows looked up for one more case of so many subjects, all of them seen before."""
    places = [("init.documented", f"torch.nn.Layer{k}.weight", "2.13.0", "float32") for k in range(size)]

    def look() -> None:
        for place in places:
            deviations.foreseen(*place, {"in_features": 3})

    look()
    return look


def _site(size: int) -> Callable[[], Any]:
    found, folder = _run(size), tempfile.mkdtemp()
    return lambda: write_all(found, folder)


def _diff(size: int) -> Callable[[], Any]:
    """Two baselines of so many laws, drawn from other seeds."""
    old, new = (_baseline(size, salt) for salt in ("one", "two"))
    return lambda: compare(old, new)


def _baseline(size: int, salt: str) -> Baseline:
    one = record("varlaw.numpy.lecun_uniform", salt)
    laws = [msgspec.structs.replace(one.tensors[0], subject=f"varlaw.numpy.law{k}") for k in range(size)]
    return msgspec.structs.replace(one, tensors=laws)


KINDS: dict[str, tuple[Callable[[int], Callable[[], Any]], tuple[int, ...]]] = {
    "draw a tensor: entries": (_draw, (2**10, 2**14, 2**18, 2**22)),
    "initialise a model: layers": (_initialise, (8, 64, 512)),
    "clip by global norm: gradients": (_clip, (8, 64, 512, 4096)),
    "draw one rank's slice: ranks": (_slice, (1, 2, 4, 8, 16)),
    "write records: verdicts": (_encode, (100, 1000, 10_000)),
    "write a summary: verdicts": (_summary, (100, 1000, 10_000)),
    "write a report: verdicts": (_site, (100, 1000, 10_000)),
    "compare baselines: laws": (_diff, (100, 1000, 10_000, 35_000)),
    "look for deviations that were not met: verdicts": (_unmatched, (100, 1000, 10_000)),
    "find the rows of deviations: subjects": (_foreseen, (10, 100, 1000)),
}
ROWS = list(itertools.chain.from_iterable([(name, size) for size in sizes] for name, (_, sizes) in KINDS.items()))


@pytest.mark.benchmark(group="growth", max_time=0.3, min_rounds=3, disable_gc=True)
@pytest.mark.parametrize(("name", "size"), ROWS)
def test_growth(benchmark: Any, name: str, size: int) -> None:
    benchmark.extra_info.update(growth=name, size=size)
    benchmark(KINDS[name][0](size))
