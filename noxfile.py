"""Every task of this repository as a nox session; dependencies are read from pyproject.toml, versions from constraints.

`nox` runs the quick ones that need no GPU; `nox --list` shows all.
"""

import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import nox

nox.needs_version = ">=2024.10.9"
nox.options.error_on_external_run = True
nox.options.reuse_existing_virtualenvs = True

PYPROJECT = nox.project.load_toml("pyproject.toml")
CONSTRAINTS = "constraints/ci.txt"
PYTHONS = ("3.11", "3.12", "3.13")  # from the oldest that is allowed to the newest to be had
LATEST = Path("reports/latest")
AXE = "axe-core@4.14.1"

# The programs that XLA compiles, one for each shape of each operation, are kept for the tests, the sweep and the next
# session: to load one costs a fifth of compiling it.
COMPILED = {
    "JAX_COMPILATION_CACHE_DIR": str(Path(".nox/compiled").resolve()),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}

# The frameworks under test: one table for the registry, the tests, the guide and here.
TABLE = nox.project.load_toml("subjects/frameworks.toml")


class Check(NamedTuple):
    """What one session of `frameworks` checks, where, and with which tests of its own."""

    group: str  # of dependencies, and the name of its constraints
    prefixes: list[str]
    env: dict[str, str]
    tests: list[str]
    tags: list[str]


def checks() -> dict[str, Check]:
    """The sessions of `frameworks` by name."""
    found: dict[str, Check] = {}
    for name, row in TABLE.items():
        for backend in row.get("backends", [""]):
            session = row.get("session", f"{name}-{backend}" if backend else name)
            env = COMPILED | ({row["variable"]: backend} if backend else {})
            tags = ["ci"] if session in row.get("ci", []) else []
            check = found.setdefault(session, Check(row.get("environment", name), [], env, [], tags))
            check.prefixes.append(name)
            check.tests.extend(row.get("tests", []))
    return found


CHECKS = checks()

# The versions whose recorded defaults are committed -> the framework, and the versions of what it stands on.
BASELINES = {
    f"{name}-{version}": (name, beside) for name, row in TABLE.items() for version, beside in row["baselines"].items()
}


def pins(group: str) -> str:
    """The constraints of a framework's environment."""
    return CONSTRAINTS if group == "torch" else f"constraints/{group}.txt"


def in_order(path: Path) -> tuple[str, list[int]]:
    """Sorts baselines as people count: torch-2.6.0 before torch-2.13.0."""
    name, _, version = path.stem.rpartition("-")
    return name, [int(part) for part in version.split(".") if part.isdigit()]


def install(session: nox.Session, *extras: str, groups: tuple[str, ...] = (), editable: bool = True) -> None:
    """Install this package with its extras and dependency groups, at the versions that CI verifies."""
    requirements = [r for group in groups for r in nox.project.dependency_groups(PYPROJECT, group)]
    package = f".[{','.join(extras)}]" if extras else "."
    session.install("-c", CONSTRAINTS, *(["-e"] if editable else []), package, *requirements)


