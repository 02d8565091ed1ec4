"""Ctrl-C, SIGTERM and SIGHUP at any moment: one line, the documented code, no process and no part of a file left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from varlaw.reports import files

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}
# What the script of an installation does, and a mark when it has begun to hear signals.
_COMMAND = "from varlaw import __main__ as m; import os; m.begin(); os.write(1, b'begun\\n'); m.main()"
_DEFAULT = "import signal as s; [s.signal(n, s.SIG_DFL) for n in (s.SIGTERM, s.SIGHUP)]; "
_DEFAULT += "s.signal(s.SIGINT, s.default_int_handler); "


def _begin(folder: Path, *arguments: str, **streams: int) -> "subprocess.Popen[str]":
    """The command in a session of its own, as a terminal has it, when it hears signals."""
    process = subprocess.Popen(
        [sys.executable, "-c", _DEFAULT + _COMMAND, *arguments], cwd=folder, text=True, start_new_session=True,
        stdout=subprocess.PIPE, **{"stderr": subprocess.PIPE, **streams},
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    return process


def _left_over(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*.part"))


def _ends(group: int) -> bool:
    """Whether the last process of a session goes soon after the first."""
    for _ in range(200):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


RUN = ("verify", "varlaw.numpy.*_uniform", "--dtype", "float32", "--jobs", "2", "--json", "run.json", "--report", "r")


@pytest.fixture(scope="module")
def duration(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds of a run that nothing disturbs."""
    begun = time.monotonic()
    process = _begin(tmp_path_factory.mktemp("undisturbed"), *RUN)
    assert process.communicate(timeout=300)[1] == ""
    assert process.returncode == 0
    return time.monotonic() - begun


@pytest.mark.parametrize("tenth", range(12))
def test_a_signal_at_any_moment(tmp_path: Path, duration: float, tenth: int) -> None:
    """In turn the three signals, to all processes or to the first alone; the last moments are those of the end."""
    number = list(_WORDS)[tenth % 3]
    process = _begin(tmp_path, *RUN)
    time.sleep(duration * tenth / 10)
    (os.killpg if tenth % 2 else os.kill)(process.pid, number)
    out, err = process.communicate(timeout=60)
    assert process.returncode in (0, 128 + number), err
    if process.returncode == 0:
        assert err == ""
        assert "conform" in out
    else:
        assert err in [
            f"varlaw: {word}; {done}\n"
            for word in (_WORDS[number], "stopped")
            for done in ("nothing was written", "run.json is written", "all 6 files are written")
        ]
    if (tmp_path / "run.json").exists():
        assert json.loads((tmp_path / "run.json").read_text())["verdicts"]
        assert "nothing was written" not in err
    assert _left_over(tmp_path) == []
    assert _ends(process.pid)


def test_a_second_signal_changes_nothing(tmp_path: Path) -> None:
    process = _begin(tmp_path, "verify", "varlaw.numpy.*", "--policy", "nightly", "--jobs", "2")
    time.sleep(1)
    for _ in range(5):
        os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "varlaw: interrupted; nothing was written\n")
    assert _ends(process.pid)


def test_a_ledger_is_resumed_after_a_termination(tmp_path: Path) -> None:
    process = _begin(tmp_path, "verify", "varlaw.numpy.*", "--policy", "nightly", "--jobs", "2", "--ledger", "l")
    while not (tmp_path / "l").exists() or (tmp_path / "l").read_bytes().count(b"\n") < 3:
        time.sleep(0.05)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143
    heading, line = err.splitlines()
    assert heading.startswith("ledger: l holds 0 of")
    assert line.startswith("varlaw: terminated after ")
    assert line.endswith(" decisions; the same command resumes from l")


def test_what_is_ignored_from_the_beginning_stays_ignored(tmp_path: Path) -> None:
    ignored = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    process = subprocess.Popen(
        [sys.executable, "-c", ignored + _COMMAND, "verify", "varlaw.numpy.zeros", "--quiet"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=60)[1] == ""
    assert process.returncode == 0


def test_a_signal_where_nothing_can_be_raised_is_not_lost(tmp_path: Path) -> None:
    """In the end of an object Python prints an exception and goes on."""
    code = """
import os, signal, sys, time
from varlaw.commands import stopping
stopping.listen()
class Odd:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)
try:
    Odd()
    time.sleep(30)
except KeyboardInterrupt as stop:
    sys.exit(stopping.code(stop))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (143, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("verify", "nonsense"), 5),
        (("verify", "--frobnicate"), 2),
        (("verify", "varlaw.numpy.zeros", "--ledger", "l"), 0),
        (("identify", "varlaw.numpy.zeros"), 0),
        (("baseline", "record", "varlaw.numpy.zeros", "-o", "b.json"), 0),
    ],
)
def test_stderr_that_cannot_be_written_changes_no_exit_code(
    tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    closed, writing = os.pipe()
    os.close(closed)
    full = os.open("/dev/full", os.O_WRONLY)
    for stderr in (full, writing):
        process = _begin(tmp_path, *arguments, stderr=stderr)
        process.communicate(timeout=60)
        assert process.returncode == code
    os.close(full)
    os.close(writing)


def test_a_write_sweeps_what_a_killed_process_left(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    abandoned = [f".index.html.{gone.pid}-0123abcd-3.part", f".run.json.{os.getpid()}-0123abcd-0.part"]
    abandoned += [".index.html.k3x_9abq.part", ".run.json.aaaabbbb.part"]  # as mkstemp named them
    others = [f".run.json.{os.getppid()}-0123abcd-0.part", ".film.mp4.part", "a.part", ".hidden"]
    for name in abandoned + others:
        (tmp_path / name).touch()
    files.write_whole(tmp_path / "run.json", b"{}")
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", *others}


def test_a_file_is_known_before_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt as soon as a part exists, while its name is still on the way to who asked for it."""
    opened = os.open

    def interrupted(*arguments: object, **options: object) -> int:
        os.close(opened(*arguments, **options))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.write_whole(tmp_path / "run.json", b"{}")
    assert list(tmp_path.iterdir()) == []
