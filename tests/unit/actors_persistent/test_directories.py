"""A data type is a stranger's text, and its memory is a directory."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors_persistent.errors import StateCorrupt
from actors_persistent.journal import Journal, directory_name, recorded_data_types
from protobufs.actors_journal_pb2 import BatchScored, Event

WORST_NAMES = ["", ".", "..", "../../etc", "a/b", "/", "CON", "wine", "Wine", "WINE", "wine ", "wine\0", "x" * 255]
WORST_NAMES += ["\u5b57" * 255, "caf\u00e9", "cafe\u0301", "-", "%2e%2e"]


@pytest.mark.parametrize("data_type", WORST_NAMES)
def test_whatever_a_data_type_is_called_it_stays_below_the_directory_and_is_found_again(
    tmp_path: Path, data_type: str
) -> None:
    root = tmp_path / "root"
    journal = Journal(root, data_type, fsync=False)
    journal.recover()
    journal.append(Event(batch_scored=BatchScored(skipped=7)))
    journal.close()
    assert [each.parent for each in tmp_path.rglob("*") if each.is_dir()] == [tmp_path, root]
    assert list(recorded_data_types(root)) == [data_type]
    assert Journal(root, data_type, fsync=False).recover().counters.skipped == 7


@given(st.lists(st.text(max_size=30), min_size=2, max_size=2, unique=True))
def test_two_data_types_never_share_a_directory_whatever_the_file_system_makes_of_case(both: list[str]) -> None:
    names = {directory_name(each).lower() for each in both}
    assert len(names) == 2
    assert all(len(name) <= 80 and name.isascii() and name.islower() for name in names)


def test_the_worst_names_all_have_directories_of_their_own() -> None:
    assert len({directory_name(each).lower() for each in WORST_NAMES}) == len(WORST_NAMES)


def test_a_directory_that_belongs_to_another_data_type_is_an_error(tmp_path: Path) -> None:
    wine, beer = (Journal(tmp_path, data_type, fsync=False) for data_type in ("wine", "beer"))
    wine.recover()
    wine.append(Event(batch_scored=BatchScored(skipped=7)))
    wine.close()
    wine.directory.rename(beer.directory)
    with pytest.raises(StateCorrupt, match="the state of 'wine'"):
        beer.recover()
