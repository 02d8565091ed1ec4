"""What a whole run costs beside its parts: two workers against one, and the import of a framework that is swept."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("pytest_benchmark")

from varlaw.verify import executors, plan, run

TARGETS = ("varlaw.numpy.*_uniform",)
HALVES = "decisions of one subject may be dear, and the last one is waited for by the other worker"


@pytest.fixture
def cluster(request: Any) -> Iterator[str]:
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    options = {"threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(n_workers=request.param, **options) as running:
        running.wait_for_workers(request.param)
        yield running.scheduler_address


@pytest.mark.benchmark(max_time=1.0, min_rounds=2, disable_gc=True)
@pytest.mark.parametrize(("role", "cluster"), [("ours", 2), ("theirs", 1)], indirect=["cluster"])
def test_two_dask_workers_against_one(benchmark: Any, role: str, cluster: str) -> None:
    """The same campaign on two workers ("ours") and on one: 0.59 is 1.7 times as fast."""
    agreed = plan.plan(plan.Request(targets=TARGETS, dtypes=("float32",)))
    benchmark.group = name = "two Dask workers against one"
    benchmark.extra_info.update(pair=name, size=len(agreed.tasks), role=role, goal=0.59, why=HALVES)
    with executors.dask(cluster) as pool:
        run.execute(agreed, executor=pool)  # each worker imports what it needs once
        benchmark(lambda: run.execute(agreed, executor=pool))


DREARY = "layers are built and functions are called thousands of times, each time from a seed of its own"


@pytest.mark.benchmark(max_time=1.0, min_rounds=2, disable_gc=True)
@pytest.mark.parametrize("role", ["ours", "theirs"])
def test_the_first_command_against_importing_torch(benchmark: Any, role: str) -> None:
    """A part of `nox -s verify` that has as many tasks as the mean of all 64, decided in this process."""
    pytest.importorskip("torch")
    agreed = plan.plan(plan.Request(shard=(5, 64)))
    benchmark.group = name = "a 64th of the first command against importing torch"
    benchmark.extra_info.update(pair=name, size=len(agreed.tasks), role=role, goal=1.0, why=DREARY)
    imported = [sys.executable, "-c", "import torch"]
    benchmark((lambda: run.execute(agreed, strict=False)) if role == "ours" else lambda: subprocess.run(imported))


PLAN = "from varlaw.verify import plan; plan.plan(plan.Request(targets=('optax.*',), dtypes=('float32',)))"


@pytest.mark.skipif(importlib.util.find_spec("optax") is None, reason="needs optax")
@pytest.mark.benchmark(max_time=1.0, min_rounds=2, disable_gc=True)
@pytest.mark.parametrize(("role", "code"), [("ours", PLAN), ("theirs", "import optax")])
def test_planning_optax_against_importing_it(benchmark: Any, role: str, code: str) -> None:
    """A process that makes all rows and cases of optax, against one that imports it."""
    benchmark.group = name = "plan a sweep of optax against importing it"
    benchmark.extra_info.update(pair=name, size=1, role=role, goal=3.0, why="the rows of JAX are imported with it")
    benchmark(lambda: subprocess.run([sys.executable, "-c", code], check=True))
