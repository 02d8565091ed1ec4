"""The one typed boundary to transformers: version, model classes by type, and models built from configurations."""

import importlib.util
import logging
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from varlaw.subjects.torch.framework import library
from varlaw.subjects.torchvision import stub_torchvision

TRANSFORMERS = library("transformers")


@contextmanager
def quiet() -> Iterator[None]:
    """No advice and no log lines about tiny models."""
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


# Which class stands for a model type: the first of these mappings that names it; heads before bare trunks.
_HEADS = (
    "FOR_CAUSAL_LM", "FOR_SEQ_TO_SEQ_CAUSAL_LM", "FOR_IMAGE_TEXT_TO_TEXT", "FOR_MULTIMODAL_LM", "FOR_PRETRAINING",
    "FOR_MASKED_LM", "FOR_IMAGE_CLASSIFICATION", "FOR_SPEECH_SEQ_2_SEQ", "FOR_OBJECT_DETECTION", "FOR_CTC",
    "FOR_AUDIO_CLASSIFICATION",
)  # fmt: skip


def model_types() -> list[str]:
    """Every model type that transformers ships a configuration for."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    return sorted(CONFIG_MAPPING_NAMES)


def config_class(model_type: str) -> Any:
    """The configuration class of a model type; LookupError where this version has none."""
    stub_torchvision()
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    if model_type not in CONFIG_MAPPING:
        msg = f"transformers {TRANSFORMERS.version()} has no model type {model_type}"
        raise LookupError(msg)
    return CONFIG_MAPPING[model_type]


def model_class(model_type: str) -> Any:
    """The class that stands for a model type: its own class with a head, or whatever it has."""
    import transformers

    config = config_class(model_type)
    module = _modeling(config)
    own = _owners(module, config) if module else []
    for name in (*_mapped(model_type), *own):
        if name in own or not own:
            return getattr(module, name, None) or getattr(transformers, name)
    msg = f"transformers {TRANSFORMERS.version()} has no model class for {model_type}"
    raise LookupError(msg)


def _modeling(config: Any) -> Any:
    """The module beside a configuration's that holds its models; None where it is built as another family's model."""
    name = config.__module__.replace("configuration_", "modeling_")
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def _mapped(model_type: str) -> list[str]:
    from transformers.models.auto import modeling_auto

    found: list[str] = []
    for mapping in (*(f"MODEL_{head}_MAPPING_NAMES" for head in _HEADS), "MODEL_MAPPING_NAMES"):
        names = getattr(modeling_auto, mapping, {}).get(model_type, ())
        found += [names] if isinstance(names, str) else list(names)
    return found


def _owners(module: Any, config: Any) -> list[str]:
    """The model classes of a module that are configured by exactly this class, public ones first."""
    from transformers import PreTrainedModel

    found = [
        n for n, c in vars(module).items()
        if isinstance(c, type) and issubclass(c, PreTrainedModel) and c.__module__ == module.__name__
        and getattr(c, "config_class", None) is config and not n.endswith("PreTrainedModel")
    ]  # fmt: skip
    public = getattr(module, "__all__", [])
    return sorted(found, key=lambda n: n not in public)


def token(name: str) -> int:
    """A token's number inside a tiny vocabulary, another one for each name."""
    return 20 + zlib.crc32(name.encode()) % 50
