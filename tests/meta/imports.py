"""The table of rooms: which room may import which, and a reader of imports that holds the code to it.

The reader sees `import` statements wherever they stand, what `importlib.import_module` is given, and strings that name
a module of a room or something in it: "varlaw.subjects.torch", "varlaw.commands.verify:verify".
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from varlaw.subjects import registry

ROOT = Path(__file__).resolve().parents[2]

ROOMS = ("theory", "impl", "subjects", "evidence", "claims", "verify", "identify", "diagnose", "reports")
FRAMEWORKS = tuple(sorted(registry.FRAMEWORKS))

# Room -> what it may import of ours ("room" for all of it, "room.module" for one module of it).
ALLOWED: dict[str, tuple[str, ...]] = {
    "theory": (),
    "impl": (),
    "subjects": ("impl",),
    "evidence": ("theory.variates",),
    "claims": ("theory", "subjects", "evidence"),
    "verify": ("theory", "subjects", "evidence", "claims"),
    "identify": ("theory", "subjects", "evidence", "claims"),
    "diagnose": ("theory", "impl", "subjects", "evidence", "claims", "verify", "identify"),
    "reports": (
        "claims.verdict",
        "identify.records",
        "diagnose.records",
        "diagnose.watching.records",
        "diagnose.advising.records",
        "theory.domain",
        "theory.law",
    ),
}

# The floors of `theory`, from the ground up: a module imports from its own floor and those below.
FLOORS = (
    "notebook", "domain", "law", "numerics", "layouts", "variates", "activations", "laws", "catalogue", "networks",
    "folklore", "lookup",
)  # fmt: skip

# Room -> third-party modules it must not touch, however lazily.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "theory": (*FRAMEWORKS, "random", "numpy.random"),
    "evidence": FRAMEWORKS,
    "claims": FRAMEWORKS,
    "verify": FRAMEWORKS,
    "identify": FRAMEWORKS,
    "reports": (*FRAMEWORKS, "numpy", "scipy"),
}

# Scripts that are data: findings for people to run, each of which imports its framework. No module imports them.
SCRIPTS = "verify/deviations/reproductions"

UNREADABLE = "import_module of an f-string"  # it hides what is imported: rooms write their imports out

_MODULE = re.compile(r"(?P<module>[A-Za-z_]\w*(\.\w+)*)(?P<name>:\w+)?")


def modules(room: str) -> dict[str, str]:
    """Name -> source of every module of a room, as it is installed: varlaw.<room>.<module>."""
    paths = [path.relative_to(ROOT) for path in sorted((ROOT / room).rglob("*.py"))]
    return {
        f"varlaw.{'.'.join(path.with_suffix('').parts).removesuffix('.__init__')}": (ROOT / path).read_text("utf-8")
        for path in paths
        if not path.is_relative_to(SCRIPTS)
    }


def violations(room: str, source: str) -> list[str]:
    """The imports in `source`, a module of `room`, that the tables do not allow."""
    return [name for name in imported(source) if not _allowed(room, name)]


def climbs(floor: str, source: str) -> list[str]:
    """The imports in `source`, a module on that floor of `theory`, that lead upwards."""
    above = FLOORS[FLOORS.index(floor) + 1 :]
    return [n for n in imported(source) if any(_within(n, f"varlaw.theory.{f}") for f in above)]


def imported(source: str) -> Iterator[str]:
    """What a module imports, at its top, lazily, for its types, or through a string."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call):
            yield from _called(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _named(node.value)


def _called(node: ast.Call) -> Iterator[str]:
    """The module that `importlib.import_module` or `__import__` is given; `UNREADABLE` where it may be one of ours."""
    function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if function not in ("import_module", "__import__") or not node.args:
        return
    given = node.args[0]
    if isinstance(given, ast.JoinedStr):
        head = given.values[0].value if isinstance(given.values[0], ast.Constant) else ""
        ours = "." not in str(head) or _within(str(head).rstrip("."), "varlaw")
        yield UNREADABLE if ours else str(head).rpartition(".")[0]
    elif isinstance(given, ast.Constant):
        yield str(given.value)


def _named(text: str) -> Iterator[str]:
    """The module that a string names: one of a room, or "module:name" of anything."""
    found = _MODULE.fullmatch(text)
    if found and (found["name"] or any(_within(found["module"], f"varlaw.{room}") for room in ROOMS)):
        yield found["module"]


def _allowed(room: str, name: str) -> bool:
    if name == UNREADABLE or any(_within(name, banned) for banned in FORBIDDEN.get(room, ())):
        return False
    top, _, rest = name.partition(".")
    if top in ROOMS:
        return False  # rooms install as varlaw.<room> and must never be found bare
    if top != "varlaw" or rest.split(".")[0] not in ROOMS or rest.split(".")[0] == room:
        return True
    return any(_within(rest, permitted) for permitted in ALLOWED[room])


def _within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def circles(sources: Mapping[str, str]) -> list[list[str]]:
    """The groups of modules each of which reaches the others by imports: there should be none."""
    arrows = {name: _arrows(name, source, sources) for name, source in sources.items()}
    reached = {name: _reached(name, arrows) for name in arrows}
    groups = {tuple(sorted(n for n in reached[name] if name in reached[n])) for name in arrows if name in reached[name]}
    return [list(group) for group in sorted(groups)]


def _arrows(name: str, source: str, sources: Mapping[str, str]) -> set[str]:
    found = (n if n in sources else n.rpartition(".")[0] for n in imported(source))
    return {n for n in found if n in sources and n != name}


def _reached(start: str, arrows: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = set(arrows[start])
    while ahead:
        one = ahead.pop()
        found.add(one)
        ahead |= arrows[one] - found
    return found
