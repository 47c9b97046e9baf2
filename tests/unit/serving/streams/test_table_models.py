"""Models in their table, and in the rows of counters: which one is active, who closes it, where the feed goes on."""

from dataclasses import replace

from protobufs.kept_state_pb2 import KeptCounters, KeptModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import FeedPosition
from tests.support.table_instance import NO_SCORE, UNFIT, Instance, Topics, descriptor, wine


def test_the_feed_goes_on_behind_the_newest_model_of_the_table() -> None:
    instance = Instance()
    instance.accept(4)
    instance.accept(8, data_type="cider")
    assert instance.state.models_from == FeedPosition("models", 9)


def test_the_feed_begins_at_the_beginning_of_a_topic_that_was_recreated() -> None:
    first = Instance()
    first.accept(4)
    first.acknowledged()
    second = first.next_life(0, topics=Topics(models_topic_id="models, recreated"))
    assert second.state.models_from == "beginning"
    assert [model.name for model in second.served] == ["model 4"], "which serves until another one comes"


def test_the_feed_begins_at_the_beginning_if_a_model_of_the_table_cannot_be_loaded() -> None:
    """Older ones may be in the topic, and serve until then."""
    first = Instance()
    first.accept(4)
    first.acknowledged()
    assert first.next_life(0, unloadable=frozenset({"model 4"})).state.models_from == "beginning"


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
    assert not instance.accept(3), "it was not activated"
    assert instance.part(0) == before
    assert [model.closed for model in instance.models] == [0, 1]


def test_an_older_model_is_closed_and_changes_nothing() -> None:
    """The feed brings one when it goes back to the beginning, and can no longer load the newest one."""
    instance = Instance()
    instance.accept(3)
    instance.serve((0, 0, wine()))
    before = instance.part(0)
    assert not instance.accept(2), "it was not activated"
    assert instance.part(0) == before
    assert [model.closed for model in instance.models] == [0, 1]


def test_any_model_of_a_topic_that_was_recreated_is_newer() -> None:
    instance = Instance()
    instance.accept(3)
    instance.serve((0, 0, wine()))
    instance.topics.models_topic_id = "models, recreated"
    assert instance.accept(0, "another")
    assert (instance.part(0).state.usage, instance.part(0).model_offset, instance.name(0)) == (0, 0, "another")
    instance.acknowledged()
    assert instance.next_life(0).served[0].name == "another"


def test_after_a_restart_the_newest_model_serves_all_partitions() -> None:
    first = Instance()
    first.accept(2)
    first.serve((0, 0, wine()), (1, 0, wine()))
    first.accept(5)
    first.serve((1, 1, wine()))
    first.acknowledged()
    second = first.next_life(0, 1)
    assert [second.name(partition) for partition in (0, 1)] == ["model 5", "model 5"]
    assert [second.part(partition).state.usage for partition in (0, 1)] == [0, 1], "counters of an older model restart"
    assert second.open == 1


def test_a_model_is_in_the_changelog_before_the_records_that_it_scored_are_acknowledged() -> None:
    instance = Instance()
    instance.accept(2)
    instance.serve((0, 0, wine()))
    assert instance.models_changelog == {}
    instance.acknowledged()
    assert instance.models_changelog["wine"].descriptor == descriptor("model 2")


def test_a_model_that_the_table_has_already_is_not_written_again() -> None:
    first = Instance()
    first.accept(2)
    first.acknowledged()
    second = first.next_life(0)
    second.accept(2)
    assert second.model_rows.has_written("wine")


def moved(loads: frozenset[str]) -> tuple[Instance, Instance]:
    """An instance that serves a newer model, and one with an older model, to which its partition has moved then."""
    former = Instance()
    former.accept(0)
    former.accept(1)
    former.serve(*((0, offset, wine()) for offset in range(100)))
    former.acknowledged()
    later = Instance(models_changelog=former.models_changelog, owner=False, unloadable=loads)
    later.model_rows.changelog = {}  # it has not read it yet
    later.restore()
    later.accept(0)
    later.model_rows.changelog = later.models_changelog
    later.disk |= former.changelog[0]
    later.restore(0)
    return former, later


