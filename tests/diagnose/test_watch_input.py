"""What a watch is wrongly given and what goes wrong around it: a clear line, training goes on, the record is whole."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import nn

import varlaw
from varlaw.diagnose.watching.journal import JournalError, lines
from varlaw.diagnose.watching.records import End, Header, Step


def made():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    return model, torch.optim.SGD(model.parameters(), lr=0.01)


def train(run, model, optimizer, steps=5, loss_of=lambda loss: loss, between=lambda step: None):
    for step in range(steps):
        optimizer.zero_grad()
        loss = model(torch.ones(8, 4)).square().mean()
        loss.backward()
        optimizer.step()
        run.step(loss_of(loss))
        between(step)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda m, o: varlaw.watch(m, None), "should be a torch optimiser"),
        (lambda m, o: varlaw.watch(m, o, every=0), "should be a whole number"),
        (lambda m, o: varlaw.watch(m, [o, "adam"]), "should be a torch optimiser"),
        (lambda m, o: (o.param_groups[0]["params"].clear(), varlaw.watch(m, o)), "SGD holds no parameters"),
        (lambda m, o: varlaw.watch(3, o), "model=3, but should be a torch module"),
        (lambda m, o: varlaw.watch(nn.Linear, o), "but should be a torch module"),
        (lambda m, o: varlaw.watch(m, o, log=3), "log=3, but should be a function"),
        (lambda m, o: varlaw.watch(m, o, out=3), "out=3, but should be a path"),
        (lambda m, o: varlaw.watch(m, o, name=3), "name=3, but should be a text"),
    ],
)
def test_what_no_run_can_be_watched_with_is_refused_in_one_line(act, says):
    with pytest.raises(ValueError, match=says):
        act(*made())


@pytest.mark.parametrize(
    ("loss_of", "says"),
    [
        (lambda loss: torch.stack([loss, loss]), "the loss has shape (2,), but should be a real scalar"),
        (lambda loss: "low", "the loss is of type str, but should be a real scalar"),
        (lambda loss: loss * 1j, "the loss is of torch.complex64, but should be a real scalar"),
        (lambda loss: loss.to("meta"), "the loss is on the meta device"),
        (lambda loss: None, "no loss was given"),
    ],
)
def test_a_loss_that_is_none_is_left_out(loss_of, says, capsys):
    model, optimizer = made()
    with varlaw.watch(model, optimizer) as run:
        train(run, model, optimizer, loss_of=loss_of)
    said = capsys.readouterr().err
    assert said.count("varlaw:") == 1
    assert says in said
    assert run.report().record.draws == 5
    assert run.scalars()["varlaw/gradient"] > 0


def test_a_run_whose_loss_is_never_given_is_watched(capsys):
    model, optimizer = made()
    with varlaw.watch(model, optimizer) as run:
        for _ in range(5):
            model(torch.ones(8, 4)).mean().backward()
            optimizer.step()
    assert run.report().record.draws == 5
    assert {f.signal for f in run.findings} == {"gradient.kept"}
    assert capsys.readouterr().err.count("\n") == 1


def test_a_step_outside_and_a_second_entry_are_said_once(capsys):
    model, optimizer = made()
    run = varlaw.watch(model, optimizer)
    run.step(1.0)
    run.step(1.0)
    with run:
        train(run, model, optimizer)
    with run:
        train(run, model, optimizer)
    said = capsys.readouterr().err
    assert said.count("outside of the watch") == 1
    assert said.count("entered before") == 1
    assert run.report().record.draws == 5


def test_a_second_entry_within_the_first_ends_nothing(capsys):
    model, optimizer = made()
    with varlaw.watch(model, optimizer) as run:
        with run:
            train(run, model, optimizer, 2)
        train(run, model, optimizer)
    assert run.report().record.draws == 7
    assert capsys.readouterr().err.count("\n") == 1


def test_a_log_that_fails_is_said_once_and_the_watch_goes_on(capsys):
    model, optimizer = made()
    with varlaw.watch(model, optimizer, log=lambda numbers: 1 / 0, every=2) as run:
        train(run, model, optimizer, 9)
    assert run.report().record.draws == 9
    assert "is not called any more: ZeroDivisionError" in capsys.readouterr().err


class Dashboard:
    """The methods of a run of W&B, and of a writer of TensorBoard, with their parameters; what they were given."""

    def __init__(self):
        self.steps, self.rows, self.counted = [], [], 0

    def log(self, data, step=None, commit=None):
        assert isinstance(data, dict)
        assert all(type(name) is str and type(number) in (int, float) for name, number in data.items())
        self.counted += 1  # at each call, whatever the training counts
        self.rows.append(data)

    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None, new_style=False, double_precision=False):
        assert (type(tag), type(scalar_value), type(global_step)) == (str, float, int) or tag == "varlaw/violations"
        self.steps.append(global_step)
        self.rows.append({tag: scalar_value})


def test_the_numbers_of_a_run_go_to_dashboards_as_the_tutorial_says():
    text = (Path(__file__).parents[2] / "docs" / "tutorial-watch.md").read_text(encoding="utf-8")
    (adapter,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "add_scalar" in block]
    names = {}
    exec(adapter, names)
    weights, board = Dashboard(), Dashboard()
    for log in (weights.log, names["to"](board)):
        model, optimizer = made()
        with varlaw.watch(model, optimizer, log=log, every=3) as run:
            train(run, model, optimizer, 9)
    assert [row["varlaw/step"] for row in weights.rows] == [3, 6, 9]
    told = {"loss", "gradient", "update", "weight", "rate", "violations"}
    assert {f"varlaw/{name}" for name in told} <= weights.rows[-1].keys()
    assert [row["varlaw/loss"] for row in board.rows if "varlaw/loss" in row] == [
        r["varlaw/loss"] for r in weights.rows
    ]
    assert sorted(set(board.steps)) == [3, 6, 9]


def test_a_model_of_which_only_parts_are_called_is_said_to_be_unseen():
    parts = nn.ModuleDict({"a": nn.Linear(4, 4)})
    optimizer = torch.optim.SGD(parts.parameters(), lr=0.01)
    with varlaw.watch(parts, optimizer) as run:
        train(run, parts["a"], optimizer)
    assert run.report().record.blind == ["activations: the model is never called itself, only parts of it"]


def test_a_model_that_changes_is_followed():
    model, optimizer = made()

    def change(step):
        if step == 20:
            model[0].weight.data = model[0].weight.data.clone()  # other memory
        if step == 30:
            model.append(nn.Linear(1, 1))
            optimizer.add_param_group({"params": model[3].parameters()})
        if step == 40:
            model[0] = nn.Linear(4, 8)  # the optimiser still holds the old one

    with varlaw.watch(model, optimizer) as run:
        train(run, model, optimizer, 60, between=change)
    assert run.report().record.draws == 60
    assert run.report().record.blind == []
    assert not [f for f in run.findings if f.signal == "weight.still"]


def test_a_layer_that_is_replaced_while_it_is_watched_is_named():
    model, optimizer = made()

    def change(step):
        if step == 10:
            model[2] = nn.Linear(8, 1)

    with varlaw.watch(model, optimizer) as run:
        train(run, model, optimizer, 30, between=change)
    assert [(f.signal, f.where) for f in run.findings] == [("optimizer.stale", ("2.weight", "2.bias"))]


def test_a_broken_monitor_lets_the_training_go_on(capsys, monkeypatch):
    model, optimizer = made()
    with varlaw.watch(model, optimizer) as run:
        monkeypatch.setattr(run._steps.judge, "step", lambda *_: 1 / 0)
        train(run, model, optimizer)
    assert "the watch ends at step 1: ZeroDivisionError" in capsys.readouterr().err
    assert run.report().record.blind


def test_an_error_of_the_training_passes_through(tmp_path):
    model, optimizer = made()
    path = tmp_path / "run.jsonl"
    with pytest.raises(KeyError), varlaw.watch(model, optimizer, out=path) as run:
        train(run, model, optimizer, between=lambda step: {}[step] if step == 3 else None)
    assert sum(isinstance(line, Step) for line in lines(path)) == 4


# -- the file ----------------------------------------------------------------------------------------------------------


def test_a_full_disk_does_not_stop_the_training(capsys):
    model, optimizer = made()
    with varlaw.watch(model, optimizer, out="/dev/full") as run:
        train(run, model, optimizer)
    assert run.report().record.draws == 5
    assert "journal ends here" in capsys.readouterr().err


def test_a_disk_that_fills_up_leaves_whole_lines(tmp_path, capsys):
    import resource

    model, optimizer = made()
    path = tmp_path / "run.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        with varlaw.watch(model, optimizer, out=path) as run:
            train(run, model, optimizer, 30)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert run.report().record.draws == 30
    assert "journal ends here" in capsys.readouterr().err
    assert 3 < sum(isinstance(line, Step) for line in lines(path)) < 30


def test_a_second_run_is_appended(tmp_path):
    path = tmp_path / "run.jsonl"
    for _ in range(2):
        model, optimizer = made()
        with varlaw.watch(model, optimizer, out=path) as run:
            train(run, model, optimizer)
        with path.open("ab") as file:
            file.write(b'{"type":"step","st')  # as a killed run leaves it
    found = list(lines(path))
    assert [sum(isinstance(line, kind) for line in found) for kind in (Header, Step, End)] == [2, 10, 2]


def test_another_file_is_left_alone(tmp_path, capsys):
    path = tmp_path / "thesis.txt"
    path.write_text("years of work\n")
    model, optimizer = made()
    with varlaw.watch(model, optimizer, out=path) as run:
        train(run, model, optimizer)
    assert path.read_text() == "years of work\n"
    assert "the journal ends here" in capsys.readouterr().err
    with pytest.raises(JournalError, match=r"line 1 is no line of a varlaw.watch/1 journal"):
        list(lines(path))


def test_a_killed_run_leaves_whole_lines(tmp_path):
    path = tmp_path / "run.jsonl"
    code = f"""
        import os, signal, torch, varlaw
        model = torch.nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        with varlaw.watch(model, optimizer, out={str(path)!r}) as run:
            for step in range(100):
                optimizer.zero_grad()
                loss = model(torch.ones(8, 4)).square().mean()
                loss.backward()
                optimizer.step()
                run.step(loss)
                if step == 50:
                    os.kill(os.getpid(), signal.SIGKILL)
    """
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=env, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes().endswith(b"\n")
    assert [json.loads(line)["step"] for line in path.read_text().splitlines() if '"step"' in line][:50][-1] == 50
