"""Two instances in small: read inside the group, a model comes to one of them; outside, to both."""

from collections import defaultdict
from itertools import chain
from pathlib import Path

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_model
from experiments.scene import scene
from experiments.second_instance.__main__ import numbered
from experiments.second_instance.measuring import SERVER, Round, flags, measure
from experiments.second_instance.plain.settings import Reading
from serving.settings.topics import Topics

RATE = 300
HOLD_RECORDS = 150
OLD, NEW = "model 1", "model 2"


def measured(reading: Reading, broker: EmbeddedKafka, topics: Topics, home: Path) -> Round:
    linear = shipped_model("linear-onnx")
    with scene(SERVER, broker.bootstrap_servers, home, flags(reading), topics.data.removesuffix("_data")) as here:
        return measure(here, reading, numbered(linear, 2), RATE, HOLD_RECORDS)


def models_by_instance(found: Round) -> list[set[str | None]]:
    """Which models have scored records of each instance's partitions that came once both had theirs."""
    models: defaultdict[int, set[str | None]] = defaultdict(set)
    for outcome in found.run.outcomes:
        if outcome.source_offset >= found.begin[outcome.source_partition]:
            models[outcome.source_partition].add(outcome.model)
    return [set().union(*(models[partition] for partition in partitions)) for partitions in found.instances]


def test_inside_the_group_the_first_instance_keeps_its_model_and_the_second_skips_until_the_next(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    found = measured("in-group", broker, topics, tmp_path)
    assert found.instances == [[0, 2], [1]]
    assert models_by_instance(found) == [{OLD}, {NEW}]
    first, second = found.shares
    late_ms = found.run.published[-1].at_ms + found.takeover_ms
    late = {
        (each.source_partition, each.source_offset) for each in found.run.outcomes if each.at_ms > late_ms
    }  # HOLD_RECORDS come after the swap
    assert first.wrong == sum(partition in (0, 2) for partition, _ in late) > 0
    assert (first.skipped, second.wrong) == (0, 0)
    scored = {each.source_offset for each in found.run.outcomes if each.source_partition == 1}
    of_second = {each.offset for each in found.run.sent if each.partition == 1 and each.offset >= found.begin[1]}
    assert second.skipped == len(of_second - scored) > 0


def test_outside_the_group_both_instances_have_each_model(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    found = measured("outside", broker, topics, tmp_path)
    assert sorted(chain.from_iterable(found.instances)) == [0, 1, 2]
    assert models_by_instance(found) == [{OLD, NEW}, {OLD, NEW}]
    for share in found.shares:
        assert (share.right, share.wrong, share.skipped) == (share.records, 0, 0)
        assert share.records > 0