def test_a_row_s_newer_model_is_loaded_and_activated() -> None:
    _, later = moved(frozenset())
    later.serve((0, 100, wine()))
    assert (later.name(0), later.counts(0), later.open) == ("model 1", (101, 0, 0), 1)


def test_where_a_row_s_newer_model_cannot_be_loaded_its_counts_are_kept_and_the_older_one_scores() -> None:
    former, later = moved(frozenset({"model 1"}))
    assert (later.name(0), later.counts(0)) == ("model 1", (100, 0, 0))
    (scored,) = later.serve((0, 99, wine()), (0, 100, wine()), (0, 101, wine(UNFIT)), (0, 102, wine(NO_SCORE)))
    assert (scored.model_name, len(scored.values)) == ("model 0", 2)
    assert (later.counts(0), later.part(0).next_offset) == ((100, 0, 2), 103)
    assert [state.model for state in later.state.states()] == later.served, "what scores here is the older one"
    later.acknowledged()
    assert KeptCounters.FromString(later.changelog[0][b"counters/0/wine"]).model_offset == 1
    back = former.next_life(0, disk=later.changelog[0])
    back.serve((0, 102, wine()), (0, 103, wine()))
    assert (back.name(0), back.counts(0)) == ("model 1", (101, 0, 2))


def test_a_model_that_cannot_be_loaded_is_tried_once() -> None:
    _, later = moved(frozenset({"model 1"}))
    asked = len(later.asked)
    later.restore(0)
    assert later.asked[asked:] == []


def test_a_model_that_the_feed_brings_after_all_takes_its_counters() -> None:
    _, later = moved(frozenset({"model 1"}))
    later.unloadable = frozenset()
    later.accept(1)
    later.serve((0, 100, wine()))
    assert (later.name(0), later.counts(0), later.open) == ("model 1", (101, 0, 0), 1)


def test_a_row_s_newer_model_that_is_nowhere_else_keeps_its_counts() -> None:
    """Its instance was killed before the model was in the changelog; the feed will bring it."""
    former = Instance(owner=False)
    former.accept(1)
    former.serve((0, 0, wine()))
    former.acknowledged()
    later = Instance()
    later.accept(0)
    later.disk |= former.changelog[0]
    later.restore(0)
    later.serve((0, 1, wine()))
    assert (later.name(0), later.part(0).model_offset, later.counts(0)) == (None, 1, (1, 0, 0))
    later.accept(1)
    later.serve((0, 2, wine()))
    assert (later.name(0), later.counts(0)) == ("model 1", (2, 0, 0))


def test_a_partition_s_older_model_neither_replaces_the_active_one_nor_is_loaded() -> None:
    other = Instance()
    other.accept(2)
    other.serve((1, 0, wine()))
    instance = Instance()
    instance.accept(5)
    instance.disk.update(other.disk)
    instance.restore(0, 1)
    assert (instance.part(1).model_offset, instance.counts(1)) == (5, (0, 0, 0))
    assert len(instance.models) == 1


def test_a_model_that_can_no_longer_be_loaded_costs_neither_the_start_nor_any_count() -> None:
    first = Instance()
    first.serve((0, 0, wine()))
    first.accept(2)
    first.serve((0, 1, wine(UNFIT)), (0, 2, wine()))
    first.acknowledged()
    second = first.next_life(0, unloadable=frozenset({"model 2"}))
    assert (second.counts(0), second.served) == ((1, 1, 1), [])
    second.serve((0, 2, wine()), (0, 3, wine()))
    assert second.counts(0) == (1, 2, 1), (
        "skipped, as there is no older model; the redelivered one is not counted again"
    )


