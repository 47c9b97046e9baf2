"""The checker on a real broker: what a server leaves behind is clean, and faults written into the topics are found."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from experiments.checker.faults import check
from experiments.checker.run import Counted, Run
from experiments.checker.topics import read_run
from protobufs.serving_result_pb2 import ServingResult
from serving.settings.topics import Topics
from tests.contract.accounts import SCORED, SKIPPED, settled
from tests.support.models import times_alcohol
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

RECORDS = 60


@pytest.fixture
def stream(broker: EmbeddedKafka, topics: Topics) -> Stream:
    return Stream(broker.bootstrap_servers, topics)


def score_again(stream: Stream, score: ServingResult) -> None:
    stream.publish(stream.topics.scores, score.SerializeToString(), None, score.source_partition)
    stream.flush()


def in_the_middle_of_a_batch(scores: Sequence[ServingResult]) -> ServingResult:
    """One that was scored with the one before it: no commit lies between, so none explains that it comes again."""
    before: dict[int, int] = {}
    for score in scores:
        if before.get(score.source_partition) == score.scored_ts:
            return score
        before[score.source_partition] = score.scored_ts
    raise AssertionError("each was scored alone")


def test_a_run_is_read_whole_and_each_fault_written_into_it_is_found(stream: Stream, tmp_path: Path) -> None:
    stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
    with ServerProcess("custom_stage", stream.bootstrap_servers, stream.prefix, tmp_path / "log") as server:
        server.wait_until_ready()
        stream.publish_wines(f"wine-{number}" for number in range(RECORDS))
        stream.publish(stream.topics.data, b"no wine", b"no wine")
        stream.flush()
        settled(stream, server)
        counted = Counted(int(server.metric(SCORED)), int(server.metric(SKIPPED)), 1)

    def read() -> Run:
        return read_run(stream.bootstrap_servers, stream.topics, server.group, counted)

    def faults() -> set[str]:
        return {fault.kind for fault in check(read()).faults}

    run = read()
    assert {each.record_id for each in run.sent} == {f"wine-{number}" for number in range(RECORDS)} | {"no wine"}
    assert [each.kind for each in run.outcomes].count("score") == RECORDS
    assert max(commit.offset for commit in run.commits) == max(run.committed.values())
    assert faults() == set()

    score = in_the_middle_of_a_batch(stream.all_scores())
    score_again(stream, score)
    assert faults() >= {"out of order", "counters"}

    other = ServingResult.FromString(score.SerializeToString())
    other.model_name = "of nobody"
    other.source_offset += 1000
    score_again(stream, other)
    assert faults() >= {"foreign", "wrong model"}

    stream.publish_wines(["never read"])
    assert faults() >= {"lost", "commits"}
