"""What state costs, in small: each row of a changelog is there, and has the bytes that were predicted."""

from pathlib import Path

import pytest
from aiokafka.record.memory_records import MemoryRecords

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.files import DATA
from client.provider.shipped_models import shipped_model
from experiments.price_of_state.measuring import SERVERS, Case, State, measure, padded
from experiments.scene import PARTITIONS, scene
from protobufs.kept_state_pb2 import KeptCounters
from serving.settings.topics import Topics

BATCH, WRITES = 20, 4  # in each partition
MODEL_BYTES = 300_000


@pytest.mark.parametrize(("state", "kept_models"), [("apart", 0), ("whole", 1)])
def test_a_row_is_written_after_each_batch_with_the_bytes_that_were_predicted(
    state: State, kept_models: int, broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    prefix = topics.data.removesuffix("_data")
    linear = shipped_model("linear-onnx")
    model = padded(linear, MODEL_BYTES)
    case = Case(state, BATCH, PARTITIONS * BATCH * WRITES)
    flags = (*case.flags, "--no-trial-load")
    with scene(SERVERS[state], broker.bootstrap_servers, tmp_path, flags, prefix) as here:
        (price,) = measure(here, broker.data_dir, case, [model])
    assert price.predicted == price.measured
    for partition in range(PARTITIONS):
        log = broker.data_dir / DATA / f"{prefix}-{prefix}_state-changelog-{partition}"
        rows = values(log / f"{0:020}.log")
        warm_up = case.warm_up // PARTITIONS
        usage = [KeptCounters.FromString(row).usage for row in rows]
        assert usage == [BATCH * number for number in range(1, warm_up // BATCH + WRITES + 1)]
        assert [model.data in row for row in rows] == [bool(kept_models)] * len(rows)


def values(log: Path) -> list[bytes]:
    """Of all records of a segment."""
    batches = MemoryRecords(log.read_bytes())
    found = []
    while (batch := batches.next_batch()) is not None:
        found += [record.value or b"" for record in batch]
    return found
