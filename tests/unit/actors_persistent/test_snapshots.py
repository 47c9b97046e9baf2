"""Files that are replaced as a whole."""

import os
from pathlib import Path

import pytest

from actors_persistent.errors import StateCorrupt, StateUnwritable
from actors_persistent.feed_position import FeedPosition
from actors_persistent.snapshots import read_snapshot, write_snapshot


def test_the_last_one_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    assert read_snapshot(path) is None
    for payload in (b"first", b"", b"third" * 1000):
        write_snapshot(path, payload)
        assert read_snapshot(path) == payload
    assert [each.name for each in tmp_path.iterdir()] == ["snapshot"]


def test_every_damage_is_an_error_with_the_path_and_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "wine" / "snapshot"
    path.parent.mkdir()
    write_snapshot(path, b"counters")
    good = path.read_bytes()
    damaged = [good[:length] for length in range(len(good))]
    damaged += [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in range(len(good))]
    damaged += [good + b"\0", bytes(len(good))]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(StateCorrupt) as error:
            read_snapshot(path)
        assert str(error.value).startswith(f"{path} is damaged (")
        assert f"rm -r {path.parent} and rm {tmp_path / 'models_topic'}" in str(error.value)


def test_killed_at_any_step_there_is_the_old_one_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "snapshot"
    steps: list[str] = []

    def recorded(name: str, step: object) -> None:
        assert callable(step)

        def spied(*arguments: object) -> object:
            steps.append(f"{name}, then {read_snapshot(path)!r} is read")
            return step(*arguments)

        monkeypatch.setattr(Path if name == "replace" else os, name, spied)

    write_snapshot(path, b"old")
    recorded("fsync", os.fsync)
    recorded("replace", Path.replace)
    write_snapshot(path, b"new")
    assert steps == [
        "fsync, then b'old' is read",  # the file's
        "replace, then b'old' is read",
        "fsync, then b'new' is read",  # the directory's
    ]


def test_a_write_that_fails_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "snapshot"
    write_snapshot(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StateUnwritable, match="No space left on device"):
        write_snapshot(path, b"new")
    assert read_snapshot(path) == b"old"


def test_the_position_in_the_models_topic_is_nowhere_until_it_is_written(tmp_path: Path) -> None:
    root = tmp_path / "group" / "models"
    assert FeedPosition(root).read() is None
    FeedPosition(root).write(0)
    assert FeedPosition(root).read() == 0, "before the first model is not nowhere"
    FeedPosition(root).write(2**40)
    assert FeedPosition(root).read() == 2**40
