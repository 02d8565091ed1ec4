"""The command `varlaw`, also as `python -m varlaw`: an interrupt while it still loads ends it as a later one does."""

import os
import sys

from varlaw import stopping


def main() -> None:
    """Load the command, run it and leave with its exit code."""
    try:
        stopping.listen()
        from varlaw.cli import main as run

        run()
    except KeyboardInterrupt as stop:  # what comes once the command runs is answered there
        os.write(2, f"varlaw: {stopping.word(stop)}; nothing was written\n".encode())
        sys.exit(stopping.code(stop))


if __name__ == "__main__":
    main()