def built_wheel(session: nox.Session) -> Path:
    """A wheel of a clone of what is committed, so that nothing else that lies here is in it."""
    folder = Path(session.create_tmp())
    shutil.rmtree(folder / "clone", ignore_errors=True)
    session.run("git", "clone", "--quiet", ".", str(folder / "clone"), external=True, log=False)
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), str(folder / "clone"))
    return next(folder.glob("*.whl"))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests that take two minutes together, on all cores; `-- --all` runs every test."""
    run_tests(session)


@nox.session(default=False, tags=["ci"])
def thorough(session: nox.Session) -> None:
    """Run every test, as CI does."""
    run_tests(session, "--all")


def run_tests(session: nox.Session, *options: str) -> None:
    """Run pytest in an environment with all that the tests need."""
    install(session, "torch", "charts", "dask", groups=("test",))
    # A worker for each core leaves none for threads; what CI searches is the same in every run.
    env = {"OMP_NUM_THREADS": "1", "VARLAW_PROFILE": os.environ.get("VARLAW_PROFILE", "ci")}
    session.run(
        "pytest",
        "-n",
        "auto",
        "--dist",
        "worksteal",
        "--ignore",
        "tests/benchmarks",
        *options,
        *session.posargs,
        env=env,
    )


@nox.session(tags=["ci"])
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install("-c", CONSTRAINTS, *nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session(tags=["ci"])
def typecheck(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "torch", "charts", groups=("typing",))
    session.run("mypy", *session.posargs)


@nox.session
def verify(session: nox.Session) -> None:
    """Check torch and ourselves against the laws and write the report (posargs go to `varlaw verify`)."""
    install(session, "torch", "charts")
    session.run("varlaw", "verify", "--report", str(LATEST), "--json", str(LATEST / "run.json"), *session.posargs)
    session.log(f"report: {(LATEST / 'index.html').resolve()}")


@nox.session(default=False)
@nox.parametrize("name", [nox.param(name, id=name, tags=check.tags) for name, check in CHECKS.items()])
def frameworks(session: nox.Session, name: str) -> None:
    """Check one framework in an environment of its own; posargs go to `varlaw verify` in place of `--dtype float32`."""
    check = CHECKS[name]
    folder = LATEST / name
    requirements = nox.project.dependency_groups(PYPROJECT, check.group, "framework-tests")
    session.install("-c", pins(check.group), "-e", ".[charts]", *requirements)
    files = ("test_coverage.py", "test_defaults.py", "test_quotes.py", *check.tests)
    own = [f"tests/frameworks/{file}" for file in files]
    session.run("pytest", "-q", *own, "tests/docs/test_generated.py", env=check.env)
    targets = [f"{prefix}.*" for prefix in check.prefixes]
    outputs = ("--report", str(folder), "--json", str(folder / "run.json"))
    options = session.posargs or ("--dtype", "float32", "--jobs", "2")
    session.run("varlaw", "verify", *targets, *outputs, *options, env=check.env)
    session.log(f"report: {(folder / 'index.html').resolve()}")


@nox.session(default=False)
def lightning(session: nox.Session) -> None:
    """Test the callback of Lightning in an environment of its own."""
    install(session, groups=("lightning", "framework-tests"))
    session.run("pytest", "-q", "tests/frameworks/test_callbacks_lightning.py")


@nox.session(default=False)
@nox.parametrize("file", list(BASELINES), ids=list(BASELINES))
def baseline(session: nox.Session, file: str) -> None:
    """Record one version's defaults, to hold against another's: `nox -s "baseline(keras-3.12.0)"`."""
    name, beside = BASELINES[file]
    row, version = TABLE[name], file.removeprefix(f"{name}-")
    group = row.get("environment", name)
    wanted = [f"{row.get('package', name)}=={version}", *beside]
    chosen = {requirement.partition("==")[0] for requirement in wanted}
    lines = Path(pins(group)).read_text(encoding="utf-8").splitlines()
    constraints = Path(session.create_tmp()) / "constraints.txt"
    constraints.write_text("\n".join(n for n in lines if n.partition("==")[0] not in chosen), encoding="utf-8")
    beside_it = () if group == "jax" else nox.project.dependency_groups(PYPROJECT, group)
    session.install("-c", str(constraints), "-e", ".", *beside_it, *wanted)
    path = Path(f"reports/baselines/{file}.json")
    subjects = json.loads(path.read_text(encoding="utf-8"))["target"].split() if path.exists() else [name]
    env = {row["variable"]: row["backends"][0]} if "variable" in row else {}
    session.run("varlaw", "baseline", "record", *subjects, "-o", str(path), env=env)


@nox.session(default=False)
@nox.parametrize("name", list(CHECKS), ids=list(CHECKS))
def deviations(session: nox.Session, name: str) -> None:
    """Measure again how large the documented deviations without a ratio are; posargs go to tests/meta/sizes.py."""
    check = CHECKS[name]
    session.install("-c", pins(check.group), "-e", ".", *nox.project.dependency_groups(PYPROJECT, check.group))
    recorded = str(LATEST / "sizes")
    for framework in check.prefixes:
        options = session.posargs or ("--name", name)
        session.run("python", "tests/meta/sizes.py", recorded, framework, *options, env=check.env)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure what it costs, as ratios in one run, and show it beside the last run (reports/latest/bench)."""
    install(session, "torch", "charts", groups=("bench",))
    session.run("pytest", "tests/benchmarks", "--benchmark-only", "--benchmark-autosave", *session.posargs)
    saved = sorted(Path(".benchmarks").glob("*/*.json"), key=lambda path: path.stat().st_mtime)[-2:]
    page = LATEST / "bench"
    session.run("varlaw", "report", *(arg for path in saved for arg in ("--benchmarks", str(path))), "-o", str(page))


