"""A ledger loses nothing, repeats nothing, and refuses what it cannot vouch for."""

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from varlaw.claims.verdict import Outcome, Verdict
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import SALT
from varlaw.verify import ledger, plan, run

_VARLAW = [sys.executable, "-c", "from varlaw.cli import main; main()"]
_TARGET = "varlaw.numpy.*uniform"
_ENV = {**os.environ, "COLUMNS": "140", "NO_COLOR": "1"}


def _verify(*arguments: str | Path, target: str = _TARGET) -> subprocess.CompletedProcess[str]:
    command = [*_VARLAW, "verify", target, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=_ENV, check=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an uninterrupted run decides, and the bytes of its ledger."""
    folder = tmp_path_factory.mktemp("whole")
    done = _verify("--json", folder / "run.json", "--ledger", folder / "ledger")
    assert done.returncode == 0, done.stderr
    return {"verdicts": _verdicts(folder / "run.json"), "bytes": (folder / "ledger").read_bytes()}


def _verdicts(run: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run.read_text())["verdicts"]
    return found


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


# -- kills -------------------------------------------------------------------------------------------------------------


def _killed(path: Path, bytes_wanted: int, *options: str) -> int:
    """Kill a run once its ledger has so many bytes; how many complete lines it leaves, the header not counted."""
    command = [*_VARLAW, "verify", _TARGET, "--ledger", str(path), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_ENV)
    end = time.monotonic() + 60
    while process.poll() is None and (not path.exists() or path.stat().st_size < bytes_wanted):
        assert time.monotonic() < end
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return path.read_bytes().count(b"\n") - 1


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_again_and_again_a_run_comes_to_the_same_verdicts(
    tmp_path: Path, jobs: str, whole: dict[str, Any]
) -> None:
    book, run = tmp_path / "ledger", tmp_path / "run.json"
    lines = _lines(whole["bytes"])
    counts = [_killed(book, len(b"".join(lines[:n])), "--jobs", jobs) for n in (0, 1, 20, 90, 150)]
    assert counts == sorted(counts)  # nothing lost
    assert counts[2] > 0
    done = _verify("--ledger", book, "--json", run, "--jobs", jobs)
    assert done.returncode == 0, done.stderr
    assert f"holds {counts[-1]} of {len(whole['verdicts'])} verdicts" in done.stderr
    assert _verdicts(run) == whole["verdicts"]
    assert sorted(_lines(book.read_bytes())) == sorted(lines)  # nothing decided twice, to the byte


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_workers_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    command = [*_VARLAW, "verify", "varlaw.numpy.*", "--policy", "nightly", "--jobs", "2"]
    process = subprocess.Popen(
        [*command, "--ledger", str(tmp_path / "ledger")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**_ENV, "VARLAW_TEST": str(tmp_path)},
    )  # fmt: skip
    assert _eventually(lambda: len(_ours(tmp_path)) >= 3)  # and the resource tracker
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _eventually(lambda: not _ours(tmp_path))


def _eventually(holds: Any) -> bool:
    end = time.monotonic() + 60
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(holds())


def _ours(mark: Path) -> list[str]:
    """The processes that inherited the mark in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"VARLAW_TEST={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(process.name)
        except OSError:
            continue
    return found


@pytest.mark.skipif(os.name != "posix", reason="interrupts by signal")
@pytest.mark.parametrize(
    ("jobs", "name", "word"),
    [("1", "SIGINT", "interrupted"), ("2", "SIGINT", "interrupted"), ("2", "SIGTERM", "terminated")],
)
def test_a_signal_says_what_is_kept_and_how_to_go_on(tmp_path: Path, jobs: str, name: str, word: str) -> None:
    book = tmp_path / "ledger"
    target = ["verify", "varlaw.numpy.*", "--policy", "nightly", "--dtype", "float32", "--jobs", jobs]
    command = [sys.executable, "-m", "varlaw", *target]
    process = subprocess.Popen(
        [*command, "--ledger", str(book)],
        stderr=subprocess.PIPE,
        text=True,
        env=_ENV,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a run in the background ignores it
    )
    assert _eventually(lambda: book.exists() and book.read_bytes().count(b"\n") > 2)
    process.send_signal(signal.Signals[name])
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.Signals[name]
    first, *progress, last = stderr.strip().splitlines()
    assert all("decided" in line for line in progress), stderr
    total = first.rsplit(" ", 2)[1]
    kept = book.read_bytes().count(b"\n") - 1
    assert first == f"ledger: {book} holds 0 of {total} verdicts"
    assert last == f"varlaw: {word} after {kept} of {total} verdicts; the same command resumes from {book}"


# -- damage ------------------------------------------------------------------------------------------------------------


def test_a_half_written_last_line_is_dropped_and_decided_again(tmp_path: Path, whole: dict[str, Any]) -> None:
    book, run = tmp_path / "ledger", tmp_path / "run.json"
    lines = _lines(whole["bytes"])
    for torn in (lines[-1][:-1], lines[-1][:40], b"\0" * 64):
        book.write_bytes(b"".join(lines[:-1]) + torn)
        done = _verify("--ledger", book, "--json", run)
        assert done.returncode == 0, done.stderr
        assert "its last line was half written and was dropped" in done.stderr
        assert book.read_bytes() == whole["bytes"]
        assert _verdicts(run) == whole["verdicts"]


def test_a_kill_while_the_header_was_written_begins_again(tmp_path: Path, whole: dict[str, Any]) -> None:
    for size in (0, 1, 30):
        book = tmp_path / f"ledger{size}"
        book.write_bytes(whole["bytes"][:size])
        assert _verify("--ledger", book).returncode == 0
        assert book.read_bytes() == whole["bytes"]


def _rewritten(line: bytes, kind: str, **changes: Any) -> bytes:
    """A line with other fields and a checksum that agrees with them."""
    record = msgspec.json.encode(json.loads(line)[kind] | changes)
    return b'{"crc":"%08x","%s":%s}\n' % (zlib.crc32(record), kind.encode(), record)


def _spoiled() -> dict[str, tuple[Any, str]]:
    """How a ledger is spoiled, as a function of its lines, and what is said of it."""
    header = lambda **changes: lambda x: [_rewritten(x[0], "header", **changes), *x[1:]]  # noqa: E731 - a table
    digit = lambda line: line.replace(b'"samples":', b'"samples":1', 1)  # noqa: E731
    other = lambda line: _rewritten(line, "verdict", replay="v1:other:pr:x:{}")  # noqa: E731
    return {
        "a line that is no JSON": (lambda x: [*x[:5], b"}{\n", *x[6:]], "damaged at line 6"),
        "a line torn in the middle": (lambda x: [*x[:5], x[5][:50] + b"\n", *x[6:]], "damaged at line 6"),
        "an empty line": (lambda x: [*x[:5], b"\n", *x[6:]], "damaged at line 6"),
        "a digit": (lambda x: [*x[:7], digit(x[7]), *x[8:]], "damaged at line 8 (its checksum differs)"),
        "the last line": (lambda x: [*x[:-1], digit(x[-1])], "(its checksum differs)"),
        "a line twice": (lambda x: [*x, x[9]], "it repeats a decision, and evidence counts once"),
        "a line of another salt": (lambda x: [*x[:3], other(x[3]), *x[4:]], "line 4 (it belongs to another run)"),
        "no header": (lambda x: x[1:], "its first line is no header"),
        "another schema": (header(schema="varlaw.ledger/9"), 'of schema "varlaw.ledger/9", but this varlaw reads'),
        "another varlaw": (header(varlaw="9.9"), "was begun with varlaw='9.9', but this run has '"),
        "another framework": (header(versions={"numpy": "0.1"}), "was begun with versions=numpy 0.1, but this run has"),
        "a header without a field": (lambda x: [_rewritten(x[0], "header", alpha=None), *x[1:]], "damaged at line 1"),
        "a text file": (lambda x: [b"my notes\n"], "its first line is no header"),
        "a text file of half a line": (lambda x: [b"my notes"], "is no ledger of this run"),
    }


@pytest.mark.parametrize("how", _spoiled())
def test_damage_is_refused_in_one_line_and_left_as_it_is(tmp_path: Path, how: str, whole: dict[str, Any]) -> None:
    spoil, words = _spoiled()[how]
    book = tmp_path / "ledger"
    spoiled = b"".join(spoil(_lines(whole["bytes"])))
    book.write_bytes(spoiled)
    with pytest.raises(ledger.LedgerError) as caught, ledger.opened(book, _header()):
        pass
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert any(advice in str(caught.value) for advice in ("another file", "restore it", "delete it"))
    assert book.read_bytes() == spoiled


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--salt", "other"], f"salt='{SALT}', but this run has 'other'"),
        (["--policy", "nightly"], "policy='pr', but this run has 'nightly'"),
        (["--yearly-decisions", "5000"], "yearly_decisions=1000000000, but this run has 5000"),
    ],
)
def test_another_run_is_refused(tmp_path: Path, options: list[str], words: str, whole: dict[str, Any]) -> None:
    book = tmp_path / "ledger"
    book.write_bytes(whole["bytes"])
    done = _verify("--ledger", book, *options)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith(f"varlaw: {book} was begun with ")
    assert words in line
    assert book.read_bytes() == whole["bytes"]


