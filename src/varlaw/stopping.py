"""SIGTERM and SIGHUP end a verb as Ctrl-C does: files are closed, workers are ended, and one line says so.

The exit code is 128 and the signal's number. A signal that is ignored when the command begins, as under `nohup`, stays
ignored; one that comes a second time ends the process at once.
"""

import signal
from types import FrameType

_WORDS = {"SIGTERM": "terminated", "SIGHUP": "hung up"}


class Stopped(KeyboardInterrupt):
    """The verb shall end; `number` is the signal's."""

    number: int = signal.SIGINT


def listen() -> None:
    """Have these signals raise `Stopped` from now on."""
    for name in _WORDS:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _stop)


def code(stop: BaseException | None) -> int:
    """The exit code."""
    return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)


def word(stop: BaseException | None) -> str:
    """What happened: interrupted, terminated, hung up."""
    return _WORDS[signal.Signals(stop.number).name] if isinstance(stop, Stopped) else "interrupted"


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    stop = Stopped()
    stop.number = number
    raise stop
