"""The scaling experiment in small: two instances come and go, and every record is accounted for."""

from pathlib import Path

from client.broker.embedded_kafka import EmbeddedKafka
from client.provider.shipped_models import shipped_model
from client.wines.source import GeneratedWines
from experiments.markdown import table_rows
from experiments.scaling.cells import series
from experiments.scaling.page import HEAD, page
from experiments.scene import wines

RECORDS = 3000


def test_groups_of_two_sizes_score_each_record_once_and_the_page_has_a_row_for_each(
    broker: EmbeddedKafka, tmp_path: Path
) -> None:
    model = shipped_model("linear-onnx")
    backlog = wines(GeneratedWines(), RECORDS)
    found = series("custom_stage", 2, [1, 2], backlog, model, broker, tmp_path, idle_s=0.1)

    assert [cost.instances for cost in found.costs] == [1, 2, 2, 1]
    assert all(cost.records == cost.scores == RECORDS for cost in found.costs)
    assert all(2 <= cost.batches <= RECORDS for cost in found.costs if cost.instances == 2), "each has scored its part"
    assert all(0 < cost.cpu_s < 2 * 8 * cost.seconds for cost in found.costs)
    assert list(found.found.faults) == []
    assert found.found.unscored == found.found.duplicates == 0
    assert found.broken == []

    value_bytes = sum(map(len, backlog)) / RECORDS
    assert value_bytes < found.stored.per_wine < value_bytes + 100, "with its key and Kafka's framing"
    assert found.stored.per_batch == 0, "it has no changelog"

    text = page([found], model.name, 10, "scaling.png", "")
    rows = table_rows(text, HEAD)
    assert [(row["partitions"], row["instances"]) for row in rows] == [("2", "1"), ("2", "2")]
    assert rows[0]["of the smallest cell's"] == "1.00"
