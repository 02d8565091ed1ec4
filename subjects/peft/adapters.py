"""Every adapter of peft on a real layer: its output before the first step, with the adapter and without."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.modules import default_dtype
from varlaw.subjects.peft.framework import PEFT, config, divisor, network, noise, peft
from varlaw.subjects.subject import Adapter, Case, Floats

Fields = Callable[[Case], Mapping[str, Any]]

_NO_QR = dict.fromkeys(
    ("float16", "bfloat16"), "torch has no half-precision kernel for the decomposition it starts from"
)
_WIDE = {"float64": "peft refuses to split weights of float64"}  # a TypeError that names the formats it takes
_NO_FFT = dict.fromkeys(("float16", "bfloat16"), "torch.fft has no half-precision kernel on the CPU")


def lora(**more: Any) -> Fields:
    """The fields of LoRA and of what is configured like it."""
    return lambda c: {"r": c["rank"], "lora_alpha": c["alpha"], **more}


def rank(**more: Any) -> Fields:
    """The fields of an adapter that has a rank and no alpha."""
    return lambda c: {"r": c["rank"], **more}


def _low(c: Case) -> Case:
    """Of a rank at which the adapter has no more parameters than the layer, where peft refuses others."""
    inputs, outputs = c["in_features"], c["out_features"]
    return {**c, "rank": min(c["rank"], inputs * outputs // (inputs + outputs))}


def _exact(c: Case) -> float:
    """Adding 0 rounds nothing."""
    return 0.0


def _adapter(
    name: str, fields: Fields, layer: str = "linear", *, variant: str = "", rounding: Callable[[Case], float] = _exact,
    case: Callable[[Case], Case] = dict, unsupported: Mapping[str, str] | None = None,
) -> Adapter:  # fmt: skip
    """A row; `rounding`, in units of the output's rms, where the base weight is split and put together again."""

    def apply(drawn: Case, dtype: str, device: str, seed: int) -> tuple[Floats, Floats]:
        import torch

        shape = case(drawn)
        with PEFT.chance(seed, dtype, device):
            net, x = network(layer, shape, dtype), noise(layer, shape, dtype)
            without = net(x).double().numpy()
            adapted = with_adapter(net, name, fields(shape)).eval()
            if name == "PolyConfig":  # it mixes skills by task
                adapted = functools.partial(adapted.base_model, task_ids=torch.zeros(len(x), dtype=torch.long))
            return without, adapted(x).double().numpy()

    label = f"({variant or layer})" if variant or layer != "linear" else ""
    return Adapter(
        name=f"peft.{name}{label}", framework=PEFT, op="adapter", apply=apply, rounding=rounding,
        unsupported=unsupported or {},
    )  # fmt: skip


def with_adapter(net: Any, name: str, fields: Mapping[str, Any]) -> Any:
    """The network with an adapter on its layer, in the layer's own dtype."""
    chosen = config(name, {"target_modules": ["layer"], **fields})
    return peft().get_peft_model(net, chosen, autocast_adapter_dtype=False)


def _adaption_prompt() -> Adapter:
    """Prompts beside the keys of a tiny Llama's upper layers, behind gates that start at zero."""

    def apply(case: Case, dtype: str, device: str, seed: int) -> tuple[Floats, Floats]:
        import torch

        with torch.random.fork_rng(devices=[]), torch.no_grad(), default_dtype(dtype):
            library = peft()
            from transformers import LlamaConfig, LlamaForCausalLM

            torch.manual_seed(seed)
            sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
            model = LlamaForCausalLM(LlamaConfig(vocab_size=101, max_position_embeddings=64, **sizes)).eval()
            ids = torch.randint(0, 101, (2, 16))
            without = model(ids).logits.double().numpy()
            chosen = config("AdaptionPromptConfig", {"adapter_len": 4, "adapter_layers": 2, "task_type": "CAUSAL_LM"})
            return without, library.get_peft_model(model, chosen).eval()(ids).logits.double().numpy()

    return Adapter(name="peft.AdaptionPromptConfig", framework=PEFT, op="adapter", apply=apply)


def _blocks(c: Case) -> dict[str, Any]:
    return {"r": 0, "oft_block_size": divisor(c["in_features"])}


