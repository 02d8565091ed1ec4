"""The table of rooms: which room may import which, and a reader of imports that holds the code to it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ROOMS = ("theory", "impl", "subjects", "evidence", "claims", "verify", "identify", "diagnose", "reports")
FRAMEWORKS = ("torch", "jax", "flax", "keras", "tensorflow", "transformers", "timm")

# Room -> what it may import of ours ("room" for all of it, "room.module" for one module of it).
ALLOWED: dict[str, tuple[str, ...]] = {
    "theory": (),
    "impl": (),
    "subjects": ("impl",),
    "evidence": ("theory.variates",),
    "claims": ("theory", "subjects", "evidence", "verify.network"),
    "verify": ("theory", "subjects", "evidence", "claims"),
    "identify": ("theory", "subjects", "evidence", "claims", "verify.recording", "verify.session"),
    "diagnose": ("theory", "impl", "subjects", "evidence", "claims", "verify", "identify"),
    "reports": ("claims.verdict", "diagnose.records", "diagnose.watching.records"),
}

# The floors of `theory`, from the ground up: a module imports from its own floor and those below.
FLOORS = ("law", "numerics", "layouts", "variates", "activations", "laws", "catalogue", "networks", "folklore")

# Room -> third-party modules it must not touch, however lazily.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "theory": (*FRAMEWORKS, "random", "numpy.random"),
    "evidence": FRAMEWORKS,
    "claims": FRAMEWORKS,
    "verify": FRAMEWORKS,
    "identify": FRAMEWORKS,
    "reports": (*FRAMEWORKS, "numpy", "scipy"),
}


def violations(room: str, source: str) -> list[str]:
    """The imports in `source`, a module of `room`, that the tables do not allow."""
    return [name for name in _imported(source) if not _allowed(room, name)]


def climbs(floor: str, source: str) -> list[str]:
    """The imports in `source`, a module on that floor of `theory`, that lead upwards."""
    above = FLOORS[FLOORS.index(floor) + 1 :]
    return [n for n in _imported(source) if any(_within(n, f"varlaw.theory.{f}") for f in above)]


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _allowed(room: str, name: str) -> bool:
    if any(_within(name, banned) for banned in FORBIDDEN.get(room, ())):
        return False
    top, _, rest = name.partition(".")
    if top in ROOMS:
        return False  # rooms install as varlaw.<room> and must never be found bare
    if top != "varlaw" or rest.split(".")[0] not in ROOMS or rest.split(".")[0] == room:
        return True
    return any(_within(rest, permitted) for permitted in ALLOWED[room])


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")
