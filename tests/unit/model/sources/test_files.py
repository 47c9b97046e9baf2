"""Files below a directory, and what leads out of it."""

import os
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from data.network_graph import zip_of
from model.sources.files import MAX_FILES, open_below, read_below

CONTENT = b"a model"
OUT = "is at a path that leads out of the model root"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A model root with a model in a directory, beside a secret."""
    (tmp_path / "secret").write_bytes(b"not yours")
    inside = tmp_path / "root"
    (inside / "a").mkdir(parents=True)
    (inside / "a" / "model").write_bytes(CONTENT)
    return inside


def refused(root: Path, path: str, *, directory: bool = False, max_bytes: int = 1000) -> str:
    with pytest.raises(ValueError, match=r"^\S.*\S$") as caught:
        read_below(root, path, max_bytes, directory=directory)
    return str(caught.value)


def test_a_file_is_read_by_its_path_below_the_root_or_inside_it(root: Path) -> None:
    for path in ("a/model", "./a//model", str(root / "a" / "model")):
        assert read_below(root, path, len(CONTENT), directory=False) == CONTENT


def test_links_are_followed_within_the_root(root: Path, tmp_path: Path) -> None:
    (root / "current").symlink_to("a")
    (tmp_path / "also-root").symlink_to(root)
    assert read_below(tmp_path / "also-root", "current/model", 1000, directory=False) == CONTENT


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "a/..", "..", "/etc/hosts", "a\0b"])
def test_a_path_that_leads_out_is_refused(path: str, root: Path) -> None:
    assert refused(root, path) == OUT


def test_a_link_that_leads_out_is_refused(root: Path, tmp_path: Path) -> None:
    (root / "link").symlink_to("../secret")
    (root / "absolute").symlink_to(tmp_path)
    assert [refused(root, path) for path in ("link", "absolute/secret", str(root / "link"))] == [OUT] * 3


def test_a_link_that_is_put_there_after_the_check_is_not_followed(root: Path, tmp_path: Path) -> None:
    (root / "b").symlink_to(tmp_path)
    for steps in (("b",), ("b", "secret")):
        with pytest.raises(OSError, match=r"Too many levels|Not a directory"), open_below(root, steps):
            pass


def test_what_is_no_file_is_refused_and_never_waited_for(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert refused(root, "pipe") == "is at a path of a device or pipe, not of a file"
    assert refused(root, "a") == "is at a path of a directory, not of a file"
    assert refused(root, "gone") == "cannot be read (No such file or directory)"
    (root / "circle").symlink_to("circle")
    assert refused(root, "circle").startswith("cannot be read (")
    assert refused(root, "n" * 5000) == "cannot be read (File name too long)"
    assert refused(root / "gone", "a") == "cannot be read (No such file or directory)"


def test_a_file_larger_than_allowed_is_refused(root: Path) -> None:
    assert (
        refused(root, "a/model", max_bytes=len(CONTENT) - 1)
        == "has more than 6 bytes; make it smaller, or raise --max-model-bytes"
    )


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="no file here lies about its size")
def test_a_file_that_says_it_is_empty_is_no_larger_than_allowed_either() -> None:
    assert Path("/proc/version").stat().st_size == 0
    assert (
        refused(Path("/proc"), "version", max_bytes=5)
        == "has more than 5 bytes; make it smaller, or raise --max-model-bytes"
    )


def test_a_directory_comes_as_a_zip_that_is_the_same_each_time(root: Path) -> None:
    (root / "top").write_bytes(b"t")
    content = read_below(root, ".", 1000, directory=True)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"top": b"t", "a/model": CONTENT}
    os.utime(root / "top", (1, 1))
    assert read_below(root, ".", 1000, directory=True) == content == zip_of({"top": b"t", "a/model": CONTENT})


def test_a_directory_may_hold_files_only_and_neither_too_many_nor_too_large(root: Path, tmp_path: Path) -> None:
    (root / "top").write_bytes(CONTENT)
    read_below(root, ".", 2 * len(CONTENT), directory=True)
    assert refused(root, ".", directory=True, max_bytes=2 * len(CONTENT) - 1).endswith(
        "bytes; make it smaller, or raise --max-model-bytes"
    )
    (root / "a" / "out").symlink_to(tmp_path)
    assert refused(root, ".", directory=True).startswith("cannot be read (")
    (root / "a" / "out").unlink()
    os.mkfifo(root / "a" / "pipe")
    assert refused(root, ".", directory=True) == "is at a path of a device or pipe, not of a file"
    (root / "a" / "pipe").unlink()
    for number in range(MAX_FILES):
        (root / f"empty-{number}").touch()
    assert refused(root, ".", directory=True) == "has more than 1,000 files"
