"""Where decisions are taken: in processes of this machine, or on a Dask cluster.

Both are a `concurrent.futures.Executor`, and a run takes any: its verdicts do not depend on which.
"""

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from varlaw.verify import memory


class NoExecutor(RuntimeError):
    """The place where decisions should be taken is not there, in one line."""


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """A pool of spawned processes; an interrupt or an error ends them in the middle of what they decide."""
    # Spawned, because torch's threads do not survive a fork.
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin)
    try:
        yield pool
    except BaseException:
        # Python waits for the pool before it leaves, and one decision may take minutes.
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        raise
    pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def dask(address: str, timeout: float = 10.0) -> Iterator[Executor]:
    """The workers of the Dask scheduler at `address`, such as tcp://host:8786; `timeout` in seconds.

    Raises `NoExecutor` where dask is not installed, nobody answers, or the cluster has no worker.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        msg = f"dask is not installed ({error}); python -m pip install 'dask[distributed]'"
        raise NoExecutor(msg) from error
    try:
        client = distributed.Client(address, timeout=timeout)
    except (OSError, ValueError) as error:
        msg = f"no Dask scheduler at {address!r} ({' '.join(str(error).split())})"
        raise NoExecutor(msg) from error
    with client:
        if not client.scheduler_info()["workers"]:
            msg = f"the Dask scheduler at {address!r} has no workers"
            raise NoExecutor(msg)
        yield client.get_executor(pure=False)  # the same question in another run is asked again


def _begin() -> None:
    """A worker is deaf to the terminal, for which its parent answers, and does not outlive a parent that is killed."""
    memory.keep()
    for name in {"SIGINT", "SIGHUP"} & set(dir(signal)):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
