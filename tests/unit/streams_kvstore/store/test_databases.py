"""Databases that are damaged are set aside; those that only cannot be opened now are left alone."""

import gc
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from faust.stores.rocksdb import RocksDBOptions
from structlog.testing import capture_logs

from streams_kvstore.store.databases import OFFSET, OPTIONS, ModelDatabase, PartitionRows, open_checked
from streams_kvstore.store.errors import DatabaseUnusable
from tests.support.table_store import PARTITIONS, TableStore

IN_FILE, IN_LOG = 2000, 300
ROWS = {b"key %d" % number: b"%d" % number * 100 for number in range(IN_FILE + IN_LOG)}


def opened(path: Path) -> Any:
    return open_checked(path, lambda: RocksDBOptions(**OPTIONS).open(path))


def rows_of(path: Path) -> dict[bytes, bytes]:
    database = opened(path)
    rows = dict(database.items())
    database.close()
    return rows


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a killed process leaves: most rows in a table's file, the last ones in the log."""
    path = tmp_path_factory.mktemp("killed") / "running"
    database = opened(path)
    for number, (key, value) in enumerate(ROWS.items()):
        database.put(key, value)
        if number == IN_FILE:
            database.flush()
    shutil.copytree(path, left := path.with_name("killed"))
    database.close()
    gc.collect()
    return left


def damaged(path: Path, how: str) -> None:
    content = path.read_bytes()
    assert content
    half = len(content) // 2
    path.write_bytes(
        {
            "emptied": b"",
            "halved": content[:half],
            "zeroed": bytes(len(content)),
            "half of it zeroed": content[:half] + bytes(len(content) - half),
            "one bit of it turned": content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :],
        }[how]
    )


@pytest.mark.parametrize("how", ["emptied", "halved", "zeroed", "half of it zeroed", "one bit of it turned"])
@pytest.mark.parametrize("files", ["CURRENT", "MANIFEST-*", "*.sst"])
def test_a_database_of_which_rows_are_lost_is_set_aside_for_an_empty_one(
    killed: Path, tmp_path: Path, files: str, how: str
) -> None:
    path = Path(shutil.copytree(killed, tmp_path / "database"))
    for file in path.glob(files):
        damaged(file, how)
    assert rows_of(path) == {}
    assert [each.name for each in tmp_path.iterdir() if each != path] == ["database.damaged"]
    assert list((tmp_path / "database.damaged").glob(files))


@pytest.mark.parametrize("how", ["emptied", "halved", "zeroed"])
def test_a_log_without_its_end_gives_what_was_written_before(killed: Path, tmp_path: Path, how: str) -> None:
    path = Path(shutil.copytree(killed, tmp_path / "database"))
    for file in path.glob("*.log"):
        damaged(file, how)
    rows = rows_of(path)
    assert IN_FILE < len(rows) < len(ROWS)
    assert rows == dict(list(ROWS.items())[: len(rows)])


@pytest.mark.parametrize("how", ["emptied", "halved", "zeroed"])
@pytest.mark.parametrize("files", ["IDENTITY", "LOG*", "OPTIONS-*", "rocksdict-config.json"])
def test_what_else_is_in_the_directory_loses_no_row(killed: Path, tmp_path: Path, files: str, how: str) -> None:
    path = Path(shutil.copytree(killed, tmp_path / "database"))
    for file in path.glob(files):
        damaged(file, how)
    assert rows_of(path) == ROWS


@pytest.mark.parametrize("files", ["MANIFEST-*", "*.sst"])
def test_a_missing_file_is_damage(killed: Path, tmp_path: Path, files: str) -> None:
    path = Path(shutil.copytree(killed, tmp_path / "database"))
    for file in path.glob(files):
        file.unlink()
    assert rows_of(path) == {}


def test_only_the_last_damaged_database_is_kept(killed: Path, tmp_path: Path) -> None:
    path = tmp_path / "database"
    for content in (b"1", b"2"):
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(killed, path)
        (path / "CURRENT").write_bytes(content)
        assert rows_of(path) == {}
    assert (tmp_path / "database.damaged" / "CURRENT").read_bytes() == b"2"


def test_a_database_that_another_process_has_is_left_alone(killed: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(killed, tmp_path / "database"))
    database = opened(path)
    with pytest.raises(DatabaseUnusable, match="lock") as unusable:
        opened(path)
    assert "\n" not in str(unusable.value)
    database.close()
    assert rows_of(path) == ROWS


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_database_for_which_there_are_no_descriptors_is_left_alone(killed: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(killed, tmp_path / "database"))
    with no_more_descriptors(), pytest.raises(DatabaseUnusable, match="Too many open files"):
        opened(path)
    assert rows_of(path) == ROWS


def started(directory: Path, partitions: int, url: str = "checked-rocksdb://") -> TableStore:
    store = TableStore(url, directory)
    store.start()
    store.assign(range(partitions))
    return store


def test_a_partition_takes_no_descriptor(tmp_path: Path) -> None:
    store = started(tmp_path, 1)
    before = psutil.Process().num_fds()
    store.assign(range(PARTITIONS))
    assert psutil.Process().num_fds() == before
    store.stop()


def test_the_databases_of_a_former_version_are_left_alone_and_said_once(tmp_path: Path) -> None:
    """That version, like faust, had one database per partition: the changelog has all that is in them."""
    former = started(tmp_path, PARTITIONS, "rocksdb://")
    former.write(1, b"wine", b"former")
    former.acknowledge(1, 7)
    former.stop()
    with capture_logs() as logs:
        store = started(tmp_path, PARTITIONS)
        store.stop()
        started(tmp_path, PARTITIONS).stop()
    (said,) = [each for each in logs if each["event"] == "former_databases_ignored"]
    assert said["former"] == [f"states-{number}.db" for number in range(PARTITIONS)]
    store = started(tmp_path, PARTITIONS)
    assert (store.persisted_offset(1), list(store.store.items())) == (None, [])
    store.stop()
    former = started(tmp_path, PARTITIONS, "rocksdb://")
    assert (former.persisted_offset(1), former.get(1, b"wine")) == (7, b"former")
    former.stop()


def test_a_number_of_a_partition_that_begins_with_another_ones_is_another_partition(tmp_path: Path) -> None:
    database = opened(tmp_path / "database")
    written = {number: PartitionRows(database, number) for number in (0, 1, 256, 257, 65536)}
    for number, rows in written.items():
        rows.put(b"wine", b"%d" % number)
        rows.put(b"", b"%d" % number)
        rows.put(OFFSET, b"7")
    for number, rows in written.items():
        assert list(rows.items()) == [(b"", b"%d" % number), (b"wine", b"%d" % number)]
    database.close()


def test_the_models_and_the_offset_come_back_after_a_kill(tmp_path: Path) -> None:
    database = ModelDatabase(tmp_path / "models")
    assert (database.offset(), database.data_types()) == (None, [])
    database.put(b"wine", b"model 1")
    database.put(b"wine", b"model 2")
    database.put(b"cider", b"model 3")
    database.reached(2)
    shutil.copytree(tmp_path / "models.db", tmp_path / "killed.db")
    again = ModelDatabase(tmp_path / "killed")
    assert (again.offset(), again.data_types(), again.get(b"wine")) == (2, [b"cider", b"wine"], b"model 2")
    again.close()
    database.close()
