"""Options kept in pyproject.toml: `[tool.varlaw.verify]` holds those of `varlaw verify`, by their long names.

An option on the command line goes before the environment (`VARLAW_VERIFY_POLICY`), that before the file, and the file
before the built-in default. The nearest pyproject.toml counts, from the current directory upwards to the root of the
repository or the home folder. Whoever wrote it need not be who runs the verb: it names files to write below its own
folder only, and no such file, nor where to decide, in a parent folder outside of a repository and of the home.
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from varlaw.commands.failure import Failure

PREFIX = "VARLAW"


def find() -> Path | None:
    """The nearest pyproject.toml, from here up to where the project ends."""
    return next((path for folder in _folders() if (path := folder / "pyproject.toml").is_file()), None)


def _folders() -> list[Path]:
    """Here and what it lies in, as far as the root of the repository or the home folder, where one of them holds it."""
    try:
        here = Path.cwd()
    except OSError:  # the folder was removed under us
        return []
    folders = [here, *here.parents]
    end = next((k for k, folder in enumerate(folders, 1) if _ends(folder)), len(folders))
    return folders[:end]


def _ends(folder: Path) -> bool:
    home = os.path.realpath(os.path.expanduser("~"))  # noqa: PTH111 - stays "~" where there is none
    return (folder / ".git").exists() or str(folder) == home


def _is_ours(path: Path) -> bool:
    """Whether a file lies here, or is the user's or the system's in the repository around here or the home folder."""
    folders = _folders()
    owners = (0, os.geteuid()) if hasattr(os, "geteuid") else (path.stat().st_uid,)
    return path.parent == folders[0] or (_ends(folders[-1]) and path.stat().st_uid in owners)


def options(group: click.Group) -> dict[str, Any]:
    """The defaults that the file gives for the verbs of `group`, by the names of click's parameters.

    Raises `Failure` 2, in one line, for a file that is not TOML and for verbs and options that there are not.
    """
    path, tables = declared()
    if path is None:
        return {}
    verbs = {name: table for name, table in tables.items() if name not in _PLACES}
    return _checked(verbs, group, "tool.varlaw", path)


def declared() -> tuple[Path | None, Mapping[str, Any]]:
    """The nearest file with its tables of ours; rows and deviations that it names are in use from now on."""
    path = find()
    if path is None:
        return None, {}
    try:
        whole = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{path} cannot be read: {error}"
        raise Failure(msg, 2) from error
    tables = _table(_table(whole.get("tool", {}), "tool", path).get("varlaw", {}), "tool.varlaw", path)
    if _is_ours(path):  # what is named there is run
        put_to_use(tables, path)
    return path, tables


_PLACES = ("subjects", "deviations")


def put_to_use(tables: Mapping[str, Any], path: Path) -> None:
    """Count the rows and the deviations that a file names, by files from its folder or modules, among those in use."""
    for name in _PLACES:
        listed = tables.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            msg = f"{path}: [tool.varlaw] {name} = {printed(listed)}, but should be a list of files or modules"
            raise Failure(msg, 2)
        if listed:
            from varlaw.subjects import sources

            where = sources.IN_USE if name == "subjects" else sources.DEVIATIONS
            for one in listed:
                sources.use(str(path.parent / one) if one.endswith((".py", ".toml")) else one, where)


def _checked(tables: Any, group: click.Group, place: str, path: Path) -> dict[str, Any]:
    context = click.Context(group)
    known: dict[str, Any] = {}
    for name, table in _table(tables, place, path).items():
        command = group.get_command(context, name)
        if command is None:
            raise _unknown(path, place, name, group.list_commands(context))
        inside = f"{place}.{name}"
        if isinstance(command, click.Group):
            known[name] = _checked(table, command, inside, path)
            continue
        names = {long_name(p): p for p in kept_in_file(command)}
        wrong = next((key for key in _table(table, inside, path) if key not in names), None)
        if wrong is not None:
            raise _unknown(path, inside, wrong, names)
        for key, value in table.items():
            _check_value(names[key], value, f"{path}: [{inside}] {key}")
        left_out = _left_out(table, inside, path)
        allowed = {key: value for key, value in table.items() if key not in left_out}
        known[name] = {str(names[key].name): _several(names[key], value) for key, value in allowed.items()}
        known[name][_LEFT_OUT] = left_out
    return known


# Options that name a file to write, or another place to decide in.
_WRITTEN, _ELSEWHERE = ("json", "report", "ledger", "cache", "output"), ("dask",)
_LEFT_OUT = "left out"  # no option's name


def _left_out(table: Mapping[str, Any], place: str, path: Path) -> list[str]:
    """The options that a file may not give from where it lies; `Failure` 2 for one to write outside of its folder."""
    if not _is_ours(path):
        return [key for key in table if key in (*_WRITTEN, *_ELSEWHERE)]
    for key in _WRITTEN:
        named = table.get(key)
        if isinstance(named, str) and not Path(named).resolve().is_relative_to(path.parent.resolve()):
            wanted = f"should name a file below {path.parent}; the command line may name others"
            msg = f"{path}: [{place}] has {key}={named!r}, but {wanted}"
            raise Failure(msg, 2)
    return []


def told(context: click.Context) -> str:
    """Which options of a verb hold because a file gives them, and which it may not give; "" where it gives none."""
    sources = {p: context.get_parameter_source(str(p.name)) for p in context.command.params}
    given = ", ".join(long_name(p) for p, source in sources.items() if source is ParameterSource.DEFAULT_MAP)
    left_out = ", ".join((context.default_map or {}).get(_LEFT_OUT, ()))
    holds = f"{find()} gives {given}" if given else ""
    stranger = f"{find()} lies outside of this project and gives no {left_out}" if left_out else ""
    return "; ".join(filter(None, (holds, stranger)))


def kept_in_file(command: click.Command) -> list[click.Parameter]:
    """The parameters that a file may give: options, and arguments of which there may be none."""
    return [p for p in command.params if isinstance(p, click.Option) or not p.required]


def _check_value(parameter: click.Parameter, value: Any, where: str) -> None:
    """Refuse a value of another type than the option's; what else is wrong with it the option says itself."""
    wanted: type = str
    if isinstance(parameter, click.Option) and parameter.is_flag:
        wanted = bool
    elif isinstance(parameter.type, click.types.IntParamType) or getattr(parameter, "count", False):
        wanted = int
    several = _repeated(parameter) and isinstance(value, list)
    if not all(type(one) is wanted and "\0" not in str(one) for one in (value if several else [value])):
        words = {str: "text without zero bytes", bool: "true or false", int: "a whole number"}[wanted]
        msg = (
            f"{where} = {printed(value)}, but should be {words}{', or a list of such' if _repeated(parameter) else ''}"
        )
        raise Failure(msg, 2)


