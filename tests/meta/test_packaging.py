"""Rooms install as `varlaw.<room>` and never bare; importing is light; every docstring example runs."""

import doctest
import importlib
import pkgutil
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import varlaw

from .imports import ROOMS, ROOT

_PACKAGE = ROOT / "src" / "varlaw"


def test_links_are_exactly_the_rooms() -> None:
    links = {path.name: path.readlink() for path in _PACKAGE.iterdir() if path.is_symlink()}
    assert links == {room: Path("../..") / room for room in ROOMS}


def _backend(checkout: Path) -> subprocess.CompletedProcess[str]:
    """What a build sees first: the backend, imported in a process of its own, with a setuptools that has no hooks."""
    stub = checkout.parent / "setuptools"
    stub.mkdir()
    (stub / "__init__.py").touch()
    (stub / "build_meta.py").write_text("built = 1\n")
    places = [str(checkout.parent), str(checkout)]
    code = f"import sys; sys.path[:0] = {places}; import build_backend as backend; print(backend.built)"
    return subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="no checkout to archive")
def test_a_zip_archive_whose_links_are_text_is_not_built(tmp_path: Path) -> None:
    archive = tmp_path / "p.zip"
    subprocess.run(["git", "archive", "--format=zip", "--prefix=p/", "-o", archive, "HEAD"], cwd=ROOT, check=True)
    with zipfile.ZipFile(archive) as whole:  # as pip unpacks it: a link is a file that holds where it points
        whole.extractall(tmp_path)
    assert (tmp_path / "p" / "src" / "varlaw" / "theory").read_text() == "../../theory"
    done = _backend(tmp_path / "p")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("varlaw: nothing was built: src/varlaw/claims is no folder, but should be a link to one (")


def test_a_checkout_with_its_links_or_an_sdist_with_its_folders_is_built(tmp_path: Path) -> None:
    for room in ROOMS:
        (tmp_path / "p" / "src" / "varlaw" / room).mkdir(parents=True)
    shutil.copy(ROOT / "build_backend.py", tmp_path / "p")
    assert _backend(tmp_path / "p").stdout == "1\n"
    (tmp_path / "p" / "src" / "varlaw" / ROOMS[0]).rmdir()
    shutil.rmtree(tmp_path / "setuptools")
    assert ROOMS[0] in _backend(tmp_path / "p").stderr


def test_no_room_is_importable_bare() -> None:
    assert not set(ROOMS) & set(sys.modules)


def _loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "banned"),
    [
        ("import varlaw", {"numpy", "scipy", "torch", "rich", "msgspec"}),
        ("import varlaw.cli", {"numpy", "scipy", "torch", "rich"}),
        ("import varlaw.theory; varlaw.theory.LAWS", {"torch", "scipy.stats"}),
        ("import varlaw.evidence.decide", {"torch", "scipy.stats"}),
        ("from varlaw.subjects.registry import select; select(['*'])", {"torch", "scipy.stats"}),
    ],
)
def test_imports_stay_light(statement: str, banned: set[str]) -> None:
    assert not banned & _loaded_by(statement)


def test_the_light_import_test_can_fail() -> None:
    assert "json" in _loaded_by("import json")


def _modules() -> list[str]:
    found = pkgutil.walk_packages([str(_PACKAGE)], prefix="varlaw.")
    return sorted(m.name for m in found if not m.name.endswith("__main__"))


def test_the_walk_reaches_every_room() -> None:
    assert {name.split(".")[1] for name in _modules()} >= set(ROOMS)


def _fails(name: str) -> bool:
    """Whether a module's examples fail; a callback has none without the library that it is for."""
    if name.startswith("varlaw.diagnose.callbacks.") and not find_spec(name.rpartition(".")[2]):
        return False
    return doctest.testmod(importlib.import_module(name)).failed > 0


@pytest.mark.parametrize("room", sorted({name.split(".")[1] for name in _modules()}))
def test_docstring_examples_run(room: str) -> None:
    assert [name for name in _modules() if name.split(".")[1] == room and _fails(name)] == []


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "varlaw", "--version"]
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"varlaw {varlaw.__version__}\n"
    )


def test_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert varlaw.__version__ == version("varlaw")


def test_the_files_that_take_long_are_there() -> None:
    from tests.conftest import THOROUGH

    root = Path(__file__).parents[2]
    assert [name for name in sorted(THOROUGH) if not (root / name).is_file()] == []
