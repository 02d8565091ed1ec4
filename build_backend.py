"""The backend of setuptools, stopped where the rooms are not linked into src/varlaw: no empty package is built."""

from pathlib import Path

ROOMS = ("claims", "diagnose", "evidence", "identify", "impl", "reports", "subjects", "theory", "verify")
LOST = [room for room in ROOMS if not (Path(__file__).parent / "src" / "varlaw" / room).is_dir()]
if LOST:
    msg = f"varlaw: nothing was built: src/varlaw/{LOST[0]} is no folder, but should be a link to one"
    msg += " (zip archives and git with core.symlinks=false write text files; take a tar.gz or clone with links)"
    raise SystemExit(msg)

from setuptools.build_meta import *  # noqa: E402, F403 - its hooks are ours
