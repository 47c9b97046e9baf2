"""What the store does when its process is killed, and when its file fails."""

import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams_customstore.store.database import Database
from streams_customstore.store.errors import StoreUnusable
from tests.support.table_store import ChangelogRecord, TableStore

MEGABYTE = 1024 * 1024
FILE = Path("v1", "tables", "states.sqlite3")  # faust's tabledir below its datadir

WRITER = """
import sys
from pathlib import Path
from streams_customstore.store.database import Database
database = Database(Path(sys.argv[1]), print)
database.open()
for offset in range(10**9):
    database.put(0, b"key", str(offset).encode())
    database.advance(0, offset)
    database.commit()
    print(offset, flush=True)
"""


@contextmanager
def no_file_may_grow_beyond(size_bytes: int) -> Iterator[None]:
    """A full disk, as far as SQLite can tell: the operating system refuses to write on."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_after_kill_9_neither_the_offset_nor_its_data_is_behind_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "killed.sqlite3"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) == 3000:  # in between the log has been folded into the file several times
                break
        writer.kill()
        committed = [int(line) for line in writer.stdout.read().splitlines()[:-1]] or [3000]
    database = Database(path, on_failure=print)
    database.open()
    offset, value = database.offset(0), database.get(0, b"key")
    database.close()
    assert offset is not None
    assert offset >= committed[-1]
    assert value == str(offset).encode()


@pytest.mark.parametrize("tenths", range(11))
def test_a_log_torn_anywhere_leaves_an_offset_and_the_data_that_belongs_to_it(
    store: TableStore, tmp_path: Path, tenths: int
) -> None:
    for offset in range(30):
        store.write(0, b"key", b"%d" % offset)
        store.acknowledge(0, offset)
    log = shutil.copytree(tmp_path, tmp_path / "torn") / f"{FILE}-wal"
    log.write_bytes(log.read_bytes()[: log.stat().st_size * tenths // 10 + 1000 * (tenths < 10)])
    again = TableStore("sqlite://", tmp_path / "torn")
    again.start()
    offset_then, value = again.persisted_offset(0), again.get(0, b"key")
    again.stop()
    assert value == (None if offset_then is None else b"%d" % offset_then)
    assert (offset_then == 29) == (tenths == 10)


def test_a_file_of_something_else_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database, but somebody's notes\n" * 100)
    store = TableStore("sqlite://", tmp_path)
    store.start()
    assert not store.app.crashed
    assert store.persisted_offset(0) is None
    store.stop()
    assert path.with_name(f"{path.name}.damaged").read_bytes().startswith(b"no database")


@pytest.mark.parametrize("how", ["emptied", "halved", "zeroed", "half of it zeroed"])
@pytest.mark.parametrize("files", [("",), ("", "-wal"), ("-wal", "-shm"), ("-shm",)])
@pytest.mark.parametrize("stopped", [True, False])
def test_of_a_damaged_file_either_all_that_its_offset_promises_is_left_or_nothing(
    store: TableStore, tmp_path: Path, stopped: bool, files: tuple[str, ...], how: str
) -> None:
    """Where nothing is left, not even an offset, the whole changelog is read."""
    for number in range(200):
        store.write(0, b"%d" % number, b"%d" % number * 100)
        store.acknowledge(0, number)
    if stopped:
        store.stop()
    left = Path(shutil.copytree(tmp_path, tmp_path / "left"))
    for path in [left / f"{FILE}{suffix}" for suffix in files]:
        content = path.read_bytes() if path.exists() else b""
        half = content[: len(content) // 2]
        zeros = bytes(len(content))
        path.write_bytes(
            {
                "emptied": b"",
                "halved": half,
                "zeroed": zeros,
                "half of it zeroed": half + zeros[len(half) :],
            }[how]
        )
    again = TableStore("sqlite://", left)
    again.start()
    again.assign({0, 1, 2})
    offset = again.persisted_offset(0)
    promised = 0 if offset is None else offset + 1
    assert dict(again.store.items()) == {b"%d" % number: b"%d" % number * 100 for number in range(promised)}
    again.stop()


def test_a_failure_that_is_no_damage_leaves_the_file_alone(store: TableStore, tmp_path: Path) -> None:
    store.write(0, b"key", b"value")
    store.acknowledge(0, 7)
    store.stop()
    with no_file_may_grow_beyond(0), pytest.raises(StoreUnusable):
        TableStore("sqlite://", tmp_path).start()
    again = TableStore("sqlite://", tmp_path)
    again.start()
    assert again.persisted_offset(0) == 7
    again.stop()


def test_the_log_of_a_deleted_file_brings_nothing_back(store: TableStore, tmp_path: Path) -> None:
    store.write(0, b"key", b"value")
    store.acknowledge(0, 7)
    killed = shutil.copytree(tmp_path, tmp_path / "killed")
    (killed / FILE).unlink()
    assert (killed / f"{FILE}-wal").stat().st_size > 0
    again = TableStore("sqlite://", killed)
    again.start()
    assert (again.persisted_offset(0), again.get(0, b"key")) == (None, None)
    again.stop()


def test_a_full_disk_crashes_the_app_and_no_offset_is_stored_without_its_data(
    store: TableStore, tmp_path: Path
) -> None:
    store.write(0, b"key", b"old")
    store.acknowledge(0, 1)
    store.write(0, b"key", bytes(MEGABYTE))
    with no_file_may_grow_beyond(MEGABYTE // 2), pytest.raises(StoreUnusable, match="start this server again"):
        store.acknowledge(0, 2)
    assert store.app.crashed
    assert isinstance(store.app.crash_reason, StoreUnusable)
    store.acknowledge(0, 3)  # the app takes a moment to end, and the disk has room again
    with pytest.raises(StoreUnusable):
        store.write(0, b"key", b"new")
    again = TableStore("sqlite://", tmp_path)
    again.start()
    assert (again.persisted_offset(0), again.get(0, b"key")) == (1, b"old")
    again.stop()


def test_a_failure_while_restoring_crashes_the_app_and_is_raised_as_well(store: TableStore) -> None:
    with no_file_may_grow_beyond(MEGABYTE // 2), pytest.raises(StoreUnusable):
        store.restore(ChangelogRecord(0, 0, b"key", bytes(MEGABYTE)))
    assert isinstance(store.app.crash_reason, StoreUnusable)


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "v1").write_bytes(b"a file where faust's directory belongs")
    store = TableStore("sqlite://", tmp_path)
    with pytest.raises(StoreUnusable, match="another --data-dir"):
        store.start()
