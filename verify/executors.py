"""Where decisions are taken: in processes of this machine, or by an executor, such as that of a Dask cluster.

Verdicts do not depend on which. Processes are ended with the iteration that uses them, however it ends, and a process
whose parent is killed ends too: nothing lingers, and nothing is left in the system.
"""

import atexit
import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import FrameType
from typing import Any


class NoExecutor(RuntimeError):
    """The place where decisions should be taken is not there, in one line."""


_SIGNALS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
_PATIENCE = 2.0  # seconds for a process to end what it has begun elsewhere


def in_processes(
    function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], workers: int
) -> Generator[tuple[int, Any], None, None]:
    """What `function` returns for each call, with the call's place, as soon as it is there.

    Raises `BrokenProcessPool` where a process ends before its time or the function raises.
    """
    left = iter(enumerate(calls))
    running: dict[Any, int] = {}
    with _started(min(workers, len(calls))) as idle:
        while idle or running:
            try:
                for pipe, (place, call) in zip(idle, left, strict=False):
                    pipe.send((function, call))
                    running[pipe] = place
                idle = list[Any](wait(list(running))) if running else []
                answers = [(running.pop(pipe), *pipe.recv()) for pipe in idle]
            except (EOFError, OSError) as error:
                msg = "a process ended before its time"
                raise BrokenProcessPool(msg) from error
            for place, fault, value in answers:
                if fault:
                    raise BrokenProcessPool(fault)
                yield place, value


@contextmanager
def _started(workers: int) -> Iterator[list[Any]]:
    """Pipes to as many processes, which are ended afterwards, whatever they are doing."""
    # Spawned, because torch's threads do not survive a fork.
    spawn = multiprocessing.get_context("spawn")
    resource_tracker.ensure_running()  # it would be started with the first process, and let signals through
    started: list[tuple[SpawnProcess, Connection]] = []
    try:
        with _unheard():
            for _ in range(workers):
                here, there = spawn.Pipe()
                started.append((spawn.Process(target=_work, args=(there,)), here))
                started[-1][0].start()
                there.close()
        yield [pipe for _, pipe in started]
    finally:
        begun = [process for process, _ in started if process.pid is not None]
        for process in begun:
            process.terminate()
        for process in begun:
            process.join(_PATIENCE)
            process.kill()
            process.join()
        for _, pipe in started:
            pipe.close()


@contextmanager
def _unheard() -> Iterator[None]:
    """What is started here does not hear the signals of the terminal, for which the parent answers."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection) -> None:
    """Answer calls until the parent closes the pipe, ends this process, or is killed itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    while True:
        try:
            function, call = pipe.recv()
            pipe.send(_answered(function, call))
        except (EOFError, OSError):
            _leave()


def _answered(function: Callable[..., Any], call: tuple[Any, ...]) -> tuple[str, Any]:
    """A fault, if there was one, and what the function returned."""
    try:
        return "", function(*call)
    except Exception as error:
        return f"{type(error).__name__}: {error}", None


def _leave(number: int = 0, frame: FrameType | None = None) -> None:
    """End what was begun elsewhere, such as other ranks, and leave without tearing a framework down."""
    atexit._run_exitfuncs()
    os._exit(0)


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


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
