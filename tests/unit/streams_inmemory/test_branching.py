"""What the branching extension takes for a wine; its grader has the rest: exercises/tasks/im_3."""

import pytest

from protobufs.wine_record_pb2 import WineRecord
from streams_inmemory.extensions.branching import is_unreadable


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (WineRecord(dataType="wine", alcohol=9.4).SerializeToString(), False),
        (b"\xff\xff", True),
        (b"", True),
        (None, True),
    ],
    ids=["a wine", "other bytes", "nothing", "a tombstone"],
)
def test_what_is_no_wine_is_unreadable(value: bytes | None, expected: bool) -> None:
    assert is_unreadable(value) == expected
