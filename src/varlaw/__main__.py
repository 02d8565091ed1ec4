"""The command, as a script and as `python -m varlaw`; a signal ends it in one line even while it is being loaded."""

import os
import signal
from types import FrameType


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"varlaw: stopped; nothing was written\n")
    os._exit(128 + number)


def begin() -> None:
    """Until the command listens for signals itself, they end it at once."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _leave)


def main() -> None:
    """Load and run the command."""
    begin()
    from varlaw.cli import main as command

    command()


if __name__ == "__main__":
    main()
