"""Whatever is in the topics: no server crashes, and each message is accounted for, by its partition and offset."""

import itertools
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Message

from client.broker.embedded_kafka import EmbeddedKafka
from serving.engine import Guarantees
from tests.contract.accounts import SCORED, SKIPPED, settled
from tests.contract.conftest import DATA_PARTITIONS, VARIANTS, TopicsOfAnyTime, delivery_flags, new_stream, package
from tests.support.expected_outcomes import (
    DEAD,
    NO_MODEL,
    Found,
    Origin,
    Outcome,
    Score,
    expected_outcome,
    found,
    origin,
    unlike,
)
from tests.support.hostile_input import (
    GOOD,
    NO_TEXT,
    ODD_TYPE,
    TIMES_MS,
    Sent,
    good_records_with_no_text,
    hostile_descriptors,
    hostile_records,
    worth_a_trial,
)
from tests.support.models import times_alcohol
from tests.support.process import DEADLINE_S
from tests.support.raw_batches import RawRecord, send, send_all
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

RECORDS, DESCRIPTORS, TRIALS = 199_000, 1_000, 20
FEWER = 20  # the code that reads them is the same everywhere: one server gets them all, each of the others a twentieth
MODES = [(name, mode) for name in VARIANTS for mode in package(name).guarantees.delivery]
FACTORS = {"wine": 1.0, ODD_TYPE: 2.0}
PORTION = 50_000  # of records are sent, and then those among them that take a client of our own
MOST_LATENCY_S = 86_400
STRANGERS = 300  # data types without a model: no variant counts more of them one by one
MORE_MEMORY_BYTES = 96 * 2**20  # for batches in flight and accepted models: twice what is usual
JAVA_BYTES = 192 * 2**20  # more, where a spoilt PMML document was one for PMML4S all the same
ACCEPTED, DEAD_LETTERS = "serving_models_accepted_total", "serving_dead_letters_total"

pytestmark = pytest.mark.parametrize(
    ("variant", "mode"), MODES, ids=[f"{name}-{mode}" for name, mode in MODES], scope="module"
)


@dataclass(frozen=True)
class Scene:
    """A server after all that was in the topics, and what is in the topics now."""

    server: ServerProcess
    flags: Sequence[str]
    data_dir: Path
    stream: Stream
    records: Sequence[Message]
    descriptors: Sequence[Message]
    expected_outcomes: Mapping[Origin, Outcome]
    found: Found
    more_bytes: int
    """Of memory, than before the first hostile message."""

    def expected_to_be(self, what: str) -> set[Origin]:
        """The records that must be of one kind, neither of which is a score."""
        return {at for at, must in self.expected_outcomes.items() if must == what}


