"""Two processes that hold the parts of one tensor: torch.distributed over gloo, started once for each process here.

`call("module:function", ...)` runs a function of (mesh, rank, ...) on both ranks and returns what each of them gave.
The ranks are programs of their own (`python -m varlaw.subjects.torch.ranks`), spoken to by pickles over pipes, so
nothing of the caller's main module is imported again. A rank that fails ends both; the next call starts new ones.
"""

import atexit
import contextlib
import datetime
import importlib
import os
import pickle
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from typing import Any, BinaryIO

WORLD = 2
_PATIENCE = datetime.timedelta(seconds=30)  # for the other rank in a collective


class Ranks:
    """The two running ranks."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._ranks = [self._start(rank) for rank in range(WORLD)]

    def _start(self, rank: int) -> "subprocess.Popen[bytes]":
        store = str(Path(self._folder.name) / "store")
        command = [sys.executable, "-m", "varlaw.subjects.torch.ranks", str(rank), store]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )

    def call(self, function: str, *arguments: Any) -> list[Any]:
        """What `function` returned on each rank; `RuntimeError` in one line where one of them failed."""
        for rank in self._ranks:
            assert rank.stdin
            pickle.dump((function, arguments), rank.stdin)
            rank.stdin.flush()
        return [self._answer(i, rank) for i, rank in enumerate(self._ranks)]

    def _answer(self, i: int, rank: "subprocess.Popen[bytes]") -> Any:
        assert rank.stdout
        try:
            fault, value = pickle.load(rank.stdout)
        except EOFError:
            fault, value = f"the process ended with status {rank.wait()}", None
        if fault:
            msg = f"rank {i} of {WORLD}: {fault}"
            raise RuntimeError(msg)
        return value

    def close(self) -> None:
        """End both ranks and remove what they met at."""
        for rank in self._ranks:
            rank.kill()
            rank.wait()
            for pipe in (rank.stdin, rank.stdout):
                assert pipe
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._folder.cleanup()


_RUNNING: dict[int, Ranks] = {}  # by process: a forked one must not read another's pipes


def call(function: str, *arguments: Any) -> list[Any]:
    """`Ranks.call` on the ranks of this process, started at the first call."""
    here = os.getpid()
    if here not in _RUNNING:
        _RUNNING[here] = Ranks()
    try:
        return _RUNNING[here].call(function, *arguments)
    except Exception:
        _RUNNING.pop(here).close()
        raise


@atexit.register
def _end() -> None:
    ranks = _RUNNING.pop(os.getpid(), None)
    if ranks:
        ranks.close()


# -- what runs on a rank -----------------------------------------------------------------------------------------------


def _serve(rank: int, store: str, requests: BinaryIO, answers: BinaryIO) -> None:
    import torch
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh

    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=WORLD, timeout=_PATIENCE)
    mesh = init_device_mesh("cpu", (WORLD,))
    while True:
        try:
            function, arguments = pickle.load(requests)
        except EOFError:
            break
        module, _, name = function.partition(":")
        answer: tuple[str | None, Any]
        try:
            answer = (None, getattr(importlib.import_module(module), name)(mesh, rank, *arguments))
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1].name
            answer = (f"{type(error).__name__}: {' '.join(str(error).split())[:300]} [{where}]", None)
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    # What a library prints must not get between the answers.
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(int(sys.argv[1]), sys.argv[2], sys.stdin.buffer, own)
