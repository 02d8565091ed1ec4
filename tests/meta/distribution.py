"""Compare what the sdist and the wheel hold with the rooms: `python tests/meta/distribution.py dist`."""

import sys
import tarfile
import zipfile
from pathlib import Path

ROOMS = ("theory", "impl", "subjects", "evidence", "claims", "verify", "identify", "diagnose", "reports")
_ROOT = Path(__file__).resolve().parents[2]
_DATA = {".py", ".toml", ".json", ".j2", ".css", ".js", ".html"}


def wanted() -> set[str]:
    """Every file of the rooms and of the face, as the wheel should name it."""
    files = {f"varlaw/{p.relative_to(_ROOT)}" for room in ROOMS for p in (_ROOT / room).rglob("*")}
    files |= {f"varlaw/{p.relative_to(_ROOT / 'src/varlaw')}" for p in (_ROOT / "src/varlaw").rglob("*")}
    ours = {f for f in files if Path(f).suffix in _DATA or f.endswith("py.typed")}
    return {f for f in ours if not f.startswith("varlaw/reports/latest/")}  # a local run's report is nobody's package


def main(folder: Path) -> int:
    """1 and a list when the wheel or the sdist lacks a file or the wheel holds a bare room."""
    wheel = set(zipfile.ZipFile(next(folder.glob("*.whl"))).namelist())
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        sdist = {n.split("/", 1)[-1] for n in archive.getnames()}
    missing = sorted(wanted() - wheel) + sorted(({f"src/{f}" for f in wanted()} | {"build_backend.py"}) - sdist)
    bare = sorted({n.split("/")[0] for n in wheel} & set(ROOMS))
    for name in missing:
        print(f"missing: {name}")
    for name in bare:
        print(f"bare room in the wheel: {name}")
    print(f"{len(wheel)} files in the wheel, {len(sdist)} in the sdist")
    return 1 if missing or bare else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