@nox.session(default=False)
def power(session: nox.Session) -> None:
    """Measure what the engine finds, after how many samples, and at what risk; fails when it breaks a promise."""
    install(session, "torch", groups=("test",))
    folder, *options = session.posargs or [str(LATEST / "power")]
    session.run("python", "tests/meta/power.py", folder, *options)
    alone = {"OMP_NUM_THREADS": "1"}
    session.run("python", "tests/meta/calibration.py", folder, "--jobs", "2", env=alone)


@nox.session(default=False)
def alarms(session: nox.Session) -> None:
    """Decide a million lawful samplers and count the false alarms; resumes where it was killed (hours on one core).

    Then a million healthy training steps, with a table of delays: it writes docs/reference-watch.md.
    """
    install(session, "torch", groups=("test",))
    folder = LATEST / "alarms"
    alone = {"OMP_NUM_THREADS": "1"}
    session.run("python", "tests/meta/alarms.py", str(folder), "--jobs", "2", *session.posargs, env=alone)
    session.run("python", "tests/meta/watch_alarms.py", "docs/reference-watch.md", "--jobs", "2", env=alone)


@nox.session(default=False)
def accuracy(session: nox.Session) -> None:
    """Measure every law against 40 digits; table in docs/_generated, or in the folder given."""
    install(session, groups=("test",))
    session.run("python", "-m", "tests.theory.accuracy", *session.posargs)


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build the sdist, the wheel from it, and compare what they hold with the rooms."""
    session.install("-c", CONSTRAINTS, *nox.project.dependency_groups(PYPROJECT, "build"))
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--quiet")
    session.run("python", "tests/meta/distribution.py", "dist")


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Build and check what would be published; `-- --publish` uploads it, from a clean and tagged commit."""
    session.install("-c", CONSTRAINTS, *nox.project.dependency_groups(PYPROJECT, "release"))
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--quiet")
    session.run("python", "tests/meta/distribution.py", "dist")
    files = sorted(map(str, Path("dist").iterdir()))
    session.run("twine", "check", "--strict", *files)
    session.install("--force-reinstall", "-c", CONSTRAINTS, *(f for f in files if f.endswith(".whl")), "pytest")
    session.run("python", "tests/meta/installed.py", "")
    problems = unreleasable(session, f"v{PYPROJECT['project']['version']}")
    if "--publish" not in session.posargs:
        session.log(f"would publish {', '.join(files)}; in the way: {'; '.join(problems) or 'nothing'}")
    elif problems:
        session.error(f"not published: {'; '.join(problems)}")
    else:
        session.run("twine", "upload", *files)


