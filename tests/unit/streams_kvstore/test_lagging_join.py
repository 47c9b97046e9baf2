"""The table's side of the lagging join; the stream's has its grader: exercises/tasks/kv_3."""

from streams_kvstore.extensions.lagging_join import LaggingJoin, StreamRecord


def test_a_row_that_was_deleted_is_joined_no_more() -> None:
    join = LaggingJoin(patience_s=5)
    join.put(b"key", "row", time_ms=1)
    join.put(b"key", None, time_ms=2)
    join.put(b"never written", None, time_ms=2)
    assert [each.row for each in join.add(StreamRecord(b"key", 2, "wine"))] == [None]


def test_an_old_row_does_not_take_the_table_back() -> None:
    join = LaggingJoin(patience_s=5)
    join.put(b"other", "row", time_ms=9)
    join.put(b"key", "late row", time_ms=1)
    assert [each.row for each in join.add(StreamRecord(b"key", 9, "wine"))] == ["late row"]
