"""The command `varlaw`, also as `python -m varlaw`: an interrupt while it still loads ends it as a later one does."""

import os
import sys


def main() -> None:
    """Load the command, run it and leave with its exit code."""
    try:
        from varlaw.cli import main as run

        run()
    except KeyboardInterrupt:  # what comes once the command runs is answered there
        os.write(2, b"varlaw: interrupted; nothing was written\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