def unreleasable(session: nox.Session, tag: str) -> list[str]:
    """What stands in the way of a release under a tag."""
    changed = session.run("git", "status", "--porcelain", external=True, silent=True)
    tags = str(session.run("git", "tag", "--points-at", "HEAD", external=True, silent=True)).split()
    heading = f"## {tag.removeprefix('v')}"
    told = any(line.startswith(heading) for line in Path("CHANGELOG.md").read_text(encoding="utf-8").splitlines())
    found = {
        "files are changed": bool(changed),
        f"the commit has no tag {tag}": tag not in tags,
        f"CHANGELOG.md has no heading {heading!r}": not told,
    }
    return [problem for problem, there in found.items() if there]


@nox.session(default=False, python=PYTHONS)
@nox.parametrize("extras", ["", "torch"], ids=["core", "torch"])
def wheel(session: nox.Session, extras: str) -> None:
    """Build a wheel from what is committed, install it alone, and run every verb from an empty folder."""
    built = built_wheel(session)
    session.install(f"{built}[{extras}]" if extras else str(built), "pytest", "--constraint", CONSTRAINTS)
    session.run("python", "tests/meta/installed.py", extras)


@nox.session(default=False, python=PYTHONS[0])
@nox.parametrize("extras", ["", "torch"], ids=["core", "torch"])
def lowest(session: nox.Session, extras: str) -> None:
    """The same at the lowest versions that pyproject.toml allows, to which all others are newer."""
    project = PYPROJECT["project"]
    allowed = project["dependencies"] + (project["optional-dependencies"][extras] if extras else [])
    session.install(str(built_wheel(session)), "pytest", *(requirement.replace(">=", "==") for requirement in allowed))
    session.run("python", "tests/meta/installed.py", extras)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build/html; warnings are errors."""
    install(session, "torch", "charts", groups=("docs",))
    session.run("sphinx-build", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html", *session.posargs)
    session.log(f"documentation: {Path('docs/_build/html/index.html').resolve()}")


@nox.session(default=False)
def report(session: nox.Session) -> None:
    """Build the site from what the last `nox -s verify` and `bench` left, and the defaults recorded."""
    records, site = LATEST / "run.json", LATEST / "site"
    if not records.exists():
        session.error(f"{records} is not there: run `nox -s verify` first")
    install(session, "charts")
    recorded = sorted(Path("reports/baselines").glob("*.json"), key=in_order)
    saved = sorted(Path(".benchmarks").glob("*/*.json"), key=lambda path: path.stat().st_mtime)[-2:]
    pages = [("--baseline", path) for path in recorded] + [("--benchmarks", path) for path in saved]
    options = [str(word) for pair in pages for word in pair]
    session.run("varlaw", "report", str(records), "-o", str(site), *options, *session.posargs)
    session.log(f"site: {(site / 'index.html').resolve()}")


@nox.session(default=False)
def browser(session: nox.Session) -> None:
    """Open reports and built documentation in a real browser, with axe-core; fetches it and chromium where missing."""
    install(session, "charts", groups=("test",))
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        root = [] if getattr(os, "geteuid", lambda: 0)() == 0 else ["sudo"]
        session.run(*root, "apt-get", "update", "-qq", external=True)
        session.run(*root, "apt-get", "install", "-y", "--no-install-recommends", "chromium", external=True)
    folder = Path(session.create_tmp())
    session.run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), AXE, external=True)
    axe = folder / "node_modules" / "axe-core" / "axe.min.js"
    files = ("tests/reports/test_browser.py", "tests/docs/test_pages.py")
    session.run("pytest", *files, *session.posargs, env={"VARLAW_AXE": str(axe)})


@nox.session(default=False)
def gpu(session: nox.Session) -> None:
    """Run the same claims and the GPU tests on a real CUDA device; says so and stops where there is none."""
    install(session, "torch", "charts", groups=("test",))
    found = session.run("python", "-c", "import torch; print(torch.cuda.is_available())", silent=True)
    if "True" not in str(found):
        session.skip("no CUDA device here")
    session.run("pytest", "-m", "gpu", *session.posargs)
    session.run("varlaw", "verify", "torch.*", "varlaw.torch.*", "--device", "cuda", "--report", str(LATEST))
