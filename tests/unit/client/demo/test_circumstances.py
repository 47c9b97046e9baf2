"""Wiping a server's disk removes its state directory, and nothing else."""

from pathlib import Path

import pytest

from client.demo.circumstances import wipe_disk
from client.demo.errors import StateNotWiped


def test_the_state_directory_is_removed_and_its_neighbours_are_left(tmp_path: Path) -> None:
    (tmp_path / "mine" / "tables").mkdir(parents=True)
    (tmp_path / "mine" / "tables" / "0.db").write_text("a model")
    (tmp_path / "other").mkdir()
    (tmp_path / "mine" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "other" / "0.db").write_text("another model")
    wipe_disk(tmp_path / "mine")
    assert [str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")] == ["other", "other/0.db"]


def test_a_server_that_keeps_nothing_has_nothing_to_wipe(tmp_path: Path) -> None:
    wipe_disk(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_place_of_the_state_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "0.db").write_text("another model")
    (tmp_path / "mine").symlink_to(tmp_path / "other")
    with pytest.raises(StateNotWiped, match=r"^the state in .*/mine cannot be wiped \(.*link.*\): .*by hand$"):
        wipe_disk(tmp_path / "mine")
    assert (tmp_path / "other" / "0.db").read_text() == "another model"