def printed(value: Any) -> str:
    """A value as an error prints it: on one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 120 else f"{text[:100]} ..."


def _repeated(parameter: click.Parameter) -> bool:
    return parameter.nargs == -1 or bool(getattr(parameter, "multiple", False))


def _several(parameter: click.Parameter, value: Any) -> Any:
    """One value of an option that may be repeated needs no brackets."""
    return [value] if _repeated(parameter) and isinstance(value, str) else value


def _table(value: Any, place: str, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        msg = f"{path}: [{place}] is {printed(value)}, but should be a table of options"
        raise Failure(msg, 2)
    return value


def _unknown(path: Path, place: str, name: str, known: Any) -> Failure:
    return Failure(f"{path}: [{place}] has {name!r}, but should have only {', '.join(known)}", 2)


def long_name(parameter: click.Parameter) -> str:
    """What a parameter is called in the file: its long option without dashes, or an argument's name."""
    long = next((word for word in parameter.opts if word.startswith("--")), str(parameter.name))
    return long.removeprefix("--")


def merged(context: click.Context, group: click.Group, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Every option of every verb below `group`: its place, its value, and where that comes from."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        inner = click.Context(command, parent=context, info_name=name)
        if isinstance(command, click.Group):
            yield from merged(inner, command, f"{prefix}{name}.")
            continue
        for parameter in kept_in_file(command):
            yield (f"{prefix}{name}.{long_name(parameter)}", *_origin(parameter, inner))


def _origin(parameter: click.Parameter, context: click.Context) -> tuple[Any, str]:
    given = parameter.value_from_envvar(context)
    if given is not None:
        return given, "environment"
    kept = (context.default_map or {}).get(str(parameter.name))
    if kept is not None:
        return kept, str(find())
    return parameter.to_info_dict().get("default"), "default"
