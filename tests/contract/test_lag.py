"""Lag: 0 when nothing is left to read, even where more than records has an offset in the topic."""

from confluent_kafka import Producer

from tests.contract.accounts import settled
from tests.contract.conftest import Start, put_in_force
from tests.support.stream import Stream, wine

LAG = "serving_lag_records"


def test_behind_a_transactional_producer_the_lag_becomes_0_and_everything_is_committed(
    start: Start, stream: Stream
) -> None:
    server = start().wait_until_ready()
    put_in_force(server, stream, 1.0)
    producer = Producer({"bootstrap.servers": stream.bootstrap_servers, "transactional.id": stream.prefix})
    producer.init_transactions()
    for ids, ends in (("scored", producer.commit_transaction), ("aborted", producer.abort_transaction)):
        producer.begin_transaction()
        for partition in range(3):
            producer.produce(stream.topics.data, wine(), f"{ids}-{partition}".encode(), partition)
        producer.flush()
        ends()
    scores = stream.scores_of([f"scored-{partition}" for partition in range(3)])
    assert {score.record_id for score in scores} == {f"scored-{partition}" for partition in range(3)}
    settled(stream, server)  # the markers' offsets, too
    server.wait_until(lambda: server.metric(LAG) == 0, "its lag was 0")
