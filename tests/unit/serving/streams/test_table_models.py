"""Models in the rows of a table: which one is in force, who closes it, and where the feed goes on."""

import pytest

from tests.table_instance import UNFIT, Instance, wine


@pytest.mark.parametrize(
    ("written_to", "asked", "start"),
    [
        ([], [0, 1], None),
        ([0], [0, 1], None),  # partition 1 has seen no model: it may have missed any
        ([0, 1], [0, 1], 5),
        ([0, 1], [], None),
        ([0], [0], 5),
    ],
)
def test_the_feed_goes_on_behind_what_the_partition_that_saw_least_has_seen(
    written_to: list[int], asked: list[int], start: object
) -> None:
    instance = Instance()
    instance.accept(4)
    if written_to:
        instance.serve(*((partition, 0, wine()) for partition in written_to))
    assert instance.state.models_from(set(asked)) == start


def test_the_feed_goes_on_behind_the_newest_model_of_a_partition_and_the_oldest_of_all_partitions() -> None:
    instance = Instance()
    instance.accept(4)
    instance.serve((0, 0, wine()), (1, 0, wine()))
    instance.accept(8)
    instance.accept(6, data_type="cider")
    instance.serve((0, 1, wine()))
    assert instance.state.models_from({0}) == 9
    assert instance.state.models_from({0, 1}) == 5


def test_a_model_replaces_and_closes_the_one_in_force_in_all_partitions() -> None:
    instance = Instance()
    instance.accept(0)
    instance.serve((0, 0, wine()), (1, 0, wine()))
    instance.accept(1)
    assert instance.open == 1
    assert (instance.models[0].closed, instance.models[1].closed) == (1, 0)
    assert [instance.part(partition).state.usage for partition in (0, 1)] == [0, 0], "usage belongs to the model"
    assert [instance.part(partition).model_offset for partition in (0, 1)] == [1, 1]
    instance.state.close()
    assert instance.open == 0


def test_the_same_model_again_is_closed_and_changes_nothing() -> None:
    instance = Instance()
    instance.accept(3)
    instance.serve((0, 0, wine()))
    before = instance.part(0)
    instance.accept(3)
    assert instance.part(0) == before
    assert [model.closed for model in instance.models] == [0, 1]


@pytest.mark.parametrize(("offset", "name"), [(4, "model 3"), (3, "another, in a topic that was made anew")])
def test_another_offset_or_another_content_is_another_model(offset: int, name: str) -> None:
    instance = Instance()
    instance.accept(3)
    instance.serve((0, 0, wine()))
    instance.accept(offset, name)
    assert (instance.part(0).state.usage, instance.part(0).model_offset) == (0, offset)


def test_after_a_restart_the_newest_model_of_any_partition_serves_them_all() -> None:
    first = Instance()
    first.accept(2)
    first.serve((0, 0, wine()), (1, 0, wine()))
    first.accept(5)
    first.serve((1, 1, wine()))
    second = Instance(first.disk)
    second.restore(0, 1)
    states = [second.part(partition).state for partition in (0, 1)]
    assert [state.served.name if state.served else None for state in states] == ["model 5", "model 5"]
    assert [state.usage for state in states] == [0, 1], "counters of another model begin anew"
    assert second.open == 1


def test_a_model_that_a_killed_life_wrote_is_written_again_as_the_changelog_may_lack_it() -> None:
    killed = Instance()
    killed.accept(2)
    killed.serve((0, 0, wine()))  # on the disk; killed before the changelog had it
    second = Instance(killed.disk)
    second.restore(0)
    second.serve((0, 0, wine()), (0, 1, wine()))
    second.serve((0, 2, wine()))
    assert [row for _, row, _ in second.rows.sent].count(b"model/0/wine") == 1
    second.acknowledged()
    elsewhere = Instance(dict(second.changelog[0]))
    elsewhere.restore(0)
    assert (elsewhere.counts(0), elsewhere.part(0).model_offset) == ((3, 0, 0), 2)


def test_a_model_in_force_is_not_replaced_by_an_older_one_that_a_partition_brings_along() -> None:
    other = Instance()
    other.accept(2)
    other.serve((1, 0, wine()))
    instance = Instance()
    instance.accept(5)
    instance.disk.update(other.disk)
    instance.restore(0, 1)
    assert instance.part(1).model_offset == 5
    assert instance.counts(1) == (0, 0, 0)
    assert len(instance.models) == 1, "and is not even loaded"


def test_a_model_that_can_no_longer_be_loaded_costs_neither_the_start_nor_what_does_not_belong_to_it() -> None:
    first = Instance()
    first.serve((0, 0, wine()))
    first.accept(2)
    first.serve((0, 1, wine(UNFIT)), (0, 2, wine()))
    second = Instance(first.disk, unloadable=frozenset({"model 2"}))
    second.restore(0)
    assert second.counts(0) == (0, 1, 1)
    assert second.part(0).state.served is None
    second.serve((0, 2, wine()), (0, 3, wine()))
    assert second.counts(0) == (0, 2, 1), "the redelivered record is not counted again"
