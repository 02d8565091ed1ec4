"""The callback of Keras in a real `fit`, on the backend of the environment."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore")  # of its backends' own

from varlaw.diagnose.callbacks.keras import WatchCallback  # noqa: E402
from varlaw.diagnose.watching.journal import lines  # noqa: E402
from varlaw.diagnose.watching.records import Step  # noqa: E402


def fit(path, *, rate=1e-2, broken=False, frozen=False):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(4)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.0 if frozen else rate), loss)
    x = np.random.default_rng(0).standard_normal((960, 8)).astype("float32")
    if broken:
        x[16 * 30] = np.nan
    callback = WatchCallback(out=path)
    model.fit(x, x[:, :4].argmax(1), batch_size=16, epochs=1, shuffle=False, verbose=0, callbacks=[callback])
    return callback


def test_a_healthy_fit_is_quiet(tmp_path):
    callback = fit(tmp_path / "run.jsonl")
    assert callback.findings == []
    steps = [line for line in lines(tmp_path / "run.jsonl") if isinstance(line, Step)]
    assert len(steps) == 60
    assert all(s.loss > 0 and s.update > 0 for s in steps)


def test_nan_and_weights_that_are_still_are_found(tmp_path):
    broken = fit(tmp_path / "nan.jsonl", broken=True)
    assert [f.signal for f in broken.findings] == ["loss.nan"]
    assert "at step 31" in broken.findings[0].says
    assert [f.signal for f in fit(tmp_path / "still.jsonl", frozen=True).findings] == ["weight.still"]
