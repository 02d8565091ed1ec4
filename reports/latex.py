"""A law's formula, ASCII Python, as LaTeX: the formula that a test evaluates is the only one there is.

What mathematics has no sign for (a search for a root, a table, a loop with a condition) is left as it is.
"""

import ast
import re
from collections.abc import Callable, Sequence
from typing import Final

_PRECEDENCE: Final = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.Mod: 2, ast.Div: 2, ast.FloorDiv: 2, ast.Pow: 4}
_NEGATION, _ATOM, _TERM = 3, 9, 2
_COMPARED: Final = {ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge", ast.Eq: "=", ast.NotEq: r"\ne"}
_SYMBOLS: Final = {"pi": r"\pi", "inf": r"\infty", "euler": r"\gamma_{\mathrm{E}}", "eps": r"\varepsilon"}
_NAMED: Final = {  # written before their argument
    "log": r"\ln", "exp": r"\exp", "sin": r"\sin", "cos": r"\cos", "sinh": r"\sinh", "acos": r"\arccos",
    "asin": r"\arcsin", "min": r"\min", "max": r"\max", "gamma": r"\Gamma", "Phi": r"\Phi", "pdf": r"\varphi",
    "npdf": r"\varphi", "loggamma": r"\ln\Gamma",
}  # fmt: skip
_PLAIN: Final = ("mpf", "float", "int")  # change how a number is held, not its value

Written = tuple[str, int]  # LaTeX, and how closely its last step binds


class Unwritten(ValueError):
    """A formula with a construct that no rule here writes."""


def formula(text: str) -> str:
    r"""A formula as LaTeX; "" where it holds something that mathematics has no sign for.

    >>> formula("gain**2 / fan_in")
    '\\frac{\\mathrm{gain}^{2}}{\\mathrm{fan\\_in}}'
    >>> formula("E(lambda z: phi(activation, sqrt(q) * z)**2)")
    '\\mathbb{E}\\left[\\phi\\left(\\sqrt{q} \\, z\\right)^{2}\\right]'
    """
    try:
        return _write(ast.parse(text, mode="eval").body)[0]
    except (Unwritten, SyntaxError):
        return ""


def escaped(text: str) -> str:
    """Text as LaTeX shows it."""
    return re.sub(r"([_^{}&%#$\\])", lambda m: rf"\{m[1]}" if m[1] not in "^\\" else m[1], text)


def _write(node: ast.expr) -> Written:
    for kind, rule in _RULES.items():
        if isinstance(node, kind):
            return rule(node)
    raise Unwritten(ast.dump(node)[:80])


def _text(node: ast.expr) -> str:
    return _write(node)[0]


def _within(node: ast.expr, least: int) -> str:
    """A part of an expression, in brackets where it binds less closely than what it stands in."""
    shown, binds = _write(node)
    return shown if binds >= least else rf"\left({shown}\right)"


def _name(node: ast.Name) -> Written:
    if node.id in _SYMBOLS:
        return _SYMBOLS[node.id], _ATOM
    return (node.id if len(node.id) == 1 else rf"\mathrm{{{escaped(node.id)}}}"), _ATOM


def _constant(node: ast.Constant) -> Written:
    if isinstance(node.value, str):
        return rf"\text{{{escaped(node.value)}}}", _ATOM
    return f"{node.value:g}" if isinstance(node.value, float) else str(node.value), _ATOM


def _binary(node: ast.BinOp) -> Written:
    kind = type(node.op)
    if kind is ast.Div:
        return rf"\frac{{{_text(node.left)}}}{{{_text(node.right)}}}", _NEGATION
    if kind is ast.FloorDiv:
        return rf"\left\lfloor\frac{{{_text(node.left)}}}{{{_text(node.right)}}}\right\rfloor", _ATOM
    if kind is ast.Pow:
        return f"{_within(node.left, _ATOM)}^{{{_text(node.right)}}}", _PRECEDENCE[kind]
    binds = _PRECEDENCE.get(kind, 0)
    sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: r"\,", ast.Mod: r"\bmod"}.get(type(node.op))
    if sign is None:
        raise Unwritten(kind.__name__)
    right = _within(node.right, binds + (kind is not ast.Add and kind is not ast.Mult))
    if kind is ast.Mult and right[0] in "0123456789-":
        sign = r"\cdot"
    return f"{_within(node.left, binds)} {sign} {right}", binds


def _unary(node: ast.UnaryOp) -> Written:
    if not isinstance(node.op, ast.USub):
        raise Unwritten(ast.unparse(node))
    return f"-{_within(node.operand, _TERM)}", 1


def _compare(node: ast.Compare) -> Written:
    shown = _text(node.left)
    for op, right in zip(node.ops, node.comparators, strict=True):
        shown += f" {_COMPARED[type(op)]} {_text(right)}"
    return shown, 0


def _cases(node: ast.IfExp) -> Written:
    rows = rf"{_text(node.body)} & \text{{if }} {_text(node.test)} \\ {_text(node.orelse)} & \text{{otherwise}}"
    return rf"\begin{{cases}}{rows}\end{{cases}}", _ATOM


