"""The callback of Lightning in a real Trainer: what is wrong is found, what is right is not, accumulation and all."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F

pytestmark = pytest.mark.filterwarnings("ignore")  # of Lightning's own
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    L = pytest.importorskip("lightning")

from varlaw.diagnose.callbacks.lightning import WatchCallback  # noqa: E402 - needs Lightning


class Model(L.LightningModule):
    def __init__(self, broken=False):
        super().__init__()
        self.layers, self.broken = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)), broken

    def forward(self, x):
        return self.layers(x)

    def training_step(self, batch, index):
        x, y = batch
        loss = F.cross_entropy(self(x), y)
        return loss * (torch.nan if self.broken and index == 30 else 1.0)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-2)


def fit(model, path, **options):
    torch.manual_seed(0)
    x = torch.randn(60 * 16, 8)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, x[:, :4].argmax(1)), batch_size=16)
    callback = WatchCallback(out=path)
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    L.Trainer(max_epochs=1, accelerator="cpu", callbacks=[callback], **quiet, **options).fit(model, data)
    return callback.run


def test_a_healthy_fit_is_quiet(tmp_path):
    run = fit(Model(), tmp_path / "run.jsonl")
    assert run.findings == []
    assert run.report().record.draws == 60
    assert run.report().record.rows
    assert (tmp_path / "run.jsonl").read_text().count('"type":"step"') == 60


def test_an_accumulated_fit_counts_the_steps_of_its_optimiser(tmp_path):
    run = fit(Model(), tmp_path / "run.jsonl", accumulate_grad_batches=4)
    assert run.findings == []
    assert run.report().record.draws == 15


def test_a_loss_that_is_nan_is_found(tmp_path):
    run = fit(Model(broken=True), tmp_path / "run.jsonl")
    assert run.findings[0].signal == "loss.nan"
    assert "at step 31" in run.findings[0].says
