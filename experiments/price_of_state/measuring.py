"""One server, some models, a backlog with each: bytes in its changelog as predicted and as measured, processor time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx
from confluent_kafka import Producer

from client.broker.files import DATA
from client.wines.source import GeneratedWines
from experiments.measured_server import TIMEOUT_S
from experiments.price_of_state.formula import Writes, changelog_bytes, kept_model_bytes, record_batch_bytes
from experiments.scene import DATA_TYPE, PARTITIONS, Scene, wines
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.kafka.topic_creation import TopicCreation
from serving.settings.security import PLAINTEXT
from serving.settings.topics import COMPACTED

State = Literal["none", "apart", "whole"]
SERVERS: dict[State, str] = {
    "none": "streams_inmemory",
    "apart": "streams_kvstore",
    "whole": "experiments.price_of_state.whole",
}
MARKER = 1  # offsets that the end of a transaction takes
UNCOMPACTED = {**COMPACTED, "min.compaction.lag.ms": str(24 * 3600 * 1000)}
"""Every row stays for as long as the experiment takes."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is written, and after how many records."""

    state: State
    batch: int
    records: int  # scored with each model; as many in each partition, in full batches

    @property
    def name(self) -> str:
        """What its topics begin with."""
        return f"{self.state}-{self.batch}"

    @property
    def flags(self) -> Sequence[str]:
        """With one batch in flight no two rows wait for the broker: each is a produce batch of its own."""
        return ("--max-batch", str(self.batch), "--max-in-flight", "1")

    @property
    def writes(self) -> int:
        """How many rows are written."""
        return 0 if self.state == "none" else self.records // self.batch

    @property
    def warm_up(self) -> int:
        """A tenth as many records, which are scored before: in full batches, too."""
        full = PARTITIONS * self.batch
        return max(1, self.records // (10 * full)) * full


@dataclass(frozen=True, slots=True)
class Predicted:
    """From the settings alone."""

    rows: int  # bytes in the changelog of the counters, or of the whole state
    model: int  # bytes in the changelog of the models, once


@dataclass(frozen=True, slots=True)
class Price:
    """What was measured of a case with one model."""

    case: Case
    model_bytes: int
    predicted: Predicted
    measured: Predicted
    cpu_us_per_record: float

    @property
    def off(self) -> float:
        """How far the prediction was from the rows that were measured, as a share of these."""
        return abs(self.predicted.rows - self.measured.rows) / max(1, self.measured.rows)


def padded(model: ModelDescriptor, n_bytes: int) -> ModelDescriptor:
    """The ONNX model with this size: filled up with a text that changes no score."""
    graph = onnx.load_from_string(model.data)
    graph.doc_string = ""
    graph.doc_string = "x" * (n_bytes - graph.ByteSize())
    graph.doc_string = graph.doc_string[graph.ByteSize() - n_bytes :]  # what the text's own tag and length take
    made = ModelDescriptor()
    made.CopyFrom(model)
    made.name = f"{model.name}-{n_bytes // 1000}-kB"
    made.data = graph.SerializeToString()
    return made


def predict(case: Case, models: Sequence[ModelDescriptor]) -> list[Predicted]:
    """For each model in turn, before anything runs."""
    begin = 0
    predicted = []
    for offset, model in enumerate(models):
        counted = case.warm_up // PARTITIONS
        begin += counted + MARKER
        kept_bytes = kept_model_bytes(model.ByteSize(), offset)
        in_each = kept_bytes if case.state == "whole" else None
        rows = sum(
            changelog_bytes(
                Writes(partition, case.writes // PARTITIONS, case.batch, counted, begin), DATA_TYPE, offset, in_each
            )
            for partition in range(PARTITIONS)
        )
        apart = record_batch_bytes(len(DATA_TYPE), kept_bytes) if case.state == "apart" else 0
        predicted.append(Predicted(rows, apart))
        begin += case.records // PARTITIONS + MARKER
    return predicted


def measure(here: Scene, broker_dir: Path, case: Case, models: Sequence[ModelDescriptor]) -> Iterator[Price]:
    """Start the server, and let it score with each model in turn; its broker's data is there."""
    group = here.server.group
    rows_log, models_log = f"{group}-{group}_state-changelog", f"{group}-{group}_models-changelog"
    TopicCreation(here.bootstrap_servers, PLAINTEXT, "--group").create_missing({rows_log: (PARTITIONS, UNCOMPACTED)})
    here.server.start()
    here.server.wait_until_ready()
    source = GeneratedWines(seed=2)
    for model, predicted in zip(models, predict(case, models), strict=True):
        models_before = log_bytes(broker_dir, models_log)
        here.activate(model)
        _score(here, wines(source, case.warm_up))
        rows_before, model_row = log_bytes(broker_dir, rows_log), log_bytes(broker_dir, models_log) - models_before
        cpu_s = _score(here, wines(source, case.records))
        measured = Predicted(log_bytes(broker_dir, rows_log) - rows_before, model_row if case.state == "apart" else 0)
        yield Price(case, len(model.data), predicted, measured, cpu_s / case.records * 1e6)


def log_bytes(broker_dir: Path, topic: str) -> int:
    """All partitions of a topic together, as they are on the broker's disk, without the indexes."""
    logs = [each for number in range(PARTITIONS) for each in (broker_dir / DATA / f"{topic}-{number}").glob("*.log")]
    return sum(log.stat().st_size for log in logs)


def _score(here: Scene, values: Sequence[bytes]) -> float:
    """Have these scored and committed; what it took of the server's processor time, in seconds.

    They are in one transaction, so that all of them appear at once, and every fetch but a partition's last is full.
    """
    producer = Producer(
        {
            "bootstrap.servers": here.bootstrap_servers,
            "transactional.id": here.topics.data,
            "queue.buffering.max.messages": len(values) + 1,
            "log_level": 0,
        }
    )
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    for number, value in enumerate(values):
        producer.produce(here.topics.data, value, f"wine-{number}", partition=number % PARTITIONS)
    producer.flush(TIMEOUT_S)
    expected = here.observer.scores() + len(values)
    before_s = here.server.usage().cpu_s
    producer.commit_transaction(TIMEOUT_S)
    here.server.wait_until(lambda: here.observer.scores() >= expected, f"{len(values)} records were scored")
    here.wait_until_drained()
    return here.server.usage().cpu_s - before_s
