"""What bad input gets: a dead letter with its reason, and the next record is scored."""

import math

import pytest

from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.wine_record_pb2 import WineRecord
from serving.settings.topics import MAX_MESSAGE_BYTES
from tests.contract.conftest import Serving
from tests.support.models import times_alcohol
from tests.support.stream import ALCOHOL, headers, model, wine


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\xfe no protobuf", "not a WineRecord"),
        (None, "empty value"),
        (b"", "empty value"),
        (wine(alcohol=math.nan), "alcohol is nan"),
        (wine(pH=math.inf), "pH is inf"),
        (wine(density=-math.inf), "density is -inf"),
        (WineRecord(alcohol=9.4).SerializeToString(), "no data type"),
    ],
    ids=["garbage", "tombstone", "empty", "nan", "infinity", "minus infinity", "no data type"],
)
def test_a_bad_record_becomes_a_dead_letter_and_the_next_is_scored(
    serving: Serving, variant: str, request: pytest.FixtureRequest, value: bytes | None, reason: str
) -> None:
    stream = serving.stream
    bad, good = f"bad, {request.node.name}".encode(), f"good, {request.node.name}"
    offset = stream.end(stream.topics.data, 2)
    stream.publish(stream.topics.data, value, bad, partition=2)
    stream.publish(stream.topics.data, wine(), good.encode(), partition=2)
    stream.flush()
    score = stream.scores_of([good])[-1]
    assert score.value == pytest.approx(ALCOHOL, rel=1e-6)
    letter = stream.dead_letter(bad)
    said = headers(letter)
    assert reason in said.pop("reason")
    assert said == {"topic": stream.topics.data, "partition": "2", "offset": str(offset), "variant": variant}
    assert letter.value() == value


def test_records_without_a_model_are_skipped_and_counted_never_scored(serving: Serving) -> None:
    stream, server = serving.stream, serving.server
    stream.publish(stream.topics.data, wine("beer"), b"a beer", partition=0)
    stream.publish(stream.topics.data, wine(), b"a wine after it", partition=0)
    stream.flush()
    assert "a beer" not in {score.record_id for score in stream.scores_of(["a wine after it"])}
    beer = server.wait_until_state(lambda state: state["skipped"] == 1, "beer")
    assert (beer["name"], beer["usage"], beer["min"], beer["mean"]) == (None, 0, None, None)
    assert server.ask("cider")[0] == 404


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (model("broken", data=b"no model at all").SerializeToString(), ""),
        (model("broken", "PMML", b"<PMML>").SerializeToString(), ""),
        (model("broken", "TENSORFLOW", b"graph").SerializeToString(), "is no frozen TensorFlow graph"),
        (ModelDescriptor(name="broken", dataType="wine", modeltype="ONNX").SerializeToString(), ""),
        (b"\xff\xfe no protobuf", "not a ModelDescriptor"),
        (None, "empty value"),
    ],
    ids=["onnx", "pmml", "tensorflow", "empty", "garbage", "tombstone"],
)
def test_a_bad_model_between_two_good_ones_leaves_the_first_serving_until_the_second(
    serving: Serving, variant: str, request: pytest.FixtureRequest, bad: bytes | None, reason: str
) -> None:
    server, stream = serving.server, serving.stream
    before, after, key = f"before {request.node.name}", f"after {request.node.name}", request.node.name.encode()
    stream.publish_model(model(before, data=times_alcohol(2.0)))
    server.wait_until_state(lambda state: state["name"] == before)
    refused_before = server.said.count("Model refused")
    offset = stream.end(stream.topics.models, 0)
    stream.publish(stream.topics.models, bad, key)
    stream.flush()
    letter = stream.dead_letter(key)
    stream.publish_wines([f"{before}'s wine"])
    assert stream.scores_of([f"{before}'s wine"])[-1].model_name == before
    stream.publish_model(model(after, data=times_alcohol(3.0)))
    server.wait_until_state(lambda state: state["name"] == after)
    stream.publish_wines([f"{after}'s wine"])
    assert stream.scores_of([f"{after}'s wine"])[-1].value == pytest.approx(3 * ALCOHOL, rel=1e-6)

    said = headers(letter)
    assert reason in said["reason"]
    assert (said["topic"], said["offset"], said["variant"]) == (stream.topics.models, str(offset), variant)
    assert letter.value() == bad
    (refused,) = [line for line in server.said.splitlines() if "Model refused" in line][refused_before:]
    assert ("broken" in refused) == (bad is not None and b"broken" in bad)


def test_names_from_outside_cannot_steer_the_terminal(serving: Serving) -> None:
    serving.stream.publish_model(model("\x1b[2J\nModel serving - fake", data=times_alcohol(1.0)))
    serving.server.wait_until_said("fake (ONNX)")
    assert "\x1b" not in serving.server.said
    assert "\nModel serving - fake" not in serving.server.said


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_records_are_read_however_their_producer_compressed_them(serving: Serving, codec: str) -> None:
    ids = [f"{codec}-{number}" for number in range(20)]
    serving.stream.publish_wines(ids, codec=codec)
    assert {score.record_id for score in serving.stream.scores_of(ids)} >= set(ids)


def test_a_record_too_large_for_the_dead_letter_topic_leaves_its_origin_there(serving: Serving) -> None:
    stream = serving.stream
    bomb, after = b"\xff" * (MAX_MESSAGE_BYTES + 1_000_000), "after the bomb"
    offset = stream.end(stream.topics.data, 1)
    stream.publish(stream.topics.data, bomb, b"bomb", partition=1, codec="gzip")  # a few kilobytes on the wire
    stream.flush()
    stream.publish(stream.topics.data, wine(), after.encode(), partition=1)
    stream.flush()
    assert after in {score.record_id for score in stream.scores_of([after])}
    letter = stream.dead_letter(None)
    said = headers(letter)
    assert (said["partition"], said["offset"], letter.value()) == ("1", str(offset), b"")
    assert "larger" in said["omitted"]