def test_the_rows_of_an_earlier_version_are_read_and_its_models_move_to_their_table() -> None:
    """It kept a model with each partition, and no topic's id."""
    model = KeptModel(offset=7, descriptor=descriptor("model 7"), since_ms=77)
    counters = KeptCounters(usage=5, model_offset=7, next_offsets={0: 5})
    instance = Instance(
        disk={b"model/0/wine": model.SerializeToString(), b"counters/0/wine": counters.SerializeToString()}
    )
    instance.restore(0)
    assert (instance.name(0), instance.counts(0), instance.part(0).next_offset) == ("model 7", (5, 0, 0), 5)
    assert instance.state.models_from == "beginning", "whose topic's it is nobody knows"
    instance.serve((0, 4, wine()), (0, 5, wine()))
    assert b"model/0/wine" in instance.disk, "the changelog of models does not have it yet"
    instance.acknowledged()
    instance.accept(7)
    instance.acknowledged()
    instance.serve((0, 6, wine()))
    assert instance.disk.keys() == {b"counters/0/wine"}
    assert (instance.counts(0), instance.part(0).state.since_ms) == ((7, 0, 0), 77), "the feed has brought the same one"
    later = instance.next_life(0)
    assert (later.counts(0), later.state.models_from) == ((7, 0, 0), FeedPosition("models", 8))


def test_a_model_of_an_earlier_version_s_row_is_replaced_by_any_that_the_feed_brings() -> None:
    model = KeptModel(offset=7, descriptor=descriptor("model 7"), since_ms=77)
    counters = KeptCounters(usage=5, model_offset=7, next_offsets={0: 5})
    instance = Instance(
        disk={b"model/0/wine": model.SerializeToString(), b"counters/0/wine": counters.SerializeToString()}
    )
    instance.restore(0)
    instance.accept(7, "another, in a topic that was recreated")
    assert (instance.name(0), instance.counts(0)) == ("another, in a topic that was recreated", (0, 0, 0))


def test_records_of_a_data_topic_that_was_recreated_while_running_count() -> None:
    instance = Instance()
    instance.accept(0)
    instance.serve(*((0, offset, wine()) for offset in range(60)))
    (late,) = instance.score((0, 60, wine()))
    instance.topics.data_topic_id = "data, recreated"
    instance.state.data_topic_recreated()
    instance.write(late)
    assert instance.counts(0) == (60, 0, 0), "what was in flight is of the topic that is gone"
    instance.serve(*((0, offset, wine()) for offset in range(60)))
    assert (instance.counts(0), instance.part(0).next_offset) == ((120, 0, 0), 60)


def test_records_of_a_data_topic_that_was_recreated_while_down_count() -> None:
    first = Instance()
    first.accept(0)
    first.serve(*((0, offset, wine()) for offset in range(60)))
    first.acknowledged()
    second = first.next_life(0, topics=Topics(data_topic_id="data, recreated"))
    second.serve(*((0, offset, wine()) for offset in range(60)))
    assert second.counts(0) == (120, 0, 0)


def test_a_row_that_is_written_while_a_model_loads_is_restored_as_it_was_written() -> None:
    first = Instance()
    first.accept(0)
    first.serve((0, 0, wine()))
    first.acknowledged()
    older = first.disk[b"counters/0/wine"]
    first.serve((0, 1, wine()))
    newer = first.disk[b"counters/0/wine"]
    second = replace(first, disk={b"counters/0/wine": older}, models=[])
    second.while_loading = lambda _: second.disk.update({b"counters/0/wine": newer})
    second.restore(0)
    assert (second.counts(0), second.part(0).next_offset) == ((2, 0, 0), 2)


def test_a_model_that_comes_into_the_table_while_another_one_loads_is_what_its_offset_says() -> None:
    first = Instance()
    first.accept(0, data_type="cider")
    first.accept(1)
    first.acknowledged()
    newer = KeptModel(offset=2, topic_id="models", descriptor=descriptor("model 2"))
    second = replace(first, models=[])

    def another_owner_writes(loading: ModelDescriptor) -> None:
        if loading.dataType == "cider":
            second.models_changelog["wine"] = newer

    second.while_loading = another_owner_writes
    second.restore(0)
    states = {state.data_type: state for state in second.state.states()}
    assert states["wine"].model is not None
    assert states["wine"].model.name == "model 2"
    assert {part.model_offset for part in second.parts(None)} == {2}
