"""Laws as they are written: `0.5*he_normal(fan_in)` says the law first and then what it is multiplied by."""

import ast
from dataclasses import fields, is_dataclass
from typing import Any

_NUMBERS = ("sqrt", "min", "max", "fan")  # functions that give numbers, and no law


def text_of(law: object) -> str:
    """The text of a law, which begins with the name of its family.

    >>> text_of("sqrt(2)/3*glorot_normal(64, 48)/4")
    'glorot_normal(64, 48) * (sqrt(2) / 3) / 4'
    """
    if not isinstance(law, str):
        return _called(law)
    try:
        tree = ast.parse(law.strip(), mode="eval").body
    except SyntaxError:  # said where the law is asked
        return law
    return _ordered(tree) if isinstance(tree, ast.BinOp) else law


def _called(law: Any) -> str:
    """The call that makes a law, its arguments as plain numbers, whichever of NumPy's they are."""
    if not is_dataclass(law) or isinstance(law, type):
        return repr(law.tolist() if hasattr(law, "tolist") else law)
    values = {f.name.removeprefix("parent_"): getattr(law, f.name) for f in fields(law)}
    if getattr(law, "parent_mean", None) == 0:
        del values["mean"]  # a truncated law about 0 has the name that it always had
    return f"{type(law).__name__}({', '.join(f'{name}={_called(value)}' for name, value in values.items())})"


def _ordered(tree: ast.expr) -> str:
    if not isinstance(tree, ast.BinOp) or not isinstance(tree.op, ast.Mult | ast.Div):
        return ast.unparse(tree)
    if isinstance(tree.op, ast.Mult) and _is_law(tree.right):
        return f"{_ordered(tree.right)} * ({ast.unparse(tree.left)})"
    sign = "*" if isinstance(tree.op, ast.Mult) else "/"
    right = ast.unparse(tree.right)
    return f"{_ordered(tree.left)} {sign} {f'({right})' if isinstance(tree.right, ast.BinOp) else right}"


def _is_law(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id not in _NUMBERS
