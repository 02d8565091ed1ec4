"""Models of timm, torchvision and transformers by their names, from a configuration: nothing is downloaded."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import torch

_BATCH, _TOKENS = 4, 32


@dataclass(frozen=True)
class Found:
    """A factory, a batch as a function of a seed, and the loss that is usual for it."""

    build: Callable[[], torch.nn.Module]
    batch: Callable[[int], Any]
    loss: Callable[[Any, Any], Any] | None


def model(library: str, name: str) -> Found:
    """The model of that name; `ValueError` for a name that the library does not have, `ImportError` without it."""
    from varlaw.subjects.torchvision import stub_torchvision

    if library != "torchvision":
        stub_torchvision()
    return {"timm": _timm, "torchvision": _torchvision, "transformers": _transformers}[library](name)


def _refuse(library: str, name: str, known: list[str]) -> NoReturn:
    import difflib

    close = difflib.get_close_matches(name, known, n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    msg = f"{library} has no model {name!r}{hint}"
    raise ValueError(msg)


def _images(size: int, channels: int) -> Callable[[int], Any]:
    def batch(seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        images = torch.randn(_BATCH, channels, size, size, generator=generator)
        return images, torch.randint(0, 2**31, (_BATCH,), generator=generator)

    return batch


def _classified(model: Any, batch: Any) -> Any:
    images, labels = batch
    logits = model(images)
    logits = getattr(logits, "logits", logits)
    logits = logits[0] if isinstance(logits, tuple) else logits
    return torch.nn.functional.cross_entropy(logits, labels % logits.shape[-1])


def _timm(name: str) -> Found:
    import timm

    if name not in timm.list_models():
        _refuse("timm", name, timm.list_models())
    cfg = timm.get_pretrained_cfg(name)
    channels, size = (cfg.input_size[0], cfg.input_size[-1]) if cfg else (3, 224)
    return Found(lambda: timm.create_model(name), _images(size, channels), _classified)


def _torchvision(name: str) -> Found:
    from torchvision import models

    if name not in models.list_models(module=models):
        _refuse("torchvision", name, models.list_models(module=models))
    size = 299 if "inception" in name else 224
    return Found(lambda: models.get_model(name, weights=None), _images(size, 3), _classified)


def _transformers(name: str) -> Found:
    import transformers

    mapping = transformers.CONFIG_MAPPING
    if name not in mapping:
        _refuse("transformers", name, list(mapping))
    cls = next(
        (
            c
            for c in (
                transformers.AutoModelForCausalLM,
                transformers.AutoModelForMaskedLM,
                transformers.AutoModelForImageClassification,
                transformers.AutoModel,
            )
            if mapping[name] in c._model_mapping
        ),
        None,
    )
    if cls is None:
        msg = f"transformers:{name} has no model that can be made of its configuration alone; name a factory"
        raise ValueError(msg)
    config = mapping[name]()
    config.use_cache = False
    if cls is transformers.AutoModelForImageClassification:
        size = getattr(config, "image_size", 224)
        return Found(
            lambda: cls.from_config(config),
            _images(size if isinstance(size, int) else size[0], getattr(config, "num_channels", 3)),
            _classified,
        )
    return Found(lambda: cls.from_config(config), _tokens(config), None if cls is transformers.AutoModel else _language)


def _tokens(config: Any) -> Callable[[int], Any]:
    def batch(seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        vocabulary = getattr(config, "vocab_size", None) or config.get_text_config().vocab_size
        return {"input_ids": torch.randint(3, vocabulary, (_BATCH, _TOKENS), generator=generator)}

    return batch


def _language(model: Any, batch: Any) -> Any:
    logits = model(**batch).logits
    return torch.nn.functional.cross_entropy(logits.flatten(0, -2), batch["input_ids"].flatten())
