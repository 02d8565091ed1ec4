"""A cache gives back what the same code said, and nothing that any other code said."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from varlaw.evidence.streams import SALT
from varlaw.verify import cache, fingerprint, plan, run
from varlaw.verify.ledger import LedgerInUse

# The verb, where only code of one's own is looked at: all that is installed here takes seconds.
_VERB = """
from varlaw.verify import fingerprint
fingerprint._roots = lambda: [(str(path), str(path.parent)) for path in sorted(fingerprint._own())]
from varlaw.cli import main
main()
"""
_ROWS = """
import numpy as np
from varlaw.rows import initialiser

def mine(shape, seed):
    import my_scale  # when it runs, and not before
    return np.random.default_rng(seed).normal(0, my_scale.STD, shape).astype(np.float32)

ROWS = [initialiser("own.mine", mine, "Normal(0.02)", shapes=[(64, 48)])]
"""


def _verify(folder: Path, *arguments: str) -> tuple[int, str, str]:
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "140", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", _VERB, "verify", "rows.py", "--cache", "kept", "--dtype", "float32", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False, cwd=folder)
    return done.returncode, done.stdout, done.stderr


def test_a_library_that_breaks_after_it_was_kept_is_decided_anew(tmp_path: Path) -> None:
    (tmp_path / "rows.py").write_text(_ROWS)
    scale = tmp_path / "my_scale.py"
    scale.write_text("STD = 0.02\n")
    code, first, said = _verify(tmp_path, "--json", "first.json")
    assert (code, "holds 0 of" in said) == (0, True), said
    scale.write_text("STD = 0.03\n")
    code, _, said = _verify(tmp_path)
    assert (code, "holds 0 of" in said) == (1, True), said
    scale.write_text("STD = 0.02\n")
    code, again, said = _verify(tmp_path, "--json", "again.json")
    verdicts = [json.loads((tmp_path / f"{name}.json").read_text())["verdicts"] for name in ("first", "again")]
    assert (code, again.splitlines()[3:-1], verdicts[0]) == (0, first.splitlines()[3:-1], verdicts[1])
    assert f"holds {len(verdicts[0])} of {len(verdicts[0])}" in said
    assert "give one" in _verify(tmp_path, "--ledger", "x")[2]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, in the place of all that is installed and one's own."""
    folder = tmp_path / "site-packages"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib-1.0.dist-info").mkdir()
    (folder / "lib" / "__init__.py").write_text("a = 1\n")
    (folder / "lib" / "fast.so").write_bytes(b"\x7fELF1")
    (folder / "lib-1.0.dist-info" / "METADATA").write_text("Version: 1.0\n")
    monkeypatch.setattr(fingerprint, "_roots", lambda: [(str(folder), str(folder))])
    return folder


def test_each_change_of_what_is_installed_is_another_word_and_no_other_is(installed: Path, tmp_path: Path) -> None:
    memory = tmp_path / "files.json"
    words = [fingerprint.fingerprint(memory)]
    assert words == [fingerprint.fingerprint(memory)]
    changes = {
        "lib/__init__.py": b"a = 2\n",
        "lib/fast.so": b"\x7fELF2",
        "lib-1.0.dist-info/METADATA": b"2",
        "x.py": b"",
    }
    for name, data in changes.items():  # each of the same size as before, but the last
        (installed / name).write_bytes(data)
        words.append(fingerprint.fingerprint(memory))
    assert len(set(words)) == len(words)
    (installed / "lib" / "__pycache__").mkdir()
    (installed / "lib" / "__pycache__" / "x.pyc").write_bytes(b"1")
    (installed / "lib-1.0.dist-info" / "RECORD").write_text("where it was installed\n")
    os.utime(installed / "x.py", (1, 1))
    memory.write_bytes(b"{torn")
    assert fingerprint.fingerprint(memory) == words[-1]


def test_variables_that_choose_an_algorithm_are_part_of_the_word(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint.fingerprint(tmp_path / "files.json")
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    assert fingerprint.fingerprint(tmp_path / "files.json") != before


def _plan(salt: str = SALT) -> plan.Plan:
    return plan.plan(plan.Request(targets=("varlaw.numpy.zeros",), dtypes=("float32",), salt=salt))


def test_a_torn_or_damaged_file_a_second_run_and_an_edit_meanwhile(installed: Path, tmp_path: Path) -> None:
    folder, agreed = tmp_path / "kept", _plan()
    with cache.opened(folder, run.header(agreed)) as book:
        first = run.execute(agreed, strict=False, ledger=book)
        with pytest.raises(LedgerInUse), cache.opened(folder, run.header(agreed)):
            pass
    whole = book.path.read_bytes()
    for data, kept in ((whole[:-5], len(first.verdicts) - 1), (whole.replace(b"CONFORMS", b"VIOLATES"), 0)):
        book.path.write_bytes(data)
        with cache.opened(folder, run.header(agreed)) as there:
            assert len(there.verdicts) == kept
            assert run.execute(agreed, strict=False, ledger=there).verdicts == first.verdicts
    with cache.opened(folder, run.header(agreed)) as there:
        (installed / "x.py").write_text("edited while the run decides\n")
    assert not there.path.exists()


def test_another_salt_is_another_file_and_the_oldest_go(installed: Path, tmp_path: Path) -> None:
    for k in range(cache.KEPT + 3):
        with cache.opened(tmp_path, run.header(_plan(str(k)))) as book:
            assert not book.verdicts
        os.utime(book.path, (k, k))
    assert sorted(p.stat().st_mtime for p in tmp_path.glob("*.verdicts")) == [*range(3, cache.KEPT + 3)]
