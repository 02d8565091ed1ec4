"""peft: every adapter on a real layer, what it changes before training, and how its matrices start."""

from varlaw.subjects.peft.adapters import ADAPTERS
from varlaw.subjects.peft.framework import adapter_names, lora_starts
from varlaw.subjects.peft.matrices import MATRICES
from varlaw.subjects.subject import Subject

SUBJECTS: tuple[Subject, ...] = (*ADAPTERS, *MATRICES)


def PUBLIC() -> set[str]:
    """The configuration class of every adapter that peft ships, and every way in which LoRA may start."""
    return {f"peft.{name}" for name in adapter_names()} | {f"peft.LoraConfig({name})" for name in lora_starts()}


_CHANGES = "changes the input of the whole model from the first step, by design; its tables have no documented law"
_DATA = "starts from the activations of a data set"

LEFT_OUT = {
    "peft.AdamssConfig": "needs scikit-learn, which peft does not install",
    "peft.CPTConfig": _CHANGES,
    "peft.CartridgeConfig": "starts from a cache of keys and values that a real model has computed",
    "peft.LoraConfig(corda)": _DATA,
    "peft.LoraConfig(eva)": _DATA,
    "peft.LoraConfig(loftq)": "puts a quantised weight in the place of the layer's, which is not meant to be the same",
    "peft.MultitaskPromptTuningConfig": _CHANGES,
    "peft.ShadowConfig": "needs a transformer's backbone in the place of a layer",
    "peft.XLoraConfig": "mixes adapters that have been trained and saved",
}

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]
