"""Single promises of the store, and what it refuses."""

import asyncio
import threading
from pathlib import Path

import faust
import pytest

from streams_customstore.store.errors import BackupNotKept, StoreClosed, TableNotPartitioned, WrittenOutsideRecord
from tests.support.table_store import ChangelogRecord, TableStore

MEGABYTE = 1024 * 1024


def test_an_entry_of_a_megabyte_comes_back_after_a_stop(store: TableStore, tmp_path: Path) -> None:
    value = bytes(range(256)) * (MEGABYTE // 256)
    store.write(1, b"model\x00", value)
    store.stop()
    again = TableStore("sqlite://", tmp_path)
    again.start()
    assert again.get(1, b"model\x00") == value
    again.stop()


def test_an_old_record_of_the_changelog_does_not_undo_a_newer_write(store: TableStore) -> None:
    store.restore(ChangelogRecord(0, 5, b"key", b"older"))
    store.write(0, b"key", b"newer")
    store.acknowledge(0, 9)
    store.restore(ChangelogRecord(0, 8, b"key", b"older"), ChangelogRecord(1, 8, b"key", b"another partition's"))
    assert (store.get(0, b"key"), store.get(1, b"key")) == (b"newer", b"another partition's")


def test_a_changelog_record_without_a_key_is_passed_over(store: TableStore) -> None:
    store.restore(ChangelogRecord(0, 4, None, b"whose?"), ChangelogRecord(0, 5, b"key", b"value"))
    assert (store.get(0, b"key"), store.persisted_offset(0)) == (b"value", 5)


def test_an_acknowledgement_after_the_stop_is_left_to_the_next_start(store: TableStore) -> None:
    store.stop()
    store.acknowledge(0, 1)
    with pytest.raises(StoreClosed, match="ask again when this server is ready"):
        store.persisted_offset(0)
    assert not store.app.crashed


def test_a_write_without_a_record_in_hand_is_refused(store: TableStore) -> None:
    with pytest.raises(WrittenOutsideRecord, match="table states can be written only while a record is in flight"):
        store.store[b"key"] = b"value"


def test_another_thread_is_refused_and_does_no_harm(store: TableStore) -> None:
    refused: list[Exception] = []

    def read() -> None:
        try:
            store.get(0, b"key")
        except Exception as error:  # noqa: BLE001 - looked at below
            refused.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert "same thread" in str(refused[0])
    assert not store.app.crashed
    assert store.get(0, b"key") is None


def test_tables_whose_entries_are_not_their_records_partition_are_refused(tmp_path: Path) -> None:
    app: faust.App = TableStore("sqlite://", tmp_path).app
    for table in (app.GlobalTable("everywhere"), app.Table("by_key", use_partitioner=True)):
        with pytest.raises(TableNotPartitioned):
            _ = table.data


def test_backups_are_refused_with_the_reason(store: TableStore) -> None:
    with pytest.raises(BackupNotKept, match="its changelog is one"):
        asyncio.run(store.store.backup_partition(0))
    with pytest.raises(BackupNotKept):
        store.store.restore_backup(0)
