"""The build backend of setuptools, stopped where a room is not linked into src/varlaw: an empty package helps nobody."""

from pathlib import Path

_ROOMS = ("diagnose", "evidence", "impl", "reports", "subjects", "theory", "verify")
for _room in _ROOMS:
    if not Path(__file__).with_name("src").joinpath("varlaw", _room).is_dir():
        raise SystemExit(
            f"varlaw: nothing was built: src/varlaw/{_room} is no folder, but should be a link to {_room}/, which zip archives"
            " and git with core.symlinks=false turn into a text file; take the tar.gz, or clone with core.symlinks=true"
        )

from setuptools.build_meta import *  # noqa: E402, F403 - its hooks are ours
