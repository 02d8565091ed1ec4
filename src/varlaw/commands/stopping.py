"""Ctrl-C, SIGTERM and SIGHUP end a verb in one way: files are closed, workers ended, one line says so.

The exit code is 128 and the signal's number: 130, 143, 129. A signal that is ignored when the command begins, as under
`nohup`, stays ignored. One signal is enough; another in the next two seconds changes nothing, a later one ends at once.
"""

import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Final

_WORDS: Final = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}
_PATIENCE = 2.0  # seconds in which to clean up
_came: list[float] = []  # when the first signal did


class Stopped(KeyboardInterrupt):
    """The verb shall end; `number` is the signal's."""

    number: int = signal.SIGINT


def listen() -> None:
    """Have signals raise `Stopped`, from now on."""
    _came.clear()
    for number in _numbers():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    sys.unraisablehook = _again


def deafen() -> None:
    """All is done and said: what remains is to leave, which no signal disturbs."""
    for number in _numbers():
        signal.signal(number, signal.SIG_IGN)


def code(stop: KeyboardInterrupt) -> int:
    """The exit code."""
    return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)


def word(stop: KeyboardInterrupt) -> str:
    """What happened: interrupted, terminated, hung up."""
    return _WORDS[signal.Signals(stop.number).name if isinstance(stop, Stopped) else "SIGINT"]


def line(stop: KeyboardInterrupt) -> str:
    """What happened, and what was written before."""
    files = sys.modules.get("varlaw.reports.files")
    done = [str(path) for path in files.PLACED] if files else []
    written = f"{done[0]} is written" if len(done) == 1 else f"all {len(done)} files are written"
    return f"{word(stop)}; {written if done else 'nothing was written'}"


def _numbers() -> list[signal.Signals]:
    there = threading.current_thread() is threading.main_thread()
    return [signal.Signals[name] for name in _WORDS if there and hasattr(signal, name)]


def _stop(number: int, frame: FrameType | None) -> None:
    now = time.monotonic()
    if not _came:
        _came.append(now)
        stop = Stopped()
        stop.number = number
        raise stop
    if now - _came[0] > _PATIENCE:
        os._exit(128 + number)


def _again(unraisable: "sys.UnraisableHookArgs") -> None:
    """A signal that came where nothing can be raised, such as in the end of an object, comes again a moment later."""
    stop = unraisable.exc_value
    if isinstance(stop, Stopped):
        _came.clear()
        threading.Timer(0.05, os.kill, (os.getpid(), stop.number)).start()
    else:
        sys.__unraisablehook__(unraisable)
