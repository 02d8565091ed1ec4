"""Run every verb of an installed varlaw from an empty folder: `python tests/meta/installed.py [torch]`.

The Python that runs this is that of the environment to look at: nothing of this repository is on the path of what it
starts. With `torch`, the README's line over torch's own layers too.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = Path(sys.executable).with_name("varlaw")
TESTS = """
import numpy
import varlaw

def draw(shape, seed):
    return numpy.random.default_rng(seed).normal(0, 0.02, shape)

def test_function():
    varlaw.assert_law(draw, varlaw.Normal(0.02), shape=(64, 64))

def test_fixture(law, record_property):
    record_property(5, "of another plugin")
    law(draw, varlaw.Normal(0.02), shape=(64, 64))

def test_wrong(law):
    law(draw, varlaw.Normal(0.03), shape=(64, 64))
"""

ROWS = """
import numpy
from varlaw.rows import initialiser

def right(shape, seed):
    return numpy.random.default_rng(seed).normal(0, 0.02, shape)

def wrong(shape, seed):
    return numpy.random.default_rng(seed).normal(0, 0.03, shape)

ROWS = [initialiser(f"own.{f.__name__}", f, "Normal(0.02)", shapes=[(64, 48)]) for f in (right, wrong)]
"""

MODEL = """
import torch
import varlaw

class Layer(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(width, width) * (2 / width) ** 0.5)
        self.forgot = torch.nn.Parameter(torch.empty(width))

    def forward(self, x):
        return x @ self.weight

def make():
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 4))

def batch(seed):
    return torch.randn(32, 8, generator=torch.Generator().manual_seed(seed))

def loss(model, x):
    return torch.nn.functional.cross_entropy(model(x), torch.arange(32) % 4)

if __name__ == "__main__":
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with varlaw.watch(model, optimizer, out="run.jsonl") as run:
        for step in range(5):
            optimizer.zero_grad()
            value = loss(model, batch(step))
            value.backward()
            optimizer.step()
            run.step(value)
