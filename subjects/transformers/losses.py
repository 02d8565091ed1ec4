"""The first loss of a model with a language-model or classification head, on random inputs and random labels."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.subject import FirstLoss

_BATCH, _LENGTH, _IMAGES = 8, 48, 32
_TEXT = ("ForCausalLM", "LMHeadModel", "ForMaskedLM", "WithLMHeadModel", "ModelWithLMHead", "DecoderForCausalLM")


def first(model: Any) -> FirstLoss:
    """The loss that the model itself returns; LookupError where it has no head, or wants inputs of another kind."""
    model.eval()
    return _run(model, asked_by(model))


def asked_by(model: Any) -> Callable[[Any], tuple[dict[str, Any], int]]:
    """A function of the model that returns random inputs with labels, and how many labels count; LookupError."""
    kind = type(model).__name__
    translates = kind.endswith(("ForConditionalGeneration", "MTModel"))
    if kind.endswith(_TEXT) or (translates and getattr(model.config, "is_encoder_decoder", False)):
        return _text
    if kind.endswith("ForImageClassification"):
        return _images
    msg = f"{kind} has no language-model or classification head"
    raise LookupError(msg)


def _text(model: Any) -> tuple[dict[str, Any], int]:
    import torch

    vocabulary = model.get_input_embeddings().weight.shape[0]
    ids = torch.randint(0, min(vocabulary, 101), (_BATCH, _LENGTH))
    head = model.get_output_embeddings()
    classes = head.weight.shape[0] if head is not None else vocabulary
    return {"input_ids": ids, "labels": torch.randint(0, classes, (_BATCH, _LENGTH))}, _BATCH * (_LENGTH - 1)


def _images(model: Any) -> tuple[dict[str, Any], int]:
    import torch

    config = getattr(model.config, "vision_config", model.config)
    side = getattr(config, "image_size", None) or 64
    height, width = side if isinstance(side, list | tuple) else (side, side)
    pixels = torch.randn(_IMAGES, getattr(config, "num_channels", 3), height, width, dtype=model.dtype)
    return {"pixel_values": pixels, "labels": torch.randint(0, model.config.num_labels, (_IMAGES,))}, _IMAGES


def _run(model: Any, inputs: Callable[[Any], tuple[dict[str, Any], int]]) -> FirstLoss:
    try:
        asked, samples = inputs(model)
        output = model(**asked)
        logits, loss = output.logits, float(output.loss)
    except Exception as error:  # a signature of its own: images beside text, masks, several vocabularies
        text = " ".join(str(error).split())
        msg = f"it does not run on random inputs ({type(error).__name__}: {text[:120]})"
        raise LookupError(msg) from error
    return FirstLoss(loss=loss, classes=logits.shape[-1], samples=samples, logits_std=float(logits.double().std()))
