"""Every Python and console block of the documentation and the README runs, and console blocks print what they show.

Python blocks of a page share one namespace, in order. A block that begins with `# name.py` is that file, and `pytest`
or a command may be asked for it below. Each line of output that is shown must occur in the output of its command, in
order and as a run of words; `...` stands for lines left out. Words are compared exactly; measured numbers within a
quarter, because the draws of a framework differ between kinds of processors; the first line (versions) and times not at
all.

A run of everything takes minutes: `varlaw verify` without a target is tried on one subject.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

from varlaw.cli import cli, main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "learn").glob("*.md"))]
ONE = "varlaw.numpy.he_normal"
CODES = (0, 1, 2, 5)  # the exit codes that a page may show; 3 is a run that could not be

_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$")
_EDGES = "[](),;:%"


class Block(NamedTuple):
    """A block of a page: its language, its text and the line where it begins."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        yield Block(found[1], found[2], text.count("\n", 0, found.start()) + 1)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("page", [p for p in PAGES if any(blocks(p))], ids=lambda p: p.stem)
def test_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    columns = 120 if page.stem == "README" else 88  # what fits the page
    namespace: dict[str, object] = {"__name__": "page"}
    for block in blocks(page):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        if block.language == "python":
            if found := re.match(r"# (\w+\.py)\n", block.text):
                Path(found[1]).write_text(block.text, encoding="utf-8")
            exec(compile("\n" * block.line + block.text, where, "exec"), namespace)
        else:
            for command, shown in commands(block.text):
                printed = "".join(run(part, columns) for part in command.split(" && "))
                missing = first_missing(shown, printed)
                assert missing is None, f"{where}: {command}\nprints no line {missing!r}, but\n{printed}"


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, without its comment, and the lines shown below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *shown = part.splitlines()
        yield re.sub(r"\s+# .*$", "", command), [line for line in shown if line.strip() not in ("", "...")]


def test_numbers_of_laws_are_right_to_the_last_digit_shown() -> None:
    """A law draws nothing: what its page shows is what it prints, rounded."""
    shown_there = [
        (page.name, command, shown, run(command, 88).split())
        for page in PAGES for block in blocks(page) if block.language == "console"
        for command, shown in commands(block.text) if command.startswith("varlaw laws eval")
    ]  # fmt: skip
    assert len(shown_there) > 20
    assert not [
        (name, command, digits, number)
        for name, command, shown, printed in shown_there
        for digits, number in zip(shown, printed, strict=False)
        if _NUMBER.match(digits) and abs(Decimal(digits) - Decimal(number)) > _half_a_unit(digits)
    ]


def _half_a_unit(digits: str) -> Decimal:
    exponent = Decimal(digits).as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal("0.5000001").scaleb(exponent)


def run(command: str, columns: int) -> str:
    """What a command prints on a terminal of so many columns."""
    program, *arguments = shlex.split(command)
    if program == "pytest":
        return run_pytest(arguments)
    assert program == "varlaw", f"{command!r} is not run by this test"
    if arguments[0] == "verify" and not targets(arguments[1:]):
        arguments += [ONE, "--dtype", "float32"]
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        mock.patch.dict(os.environ, COLUMNS=str(columns), NO_COLOR="1"),
        pytest.raises(SystemExit) as stopped,
    ):
        main(arguments)
    missing = stopped.value.code == 3 and printed.getvalue().startswith("varlaw: cannot read nowhere.json")
    assert missing or stopped.value.code in CODES, f"{command} ends with {stopped.value.code}: {printed.getvalue()}"
    return printed.getvalue()


def targets(arguments: list[str]) -> list[str]:
    """The arguments that are no options, nor belong to one."""
    flags = {"-q", "--quiet", "-v", "--verbose", "--no-color"}
    pairs = zip(["", *arguments], arguments, strict=False)
    return [a for before, a in pairs if not a.startswith("-") and (not before.startswith("-") or before in flags)]


def run_pytest(arguments: list[str]) -> str:
    """A pytest of its own, deaf to the configuration of this one."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def first_missing(shown: list[str], printed: str) -> str | None:
    """The first line shown that is not printed after the ones before it; None when all are."""
    words, start = printed.split(), 0
    for line in shown:
        if line.startswith("varlaw ") and " | " in line:
            continue
        wanted = line.split()
        if wanted[-1] == "s" and len(wanted) > 1:
            wanted = wanted[:-2]
        places = range(start, len(words) - len(wanted) + 1)
        at = next((i for i in places if all(map(agree, wanted, words[i : i + len(wanted)]))), None)
        if at is None:
            return line
        start = at + len(wanted)
    return None


def agree(shown: str, printed: str) -> bool:
    """Whether two words are equal, or both numbers within a quarter of each other."""
    if shown == printed:
        return True
    inner = shown.strip(_EDGES), printed.strip(_EDGES)
    if not all(map(_NUMBER.match, inner)) or shown.replace(inner[0], "") != printed.replace(inner[1], ""):
        return False
    a, b = map(float, inner)
    return abs(a - b) <= 0.25 * max(abs(a), abs(b))


@pytest.mark.parametrize(
    ("shown", "printed", "missing"),
    [
        (["a 0.57 [0.5, 0.6]"], "x a 0.58 [0.51, 0.61] y", None),
        (["a 0.57"], "a 0.9", "a 0.57"),
        (["a b"], "a c b", "a b"),
        (["b", "a"], "a b", "a"),
        (["36 verdicts   1.5 s"], "36 verdicts 99 s", None),
    ],
)
def test_the_comparison_can_fail(shown: list[str], printed: str, missing: str | None) -> None:
    assert first_missing(shown, printed) == missing


def test_no_page_has_a_block_that_is_never_run() -> None:
    fences = {p.stem: len(re.findall(r"^```(?:python|console)\b", p.read_text(), re.MULTILINE)) for p in PAGES}
    assert fences == {p.stem: len(list(blocks(p))) for p in PAGES}


def test_the_workflow_calls_what_there_is() -> None:
    text = (ROOT / "docs" / "workflow.yml").read_text(encoding="utf-8")
    found = re.findall(r"run: (varlaw verify .*)", text)
    assert len(found) == 2
    for command in found:
        _, verb, *arguments = shlex.split(command)
        options = {a for a in arguments if a.startswith("--")}
        known = {name for p in cli.get_command(None, verb).params for name in p.opts}  # type: ignore[arg-type,union-attr]
        assert options <= known
