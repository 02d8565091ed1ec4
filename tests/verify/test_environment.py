"""The commit of the repository around us, read without running anything that the repository names."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from varlaw.verify import environment

pytestmark = pytest.mark.skipif(not shutil.which("git") or os.name != "posix", reason="needs git and a shell")


def _git(folder: Path, *arguments: str, check: bool = True) -> str:
    who = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "protocol.file.allow=always")
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | {"HOME": str(folder.parent)}
    done = subprocess.run(["git", *who, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=check)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    _git(folder, "init", "-q")
    (folder / "a.txt").write_text("a\n")
    _git(folder, "add", ".")
    _git(folder, "commit", "-q", "-m", "one")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(folder)
    return folder


def test_the_commit_and_whether_tracked_files_differ(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = _git(repository, "rev-parse", "HEAD")
    assert environment.commit() == head
    (repository / "b.txt").write_text("untracked")
    os.utime(repository / "a.txt", (1, 1))
    assert environment.commit() == head
    (repository / "a.txt").write_text("b\n")
    assert environment.commit() == f"{head}+changes"
    monkeypatch.chdir(repository.parent)
    assert environment.commit() == ""


def test_the_environment_of_another_repository_does_not_count(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a hook, where git says in GIT_DIR whose it is."""
    (tmp_path / "other").mkdir()
    _git(tmp_path / "other", "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    assert environment.commit() == _git(repository, "rev-parse", "HEAD")


def _settings(program: str) -> dict[str, dict[str, str]]:
    """Ways in which a repository's own configuration has a program run by `git status`."""
    return {
        "monitor": {"core.fsmonitor": program},
        "hook": {"core.hooksPath": "hooks"},
        "clean": {"filter.a=b.clean": program, "filter.a=b.required": "true"},
        "process": {"filter.a=b.process": program},
        "remote": {
            "remote.origin.url": f"ext::{program}", "remote.origin.promisor": "true", "protocol.ext.allow": "always",
            "core.repositoryFormatVersion": "1", "extensions.partialClone": "origin",
        },
    }  # fmt: skip


@pytest.mark.parametrize("way", _settings(""))
def test_nothing_that_a_repository_names_is_run(repository: Path, way: str) -> None:
    program, ran = repository.parent / "program", repository.parent / "ran"
    program.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
    program.chmod(0o755)
    (repository / "hooks").mkdir()
    shutil.copy(program, repository / "hooks" / "post-index-change")
    (repository / ".gitattributes").write_text("*.txt filter=a=b\n")
    for name, value in _settings(str(program))[way].items():
        _git(repository, "config", name, value)
    if way == "remote":  # what HEAD names is not there, and would be fetched
        tree = _git(repository, "rev-parse", "HEAD^{tree}")
        (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    touched = repository / "a.txt"
    os.utime(touched, (1, 1))
    environment.commit()
    assert not ran.exists()
    _git(repository, "status", check=False)  # and as git does it by itself:
    assert ran.exists()


def test_a_submodule_is_not_entered(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    _git(repository, "submodule", "--quiet", "add", str(repository), "inner")
    _git(repository, "commit", "-q", "-m", "two")
    _git(repository / "inner", "config", "core.fsmonitor", f"touch {ran}; false")
    assert environment.commit() == _git(repository, "rev-parse", "HEAD")
    assert not ran.exists()
    _git(repository, "status")
    assert ran.exists()


@pytest.mark.parametrize(
    ("share", "seen"), [("150000 100000\n", 2), ("max 100000\n", 4), ("50000 100000\n", 1), ("", 4)]
)
def test_processors_are_those_that_a_container_may_use(
    share: str, seen: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(share)
    monkeypatch.setattr(environment, "_QUOTA", quota)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(4)), raising=False)
    assert environment.processors() == seen
