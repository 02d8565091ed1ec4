"""The report of a model in its forms, the command, and what bad input gets."""

import copy
import json
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import torch
from torch import nn

import varlaw
from tests.diagnose.models import Language, batch, classify, dense, he, language
from varlaw import check_model
from varlaw.reports.model import text


@pytest.fixture(scope="module")
def report():
    return check_model(lambda: Language(forgotten=2), batch("tokens"), language, name="gpt")


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_text_keeps_its_width(report, width):
    lines = text.render(report.record, width).splitlines()
    assert max(map(len, lines)) <= width
    assert any("blocks.2" in line for line in lines[:8])
    ops = {line[line.index(" ", 2) :].split()[0] for line in lines if "self_attn " in line}
    assert any(op.startswith("scaled_do") and (op.endswith("~") or width > 80) for op in ops), ops


def test_forms_name_every_finding(report, tmp_path):
    page, data = report.html(tmp_path / "model.html"), json.loads(report.json(tmp_path / "model.json"))
    for finding in report.findings:
        assert finding.signal in str(report)
        assert finding.signal in page
        assert finding.signal in report._repr_html_()
    assert [f["signal"] for f in data["findings"]] == [f.signal for f in report.findings]
    assert not re.search(r"(?:src|href)=[\"']?https?:", page)
    cells = re.findall(r"<td[^>]*>", page)
    assert cells
    assert all("data-label=" in cell for cell in cells)  # what a card names on a narrow screen


def test_the_same_salt_gives_the_same_bytes():
    once, again = (check_model(lambda: dense(2, he), batch("vector"), classify, name="m").json() for _ in range(2))
    assert once == again


def test_names_are_escaped():
    model = nn.ModuleDict({"<b>x": nn.Linear(32, 10)})
    model.forward = lambda x: model["<b>x"](x)
    assert "<b>x" not in check_model(model, batch("vector"), classify).html()


MODULE = """
import torch
from torch import nn
def make(): return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
def broken():
    m = make(); m.extra = nn.Parameter(torch.empty(3)); return m
def batch(seed): return torch.randn(32, 8, generator=torch.Generator().manual_seed(seed))
def loss(model, x): return nn.functional.cross_entropy(model(x), torch.arange(32) % 4)
def raises(): raise RuntimeError("no such file")
def number(): return 3
wrong = torch.ones(2, 5)
def vector(model, x): return model(x)
"""


def _run(folder, *words):
    (folder / "mine.py").write_text(MODULE)
    return subprocess.run([sys.executable, "-m", "varlaw", "check", *words], cwd=folder, capture_output=True, text=True)


def test_the_command_leaves_with_the_verdict(tmp_path):
    good = _run(
        tmp_path, "mine:make", "--batch", "mine:batch", "--loss", "mine:loss", "--json", "r.json", "--report", "out"
    )
    assert (good.returncode, good.stderr) == (0, "")
    assert "nothing is wrong" in good.stdout
    assert (tmp_path / "out" / "index.html").exists()
    assert json.loads((tmp_path / "r.json").read_text())["name"] == "mine:make"
    bad = _run(tmp_path, "mine:broken", "--batch", "mine:batch")
    assert bad.returncode == 1
    assert "init.uninitialised" in bad.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("mine:make",), "--batch is missing"),
        (("mine:nothing", "--batch", "mine:batch"), "cannot be imported"),
        (("mine", "--batch", "mine:batch"), "should be pkg.mod:factory"),
        (("mine:raises", "--batch", "mine:batch"), "no such file"),
        (("mine:number", "--batch", "mine:batch"), "should return a torch.nn.Module"),
        (("mine:make", "--batch", "mine:wrong"), "fails on the batch"),
        (("mine:make", "--batch", "mine:batch", "--loss", "mine:vector"), "should return a scalar"),
        (("mine:make", "--batch", "mine:batch", "--expect", "gpt3"), "should be one of"),
        (("mine:make", "--batch", "mine:batch", "--device", "cuda:7"), "cuda"),
    ],
)
def test_bad_input_is_one_line(tmp_path, words, says):
    done = _run(tmp_path, *words)
    assert done.returncode in (2, 3)
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "fault of varlaw" not in done.stderr


def test_importing_varlaw_loads_no_torch():
    code = "import sys, varlaw; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert varlaw.check_model is check_model


def test_a_lazy_module_is_refused():
    with pytest.raises(ValueError, match="lazy parameter"):
        check_model(nn.LazyLinear(3), torch.ones(2, 2))


def test_meta_parameters_have_no_values():
    report = check_model(lambda: nn.Linear(3, 2, device="meta"), torch.ones(2, 3))
    assert {f.signal for f in report.findings} == {"init.uninitialised"}


@pytest.mark.parametrize("expect", ["torch", "rules"])
def test_expectations_by_name_and_by_rules(expect):
    from varlaw.impl.torch import Rule

    rules = [Rule("[02].weight", "uniform", gain=3**-0.5), Rule("*.bias", "keep")]
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 10))
    given = rules if expect == "rules" else expect
    good = check_model(copy.deepcopy(model), batch("vector"), expect=given)
    assert good.ok, good
    nn.init.normal_(model[0].weight, std=0.2)
    bad = check_model(model, batch("vector"), expect=given)
    assert [f.where for f in bad.findings if f.signal == "init.law"] == [("0.weight",)], bad


def test_the_schema_is_published_and_met(report, tmp_path):
    import jsonschema

    from varlaw.diagnose.records import ModelRecord
    from varlaw.reports.model import schema

    for name in schema.PUBLISHED:
        published = Path(schema.__file__).parents[1] / name
        assert published.read_text(encoding="utf-8") == schema.schema_text(name)
    overflow = check_model(dense(2, lambda w: nn.init.normal_(w, std=1e18)), batch("vector"), classify)
    for one in (report, overflow):
        jsonschema.validate(json.loads(one.json()), schema.json_schema())
        assert msgspec.json.decode(one.json(), type=ModelRecord).findings


def test_parameters_of_one_role_that_are_wrong_alike_are_one_finding():
    """Biases, whose findings have no ratio that could be compared, as well as weights; laws have four digits."""
    found = check_model(
        lambda: nn.Sequential(*(nn.Linear(64, 64) for _ in range(4))), torch.ones(1, 64), expect="gpt2"
    ).findings[:2]
    assert [f.where for f in found] == [tuple(f"{k}.{tensor}" for k in range(4)) for tensor in ("weight", "bias")]
    assert [f.says.rpartition(" (")[2] for f in found] == ["4 parameters alike)"] * 2
    assert found[0].law == "Normal(0.02)"
