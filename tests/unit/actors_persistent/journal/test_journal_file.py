"""The file after a kill, on a full disk, and changed by somebody's hands."""

import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from actors_persistent.errors import LogCorrupt, StateCorrupt, StateUnwritable
from actors_persistent.journal import journal_file
from actors_persistent.journal.events import BatchScored
from actors_persistent.journal.journal import Journal
from actors_persistent.journal.journal_file import NAME, JournalFile
from actors_persistent.journal.write_ahead_log import lost_from
from model.serving_state import ServingState
from serving.scoring.kept_state import KeptState
from tests.support.process import ROOT

EVENTS = 300
LIVED = f"""
import os, sys
from pathlib import Path
from tests.unit.actors_persistent.journal.test_journal_file import append
from actors_persistent.journal.journal_file import JournalFile
file = JournalFile(Path(sys.argv[1]), fsync=False)
file.open()
append(file, {EVENTS})
print("all", flush=True)
os.kill(os.getpid(), 9)
"""


def append(file: JournalFile, events: int) -> None:
    """One skipped record each."""
    journal = Journal(file, "wine")
    before = journal.recover().counters.skipped
    for number in range(before, before + events):
        event = BatchScored(0, 1, 0, 0.0, "data topic", {0: number + 1})
        journal.append(event, KeptState(ServingState("wine", skipped=number + 1), None, {0: number + 1}, "data topic"))


def skipped(root: Path) -> int:
    file = JournalFile(root, fsync=False)
    file.open()
    try:
        return Journal(file, "wine").recover().counters.skipped
    finally:
        file.close()


@pytest.fixture(scope="module")
def killed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("killed")
    ended = subprocess.run([sys.executable, "-c", LIVED, directory], capture_output=True, text=True, cwd=ROOT)
    assert (ended.stdout, ended.returncode) == ("all\n", -9), ended.stderr
    assert (directory / f"{NAME}-wal").stat().st_size > 100_000
    return directory


