"""equinox: norms, each of one sample and mapped over the rest, and dropout."""

from collections.abc import Callable, Sequence
from typing import Any

from varlaw.subjects import axes
from varlaw.subjects.defaults import constants_of
from varlaw.subjects.equinox.framework import EQUINOX
from varlaw.subjects.jax.norms import imaginary, norm
from varlaw.subjects.norm_rows import Affine, Call
from varlaw.subjects.rows import dropout
from varlaw.subjects.subject import Case, Dropout, Norm

Make = Callable[[Any, Case, Any], Any]  # (equinox.nn, case, dtype) -> layer


def _rows(make: Make, batch: int = 2) -> Call:
    """A norm of one sample, mapped over as many axes as stand before it."""

    def call(x: Any, case: Case) -> Any:
        import equinox as eqx

        return _mapped(make(eqx.nn, case, x.dtype), batch)(x)

    return call


def _weighted(make: Make, batch: int = 2) -> Affine:
    """The same with this weight and, where the norm has one by its law, this bias."""

    def call(x: Any, weight: Any, bias: Any, case: Case) -> Any:
        import equinox as eqx

        layer = make(eqx.nn, case, x.dtype)
        given = (weight, 0 * bias if isinstance(layer, eqx.nn.RMSNorm) else bias)
        return _mapped(eqx.tree_at(lambda norm: (norm.weight, norm.bias), layer, given), batch)(x)

    return call


def _mapped(layer: Any, batch: int) -> Any:
    import jax

    for _ in range(batch):
        layer = jax.vmap(layer)
    return layer


def _batch_norm(mode: str, evaluated: bool = False) -> Call:
    """Running statistics as inference uses them: the average after its correction, if it has one."""

    def call(x: Any, case: Case) -> Any:
        import equinox as eqx
        import jax

        sizes = {**constants_of(case, eps="eps", kept="momentum"), "dtype": x.dtype, "mode": mode}
        layer, state = eqx.nn.make_with_state(eqx.nn.BatchNorm)(case["channels"], "batch", **sizes)
        axes: dict[str, Any] = {"axis_name": "batch", "in_axes": (0, None), "out_axes": (0, None)}
        y, state = jax.vmap(layer, **axes)(x, state)
        if evaluated:
            y, _ = jax.vmap(eqx.nn.inference_mode(layer), **axes)(x, state)
        if mode == "ema":
            return (y, *state.get(layer.ema_state_index))
        correction = 1 - layer.momentum ** state.get(layer.batch_counter)
        return (y, *(s / correction for s in state.get(layer.batch_state_index)))

    return call


def _between(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    """Its documentation excludes momenta of 0 and 1."""
    return tuple(case for case in usual if 0 < case.get("momentum", 0.5) < 1)


def _sized(name: str) -> Make:
    return lambda nn, c, d: getattr(nn, name)(c["length"], **constants_of(c, eps="eps"), dtype=d)


_GROUPS: Make = lambda nn, c, d: nn.GroupNorm(c["groups"], c["channels"], **constants_of(c, eps="eps"), dtype=d)  # noqa: E731
_OF_ROWS = (("LayerNorm", "layer_norm"), ("RMSNorm", "rms_norm"))


def _of_two(name: str) -> Norm:
    """Over two axes at once, of the sizes that its shape says."""
    make: Make = lambda nn, c, d: getattr(nn, name)((2, c["length"] // 2), **constants_of(c, eps="eps"), dtype=d)  # noqa: E731
    return axes.norm(EQUINOX, f"equinox.nn.{name}.__call__(two axes)", dict(_OF_ROWS)[name], _rows(make), "bcpq")


NORMS: tuple[Norm, ...] = (
    _of_two("LayerNorm"),
    _of_two("RMSNorm"),
    *(
        norm(
            EQUINOX,
            f"equinox.nn.{name}.__call__",
            op,
            _rows(_sized(name)),
            affine=_weighted(_sized(name)),
            documented_eps="1e-5",
        )
        for name, op in _OF_ROWS
    ),
    *(imaginary(EQUINOX, f"equinox.nn.{name}.__call__", op, _rows(_sized(name))) for name, op in _OF_ROWS),
    norm(
        EQUINOX,
        "equinox.nn.GroupNorm.__call__",
        "group_norm",
        _rows(_GROUPS, 1),
        affine=_weighted(_GROUPS, 1),
        documented_eps="1e-5",
        channels_last=False,
    ),
    *(
        norm(
            EQUINOX,
            f"equinox.nn.BatchNorm.__call__({m})",
            "batch_norm",
            _batch_norm(m),
            evaluated=_batch_norm(m, evaluated=True),
            documented_eps="1e-5",
            channels_last=False,
            cases=_between,
        )
        for m in ("ema", "batch")
    ),
)


def _drop(x: Any, p: float, key: Any) -> Any:
    import equinox as eqx

    return eqx.nn.Dropout(p)(x, key=key)


def _gradient(x: Any, p: Any, key: Any) -> Any:
    """What is linear in x is x times its gradient there, entry by entry."""
    assert EQUINOX.vjp
    return x * EQUINOX.vjp(lambda x: _drop(x, p, key), x, 0 * x + 1)


def _all(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    """Other rates have the mask of the output."""
    return usual if claim == "dropout.all" else ()


DROPOUTS: tuple[Dropout, ...] = (
    dropout(EQUINOX, "equinox.nn.Dropout.__call__", "dropout", _drop),
    dropout(EQUINOX, "equinox.nn.Dropout(gradient)", "dropout", _gradient, cases=_all),
)
