"""The command on terminals, pipes and disks as they really are: closed, full, narrow, without Unicode."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from varlaw.reports import files
from varlaw.reports.files import write_all_whole

_COMMAND = [sys.executable, "-c", "from varlaw.cli import main; main()"]
_GAIN = (
    'v1:2026-11-22:pr:init.documented:{"case":{"groups":1,"in_channels":64,"kernel_size":1,"layer":"linear",'
    '"mode":"fan_in","out_channels":16,"stride":1},"device":"cpu","dtype":"%s",'
    '"subject":"varlaw.numpy.he_normal","target":"varlaw.numpy.he_normal"}'
)


def _varlaw(*arguments: str, stdout: int = subprocess.PIPE, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_COMMAND, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "100", **env},
        check=False,
    )


@pytest.mark.parametrize("arguments", [("laws", "list"), ("identify", "varlaw.numpy.he_normal"), ("--cite",)])
def test_a_pipe_that_nobody_reads_is_no_violation(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = _varlaw(*arguments, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments", [("laws", "list"), ("verify", "varlaw.numpy.he_normal", "--dtype", "float32"), ("--help",)]
)
def test_a_full_disk_behind_the_output_is_one_line(arguments: tuple[str, ...]) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    done = _varlaw(*arguments, stdout=full)
    os.close(full)
    assert done.returncode == 3
    assert done.stderr == "varlaw: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("command", [["-c", "from varlaw.__main__ import main; main()"], ["-m", "varlaw"]])
@pytest.mark.parametrize("module", ["varlaw.cli", "click", "varlaw.theory.catalogue", "varlaw.commands.laws"])
def test_an_interrupt_while_the_command_loads_is_one_line_as_well(
    command: list[str], module: str, tmp_path: Path
) -> None:
    """As it loads its own modules, or those it stands on: Ctrl-C comes when Python asks for one of them."""
    hook = f"class Hook:\n def find_spec(self, name, *_):\n  if name == {module!r}: raise KeyboardInterrupt"
    (tmp_path / "sitecustomize.py").write_text(f"import sys\n{hook}\nsys.meta_path.insert(0, Hook())\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, *command, "laws", "list"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (130, "varlaw: interrupted; nothing was written")


def test_a_terminal_without_unicode_gets_an_ascii_picture() -> None:
    done = _varlaw("laws", "show", "he_normal.variance", LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert "|####" in done.stdout


def test_a_narrow_terminal_loses_no_column() -> None:
    done = _varlaw("laws", "list", COLUMNS="40")
    assert done.stdout.splitlines()[1:3] == ["  linear.second_moment", "      E[y_i^2] (exact in expectation)"]


@pytest.mark.parametrize(("option", "env"), [("--no-color", {}), ("-v", {"NO_COLOR": "1"})])
def test_plain_text_holds_no_control_character(option: str, env: dict[str, str]) -> None:
    arguments = ("verify", "varlaw.numpy.zeros", "--dtype", "float32", option)
    done = _varlaw(*arguments, FORCE_COLOR="1", TERM="xterm", **env)
    assert "\x1b" not in done.stdout
    if not env:
        assert "\x1b" in _varlaw(*arguments[:-1], FORCE_COLOR="1", TERM="xterm", NO_COLOR="").stdout


def test_a_fault_of_ours_is_one_line_and_no_violation() -> None:
    broken = "import varlaw.verify.plan as s; s.plan = None; from varlaw.cli import main; main()"
    command = [sys.executable, "-c", broken, "verify", "varlaw.numpy.zeros"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "VARLAW_TRACEBACK=1" in done.stderr
    shown = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "VARLAW_TRACEBACK": "1"}, check=False
    )
    assert "Traceback" in shown.stderr


@pytest.mark.parametrize("command", ["verify", "identify"])
def test_a_folder_for_a_file_is_refused_before_the_work(command: str, tmp_path: Path) -> None:
    done = _varlaw(command, "varlaw.numpy.he_normal", "--json", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"varlaw: cannot write {tmp_path}: it is a folder, but should be a file\n"


def test_a_table_is_shown_where_its_file_cannot_be_written() -> None:
    if os.geteuid() != 0 or not Path("/proc/self").exists():
        pytest.skip("needs a folder that looks writable and is not")
    done = _varlaw("verify", "varlaw.numpy.zeros", "--dtype", "float32", "--json", "/proc/varlaw.json")
    assert done.returncode == 3
    assert "conform" in done.stdout
    assert done.stderr.startswith("varlaw: cannot write /proc/varlaw.json")


def test_a_part_of_a_function_is_found_by_the_name_that_reports_show() -> None:
    done = _varlaw("verify", "torch.nn.init.calculate_gain.tanh", "--dtype", "float64", "-v")
    assert done.returncode == 0, done.stderr
    assert "torch.nn.init.calculate_gain.tanh" in done.stdout


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("foo", "its version is 'foo', but should be v1"),
        (_GAIN % "int3", "dtype='int3', but should be one of float64, float32"),
    ],
)
def test_a_wrong_key_is_refused(key: str, words: str) -> None:
    done = _varlaw("replay", key)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("raise SystemExit(7)", 2, "SystemExit: 7"),
        ("1/0", 2, "ZeroDivisionError"),
        ("def f(shape, seed)", 2, "SyntaxError"),
        ("def f(shape, seed): raise SystemExit(7)", 3, "SystemExit: 7"),
        ("import numpy\ndef f(shape, seed): return numpy.full(shape, numpy.nan)", 0, "entries are not finite"),
    ],
)
def test_whatever_a_module_of_ones_own_does(body: str, code: int, words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(body, encoding="utf-8")
    command = [*_COMMAND, "identify", "mine:f"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == code
    assert words in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupt_while_files_move_waits_until_all_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        return moved(self, target)

    monkeypatch.setattr(files.Path, "replace", interrupted)
    wanted = {tmp_path / name: name.encode() for name in ("a", "b", "c")}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a run in the background ignores
    try:
        with pytest.raises(KeyboardInterrupt, match="all files were in place"):
            write_all_whole(wanted)
    finally:
        signal.signal(signal.SIGINT, before)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == wanted


@pytest.mark.parametrize("command", [("identify", "varlaw.numpy.zeros"), ("baseline", "record", "varlaw", "-o", "x")])
def test_every_command_refuses_a_salt_that_is_no_part_of_a_key(command: tuple[str, ...]) -> None:
    done = _varlaw(*command, "--salt", "a b")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "varlaw: salt='a b', but should be letters, digits and any of . _ + -\n"


@pytest.mark.parametrize("words", [["timm:resnet18"], ["os:getcwd", "--batch", "os:sep"]])
def test_a_model_without_torch_is_no_fault_of_ours(words: list[str]) -> None:
    code = "import sys; sys.modules['torch'] = None; from varlaw.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "check", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("varlaw: could not run: torch is not installed")
    assert done.stderr.count("\n") == 1