@pytest.fixture
def killed(killed_once: Path, tmp_path: Path) -> Path:
    """A directory in which a process was killed after so many events were answered; its log has not been taken over."""
    return shutil.copytree(killed_once, tmp_path / "killed")


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A directory in which a process ended in order."""
    file = JournalFile(tmp_path, fsync=True)
    file.open()
    append(file, EVENTS)
    file.close()
    assert [each.name for each in tmp_path.iterdir()] == [NAME]
    return tmp_path


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "halved": lambda content: content[: len(content) // 2],
    "one byte short": lambda content: content[:-1],
    "zeroed": lambda content: bytes(len(content)),
    "first bytes": lambda content: bytes(40) + content[40:],
    "no database": lambda _: b"This is somebody's letter.\n" * 300,
}


def middle(content: bytes) -> bytes:
    at = len(content) // 2
    return content[:at] + bytes(byte ^ 0x5A for byte in content[at : at + 600]) + content[at + 600 :]


def test_what_was_answered_is_there_after_a_kill_and_after_a_stop(killed: Path) -> None:
    assert skipped(killed) == EVENTS
    file = JournalFile(killed, fsync=False)
    file.open()
    append(file, 5)
    file.close()
    assert skipped(killed) == EVENTS + 5


@pytest.mark.parametrize("damage", [*DAMAGES.values(), middle], ids=[*DAMAGES, "in the middle"])
def test_every_damage_to_the_file_is_an_error_with_its_path_and_a_remedy_that_works(
    stopped: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = stopped / NAME
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(Exception, match="damaged") as error:
        skipped(stopped)
    text = str(error.value)
    assert text.startswith(f"{path} is damaged")
    if isinstance(error.value, StateCorrupt):
        assert f"give it up: rm {path}*;" in text
        subprocess.run(["bash", "-c", f"rm {path}*"], check=True)
        assert skipped(stopped) == 0


@pytest.mark.parametrize("damage", [*DAMAGES.values(), middle], ids=[*DAMAGES, "in the middle"])
def test_every_damage_to_the_log_of_a_killed_server_is_an_error_that_stays_until_the_remedy_is_taken(
    killed: Path, damage: Callable[[bytes], bytes]
) -> None:
    log, index = killed / f"{NAME}-wal", killed / f"{NAME}-shm"
    log.write_bytes(damage(log.read_bytes()))
    for _ in range(2):
        with pytest.raises(LogCorrupt, match=rf"^{log} is damaged .* counted last: rm {log} {index}$"):
            skipped(killed)
    subprocess.run(["bash", "-c", f"rm {log} {index}"], check=True)
    assert skipped(killed) == 0, "nothing had reached the file"


def test_a_log_that_is_gone_is_an_error_whose_remedy_names_what_is_there(killed: Path) -> None:
    (killed / f"{NAME}-wal").unlink()
    with pytest.raises(LogCorrupt, match=f"counted last: rm {killed / NAME}-shm$"):
        skipped(killed)


def test_a_file_that_is_gone_while_its_log_is_there_is_an_error(killed: Path) -> None:
    (killed / NAME).unlink()
    with pytest.raises(StateCorrupt, match=rf"give it up: rm {killed / NAME}\*;"):
        skipped(killed)


def test_an_index_that_is_gone_damaged_or_older_than_the_log_is_no_error(killed: Path) -> None:
    log, index = killed / f"{NAME}-wal", killed / f"{NAME}-shm"
    older = index.read_bytes()
    file = JournalFile(killed, fsync=False)
    file.open()
    with closing(sqlite3.connect(file.path)) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0] == 0
    append(file, 5)
    assert lost_from(log, index) is None
    assert log.read_bytes()[16:20] != older[32:36], "the log began again"
    index_of_another_time = killed / "older"
    index_of_another_time.write_bytes(older)
    assert lost_from(log, index_of_another_time) is None, "after a power failure"
    index_of_another_time.write_bytes(bytes(8) + older[8:])
    assert lost_from(log, index_of_another_time) is None
    file.close()
    assert skipped(killed) == EVENTS + 5


def test_a_kill_while_the_file_is_made_leaves_no_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.new").write_bytes(b"half a database")
    assert skipped(tmp_path) == 0


def test_a_database_of_somebody_else_is_an_error(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / NAME)) as connection, connection:
        connection.execute("CREATE TABLE events (data_type TEXT)")
    with pytest.raises(StateCorrupt, match="no journal of this version"):
        skipped(tmp_path)


def test_a_table_that_is_gone_is_an_error_but_for_the_position_which_is_made_again(stopped: Path) -> None:
    def without(table: str) -> int:
        with closing(sqlite3.connect(stopped / NAME)) as connection, connection:
            connection.execute(f"DROP TABLE {table}")
        return skipped(stopped)

    assert without("feed_position") == EVENTS
    with pytest.raises(StateCorrupt, match="its tables are not those of a journal"):
        without("events")


def test_a_file_that_cannot_be_opened_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(StateUnwritable, match=f"cannot keep state in {tmp_path / NAME} .*give this user the right"):
        skipped(tmp_path)
    (tmp_path / "a file").touch()
    with pytest.raises(StateUnwritable, match="make room"):
        skipped(tmp_path / "a file")


def test_a_full_disk_is_an_error_and_what_was_there_stays(stopped: Path) -> None:
    file = JournalFile(stopped, fsync=False)
    file.open()
    with file.transaction() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    file._connection.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[union-attr]  # it is open
    with pytest.raises(StateUnwritable, match=f"{file.path} .*full.*make room"):
        append(file, 2000)
    file.close()
    assert EVENTS <= skipped(stopped) < EVENTS + 2000


def test_a_lock_that_another_program_holds_is_waited_for_and_then_an_error_that_says_so(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "BUSY_TIMEOUT_S", 0.2)
    file = JournalFile(stopped, fsync=False)
    file.open()
    with closing(sqlite3.connect(stopped / NAME, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateUnwritable, match=r"database is locked.*end the program that holds it"):
            append(file, 1)
        connection.execute("ROLLBACK")
    append(file, 1)
    file.close()
    assert skipped(stopped) == EVENTS + 1


def test_closing_does_not_wait_for_a_write_that_hangs(stopped: Path) -> None:
    file = JournalFile(stopped, fsync=False)
    file.open()
    hanging, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        with file.transaction():
            hanging.set()
            go_on.wait(30)

    writing = threading.Thread(target=hang)
    writing.start()
    assert hanging.wait(5)
    started_s = time.monotonic()
    file.close()
    assert time.monotonic() - started_s < 5
    go_on.set()
    writing.join()
    file.close()


@pytest.mark.parametrize(("fsync", "synchronous"), [(True, 2), (False, 1)])
def test_the_disk_is_waited_for_at_each_commit_if_fsync_is_asked_for(
    tmp_path: Path, fsync: bool, synchronous: int
) -> None:
    file = JournalFile(tmp_path, fsync=fsync)
    file.open()
    with file.transaction() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)  # sqlite.org: FULL 2, NORMAL 1
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    file.close()


def test_a_directory_of_the_former_format_is_left_alone_and_said_once(tmp_path: Path) -> None:
    (tmp_path / "models_topic").write_bytes(b"a frame")
    for lines in (1, 0):
        with structlog.testing.capture_logs() as logged:
            assert skipped(tmp_path) == 0
        assert [line["event"] for line in logged] == ["former_state_ignored"] * lines
    assert (tmp_path / "models_topic").read_bytes() == b"a frame"


def test_an_emptied_file_is_an_error_that_leaves_its_log_alone(killed: Path) -> None:
    path = killed / NAME
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(StateCorrupt, match="it is empty"):
        skipped(killed)
    path.write_bytes(whole)
    assert skipped(killed) == EVENTS, "SQLite deletes the log of an empty file"