def _attribute(node: ast.Attribute) -> Written:
    return rf"\mathrm{{{escaped(node.attr)}}}({_text(node.value)})", _ATOM


def _subscripted(node: ast.Subscript) -> Written:
    if ast.unparse(node.value) == "FORMATS":
        return _text(node.slice), _ATOM
    return f"{_text(node.value)}_{{{_text(node.slice)}}}", _ATOM


def _call(node: ast.Call) -> Written:
    name, arguments = ast.unparse(node.func), node.args
    if name in _PLAIN:
        return _write(arguments[0])
    if name in _CALLS:
        return _CALLS[name](arguments)
    inside = r"\left(" + ", ".join(map(_text, arguments)) + r"\right)"
    if name in _NAMED:
        return f"{_NAMED[name]}{inside}", _ATOM
    if not name.isidentifier():
        raise Unwritten(name)
    return rf"\operatorname{{{escaped(name)}}}{inside}", _ATOM


def _function(node: ast.expr) -> ast.Lambda:
    if not isinstance(node, ast.Lambda):
        raise Unwritten(ast.unparse(node))
    return node


def _mean(arguments: Sequence[ast.expr]) -> Written:
    body = _function(arguments[0])
    return rf"\mathbb{{E}}\left[{_text(body.body)}\right]", _ATOM


def _normal_mean(arguments: Sequence[ast.expr]) -> Written:
    body = _function(arguments[0])
    return rf"\mathbb{{E}}_{{{body.args.args[0].arg}}}\left[{_text(body.body)}\right]", _ATOM


def _integral(arguments: Sequence[ast.expr]) -> Written:
    body, ends = _function(arguments[0]), arguments[1]
    if not isinstance(ends, ast.List):
        raise Unwritten(ast.unparse(ends))
    low, high = map(_text, ends.elts)
    return rf"\int_{{{low}}}^{{{high}}} {_text(body.body)} \, d{body.args.args[0].arg}", 1


def _summed(sign: str) -> Callable[[Sequence[ast.expr]], Written]:
    def rule(arguments: Sequence[ast.expr]) -> Written:
        each = arguments[0]
        if isinstance(each, ast.Name):
            return rf"{sign} {_text(each)}", 1
        if not isinstance(each, ast.ListComp | ast.GeneratorExp) or each.generators[0].ifs:
            raise Unwritten(ast.unparse(each))
        over = each.generators[0]
        index, where = _text(over.target), over.iter
        if isinstance(where, ast.Call) and ast.unparse(where.func) == "range":
            start = _text(where.args[0]) if len(where.args) > 1 else "0"
            ends = f"_{{{index}={start}}}^{{{_last(where.args[-1])}}}"
        else:
            ends = rf"_{{{index} \in {_text(where)}}}"
        return rf"{sign}{ends} {_within(each.elt, _TERM)}", 1

    return rule


def _last(stop: ast.expr) -> str:
    """The last index of a range."""
    if isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add) and ast.unparse(stop.right) == "1":
        return _text(stop.left)
    return f"{_text(stop)} - 1"


def _incomplete(arguments: Sequence[ast.expr]) -> Written:
    order, low, high = arguments
    if ast.unparse(high) == "inf":
        return rf"\Gamma\left({_text(order)}, {_text(low)}\right)", _ATOM
    return rf"\gamma\left({_text(order)}, {_text(high)}\right)", _ATOM


def _psi(arguments: Sequence[ast.expr]) -> Written:
    order = ast.unparse(arguments[0])
    return rf"\psi{'' if order == '0' else f'_{{{order}}}'}\left({_text(arguments[1])}\right)", _ATOM


def _brackets(left: str, right: str) -> Callable[[Sequence[ast.expr]], Written]:
    return lambda arguments: (rf"\left{left}{_text(arguments[0])}\right{right}", _ATOM)


_CALLS: Final[dict[str, Callable[[Sequence[ast.expr]], Written]]] = {
    "E": _mean,
    "normal_mean": _normal_mean,
    "quad": _integral,
    "fsum": _summed(r"\sum"),
    "sum": _summed(r"\sum"),
    "fprod": _summed(r"\prod"),
    "gammainc": _incomplete,
    "psi": _psi,
    "sqrt": lambda arguments: (rf"\sqrt{{{_text(arguments[0])}}}", _ATOM),
    "binomial": lambda arguments: (rf"\binom{{{_text(arguments[0])}}}{{{_text(arguments[1])}}}", _ATOM),
    "phi": lambda arguments: (rf"\phi\left({_text(arguments[1])}\right)", _ATOM),
    "slope": lambda arguments: (rf"\phi'\left({_text(arguments[1])}\right)", _ATOM),
    "abs": _brackets("|", "|"),
    "len": _brackets("|", "|"),
    "ceil": _brackets(r"\lceil", r"\rceil"),
    "floor": _brackets(r"\lfloor", r"\rfloor"),
}
_RULES: Final[dict[type[ast.expr], Callable[..., Written]]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.IfExp: _cases,
    ast.Attribute: _attribute,
    ast.Subscript: _subscripted,
    ast.Call: _call,
}
