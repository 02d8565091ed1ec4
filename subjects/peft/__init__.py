"""peft: every adapter on a real layer, what it changes before training, and how its matrices start."""

from varlaw.subjects.peft.adapters import ADAPTERS
from varlaw.subjects.peft.framework import adapter_names
from varlaw.subjects.peft.matrices import MATRICES
from varlaw.subjects.subject import Subject

SUBJECTS: tuple[Subject, ...] = (*ADAPTERS, *MATRICES)


def PUBLIC() -> set[str]:
    """The configuration class of every adapter that peft ships."""
    return {f"peft.{name}" for name in adapter_names()}


_CHANGES = "changes the input of the whole model from the first step, by design; its tables have no documented law"

LEFT_OUT = {
    "peft.AdamssConfig": "needs scikit-learn, which peft does not install",
    "peft.CPTConfig": _CHANGES,
    "peft.CartridgeConfig": "starts from a cache of keys and values that a real model has computed",
    "peft.MultitaskPromptTuningConfig": _CHANGES,
    "peft.ShadowConfig": "needs a transformer's backbone in the place of a layer",
    "peft.XLoraConfig": "mixes adapters that have been trained and saved",
}

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS"]