"""

# Arguments of `varlaw`, exit code, words of what it prints.
CORE: list[tuple[str, int, str]] = [
    ("--version", 0, "varlaw "),
    ("--help", 0, "Do the numbers with which a network starts"),
    ("", 2, "Usage: varlaw"),
    ("frobnicate", 2, "frobnicate"),
    ("verify nonsense", 5, "no subject matches 'nonsense'"),
    ("verify varlaw.numpy.* --json run.json --report report", 0, "conform"),
    ("verify varlaw.numpy.zeros --jobs 2 --ledger ledger", 0, "conform"),
    ("verify varlaw.numpy.zeros --jobs 2 --ledger ledger", 0, "ledger holds {n} of {n} verdicts"),
    ("report run.json -o site", 0, "the first page is site/index.html"),
    ("laws list", 0, "he_normal.variance"),
    ("laws show he_normal.variance", 0, "He et al. 2015"),
    ("laws eval he_normal.variance fan_in=8 gain=2", 0, "0.5"),
    ("laws folklore", 0, "tanh"),
    ("identify varlaw.numpy.he_normal", 0, "he_normal(fan(mode))"),
    ("baseline record varlaw.numpy -o old.json", 0, "laws identified"),
    ("baseline diff old.json old.json", 0, "no change"),
    ("baseline diff old.json absent.json", 2, "cannot read absent.json"),
    ("config show", 0, "verify.policy"),
    ("--cite", 0, "@software{varlaw"),
    ("verify varlaw.numpy.zeros --format concise --since run.json --shard 1/1", 0, "{n} verdicts: {n} conform"),
    ("verify varlaw.numpy.zeros --format sarif", 0, '"version": "2.1.0"'),
    ("verify varlaw.numpy.* --law relu.* --dtype float32", 0, "E[relu(z)^2] = q / 2"),
    ("verify varlaw.numpy.* --claim nonsense", 5, "no claim"),
    ("verify own_rows.py --dtype float32", 1, "own.wrong"),
    ("verify own_rows.py --dtype float32 --claim init.* --format github", 1, "::error title="),
    ("subjects varlaw.numpy.he_*", 0, "varlaw.numpy.he_normal"),
    ("claims show init.documented", 0, "variance"),
    ("laws search xavier", 0, "glorot_normal.variance"),
    ("predict '3 x (dense 64 he_normal, relu)'", 0, "rms of the signal by depth"),
    ("predict nonsense", 2, "is no block"),
    ("new subjects own_rows -o drafted.py", 0, "drafted.py"),
]
WITHOUT_TORCH = [("verify torch.nn.Linear", 3, "could not run: torch is not installed")]
WITH_TORCH = [
    ("verify torch.nn* --dtype float32 --json torch.json --report torch", 0, "documented deviations"),
    ("identify torch.nn.Linear", 0, "Uniform(1/sqrt(fan_in))"),
    ("baseline record torch.nn.Linear -o torch-old.json", 0, "2 laws identified"),
    ("check own_model:make --batch own_model:batch --loss own_model:loss --report model", 0, "nothing is wrong by law"),
    ("check own_model:absent --batch own_model:batch", 2, "cannot be imported"),
    ("watch run.jsonl", 0, "5 steps"),
    ("verify own_model:Layer --case width=48 --promise weight='he_normal(width)'", 1, "without a law: forgot"),
    ("identify own_model:make", 0, "weight"),
    ("advise own_model:make --batch own_model:batch --loss own_model:loss --try", 0, "nothing to change"),
]


def said(words: str, text: str) -> bool:
    number = re.escape("{n}")
    return bool(re.search(re.escape(words).replace(number, r"(\d+)", 1).replace(number, r"\1"), text))


def run(command: list[str], folder: Path, code: int, words: str) -> str:
    """What a command prints; an error of ours unless it leaves with `code` and says `words`, {n} the same number."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VARLAW", "COV_"))}
    done = subprocess.run(
        command, cwd=folder, env=env | {"COLUMNS": "200", "NO_COLOR": "1"}, capture_output=True, text=True, check=False
    )
    text = done.stdout + done.stderr
    faulty = "Traceback" in text or "a fault of varlaw" in text or "Warning" in done.stderr
    if faulty or done.returncode != code or not said(words, text):
        print(f"{text}\n{command} left with {done.returncode}, but should with {code} and {words!r}")
        sys.exit(1)
    return done.stdout


def main(folder: Path, *, torch: bool) -> None:
    """All verbs, then what needs their files, then the pytest plugin."""
    commands = CORE + (WITH_TORCH if torch else WITHOUT_TORCH)
    if torch:
        (folder / "own_model.py").write_text(MODEL, encoding="utf-8")
        run([sys.executable, "own_model.py"], folder, 0, "")
    (folder / "own_rows.py").write_text(ROWS, encoding="utf-8")
    for line, code, words in commands:
        run([str(SCRIPT), *shlex.split(line)], folder, code, words)
    found = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    for verdict in found["verdicts"][0], found["verdicts"][-1]:
        again = run([str(SCRIPT), "replay", verdict["replay"], "--json"], folder, 0, verdict["outcome"])
        assert json.loads(again)["verdicts"] == [verdict], verdict["replay"]
    if torch:
        verdicts = json.loads((folder / "torch.json").read_text(encoding="utf-8"))["verdicts"]
        assert any(v["reproduction"].startswith("import torch") for v in verdicts if v["deviation"])
    for page in ("report/index.html", "report/junit.xml", "site/laws/index.html"):
        assert (folder / page).stat().st_size, page
    run([sys.executable, "-m", "varlaw", "verify", "varlaw.numpy.zeros", "--jobs", "2"], folder, 0, "conform")
    (folder / "test_toy.py").write_text(TESTS, encoding="utf-8")
    run([sys.executable, "-m", "pytest", "-q"], folder, 1, "1 CONFORMS, 1 VIOLATES; chance of any false alarm at most")
    run([sys.executable, "-m", "pytest", "-q", "-k", "not wrong"], folder, 0, "2 passed")
    print(f"{len(commands)} commands and the plugin did what they should, on Python {sys.version.split()[0]}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as empty:
        main(Path(empty), torch="torch" in sys.argv[1:])
