"""Profiles by the laws beside measured ones and within their bands, for small models of many architectures, as a table.

`python tests/meta/profile_architectures.py PAGE` (with torch, timm and transformers). Each model is as its library
initialises it; one pass of one batch. At every operation that has a signal, rms foreseen over rms measured.
"""

import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from varlaw.diagnose.advising.depths import depths_of
from varlaw.diagnose.advising.looking import looked
from varlaw.diagnose.advising.records import Depth
from varlaw.diagnose.foresight import foresight
from varlaw.evidence.streams import Key
from varlaw.subjects.torchvision import stub_torchvision

TEXT = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 200,
}
TRANSFORMERS: dict[str, dict[str, Any]] = {
    "bert": {}, "roberta": {}, "electra": {"embedding_size": 64}, "deberta-v2": {}, "mpnet": {},
    "gpt2": {"n_embd": 64, "n_layer": 3, "n_head": 4}, "gpt_neox": {},
    "opt": {"ffn_dim": 128, "word_embed_proj_dim": 64},
    "llama": {"num_key_value_heads": 2}, "mistral": {"num_key_value_heads": 2}, "qwen2": {"num_key_value_heads": 2},
    "gemma": {"num_key_value_heads": 2, "head_dim": 16}, "phi": {}, "bloom": {"n_layer": 3, "n_head": 4},
    "distilbert": {"dim": 64, "n_layers": 3, "n_heads": 4, "hidden_dim": 128}, "albert": {"embedding_size": 32},
}  # fmt: skip
TIMM = (
    "resnet10t", "resnet18", "mobilenetv3_small_050", "efficientnet_b0", "regnetx_002", "convnext_atto", "densenet121",
    "vit_tiny_patch16_224", "deit_tiny_patch16_224", "mixer_s32_224", "resmlp_12_224", "vgg11",
)  # fmt: skip


def dense(activation: Callable[[], nn.Module]) -> nn.Module:
    """A stack of ten layers."""
    return nn.Sequential(*[m for _ in range(10) for m in (nn.Linear(128, 128), activation())], nn.Linear(128, 10))


def architectures() -> dict[str, tuple[Callable[[], nn.Module], Any]]:
    """By name, what builds a model, and a batch."""
    found: dict[str, tuple[Callable[[], nn.Module], Any]] = {}
    generator = torch.Generator().manual_seed(0)
    vectors, images = torch.randn(64, 128, generator=generator), torch.randn(4, 3, 64, 64, generator=generator)
    tokens = {"input_ids": torch.randint(5, 190, (4, 24), generator=generator)}
    for activation in (nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU):
        found[f"dense, {activation.__name__}"] = (lambda a=activation: dense(a)), vectors
    stub_torchvision()
    import timm
    import transformers

    for name, more in TRANSFORMERS.items():
        config = transformers.AutoConfig.for_model(name, **(TEXT | more))
        found[f"transformers, {name}"] = (lambda c=config: transformers.AutoModel.from_config(c).eval()), tokens
    for name in TIMM:
        size = {"img_size": 64} if any(word in name for word in ("vit", "deit", "mixer", "resmlp")) else {}
        found[f"timm, {name}"] = (lambda n=name, s=size: timm.create_model(n, num_classes=10, **s)), images
    return found


def foreseen(name: str, build: Callable[[], nn.Module], batch: Any) -> list[Depth]:
    """Every operation that theory foresees."""
    look = looked(build, batch, None, (), Key("profiles", name))
    ahead = foresight(look.sight, look.graph, look.seconds)
    return [d for d in depths_of(ahead, ahead) if d.before and d.foreseen_before]


def row(name: str, found: list[Depth]) -> str:
    """One line of the table."""
    ratios = [d.foreseen_before / d.before for d in found if d.before and d.foreseen_before]
    near = sum(abs(r - 1) <= 0.1 for r in ratios) / len(ratios)
    held = sum((d.low_before or 0.0) <= (d.before or 0.0) <= (d.high_before or 0.0) for d in found) / len(found)
    span = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return f"| {name} | {len(found)} | {statistics.median(ratios):.2f} | {span} | {near:.0%} | {held:.0%} |"


def main(page: Path) -> None:
    """Writes the table, a line for each architecture; what could not be read is a line, too."""
    lines = [
        "| architecture | operations | median | range | within 10 % | within the band |",
        "|---|---|---|---|---|---|",
    ]
    for name, (build, batch) in architectures().items():
        try:
            lines.append(row(name, foreseen(name, build, batch)))
        except Exception as error:  # the table names it
            lines.append(f"| {name} | {type(error).__name__}: {str(error)[:60]} | | | | |")
        print(lines[-1], flush=True)
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
