"""Verdicts kept from run to run: a folder with a ledger for each state of the code and each policy and salt.

A verdict depends on its task, policy and salt, which its replay key holds, and on code. So a cache is a ledger whose
name holds the fingerprint of all code (`fingerprint` says which): what changes the code begins another file, and a kill
leaves whole lines. The oldest files go.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from varlaw.verify import ledger
from varlaw.verify.fingerprint import fingerprint
from varlaw.verify.ledger import Header, Ledger, LedgerError, LedgerFull, LedgerInUse

KEPT = 8  # files; one of 24,000 verdicts has about 40 MB


@contextmanager
def opened(folder: Path, header: Header) -> Iterator[Ledger]:
    """The ledger of this state of the code in `folder`, begun anew where it is damaged.

    Call it when everything that is to be tried has been imported. Code that changes while the ledger is open costs it.
    Raises `LedgerInUse` when another run keeps the same verdicts, `LedgerError` for a folder that cannot be used.
    """
    _made(folder)
    path = _path(folder, header)
    with ExitStack() as stack:
        found = _begun_or_resumed(path, header, stack)
        _forget(folder, path)
        try:
            yield found
        finally:
            if _path(folder, header) != path:
                path.unlink(missing_ok=True)


def _made(folder: Path) -> None:
    """The folder, which no version control is to keep."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        msg = f"cannot keep verdicts in {folder}: {error.strerror or error}"
        raise LedgerError(msg) from error


def _path(folder: Path, header: Header) -> Path:
    words = msgspec.json.encode([fingerprint(folder / "files.json"), header])
    return folder / f"{hashlib.blake2b(words, digest_size=16).hexdigest()}.verdicts"


def _begun_or_resumed(path: Path, header: Header, stack: ExitStack) -> Ledger:
    try:
        return stack.enter_context(ledger.opened(path, header))
    except (LedgerInUse, LedgerFull):
        raise
    except LedgerError:  # damaged: what it held can be decided again
        path.unlink(missing_ok=True)
        return stack.enter_context(ledger.opened(path, header))


def _forget(folder: Path, used: Path) -> None:
    """Remove all but the files that were written to last."""
    used.touch()
    with suppress(OSError):
        for old in sorted(folder.glob("*.verdicts"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
            old.unlink()