@pytest.fixture(scope="module")
def scene(variant: str, mode: str, broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    stream = new_stream(broker, f"hostile-{variant}", TopicsOfAnyTime)
    directory = tmp_path_factory.mktemp("hostile")
    words = (variant, stream.bootstrap_servers, stream.prefix, directory / "first.log")
    flags = delivery_flags(mode)
    share = 1 if (variant, mode) == MODES[0] else FEWER
    with ServerProcess(*words, *flags, data_dir=directory) as server:
        server.wait_until_ready()
        for data_type, factor in FACTORS.items():
            put_in_force(server, stream, data_type, factor)
        stream.publish_wines(["before"])
        settled(stream, server)
        before_bytes = resident_bytes(server)
        publish_hostile_input(stream, share)
        put_in_force(server, stream, "the last", 3.0)
        settled(stream, server)
        scored_after(stream, "all")
        settled(stream, server)
        more_bytes = resident_bytes(server) - before_bytes
        records, descriptors = stream.reading.all_of(stream.topics.data), stream.reading.all_of(stream.topics.models)
        expected = {origin(record): expected_outcome(record, FACTORS) for record in records}
        yield Scene(server, flags, directory, stream, records, descriptors, expected, found(stream), more_bytes)


def put_in_force(server: ServerProcess, stream: Stream, data_type: str, factor: float) -> None:
    """When this returns, all has been handled that was in the models topic before."""
    descriptor = model(f"times {factor}", data=times_alcohol(factor), data_type=data_type)
    record = RawRecord(data_type.encode(), descriptor.SerializeToString(), TIMES_MS[0], [(NO_TEXT, NO_TEXT)])
    send(stream.bootstrap_servers, stream.topics.models, 0, [record])
    server.wait_until_said(f"Model serving - times {factor} ", 3 * DEADLINE_S)


def scored_after(stream: Stream, what: str) -> None:
    """When this returns, the last good record of each partition has its score, whenever its offset was committed."""
    ids = [f"after {what}, in {partition}" for partition in range(DATA_PARTITIONS)]
    for partition, record_id in enumerate(ids):
        stream.publish_wines([record_id], partition=partition)
    stream.scores_of(ids)


def publish_hostile_input(stream: Stream, share: int) -> None:
    """Descriptors first, so that they are tried while records are scored."""
    publish(stream, stream.topics.models, hostile_descriptors(DESCRIPTORS // share, TRIALS // share), 1)
    publish(stream, stream.topics.data, good_records_with_no_text(), DATA_PARTITIONS)
    publish(stream, stream.topics.data, hostile_records(RECORDS // share), DATA_PARTITIONS)


def publish(stream: Stream, topic: str, messages: Iterable[Sent], partitions: int) -> None:
    left = iter(messages)
    while portion := list(itertools.islice(left, PORTION)):
        odd: defaultdict[int, list[RawRecord]] = defaultdict(list)
        for number, sent in enumerate(portion):
            partition = number % partitions
            if not sent.common:
                odd[partition].append(sent.raw(time.time_ns() // 1_000_000))
                continue
            time_ms = sent.timestamp_ms or 0  # which is now
            headers = [(name.decode(), value) for name, value in sent.headers]
            stream.publish(topic, sent.value, sent.key, partition, timestamp_ms=time_ms, headers=headers)
        stream.flush()
        send_all(stream.bootstrap_servers, topic, odd)


def resident_bytes(server: ServerProcess) -> int:
    """The memory that the process has now."""
    return int(psutil.Process(server.process.pid).memory_info().rss)


def test_each_record_gets_what_its_bytes_ask_for_and_gets_it_once(scene: Scene) -> None:
    must_score = {at: must for at, must in scene.expected_outcomes.items() if isinstance(must, Score)}
    dead, skipped = scene.expected_to_be(DEAD), scene.expected_to_be(NO_MODEL)
    wrong = {at: (must, scene.found.scores.get(at)) for at, must in must_score.items()}
    assert [each for each in wrong.items() if each[1][0] != each[1][1]][:5] == []
    assert scene.found.scores.keys() ^ must_score.keys() == set()
    assert scene.found.dead_letters.keys() ^ dead == set()
    assert scene.found.twice == []
    assert min(len(must_score), len(dead), len(skipped)) > len(scene.records) // 20, "there is enough of each kind"


def test_the_good_records_among_them_are_all_scored(scene: Scene) -> None:
    good = {origin(record) for record in scene.records if (record.key() or b"").startswith(GOOD)}
    assert len(good) > len(scene.records) // 20
    assert good - scene.found.scores.keys() == set()


def test_bytes_that_are_no_text_are_scored_in_whatever_part_of_a_record_they_are(scene: Scene) -> None:
    no_text = [origin(record) for record in scene.records if record.key() == GOOD + NO_TEXT]
    assert len(no_text) == len(list(good_records_with_no_text()))
    assert [at for at in no_text if scene.found.scores.get(at) != scene.expected_outcomes[at]] == []


def test_a_dead_letter_is_byte_for_byte_what_came(scene: Scene) -> None:
    assert unlike(scene.records, scene.found.dead_letters) == []
    assert unlike(scene.descriptors, scene.found.dead_models) == []


def test_each_descriptor_is_a_dead_letter_or_in_force(scene: Scene) -> None:
    offered = {origin(each) for each in scene.descriptors if worth_a_trial(each.value())}
    in_force = {origin(each) for each in scene.descriptors} - scene.found.dead_models.keys()
    assert in_force <= offered
    assert len(in_force) == scene.server.metric(ACCEPTED)


def test_the_metrics_count_the_same(scene: Scene) -> None:
    assert scene.server.metric(SCORED) == len(scene.found.scores)
    assert scene.server.metric(SKIPPED) == len(scene.expected_to_be(NO_MODEL))
    seconds, batches = (scene.server.metric(f"serving_end_to_end_seconds_{each}") for each in ("sum", "count"))
    assert 0 <= seconds <= batches * MOST_LATENCY_S, "no absurd time stamp is in the sum"
    assert scene.server.metric(DEAD_LETTERS) == len(scene.found.dead_letters) + len(scene.found.dead_models)


def test_the_server_goes_on_with_its_models_and_has_grown_little(scene: Scene) -> None:
    server = scene.server
    assert server.get("/healthz") == (200, {"ready": True, "broker": True, "reason": None})
    assert scene.found.model_names == {data_type: {f"times {factor}"} for data_type, factor in FACTORS.items()}
    for data_type, factor in FACTORS.items():
        state = server.state(data_type)
        usage = sum(score.data_type == data_type for score in scene.found.scores.values())
        assert (state["name"], state["usage"]) == (f"times {factor}", usage)
    status, live = server.get("/live")
    with_model = sum(state["name"] is not None for state in live["states"])
    assert (status, len(live["states"]) - with_model <= STRANGERS) == (200, True)
    said = server.said
    assert scene.more_bytes < MORE_MEMORY_BYTES + (JAVA_BYTES if "on Java" in said else 0)
    assert not any(word in said for word in ("Traceback", "Warning", "error:")), "nothing surprised it"


def test_a_server_that_starts_on_all_this_is_ready_with_the_same_models(
    scene: Scene, variant: str, promised: Guarantees, tmp_path: Path
) -> None:
    stream, first = scene.stream, scene.server
    assert first.stop() == 0
    words = (variant, stream.bootstrap_servers, stream.prefix, tmp_path / "second.log")
    with ServerProcess(*words, *scene.flags, data_dir=scene.data_dir) as second:
        second.wait_until_ready()
        if promised.model_survives.killed:
            scored_after(stream, "a restart")
        else:
            stream.publish_wines(["after a restart"])
        settled(stream, second)
        names = {score.model_name for score in stream.all_scores() if score.record_id.startswith("after a restart")}
        assert names == ({"times 1.0"} if promised.model_survives.killed else set())