def test_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    for place in (tmp_path, "/dev/null/ledger"):
        done = _verify("--ledger", place)
        assert done.returncode == 2
        assert done.stderr.startswith(f"varlaw: cannot open the ledger {place}: ")


# -- counting once -----------------------------------------------------------------------------------------------------


def _header(**request: Any) -> ledger.Header:
    return run.header(plan.plan(plan.Request(targets=(_TARGET,), **request)))


def test_two_processes_on_one_ledger_are_refused(tmp_path: Path) -> None:
    book = tmp_path / "ledger"
    with ledger.opened(book, _header()):
        done = _verify("--ledger", book)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line == f"varlaw: the ledger {book} is in use by another process; wait for it, or name another file"
    assert _verify("--ledger", book, "-q").returncode == 0  # the lock goes with its process


def test_a_verdict_is_taken_once(tmp_path: Path, whole: dict[str, Any]) -> None:
    verdict = msgspec.convert(whole["verdicts"][0], Verdict)
    with ledger.opened(tmp_path / "ledger", _header()) as book:
        book.add(verdict)
        with pytest.raises(ledger.LedgerError, match="evidence counts once"):
            book.add(verdict)
    with ledger.opened(tmp_path / "ledger", _header()) as book:
        assert list(book.verdicts.values()) == [verdict]


