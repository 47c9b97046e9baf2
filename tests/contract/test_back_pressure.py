"""Records that come in faster than they are scored: they wait in Kafka, and where a policy says otherwise it counts."""

import itertools

import psutil
import pytest

from tests.contract.accounts import SCORED, distinct, redelivered, settled
from tests.contract.conftest import VARIANTS, Start, package
from tests.support.models import slow, times_alcohol
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model, wine

RECORDS = 150_000
"""In memory they would take 90 MB and more; a server scores 20,000 a second, and they are there in less than two."""
MOST_MORE_BYTES = 60 * 2**20
"""What the clients' own buffers take, and work for the first time: measured 20 to 47 MiB, at once and no more later."""
MAX_BATCH = 1000
FLAGS = ("--max-batch", str(MAX_BATCH))
MIB = 2**20

OFFERED = [(name, policy) for name in VARIANTS for policy in package(name).guarantees.overflow]
READ_AHEAD = [name for name, policy in OFFERED if policy == "drop-oldest"]

LAG = "serving_lag_records"
WAITED = "serving_overflow_wait_seconds_total"
DROPPED = "serving_overflow_records_dropped_total"
SPILLED = "serving_overflow_records_spilled_total"
WAITING = "serving_overflow_bytes_waiting"


def published(stream: Stream, records: int = RECORDS, partition: int | None = None) -> list[str]:
    """Wines, flat out; their ids."""
    ids = [f"wine-{number}" for number in range(records)]
    stream.publish_wines(ids, wine(), partition)
    return ids


def slow_server(start: Start, stream: Stream, *flags: str) -> ServerProcess:
    """A server whose model takes approximately 50 ms for a batch."""
    server = start(*FLAGS, *flags).wait_until_ready()
    stream.publish_model(model("slow", data=slow(1.0)))
    server.wait_until_state(lambda state: state["name"] == "slow")
    return server


def hurried(server: ServerProcess, stream: Stream) -> None:
    """The rest goes faster: the test has seen what it came for."""
    stream.publish_model(model("fast", data=times_alcohol(1.0)))
    server.wait_until_state(lambda state: state["name"] == "fast")


def test_a_slow_model_lets_the_lag_grow_and_not_the_memory_and_loses_nothing(
    variant: str, start: Start, stream: Stream
) -> None:
    server = slow_server(start, stream)
    published(stream, MAX_BATCH)
    server.wait_until(lambda: server.metric(SCORED) >= MAX_BATCH, "it scored a batch")
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    ids = [f"wine-{number}" for number in range(RECORDS)]
    stream.publish_wines(ids, wine())
    lags = [server.metric(LAG)]
    memory = [process.memory_info().rss]
    for scored in itertools.count(int(server.metric(SCORED)), MAX_BATCH):
        if len(memory) > 20:
            break
        server.wait_until(lambda scored=scored: server.metric(SCORED) > scored, "it scores")  # type: ignore[misc]
        memory.append(process.memory_info().rss)
        lags.append(server.metric(LAG))
    assert max(lags) > RECORDS / 3
    assert max(memory) - before < MOST_MORE_BYTES
    hurried(server, stream)
    settled(stream, server)
    scores = stream.all_scores()
    assert distinct(scores) == set(ids)
    assert redelivered(scores) == MAX_BATCH  # the first ids were published twice


@pytest.mark.parametrize("variant", READ_AHEAD)
def test_drop_oldest_scores_the_youngest_and_counts_every_record_that_it_leaves_out(
    variant: str, start: Start, stream: Stream
) -> None:
    server = slow_server(start, stream, "--overflow", "drop-oldest", "--overflow-bytes", str(8 * MIB))
    ids = published(stream, partition=0)  # who reads several decides in which order they come
    settled(stream, server)
    scores = stream.all_scores()
    dropped = server.metric(DROPPED)
    assert dropped > 0
    assert redelivered(scores) == 0
    assert len(distinct(scores)) + dropped == RECORDS
    youngest = ids[-MAX_BATCH:]
    assert distinct(scores) >= set(youngest)


@pytest.mark.parametrize("variant", READ_AHEAD)
def test_spill_keeps_within_its_file_and_scores_everything_in_order_a_kill_in_between(
    variant: str, start: Start, stream: Stream
) -> None:
    flags = ("--overflow", "spill", "--overflow-bytes", str(4 * MIB), "--session-timeout-ms", "1000")
    server = slow_server(start, stream, *flags)
    ids = published(stream)
    server.wait_until(lambda: server.metric(WAITED) > 0, "the file was full")
    waiting = [server.metric(WAITING)]
    while server.metric(SCORED) < 20 * MAX_BATCH:
        waiting.append(server.metric(WAITING))
    assert server.metric(SPILLED) > 0
    assert max(waiting) <= 4 * MIB + MAX_BATCH * 1000, "the file, and the batch that never got there"
    server.kill()
    last = start(*FLAGS, *flags).wait_until_ready()
    hurried(last, stream)
    settled(stream, last)
    scores = stream.all_scores()
    assert distinct(scores) == set(ids)
    assert last.metric(DROPPED) == 0


def test_a_policy_that_a_variant_does_not_offer_is_one_line(variant: str, start: Start) -> None:
    if "spill" in package(variant).guarantees.overflow:
        return
    server = start("--overflow", "spill")
    assert server.wait() == 2
    (line,) = server.errors
    assert "--overflow" in line and "--help" in line
