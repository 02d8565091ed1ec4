"""The Trainer of transformers and Accelerate, watched: real libraries, a tiny model of random weights."""

import pytest
import torch
from torch.nn import functional as F

pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from varlaw.subjects.torchvision import stub_torchvision

stub_torchvision()

from accelerate import Accelerator  # noqa: E402
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments  # noqa: E402

import varlaw  # noqa: E402
from varlaw.diagnose.callbacks.transformers import WatchCallback  # noqa: E402


def tiny():
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=32, n_positions=16, n_embd=16, n_layer=2, n_head=2))


def train(folder, model, rate=1e-3, **options):
    tokens = torch.randint(0, 32, (160, 16), generator=torch.Generator().manual_seed(0))
    data = [{"input_ids": row, "labels": row} for row in tokens]
    callback = WatchCallback(out=folder / "run.jsonl")
    arguments = TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=4, num_train_epochs=1, learning_rate=rate, report_to=[],
        use_cpu=True, save_strategy="no", disable_tqdm=True, **options,
    )  # fmt: skip
    Trainer(model=model, args=arguments, train_dataset=data, callbacks=[callback]).train()
    return callback.run


def test_a_healthy_training_is_quiet(tmp_path):
    run = train(tmp_path, tiny())
    assert run.findings == []
    assert run.report().record.draws == 40
    assert run.scalars()["varlaw/loss"] > 0


def test_accumulation_is_the_trainers_own(tmp_path):
    run = train(tmp_path, tiny(), gradient_accumulation_steps=4)
    assert run.findings == []
    assert run.report().record.draws == 10


def test_a_frozen_rate_is_found(tmp_path):
    run = train(tmp_path, tiny(), rate=0.0)
    assert {f.signal for f in run.findings} == {"weight.still"}


def test_what_accelerate_prepares_is_watched():
    model = tiny()
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), lr=1e-3))
    logged = []
    with varlaw.watch(model, optimizer, every=5, log=logged.append) as run:
        for step in range(40):
            with accelerator.accumulate(model):
                x = torch.randint(0, 32, (4, 16), generator=torch.Generator().manual_seed(step))
                logits = model(x).logits
                loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), x[:, 1:].flatten())
                accelerator.backward(loss)
                optimizer.step()
                optimizer.zero_grad()
            run.step(loss)
    assert run.findings == []
    assert run.report().record.draws == 20
    assert [set(numbers) >= {"varlaw/loss", "varlaw/violations"} for numbers in logged] == [True] * 4
