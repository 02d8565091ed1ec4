"""The file of a run as text, live and as a page; the files of several processes as those of one."""

import threading
import time

import pytest

from varlaw.cli import main
from varlaw.diagnose.signals import finding
from varlaw.diagnose.symptoms import diagnoses
from varlaw.diagnose.watching.journal import Journal, lines
from varlaw.diagnose.watching.merging import merged
from varlaw.diagnose.watching.records import End, Event, Header, Step
from varlaw.reports.model import journal, live, run_page


def header(**options):
    return Header(name="run", tensors=("w",), every=100, alpha=1e-5, versions={"varlaw": "0"}, **options)


def steps(count, **numbers):
    return [
        Step(step=i, loss=1 / i, gradient=3.0, update=0.1, weight=2.0, rate=0.1, **numbers) for i in range(1, count)
    ]


STUCK = Event(step=30, finding=finding("loss.stuck", "VIOLATES", "does not fall", "loss"))
CLIPPED = Event(step=40, finding=finding("clip.always", "VIOLATES", "always <b>", "all gradients"))


def write(path, found):
    file = Journal(path)
    for line in found:
        file.write(line)
    file.close()


def test_findings_add_up_to_a_symptom_whose_shown_cause_is_first():
    run = journal.read([header(), *steps(50), STUCK, CLIPPED, End(steps=49)], diagnoses)
    text = journal.render(run)
    assert "the loss is slow from the start, by loss.stuck" in text
    assert "1. clipping binds (clip.always)" in text
    assert text.endswith("2 violate")
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_page_has_curves_and_a_timeline_and_escapes_what_it_shows():
    run = journal.read([header(), *steps(50), STUCK, CLIPPED], diagnoses)
    page = run_page.render(run)
    assert "Timeline" in page
    assert "not ended" in page
    assert "always &lt;b&gt;" in page
    assert "clipping binds (clip.always)" in page
    assert len(run_page.curve(run, "loss")["layer"]) == 3
    assert run_page.curve(journal.Run(), "loss") is None


def test_a_run_that_began_again_goes_on_in_its_curve():
    run = journal.read([header(), *steps(5), header(), *steps(5), STUCK, End(steps=4)], diagnoses)
    assert [s.step for s in run.steps] == list(range(1, 9))
    assert run.events[0].step == 34
    assert run.ended


@pytest.mark.parametrize(("sharded", "gradient"), [(False, 3.0), (True, 5.0)])
def test_the_files_of_two_processes_are_one_run(sharded, gradient):
    first = [header(sharded=sharded), Step(step=1, loss=1.0, gradient=3.0), STUCK, End(steps=1)]
    other = Step(step=1, loss=3.0, gradient=4.0 if sharded else 3.0)
    second = [header(rank=1, sharded=sharded), other, Step(step=2, nonfinite=True), STUCK]
    found = list(merged([first, second]))
    assert [type(line) for line in found] == [Header, Step, Step, Event]
    assert (found[1].loss, found[1].gradient) == (2.0, gradient)
    assert found[2].nonfinite
    assert isinstance(list(merged([first, [*second, End(steps=2)]]))[-1], End)


def test_a_run_is_shown_while_it_is_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(live, "_PAUSE", 0.02)
    path = tmp_path / "run.jsonl"
    write(path, [header(), *steps(10)])

    def go_on():
        time.sleep(0.2)
        write(path, [STUCK, End(steps=9)])

    writer = threading.Thread(target=go_on)
    writer.start()
    with pytest.raises(SystemExit) as left:
        main(["watch", "--follow", "--report", str(tmp_path / "page.html"), str(path)])
    writer.join()
    assert left.value.code == 1
    assert "loss.stuck" in capsys.readouterr().out
    assert "loss.stuck" in (tmp_path / "page.html").read_text()
    assert isinstance(list(lines(path))[-1], End)


def test_a_missing_file_is_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["watch", str(tmp_path / "none.jsonl")])
    assert left.value.code == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("count", [1, 2])
def test_a_file_without_a_run_is_one_line(tmp_path, capsys, count):
    empty = tmp_path / "run.jsonl"
    empty.touch()
    with pytest.raises(SystemExit) as left:
        main(["watch", *[str(empty)] * count])
    assert left.value.code == 2
    assert "nothing of a run is written yet" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_one_line(tmp_path, capsys):
    run = tmp_path / "run.jsonl"
    write(run, [header(), *steps(3), End(steps=2)])
    with pytest.raises(SystemExit) as left:
        main(["watch", str(run), "--report", str(run / "page.html")])
    assert left.value.code == 3
    assert "a fault of varlaw" not in capsys.readouterr().err
