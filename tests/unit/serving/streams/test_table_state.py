"""States in the rows of a table: what is written, where, and what another life makes of it."""

import asyncio

from protobufs.kept_state_pb2 import KeptCounters
from serving.streams.table_state import MAX_STATES_WITHOUT_MODEL
from tests.support.faust_records import events
from tests.support.table_instance import NO_SCORE, UNFIT, Instance, wine, written


def sent_rows(instance: Instance) -> list[tuple[int, bytes]]:
    """The partition and the key of each row that was written, in order."""
    return [(partition, row) for partition, row, _ in instance.rows.sent]


def test_a_batch_writes_one_row_of_counters_for_each_data_type_and_partition_to_the_records_own_partition() -> None:
    instance = Instance()
    wines = [(partition, offset, wine()) for offset in range(3) for partition in (2, 0)]
    instance.serve(*wines, (2, 3, wine(data_type="cider")), (0, 3, wine(UNFIT)))
    assert sorted(sent_rows(instance)) == [
        (0, b"counters/0/wine"),
        (2, b"counters/2/cider"),
        (2, b"counters/2/wine"),
    ]


def test_a_redelivered_batch_s_row_is_written_again_and_counts_nothing_again() -> None:
    instance = Instance()
    instance.accept(0)
    records = [(1, offset, wine()) for offset in range(5)]
    instance.serve(*records)
    first = instance.disk[b"counters/1/wine"]
    instance.rows.sent.clear()
    instance.serve(*records)
    assert instance.rows.sent == [(1, b"counters/1/wine", first)]
    assert KeptCounters.FromString(first).usage == 5


def test_serving_keeps_nothing_until_it_is_written() -> None:
    instance = Instance()
    instance.accept(0)
    (event,) = events(instance.app, [(0, 0, wine()), (0, 1, wine())])
    served, after = instance.state.score_batch(event.value)
    assert (sum(len(each.values) for each in served.scored), instance.disk) == (2, {})
    assert [state.usage for state in instance.state.states()] == [0]
    asyncio.run(written(instance.state, event, after))
    assert [state.usage for state in instance.state.states()] == [2]


def test_each_record_of_a_batch_has_one_outcome() -> None:
    instance = Instance()
    instance.accept(0)
    records = [(1, 0, wine()), (1, 1, wine(NO_SCORE)), (1, 2, wine(UNFIT)), (1, 3, wine(data_type="cider"))]
    (event,) = events(instance.app, records)
    served, _ = instance.state.score_batch(event.value)
    assert [each.offset for each in served.records] == [0, 1, 2, 3]
    assert [record.offset for scored in served.scored for record in scored.wines.records] == [0]
    assert sorted(each.record.offset for each in served.rejected) == [1, 2]
    assert [record.offset for skipped in served.skipped for record in skipped.records] == [3]


def test_a_partition_that_moves_takes_its_counters_along() -> None:
    old = Instance()
    old.accept(7)
    old.serve(*((partition, offset, wine()) for partition in (0, 1) for offset in range(10)))
    old.acknowledged()
    # What faust restores for the partition that it was given.
    new = Instance(disk=dict(old.changelog[1]), models_changelog=old.models_changelog)
    new.restore(1)
    new.serve((1, 10, wine()), (1, 9, wine()))
    assert new.counts(1) == (11, 0, 0)
    assert (new.part(1).model_offset, new.part(1).next_offset) == (7, 11)
    assert new.part(1).state.since_ms == old.part(1).state.since_ms
    old.restore(0)
    assert (old.counts(0), old.counts(1)) == ((10, 0, 0), (0, 0, 0)), "it answers for that partition no longer"


def test_rows_of_partitions_that_are_not_ours_are_not_read() -> None:
    first = Instance()
    first.accept(7)
    first.serve((0, 0, wine()), (1, 0, wine()))
    first.acknowledged()
    assert {each.partition for each in first.next_life(1).state.parts()} == {1, None}
    assert {each.partition for each in first.next_life(2).state.parts()} == {None}


def test_strangers_data_types_fill_neither_the_memory_nor_the_disk() -> None:
    instance = Instance()
    strangers = MAX_STATES_WITHOUT_MODEL + 20
    instance.serve(*((0, number, wine(data_type=f"stranger {number}")) for number in range(strangers)))
    assert len(instance.disk) == len(instance.state.parts()) == MAX_STATES_WITHOUT_MODEL
    instance.accept(0)
    instance.serve((0, strangers, wine()))
    assert instance.counts(0) == (1, 0, 0), "one that has a model is always kept"


def test_the_state_of_a_data_type_is_the_sum_over_the_partitions_and_a_model_without_records_is_told() -> None:
    instance = Instance()
    instance.accept(0)
    instance.accept(1, data_type="cider")
    instance.serve((0, 0, wine()), (0, 1, wine()), (1, 0, wine()), (1, 1, wine(NO_SCORE)))
    told = {state.data_type: state for state in instance.state.states()}
    assert (told["wine"].usage, told["wine"].dead_letters, told["cider"].usage) == (3, 1, 0)
    assert told["cider"].model is not None
    unused = {each.state.data_type for each in instance.state.parts() if each.partition is None}
    assert "cider" in unused


def test_rows_that_no_server_of_ours_wrote_are_ignored() -> None:
    first = Instance()
    first.accept(0)
    first.serve((0, 0, wine()))
    first.acknowledged()
    strangers = {
        b"": b"",
        b"counters/0/cider": b"\xff",
        b"counters/x/wine": b"",
        b"counters/0/\xff": b"",
        b"a/b": b"",
        b"a/0/wine": b"",
    }
    second = first.next_life(0, disk={**strangers, **first.disk})
    assert {each.state.data_type for each in second.state.parts()} == {"wine"}
    assert second.counts(0) == (1, 0, 0)
