"""One word for all code that a verdict stands on: of whatever file changes, another word.

Read are every file of every installed package, of varlaw, and of code of one's own: the packages and files outside of
both from which something is loaded, and what these import, as far as it is written as an import. So a library that is
edited in place, another version of a dependency, or a changed file of rows is another word, and a fresh installation of
the same files the same. Not seen is what code reads from elsewhere when it runs: data, and modules named by a string
that nothing has loaded yet.
"""

import ast
import hashlib
import importlib.machinery
import os
import platform
import site
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from varlaw.subjects import sources
from varlaw.verify import environment

Seen = dict[str, tuple[int, int, int, str]]  # file -> size, times of its last change in ns, digest of its bytes
# Variables that choose among algorithms, by the first word of their names.
_CHOOSING = (
    "CUBLAS",
    "CUDA",
    "JAX",
    "KERAS",
    "KMP",
    "MKL",
    "NVIDIA",
    "OMP",
    "OPENBLAS",
    "PYTORCH",
    "TF",
    "TORCH",
    "XLA",
)
_FRESH = 2_000_000_000  # ns within which a file may change again and its times stay


def fingerprint(memory: Path) -> str:
    """The word; `memory` is a file that keeps what each file's bytes come to, and may be missing or lost.

    A file is read again when its size or one of its times has changed.
    """
    seen, now = _remembered(memory), Seen({})
    whole = hashlib.blake2b(_circumstances().encode(), digest_size=16)
    for root, base in _roots():
        for path in _files(root):
            whole.update(f"{os.path.relpath(path, base)}\0{_digest(path, seen, now)}\0".encode(errors="replace"))
    if now != seen:
        _remember(memory, now)
    return whole.hexdigest()


def _circumstances() -> str:
    """What is no file: interpreter, processor, and the variables that choose among algorithms."""
    chosen = {name: value for name, value in os.environ.items() if name.partition("_")[0] in _CHOOSING}
    machine = sys.version, platform.platform(), environment.cpu(), os.cpu_count(), environment.blas()
    return repr(
        (machine, sorted(chosen.items()), [os.environ.get(p, "") for p in (sources.IN_USE, sources.DEVIATIONS)])
    )


# -- which files -------------------------------------------------------------------------------------------------------


def _roots() -> list[tuple[str, str]]:
    """Folders and files of code, each with the folder that their names are told from."""
    installed = [(folder, folder) for folder in _installed()]
    ours = str(Path(__file__).parents[1])
    return [*installed, (ours, ours), *((str(path), str(path.parent)) for path in sorted(_own()))]


def _installed() -> list[str]:
    """The folders on the path in which packages are installed."""
    usual = {*site.getsitepackages(), site.getusersitepackages(), *map(sysconfig.get_path, ("purelib", "platlib"))}
    known = {os.path.realpath(folder) for folder in usual}
    return [p for p in dict.fromkeys(map(os.path.realpath, sys.path)) if p in known or p.endswith("site-packages")]


def _own() -> set[Path]:
    """Packages and single files that are neither installed nor Python's, from which something is loaded or imported."""
    known = [*_installed(), *(os.path.realpath(sysconfig.get_path(p)) for p in ("stdlib", "platstdlib"))]
    known.append(os.path.realpath(Path(__file__).parents[1]))
    loaded = [m for name, m in list(sys.modules.items()) if name.partition(".")[0] not in ("__main__", "varlaw")]
    files = (getattr(module, "__file__", None) for module in loaded)
    places = [*sources.places(sources.IN_USE), *sources.places(sources.DEVIATIONS)]
    waiting = [Path(f) for f in (*files, *(p for p in places if p.endswith((".py", ".toml")))) if f]
    found: set[Path] = set()
    while waiting:
        root = _root_of(Path(os.path.realpath(waiting.pop())))
        if root in found or not root.exists() or any(root.is_relative_to(folder) for folder in known):
            continue
        found.add(root)
        for file in map(Path, _files(str(root))):
            waiting += _imported(file) if file.suffix == ".py" else []
    return found


def _root_of(file: Path) -> Path:
    """The outermost package that a file lies in, or the file itself."""
    root = file.parent if file.name == "__init__.py" else file
    while (root.parent / "__init__.py").is_file():
        root = root.parent
    return root


def _imported(file: Path) -> list[Path]:
    """The files of the modules that a file imports anywhere; of one that is no Python, none."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    names = {name for node in ast.walk(tree) for name in _named(node)}
    path = [str(file.parent), *sys.path]
    return [place for name in names if name not in sys.stdlib_module_names for place in _places(name, path)]


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.partition(".")[0]


def _places(name: str, path: list[str]) -> list[Path]:
    """Where a module stands, by looking and without importing it: a file, or folders without an `__init__.py`."""
    spec = importlib.machinery.PathFinder.find_spec(name, path)
    if spec is None:
        return []
    folders = list(spec.submodule_search_locations or ())
    return [Path(place) for place in ([spec.origin] if spec.origin else folders)]


# -- their bytes -------------------------------------------------------------------------------------------------------


def _files(root: str) -> Iterator[str]:
    """The files below a folder, in a fixed order; of what installing writes only the names of the distributions."""
    if not os.path.isdir(root):  # noqa: PTH112 - a hundred thousand of these
        yield root
        return
    for folder, inside, files in os.walk(root, followlinks=True):
        inside[:] = sorted(d for d in inside if d != "__pycache__" and not d.startswith("."))
        if folder.endswith(".dist-info"):
            inside.clear()
            files = ["METADATA"] if "METADATA" in files else []
        yield from (f"{folder}/{name}" for name in sorted(files) if not name.endswith(".pyc"))


def _digest(path: str, seen: Seen, now: Seen) -> str:
    try:
        stat = os.stat(path)  # noqa: PTH116
        size, changed, touched = stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
        known = seen.get(path)
        if known and known[:3] == (size, changed, touched):
            now[path] = known
            return known[3]
        with open(path, "rb") as file:  # noqa: PTH123
            found = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as error:
        return f"unreadable: {error.strerror}"
    if max(changed, touched) < time.time_ns() - _FRESH:
        now[path] = (size, changed, touched, found)
    return found


def _remembered(memory: Path) -> Seen:
    try:
        return msgspec.json.decode(memory.read_bytes(), type=Seen)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _remember(memory: Path, now: Seen) -> None:
    """Written beside and then put in place, so that a kill leaves the old one."""
    beside = memory.with_name(f"{memory.name}.{os.getpid()}")
    try:
        beside.write_bytes(msgspec.json.encode(now))
        beside.replace(memory)
    except OSError:
        beside.unlink(missing_ok=True)
