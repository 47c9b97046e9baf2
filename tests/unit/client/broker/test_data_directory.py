import os
import subprocess
import sys
from pathlib import Path

import pytest

from client.broker.data_directory import MARKER, DataDirectory
from client.errors import DataDirectoryInUse, DataDirectoryUnusable, DiskFull, ForeignDirectory


def test_a_directory_that_is_not_there_is_made(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "new" / "one") as directory:
        assert (directory.path / MARKER).read_text() == str(os.getpid())


def test_a_directory_of_ours_is_emptied(tmp_path: Path) -> None:
    with DataDirectory(tmp_path):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "log").write_text("records")
        (tmp_path / "broker.log").write_text("lines")
    with DataDirectory(tmp_path) as directory:
        directory.prepare(keep=False)
    assert [entry.name for entry in tmp_path.iterdir()] == [MARKER]


def test_a_directory_that_is_to_be_kept_is_kept(tmp_path: Path) -> None:
    with DataDirectory(tmp_path):
        (tmp_path / "broker.log").write_text("lines")
    with DataDirectory(tmp_path) as directory:
        directory.prepare(keep=True)
    assert (tmp_path / "broker.log").read_text() == "lines"


def test_emptying_follows_no_link_out_of_the_directory(tmp_path: Path) -> None:
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("years of work")
    with DataDirectory(ours) as directory:
        (ours / "link").symlink_to(foreign)
        directory.prepare(keep=False)
    assert (foreign / "thesis.txt").read_text() == "years of work"


def test_a_foreign_directory_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ForeignDirectory, match="not an embedded broker's: it will not be wiped; choose another"):
        DataDirectory(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_at_once_are_refused_and_the_second_learns_who_has_it(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import pathlib, sys; from client.broker.data_directory import DataDirectory\n"
            "DataDirectory(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()",
            str(tmp_path),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(DataDirectoryInUse, match=f": process {holder.pid} started it"):
        DataDirectory(tmp_path)
    holder.communicate()
    with DataDirectory(tmp_path) as directory:
        assert directory.path == tmp_path.resolve()


def test_a_place_where_nothing_can_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataDirectoryUnusable, match=r"\(Not a directory\): choose another place with --data-dir"):
        DataDirectory(tmp_path / "file" / "data")


def test_a_disk_with_too_little_room_is_one_line(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as directory, pytest.raises(DiskFull, match="make room, or choose another disk"):
        directory.prepare(keep=False, needed_bytes=1 << 60)
