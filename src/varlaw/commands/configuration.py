"""Options kept in pyproject.toml: `[tool.varlaw.verify]` holds those of `varlaw verify`, by their long names.

An option on the command line goes before the environment (`VARLAW_VERIFY_POLICY`), that before the file, and the file
before the built-in default. The nearest pyproject.toml counts, from the current directory upwards.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from varlaw.commands.failure import Failure

PREFIX = "VARLAW"


def find() -> Path | None:
    """The nearest pyproject.toml, from here upwards."""
    here = Path.cwd()
    return next((p for folder in (here, *here.parents) if (p := folder / "pyproject.toml").is_file()), None)


def options(group: click.Group) -> dict[str, Any]:
    """The defaults that the file gives for the verbs of `group`, by the names of click's parameters.

    Raises `Failure` 2, in one line, for a file that is not TOML and for verbs and options that there are not.
    """
    path = find()
    if path is None:
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("varlaw", {})
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read: {error}"
        raise Failure(msg, 2) from error
    return _checked(tables, group, "tool.varlaw", path)


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
        known[name] = {str(names[key].name): _several(names[key], value) for key, value in table.items()}
    return known


def kept_in_file(command: click.Command) -> list[click.Parameter]:
    """The parameters that a file may give: options, and arguments of which there may be none."""
    return [p for p in command.params if isinstance(p, click.Option) or not p.required]


def _several(parameter: click.Parameter, value: Any) -> Any:
    """One value of an option that may be repeated needs no brackets."""
    repeated = parameter.nargs == -1 or getattr(parameter, "multiple", False)
    return [value] if repeated and isinstance(value, str) else value


def _table(value: Any, place: str, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        msg = f"{path}: [{place}] is {value!r}, but should be a table of options"
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
