"""Grades kv-1: rows, what is written, and under which key."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.streams import PlayedConsumer, PlayedModels, PlayedRows
from exercises.played.wines import ALCOHOL, record
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import ArrivedModel
from serving.scoring.records import Record
from serving.streams.table_state import MAX_STATES_WITHOUT_MODEL

DESCRIPTOR = ModelDescriptor(name="alcohol", dataType="wine", modeltype="ONNX")


class Server:
    """One life of a ``TableState``; a model for wine is active."""

    def __init__(self, answer: Answer, rows: PlayedRows | None = None, models: PlayedModels | None = None) -> None:
        self._answer = answer
        self.rows = PlayedRows(rows or {})
        self.models = models or PlayedModels()
        self.topics = SimpleNamespace(data_topic_id="data", models_topic_id="models")
        self.state: Any = answer.load().TableState(lambda _: ALCOHOL, self.topics)
        self.state.use(self.rows, self.models)
        if models is None:
            self.state.accept(ArrivedModel(ALCOHOL, 5, DESCRIPTOR, "models"))

    def scored(self, *records: Record) -> tuple[Any, Any]:
        """A batch, and the states after it."""
        batch = PlayedConsumer().batch(records)
        _, after = self.state.score_batch(batch)
        return batch, after

    def serve(self, partition: int, *offsets: int) -> None:
        """Score a batch of wines, and write its states."""
        self.rows.sent.clear()
        self.state.write(*self.scored(*(record(partition, offset, 9.4) for offset in offsets)))

    def restarted(self, *partitions: int) -> "Server":
        """Another process with the same table, after it has restored these partitions."""
        other = Server(self._answer, self.rows, self.models)
        asyncio.run(other.state.restore(set(partitions)))
        return other

    def usage(self, data_type: str = "wine") -> int:
        """How many of a data type are counted."""
        return sum(state.usage for state in self.state.states() if state.data_type == data_type)


@pytest.fixture
def server(answer: Answer) -> Server:
    return Server(answer)


def test_the_next_owner_of_a_partition_finds_its_counters(server: Server) -> None:
    server.serve(2, 0, 1)
    usage = server.restarted(2).usage()
    expect(
        usage == 2,
        "After a restart, the counters of a partition are not in the table's rows.",
        expected="2 wines counted, restored from the row counters/2/wine",
        happened=f"{usage} wines; the table has the rows {sorted(server.rows)}",
        means="each restart, and each rebalance, begins to count at zero",
    )


def test_each_partition_has_its_own_row(server: Server) -> None:
    server.serve(2, 0, 1)
    server.serve(0, 0, 1, 2)
    usage = server.restarted(0, 2).usage()
    expect(
        usage == 5,
        "A row of one partition has taken the place of another's.",
        expected="2 wines of partition 2 and 3 of partition 0: 5, from two rows",
        happened=f"{usage} wines; the table has the rows {sorted(server.rows)}",
        means="when a partition moves to another instance, its counters are another partition's",
    )


def test_the_next_batch_counts_on(server: Server) -> None:
    server.serve(2, 0, 1)
    server.serve(2, 2)
    expect(
        server.usage() == 3,
        "The next batch does not count on from this one.",
        expected="3 wines counted, after a batch of 2 and a batch of 1",
        happened=server.usage(),
        means="/state/value tells the last batch only, and redelivered records are counted twice",
    )
    usage = server.restarted(2).usage()
    expect(
        usage == 3,
        "The row in the table is not the newest state's.",
        expected="3 wines restored, after a batch of 2 and a batch of 1",
        happened=usage,
        means="after a kill the counters lack the last batch, whose offsets are committed",
    )


def test_the_row_says_up_to_where_it_counts(server: Server) -> None:
    server.serve(2, 0, 1)
    restarted = server.restarted(2)
    restarted.serve(2, 0, 1)
    expect(
        restarted.usage() == 2,
        "After a restart, redelivered records are counted again.",
        expected="2 wines: both were counted before the restart, and the row has their offsets",
        happened=restarted.usage(),
        means="each kill adds the last batches to the counters a second time",
    )


def test_a_redelivered_batch_is_written_again(server: Server) -> None:
    server.serve(2, 0, 1)
    server.serve(2, 0, 1)
    written = [row for row, _ in server.rows.sent]
    expect(
        written == [b"counters/2/wine"],
        "The row of a redelivered batch was not written again.",
        expected="the same row once more, though nothing in it has changed",
        happened=f"written: {written}",
        means="after a kill the disk may have a row that the changelog lacks: it would lack it for good",
    )


def test_a_batch_writes_no_rows_of_others(server: Server) -> None:
    server.serve(0, 0)
    server.serve(2, 0)
    written = [row for row, _ in server.rows.sent]
    expect(
        written == [b"counters/2/wine"],
        "A batch has written more than its own rows.",
        expected="one row, counters/2/wine, for a batch of partition 2",
        happened=f"written: {written}",
        means="partition 0's row goes to partition 2's changelog, and is restored where partition 2 moves",
    )


def test_a_state_of_a_deleted_topic_is_not_kept(server: Server) -> None:
    batch, after = server.scored(record(2, 0, 9.4))
    server.topics.data_topic_id = "another"
    server.state.data_topic_recreated()
    server.state.write(batch, after)
    expect(
        not server.rows,
        "A state was kept whose records are of a topic that was deleted.",
        expected="no row: the data topic was created again while the batch was scored",
        happened=f"rows: {sorted(server.rows)}",
        means="the first records of the new topic pass for counted, at the old one's offsets",
    )


def test_strangers_data_types_do_not_fill_the_disk(server: Server) -> None:
    number = MAX_STATES_WITHOUT_MODEL + 20
    batch, after = server.scored(*(record(2, offset, 9.4, f"stranger {offset}") for offset in range(number)))
    server.state.write(batch, after)
    expect(
        len(server.rows) == MAX_STATES_WITHOUT_MODEL,
        "Data types that have no model fill the table without a limit.",
        expected=f"{MAX_STATES_WITHOUT_MODEL} rows of {number}: _may_keep says no to the rest",
        happened=f"{len(server.rows)} rows",
        means="a producer with a random data type per record fills memory, disk and changelog",
    )


def test_one_state_that_may_not_be_kept_hides_no_other(server: Server) -> None:
    strangers = [record(2, offset, 9.4, f"stranger {offset}") for offset in range(MAX_STATES_WITHOUT_MODEL + 1)]
    batch, after = server.scored(*strangers, record(2, MAX_STATES_WITHOUT_MODEL + 1, 9.4))
    server.state.write(batch, after)
    expect(
        b"counters/2/wine" in server.rows,
        "A state that may be kept was left out behind one that may not.",
        expected="the row of wine, which has a model, is always written",
        happened="it was not written",
        means="a producer with random data types ends the counting of everybody's wines",
    )
