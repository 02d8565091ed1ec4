"""`python -m varlaw`: the command, where its script is not on the path."""

from varlaw.cli import main

if __name__ == "__main__":
    main()