def _even(c: Case) -> Case:
    """A road turns pairs of outputs."""
    return {**c, "out_features": 2 * -(-c["out_features"] // 2)}


def _moved(c: Case) -> float:
    """The bias is taken off the rounded output and added again: two roundings."""
    return 8.0


def _split(c: Case) -> float:
    """Singular value and QR splits: a few rounding errors for each of up to 128 summands."""
    return 64.0


def _scaled(c: Case) -> float:
    """What LoRA takes off the weight and adds to the output is alpha / rank times as large as the weight."""
    scaling: float = c["alpha"] / c["rank"]
    return _split(c) * max(1.0, scaling)


ADAPTERS: tuple[Adapter, ...] = (
    _adapter("LoraConfig", lora()),
    *(_adapter("LoraConfig", lora(), layer) for layer in ("conv2d", "embedding")),
    _adapter("LoraConfig", lora(use_rslora=True), variant="rslora"),
    _adapter("LoraConfig", lora(use_dora=True), variant="dora"),
    _adapter("LoraConfig", lora(lora_bias=True), variant="lora_bias"),
    _adapter(
        "LoraConfig", lambda c: {**lora()(c), "kasa_config": config("KasaConfig", {})}, variant="kasa",
        case=_low, rounding=_scaled, unsupported=_NO_QR,
    ),
    _adapter("LoraConfig", lora(init_lora_weights="gaussian"), variant="gaussian"),
    _adapter(
        "LoraConfig", lora(init_lora_weights="pissa"), variant="pissa", rounding=_scaled, unsupported=_NO_QR | _WIDE
    ),
    _adapter(
        "LoraConfig", lora(init_lora_weights="pissa_niter_4"), variant="pissa_niter_4", rounding=_scaled,
        unsupported=_NO_QR | _WIDE,
    ),
    _adapter(
        "LoraConfig", lora(init_lora_weights="olora"), variant="olora", rounding=_scaled, unsupported=_NO_QR | _WIDE
    ),
    _adapter("LoraConfig", lora(init_lora_weights="mica"), variant="mica", case=_low, unsupported=_NO_QR | _WIDE),
    _adapter(
        "LoraConfig", lambda c: {**lora(init_lora_weights="orthogonal")(c), "r": 2 * c["rank"]}, variant="orthogonal",
        rounding=_scaled, unsupported=_NO_QR,
    ),
    _adapter(
        "AdaLoraConfig",
        lambda c: {"init_r": c["rank"], "target_r": c["rank"], "lora_alpha": c["alpha"], "total_step": 100},
    ),
    _adaption_prompt(),
    _adapter("BeftConfig", lambda c: {}),
    _adapter("BOFTConfig", lambda c: {"boft_block_size": divisor(c["in_features"])}, rounding=_moved),
    _adapter("C3AConfig", lambda c: {"block_size": 1, "init_weights": True}, variant="zeros", unsupported=_NO_FFT),
    _adapter("C3AConfig", lambda c: {"block_size": 1}, unsupported=_NO_FFT),
    _adapter("DeftConfig", rank(), rounding=_split),
    _adapter("DeloraConfig", rank()),
    _adapter("FourierFTConfig", lambda c: {"n_frequency": 8}, unsupported=_NO_FFT),
    _adapter(
        "FourierFTConfig", lambda c: {"n_frequency": 8, "init_weights": True}, variant="zeros", unsupported=_NO_FFT
    ),
    _adapter("FrodConfig", lambda c: {}, rounding=_split, unsupported=_NO_QR),
    _adapter("GloraConfig", rank()),
    _adapter("GraloraConfig", rank(gralora_k=1)),
    _adapter("HiraConfig", rank()),
    _adapter("HRAConfig", lambda c: {"r": 2 * c["rank"]}, rounding=_split),
    _adapter("IA3Config", lambda c: {"feedforward_modules": []}),
    _adapter("IA3Config", lambda c: {"feedforward_modules": ["layer"]}, variant="feedforward"),
    _adapter("LNTuningConfig", lambda c: {}, "layer_norm"),
    _adapter("LilyConfig", rank()),
    _adapter("LoHaConfig", lambda c: {"r": c["rank"], "alpha": c["alpha"]}),
    _adapter("LoKrConfig", lambda c: {"r": c["rank"], "alpha": c["alpha"]}),
    _adapter("MissConfig", lambda c: {"r": divisor(c["in_features"])}),
    _adapter("OFTConfig", _blocks),
    _adapter("OSFConfig", lambda c: {}, rounding=_split, unsupported=_NO_QR),
    _adapter("PeanutConfig", rank()),
    _adapter("PolyConfig", lambda c: {"r": 4, "n_tasks": 2, "n_skills": 2, "n_splits": 1}),
    _adapter(
        "PsoftConfig", lambda c: {"r": max(2, min(c["rank"], c["in_features"], c["out_features"]))}, rounding=_split,
        unsupported=_WIDE,
    ),
    _adapter("PveraConfig", rank()),
    _adapter("RandLoraConfig", rank()),
    _adapter("RoadConfig", lambda c: {"group_size": 2}, case=_even),
    _adapter("ShiraConfig", rank(), case=_low),
    _adapter("SupertuningConfig", rank(sparsity=0.9)),  # of a tiny weight 0.99 leaves no entry, which is refused
    _adapter("TinyLoraConfig", rank()),
    _adapter("TrainableTokensConfig", lambda c: {"token_indices": [0, 2]}, "embedding"),
    _adapter("UniLoraConfig", rank()),
    _adapter("VBLoRAConfig", rank(num_vectors=16, vector_length=1, topk=2)),
    _adapter("VeraConfig", rank()),
    _adapter("WaveFTConfig", lambda c: {"n_frequency": 8}),
)  # fmt: skip
