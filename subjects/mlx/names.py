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
    for path, module in (("nn.init", mlx.nn.init), ("nn.losses", mlx.nn.losses), ("optimizers", mlx.optimizers)):
        found += [f"mlx.{path}.{n}" for n in dir(module) if n[0] != "_" and _is_ours(getattr(module, n), f"mlx.{path}")]
    return found


def _is_layer(thing: object) -> bool:
    import mlx.nn

    return isinstance(thing, type) and issubclass(thing, mlx.nn.Module)


def _is_ours(thing: object, home: str) -> bool:
    """Whether it is a function that the module defines: neither a class nor one that it imports."""
    return callable(thing) and not isinstance(thing, type) and str(getattr(thing, "__module__", "")).startswith(home)


_PLAIN = "no parameters, draws nothing and normalises nothing"
_INTEGERS = "draws no real numbers"
_PACKED = "draws as the plain layer does, which has a row, and keeps the numbers packed into integers"
_REAL_TARGETS = "a loss of real targets, not of logits and classes"
_OTHER_LAW = "a law that is no law of weights; the uniform numbers under it have a row"
_KERNEL = "compiles a kernel that its user writes"

LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys((f"mlx.core.random.{n}" for n in ("key", "seed", "split")), "sets the stream"),
    "mlx.core.fast.*kernel": _KERNEL,
    "mlx.core.fast.rope": "a rotation: it keeps every norm",
    "mlx.core.fast.gated_delta_update": "a recurrence over what it is given",
    **dict.fromkeys((f"mlx.nn.{n}" for n in ("QuantizedLinear", "QuantizedEmbedding", "QQLinear")), _PACKED),
    "mlx.nn.Quantized*Sharded*Linear": _PACKED,
    "mlx.nn.QuantizedShardedToAllLinear": _PACKED,
    "mlx.nn.FullyShardedModule": "shards a module that it is given",
    "mlx.nn.Module": "base class of the classes that have rows",
    "mlx.nn.Sequential": "holds the modules that it is given",
    "mlx.nn.*Pool?d": _PLAIN,
    "mlx.nn.*PositionalEncoding": "frequencies of a formula, no drawn numbers",
    **dict.fromkeys((f"mlx.nn.{n}" for n in ("ALiBi", "Upsample", "Identity")), _PLAIN),
    **dict.fromkeys(
        (
            f"mlx.nn.{n}"
            for n in [
                "CELU",
                "ELU",
                "GELU",
                "GLU",
                "HardShrink",
                "HardTanh",
                "Hardswish",
                "LeakyReLU",
                "LogSigmoid",
                "LogSoftmax",
                "Mish",
                "ReLU",
                "ReLU2",
                "ReLU6",
                "SELU",
                "SiLU",
                "Sigmoid",
                "Softmax",
                "Softmin",
                "Softplus",
                "Softshrink",
                "Softsign",
                "Step",
                "Tanh",
            ]
        ),
        _PLAIN,
    ),
    "mlx.nn.losses.*_loss": _REAL_TARGETS,
    "mlx.nn.losses.binary_cross_entropy": _REAL_TARGETS,
    "mlx.optimizers.*_decay": "a schedule of the step size",
    "mlx.optimizers.*_schedule*": "a schedule of the step size",
}
