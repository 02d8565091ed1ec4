"""A run takes any executor, and its verdicts do not show which."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import msgspec
import pytest

from varlaw.subjects.registry import select
from varlaw.subjects.targets import CannotRun
from varlaw.verify import decision, executors, plan, run, workers

_SALT = "tests"
_ENV = {**os.environ, "COLUMNS": "140", "NO_COLOR": "1"}


def _tasks(*targets: str) -> list[plan.Task]:
    return list(plan.tasks(select(targets or ["varlaw.numpy.*uniform"]), ["float32"], "cpu", _SALT))


def _verify(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from varlaw.cli import main; main()", "verify", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=_ENV, check=False)


def test_threads_take_turns_where_a_seed_is_global() -> None:
    tasks = _tasks("torch.nn.init.*uniform_", "torch.nn.LSTMCell", "varlaw.numpy.he_*")
    with ThreadPoolExecutor(4) as threads:
        assert list(workers.in_order(tasks, "pr", _SALT, threads)) == list(workers.in_order(tasks, "pr", _SALT))


def test_an_executor_of_the_users_own_is_left_running() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        first = next(workers.in_order(_tasks(), "pr", _SALT, pool))
        assert first == decision.decide(_tasks()[0], "pr", _SALT)
        assert pool.submit(abs, -1).result() == 1


class _Held(Executor):
    """Begins nothing before it has `begin_at` calls, and then with the last."""

    def __init__(self, begin_at: int) -> None:
        self.begin_at = begin_at
        self.futures: list[Future[Any]] = []
        self._calls: list[Any] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        self.futures.append(Future())
        self._calls.append(lambda: fn(*args, **kwargs))
        if len(self.futures) == self.begin_at:
            for future, call in reversed(list(zip(self.futures, self._calls, strict=True))):
                future.set_result(call())
        return self.futures[-1]


def test_the_order_of_verdicts_is_that_of_the_tasks() -> None:
    tasks = _tasks()[:6]
    decided = list(workers.in_order(tasks, "pr", _SALT, _Held(len(tasks))))
    assert decided == list(workers.in_order(tasks, "pr", _SALT))


def test_a_lost_worker_ends_the_run_and_cancels_what_has_not_begun() -> None:
    tasks, pool = _tasks()[:6], _Held(99)
    submit = pool.submit

    def losing(*call: Any) -> "Future[Any]":
        future = submit(*call)
        if len(pool.futures) == len(tasks):
            future.set_exception(ValueError("gone\nfor good"))
        return future

    pool.submit = losing  # type: ignore[method-assign]
    with pytest.raises(workers.WorkerLost, match=r"a worker was lost \(ValueError: gone for good\)"):
        list(workers.in_order(tasks, "pr", _SALT, pool))
    assert all(future.cancelled() for future in pool.futures[:-1])


def test_a_worker_with_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    decide = decision.decide

    def elsewhere(*question: Any) -> Any:
        return msgspec.structs.replace(decide(*question), version="9.9")

    monkeypatch.setattr(workers, "decide", elsewhere)
    agreed = plan.plan(plan.Request(targets=("varlaw.numpy.zeros",)))
    with pytest.raises(CannotRun, match=r"a worker has varlaw\.numpy 9\.9, but this process has another"):
        run.execute(agreed, executor=_Held(1))


def test_a_worker_that_dies_is_one_line(tmp_path: Path) -> None:
    code = "import os, varlaw.impl.numpy as n; n.he_uniform = lambda *a, **k: os._exit(9)"
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nif 'spawn_main' in ' '.join(sys.orig_argv):\n    {code}\n")
    command = [sys.executable, "-c", "from varlaw.cli import main; main()", "verify", "varlaw.numpy.*_uniform"]
    done = subprocess.run(
        [*command, "--jobs", "2", "--ledger", str(tmp_path / "ledger")],
        capture_output=True, text=True, env={**_ENV, "PYTHONPATH": str(tmp_path)}, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("varlaw: could not run: a worker was lost (BrokenProcessPool: ")
    assert line.endswith(f"; the same command resumes from {tmp_path / 'ledger'}")


# -- Dask --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as running:
        running.wait_for_workers(2)
        yield running


def test_two_dask_workers_decide_what_one_process_does(cluster: Any) -> None:
    tasks = _tasks()
    with executors.dask(cluster.scheduler_address) as pool:
        assert list(workers.in_order(tasks, "pr", _SALT, pool)) == list(workers.in_order(tasks, "pr", _SALT))
        agreed = plan.plan(plan.Request(targets=("varlaw.numpy.lecun_uniform",)))
        assert run.execute(agreed, executor=pool).verdicts == run.execute(agreed).verdicts


def test_an_executor_of_the_users_dask_client_serves(cluster: Any) -> None:
    with cluster.get_client() as client:
        tasks = _tasks()[:8]
        decided = workers.in_order(tasks, "pr", _SALT, client.get_executor())
        assert list(decided) == list(workers.in_order(tasks, "pr", _SALT))
        assert len(client.scheduler_info()["workers"]) == 2


def test_the_command_decides_on_a_cluster_and_resumes_there(cluster: Any, tmp_path: Path) -> None:
    options = ["varlaw.numpy.he_*", "torch.nn.Linear", "--dtype", "float32"]
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    dask = ["--dask", cluster.scheduler_address, "--ledger", tmp_path / "ledger"]
    assert _verify(*options, "--json", here).returncode == 0
    done = _verify(*options, "--json", there, *dask)
    assert done.returncode == 0, done.stderr
    assert json.loads(there.read_text())["verdicts"] == json.loads(here.read_text())["verdicts"]
    again = _verify(*options, "--json", there, *dask)
    assert "holds 0 of" in done.stderr
    assert "holds 0 of" not in again.stderr
    assert json.loads(there.read_text())["verdicts"] == json.loads(here.read_text())["verdicts"]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere"])
def test_a_cluster_that_is_not_there_is_one_line(address: str) -> None:
    pytest.importorskip("distributed", reason="needs the extra dask")
    refused = pytest.raises(executors.NoExecutor, match=f"no Dask scheduler at '{address}'")
    with refused as caught, executors.dask(address, timeout=1):
        pass
    assert "\n" not in str(caught.value)


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(executors.NoExecutor, match="dask is not installed"), executors.dask("tcp://127.0.0.1:9"):
        pass


def test_two_places_to_decide_in_are_refused() -> None:
    done = _verify("varlaw.numpy.zeros", "--dask", "tcp://127.0.0.1:9", "--jobs", "2")
    assert done.returncode == 2
    assert done.stderr == "varlaw: --dask and --jobs are two places to decide in; give one\n"
