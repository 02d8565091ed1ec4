"""Results go where they are sent, whatever is there: files are replaced whole, links followed, pipes written into."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from varlaw.reports.files import ReportError, probe, probe_file, write_all_whole, write_whole

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes, links and permissions of POSIX")
_VARLAW = [sys.executable, "-c", "from varlaw.cli import main; main()"]
_VERIFY = (*_VARLAW, "verify", "varlaw.numpy.zeros", "--dtype", "float32", "--json")


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    probe_file(pipe)
    write_whole(pipe, b"data")
    reader.join(10)
    assert got == [b"data"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """Of a process that is gone, and an hour old; what another may still write stays."""
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    parts = [tmp_path / f".run.json.{process}-{'0' * 12}.part" for process in (int(gone.stdout), os.getpid(), 2**70)]
    for part in parts:
        part.write_text("half")
    os.utime(parts[0], (0, 0))
    os.utime(parts[1], (0, 0))
    write_whole(tmp_path / "run.json", b"whole")
    assert [part.exists() for part in parts] == [False, True, True]


def test_a_device_stays_a_device(tmp_path: Path) -> None:
    node = tmp_path / "null"
    try:
        os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("no right to make a device here")
    for path in (node, Path(os.devnull)):
        probe_file(path)
        write_whole(path, b"data")
        assert stat.S_ISCHR(path.stat().st_mode)


def test_a_disk_is_refused(tmp_path: Path) -> None:
    node = tmp_path / "disk"
    try:
        os.mknod(node, 0o600 | stat.S_IFBLK, os.makedev(7, 250))
    except PermissionError:
        pytest.skip("no right to make a device here")
    with pytest.raises(ReportError, match="is a disk, but should be a file"):
        probe_file(node)


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
def test_the_standard_output_holds_the_records_alone(name: str, tmp_path: Path) -> None:
    done = subprocess.run([*_VERIFY, name], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('{"schema":"varlaw.run/1"')
    assert done.stdout.endswith("]}\n")
    assert "conform" in done.stderr  # the table
    assert list(tmp_path.iterdir()) == []


def test_a_handle_that_the_shell_opened(tmp_path: Path) -> None:
    """`--json >(jq .)`, and appending to a file."""
    with (tmp_path / "log").open("wb") as file:
        file.write(b"before\n")
        file.flush()
        command = [*_VERIFY, f"/dev/fd/{file.fileno()}"]
        done = subprocess.run(command, pass_fds=[file.fileno()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "conform" in done.stdout
    assert (tmp_path / "log").read_text(encoding="utf-8").startswith('before\n{"schema":"varlaw.run/1"')


def test_a_handle_that_is_not_open_is_refused_before_the_work() -> None:
    done = subprocess.run([*_VERIFY, "/dev/fd/77"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "varlaw: cannot write /dev/fd/77: Bad file descriptor\n"


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_a_link(tmp_path: Path, there: bool) -> None:
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    target.parent.mkdir()
    link.symlink_to(target)
    if there:
        target.write_bytes(b"old")
    probe_file(link)
    write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert [p.name for p in target.parent.iterdir()] == ["target"]


def test_a_link_to_itself_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "link")
    with pytest.raises(ReportError, match="cannot write"):
        probe_file(tmp_path / "link")


def test_permissions_are_those_of_the_umask_or_of_the_file_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    for umask in (0o077, 0o022, 0o002):
        before = os.umask(umask)
        try:
            path.unlink(missing_ok=True)
            write_whole(path, b"data")
        finally:
            os.umask(before)
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o640)
    write_whole(path, b"more")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("path", ["n" * 300, "a/" * 3000 + "b", "zero\0byte"])
def test_a_name_that_no_file_can_bear_is_refused_before_the_work(path: str, tmp_path: Path) -> None:
    for refuse in (probe_file, probe):
        with pytest.raises(ReportError, match="cannot write") as caught:
            refuse(tmp_path / path)
        assert "\n" not in str(caught.value)
    with pytest.raises(ReportError, match="cannot write"):
        write_whole(tmp_path / path, b"data")
    assert list(tmp_path.iterdir()) == []


def test_folders_are_made_however_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("d/" * 1500 + "file")
    probe_file(path)
    write_whole(path, b"data")
    assert path.read_bytes() == b"data"
    for folder in path.parents[:-1]:  # pytest's own way of removing it is recursive
        for file in folder.glob("file"):
            file.unlink()
        folder.rmdir()


def test_nothing_is_replaced_where_a_pipe_breaks(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ReportError, match="Broken pipe"):
        write_all_whole({tmp_path / "a": b"new", Path(f"/dev/fd/{writing}"): b"data"})
    os.close(writing)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


def test_pieces_are_written_as_they_come(tmp_path: Path) -> None:
    write_whole(tmp_path / "a", (bytes([k]) for k in b"abc"))
    assert (tmp_path / "a").read_bytes() == b"abc"
