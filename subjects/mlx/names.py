"""The public names of MLX that draw, normalise, clip, drop or scale, and the reasons for those without a row."""

from collections.abc import Mapping


def PUBLIC() -> list[str]:
    """Every public sampler, initialiser, layer, loss, kernel and clipping function, read off MLX's own namespaces."""
    import mlx.core as mx
    import mlx.nn
    import mlx.optimizers

    found = [f"mlx.core.random.{n}" for n in dir(mx.random) if not n.startswith("_") and n != "state"]
    found += [f"mlx.core.fast.{n}" for n in dir(mx.fast) if not n.startswith("_")]
    found += [f"mlx.nn.{n}" for n in dir(mlx.nn) if _is_layer(getattr(mlx.nn, n))]
    for module in (mlx.nn.init, mlx.nn.losses, mlx.optimizers):
        path = module.__name__ if module is not mlx.optimizers.optimizers else "mlx.optimizers"
        found += [f"{path}.{n}" for n in dir(module) if _is_function(getattr(module, n), "mlx.")]
    return found


def _is_layer(thing: object) -> bool:
    import mlx.nn

    return isinstance(thing, type) and issubclass(thing, mlx.nn.Module)


def _is_function(thing: object, home: str) -> bool:
    return callable(thing) and not isinstance(thing, type) and str(getattr(thing, "__module__", "")).startswith(home)


_PLAIN = "no parameters, draws nothing and normalises nothing"
_INTEGERS = "draws no real numbers"
_PACKED = "draws as the plain layer does, which has a row, and keeps the numbers packed into integers"
_TARGETS = "a loss of two real tensors, not of logits and classes"

LEFT_OUT: Mapping[str, str] = {}
