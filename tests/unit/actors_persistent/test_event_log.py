"""The log: whatever a kill, a full disk or a flipped bit does to the file."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors_persistent.errors import StateCorrupt, StateUnwritable
from actors_persistent.event_log import EventLog
from actors_persistent.frames import HEADER

EVENTS = st.lists(st.binary(max_size=40), min_size=1, max_size=6)


def written(path: Path, events: list[bytes], *, fsync: bool = False) -> list[int]:
    """Append the events; where each of them ends in the file."""
    log = EventLog(path, fsync=fsync)
    ends = []
    for event in events:
        log.append(event)
        ends.append(path.stat().st_size)
    log.close()
    return ends


@settings(deadline=None)  # each example writes files, on whatever disk
@given(EVENTS, st.data())
def test_a_log_torn_at_any_byte_recovers_to_the_last_whole_event_and_goes_on_from_there(
    events: list[bytes], data: st.DataObject
) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "events")
        ends = written(path, events)
        torn_at = data.draw(st.integers(0, ends[-1]))
        os.truncate(path, torn_at)
        whole = sum(end <= torn_at for end in ends)
        log = EventLog(path, fsync=False)
        assert log.recover() == events[:whole]
        assert path.stat().st_size == log.size_bytes == (ends[whole - 1] if whole else 0), "the rest is cut off"
        log.append(b"the next")
        log.close()
        assert EventLog(path, fsync=False).recover() == [*events[:whole], b"the next"]


@settings(deadline=None)  # each example writes files, on whatever disk
@given(EVENTS, st.data())
def test_a_flipped_bit_before_the_last_event_is_an_error_and_never_a_shorter_log(
    events: list[bytes], data: st.DataObject
) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "events")
        ends = written(path, [*events, b"the last"])
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(0, ends[-2] - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(content)
        with pytest.raises(StateCorrupt, match="is damaged"):
            EventLog(path, fsync=False).recover()
        assert path.read_bytes() == content, "nothing is cut off"


@settings(deadline=None)  # each example writes files, on whatever disk
@given(EVENTS, st.integers(1, 5 * HEADER.size))
def test_zeros_at_the_end_which_a_power_failure_can_leave_are_cut_off(events: list[bytes], zeros: int) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "events")
        written(path, events)
        with path.open("ab") as file:
            file.write(bytes(zeros))
        assert EventLog(path, fsync=False).recover() == events


def test_a_last_event_that_is_not_what_was_written_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "events"
    written(path, [b"first", b"second"])
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert EventLog(path, fsync=False).recover() == [b"first"]


def test_there_are_no_events_before_the_first_and_after_a_clear(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events", fsync=False)
    assert log.recover() == []
    log.append(b"first")
    log.clear()
    log.append(b"second")
    assert EventLog(tmp_path / "events", fsync=False).recover() == [b"second"]


@pytest.mark.parametrize(("fsync", "calls"), [(True, 3), (False, 0)])
def test_the_disk_has_each_event_when_the_setting_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fsync: bool, calls: int
) -> None:
    synced: list[int] = []
    really = os.fsync

    def counting(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_size)
        really(descriptor)

    monkeypatch.setattr(os, "fsync", counting)
    sizes = written(tmp_path / "events", [b"first", b"second", b"third"], fsync=fsync)
    assert synced == sizes[:calls], "after each event, with its bytes in the file"


def test_what_the_disk_does_not_take_is_an_error_that_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "gone" / "events", fsync=False)
    with pytest.raises(StateUnwritable, match=r"gone/events \(No such file.*--data-dir DIR"):
        log.append(b"first")
    full = EventLog(Path("/dev/full"), fsync=False)
    if Path("/dev/full").exists():
        with pytest.raises(StateUnwritable, match="No space left on device"):
            full.append(b"first")
        full.close()