def test_what_could_not_be_decided_is_tried_again(tmp_path: Path, whole: dict[str, Any]) -> None:
    verdict = msgspec.convert(whole["verdicts"][0] | {"outcome": "ERROR"}, Verdict)
    assert verdict.outcome is Outcome.ERROR
    with ledger.opened(tmp_path / "ledger", _header()) as book:
        book.add(verdict)
        assert not book.verdicts


def test_a_narrower_run_takes_from_the_ledger_what_is_its_own(tmp_path: Path, whole: dict[str, Any]) -> None:
    book, run = tmp_path / "ledger", tmp_path / "run.json"
    book.write_bytes(whole["bytes"])
    assert _verify("--ledger", book, "--json", run, target="varlaw.numpy.he_uniform").returncode == 0
    assert _verdicts(run) == [v for v in whole["verdicts"] if v["subject"] == "varlaw.numpy.he_uniform"]
    assert book.read_bytes() == whole["bytes"]


# -- the yearly budget -------------------------------------------------------------------------------------------------


def test_a_budget_beyond_one_alarm_in_a_thousand_years_fails_the_configuration(tmp_path: Path) -> None:
    done = _verify("--yearly-decisions", "1000000001", "--ledger", tmp_path / "ledger")
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line == (
        "varlaw: 1000000001 decisions a year at alpha 1e-12 expect 0.001 false alarms, "
        "but should expect at most 0.001: 1000000000 decisions"
    )
    assert not list(tmp_path.iterdir())


def test_a_run_larger_than_its_year_fails_the_configuration(whole: dict[str, Any]) -> None:
    done = _verify("--yearly-decisions", "10")
    assert done.returncode == 2
    count = len(whole["verdicts"])
    assert f"this run takes {count} decisions, but only 10 are planned for a year" in done.stderr


def test_every_policy_affords_what_its_default_plans() -> None:
    for rule in POLICIES.values():
        ledger.check_budget(ledger.affordable(rule), 1, rule)


# -- what is no ledger -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices")
@pytest.mark.parametrize(
    "kind", ["pipe", "/dev/zero", "/dev/null", "/dev/stdin", "folder", "n" * 300, "a/" * 1990 + "b"]
)
def test_what_is_no_file_is_no_ledger(kind: str, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    command = [*_VARLAW, "verify", "varlaw.numpy.zeros", "--dtype", "float32", "--ledger", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.PIPE, env=_ENV, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "ledger" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_full_disk_is_no_mistake_of_the_user(tmp_path: Path) -> None:
    code = (
        "import resource, signal; resource.setrlimit(resource.RLIMIT_FSIZE, (2500, 2500));"
        " signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from varlaw.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "verify", _TARGET, "--ledger", str(tmp_path / "ledger")]
    done = subprocess.run(command, capture_output=True, text=True, env=_ENV, check=False)
    assert done.returncode == 3, done.stderr
    assert "what it holds is safe" in done.stderr.splitlines()[-1]
    assert _verify("--ledger", tmp_path / "ledger").returncode == 0


def test_a_line_without_end_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LONGEST", 1 << 16)
    path = tmp_path / "ledger"
    path.touch()
    os.truncate(path, 1 << 40)  # sparse: it takes no room on the disk
    header = run.header(plan.plan(plan.Request(targets=("varlaw.numpy.zeros",))))
    with pytest.raises(ledger.LedgerError, match="more than 65536 bytes"), ledger.opened(path, header):
        pass
