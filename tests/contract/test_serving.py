"""What a server does with good input."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from tests.contract.conftest import Start, put_in_force
from tests.support.models import slow, times_alcohol
from tests.support.stream import ALCOHOL, Stream, model, wine


def test_a_score_says_what_it_is_of_and_goes_to_its_record_s_partition(start: Start, stream: Stream) -> None:
    server = start().wait_until_ready()
    put_in_force(server, stream, 0.5)
    stream.publish(stream.topics.data, wine(), b"id-1", partition=1)
    stream.publish(stream.topics.data, wine(), None, partition=2)
    stream.flush()
    without_key = f"{stream.topics.data}-2@0"
    by_id = {score.record_id: score for score in stream.scores_of(["id-1", without_key])}
    for record_id, partition in (("id-1", 1), (without_key, 2)):
        score = by_id[record_id]
        assert score.value == pytest.approx(ALCOHOL / 2, rel=1e-6)
        assert (score.data_type, score.model_name) == ("wine", "times 0.5")
        assert (score.source_partition, score.source_offset) == (partition, 0)
        assert 0 < score.record_ts <= score.scored_ts
        assert 0 < score.duration_ms < 1000


def test_each_data_type_is_scored_by_its_own_model(start: Start, stream: Stream) -> None:
    server = start().wait_until_ready()
    put_in_force(server, stream, 1.0)
    put_in_force(server, stream, 2.0, "beer")
    for number in range(10):
        stream.publish(stream.topics.data, wine(["wine", "beer"][number % 2]), b"id-%d" % number, partition=0)
    stream.flush()
    scores = stream.scores_of(f"id-{number}" for number in range(10))
    assert [score.record_id for score in scores] == [f"id-{number}" for number in range(10)]
    assert [score.model_name for score in scores] == ["times 1.0", "times 2.0"] * 5


def test_scores_keep_their_records_order_in_each_partition(start: Start, stream: Stream) -> None:
    server = start("--max-batch", "50").wait_until_ready()
    put_in_force(server, stream, 1.0)
    ids = [f"id-{number}" for number in range(3000)]
    stream.publish_wines(ids)
    offsets: dict[int, list[int]] = {}
    for score in stream.scores_of(ids):
        offsets.setdefault(score.source_partition, []).append(score.source_offset)
    assert sorted(offsets) == [0, 1, 2]
    assert all(numbers == sorted(numbers) for numbers in offsets.values())


def has_scored(name: str, records: int, state: Any) -> bool:
    return bool(state["name"] == name and state["usage"] >= records)


def test_a_new_model_takes_over_while_records_flow_and_none_is_missed(start: Start, stream: Stream) -> None:
    server = start().wait_until_ready()
    put_in_force(server, stream, 1.0)
    with stream.background_load() as load:
        for factor in (2.0, 3.0, 4.0):
            stream.publish_model(model(f"times {factor}", data=times_alcohol(factor)))
            server.wait_until_state(partial(has_scored, f"times {factor}", 100))
    scores = stream.scores_of(load.ids)
    for partition in range(3):
        names = [score.model_name for score in scores if score.source_partition == partition]
        in_force = [name for name, _ in itertools.groupby(names)]
        assert in_force == sorted(set(names)), "each model from one point on until the next"
    assert {score.model_name for score in scores} >= {"times 2.0", "times 3.0", "times 4.0"}
    for score in scores:
        assert score.value == pytest.approx(ALCOHOL * float(score.model_name.split()[1]), rel=1e-6)


def test_a_slow_model_holds_up_no_query(start: Start, stream: Stream) -> None:
    server = start().wait_until_ready()
    stream.publish_model(model("slow", data=slow(1.0, layers=40)))  # about 1 s for 1,000 wines
    server.wait_until_state(lambda state: state["name"] == "slow")
    answers = 0
    with ThreadPoolExecutor() as beside:
        beside.submit(stream.publish_wines, [f"id-{number}" for number in range(1000)])
        while server.state()["usage"] < 1000:
            assert server.get("/healthz")[0] == 200
            answers += 1
    # The second batch is all that came during the first: an event loop that waits for the model answers once for each.
    assert answers > 10, "the event loop answered while the model worked"
