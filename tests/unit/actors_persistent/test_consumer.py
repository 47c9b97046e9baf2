"""The consumer's rules, with a played client: what it commits, and which topic's records it believes."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from actors_persistent import consumer as consumer_module
from actors_persistent.consumer import RecordConsumer
from serving.scoring.records import RawRecord
from serving.settings.server import Settings

TOPIC = Settings.read("program", []).topics.data
NOW, GONE = "the topic that is there", "the topic that was deleted"
LIMIT_S = 10.0


class Played:
    """A client whose fetches and rebalances the test plays; it keeps what it is told to commit and to assign."""

    def __init__(self, *fetches: Callable[["Played"], Sequence[Any]]) -> None:
        self.fetches = list(fetches)
        self.assigned: list[TopicPartition] = []
        self.positions: dict[int, int] = {}
        self.commits: list[dict[int, tuple[int, str]]] = []
        self.kept = [TopicPartition(TOPIC, number, -1001) for number in range(2)]
        self.stop: Callable[[], None] = lambda: None

    def subscribe(self, _topics: object, *, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_assign = on_assign
        self.on_revoke = on_revoke
        self.on_lost = on_lost

    def poll(self, _timeout_s: float) -> Any:
        if not self.fetches:
            self.stop()
            return None
        self.batch = list(self.fetches.pop(0)(self))
        return self.batch.pop(0) if self.batch else None

    def consume(self, _n: int, _timeout_s: float) -> list[Any]:
        batch, self.batch = self.batch, []
        return batch

    def join(self, *numbers: int) -> Sequence[Any]:
        self.on_assign(self, [TopicPartition(TOPIC, number) for number in numbers])
        return []

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.assigned = list(partitions)
        self.positions = {}  # not known until the first fetch

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, each.partition) for each in self.assigned]

    def committed(self, partitions: list[TopicPartition], **_: object) -> list[TopicPartition]:
        return [self.kept[each.partition] for each in partitions]

    def position(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, each.partition, self.positions.get(each.partition, -1001)) for each in partitions]

    def get_watermark_offsets(self, _partition: TopicPartition, **_: object) -> None:
        return None

    def commit(self, *, offsets: list[TopicPartition], **_: object) -> None:
        self.commits.append({each.partition: (each.offset, each.metadata or "") for each in offsets})

    def close(self) -> None:
        self.on_revoke(self, self.assigned)


def read(played: Played, *offsets: int, partition: int = 0) -> Sequence[Any]:
    """A fetch that brings these records."""
    played.positions[partition] = offsets[-1] + 1
    return [
        SimpleNamespace(
            topic=lambda: TOPIC,
            partition=lambda: partition,
            offset=lambda offset=offset: offset,
            timestamp=lambda: (1, 0),
            key=lambda: None,
            value=lambda: b"",
            error=lambda: None,
        )
        for offset in offsets
    ]


class Scene:
    """One life of a consumer over a played client."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.taken: list[tuple[list[int], str]] = []
        self.first_topic_id = NOW
        self.ids: Iterator[str | None] = iter(())
        self.acknowledges = True
        self.acknowledges_late = False  # not before all fetches have been played
        self.flags: Sequence[str] = ()
        self.acknowledge: Callable[[], None] = lambda: None  # what was taken last

    def live(self, *fetches: Callable[[Played], Sequence[Any]], kept: Sequence[Any] = ()) -> Played:
        settings = Settings.read("program", ["--commit-interval-ms", "0", *self.flags])
        consumer = RecordConsumer(settings, "group", lambda _: None, lambda: next(self.ids, NOW))
        played = Played(*fetches)
        for each in kept:
            played.kept[each.partition] = each
        late: list[Sequence[RawRecord]] = []

        def stop() -> None:
            for records in late:
                consumer.acknowledge(records)
            (consumer.stop if self.acknowledges else consumer.close)()

        played.stop = stop

        def take(records: Sequence[RawRecord], topic_id: str) -> None:
            self.taken.append(([record.offset for record in records], topic_id))
            self.acknowledge = lambda: consumer.acknowledge(records)
            if self.acknowledges_late:
                late.append(records)
            elif self.acknowledges:
                consumer.acknowledge(records)

        self._monkeypatch.setattr(consumer_module, "CLOSE_TIMEOUT_S", 0.0)
        self._monkeypatch.setattr(consumer_module, "Consumer", lambda _: played)
        at_last = threading.Timer(LIMIT_S, consumer.close)
        at_last.start()
        consumer.run(take, self.first_topic_id)
        at_last.cancel()
        return played


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_what_is_acknowledged_is_committed_with_the_id_of_its_topic(scene: Scene) -> None:
    played = scene.live(lambda client: client.join(0), lambda client: read(client, 0, 1, 2))
    assert scene.taken == [([0, 1, 2], NOW)]
    assert played.commits[-1] == {0: (3, NOW)}


def test_markers_behind_the_last_record_are_committed_when_nothing_is_in_flight(scene: Scene) -> None:
    def marker(client: Played) -> Sequence[Any]:
        client.positions[0] = 4
        return []

    played = scene.live(lambda client: client.join(0), lambda client: read(client, 0, 1, 2), marker)
    assert played.commits[-1] == {0: (4, NOW)}


def test_on_revocation_no_offset_of_a_batch_in_flight_is_committed_nor_of_one_that_was_interrupted(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "REVOKE_TIMEOUT_S", 0.0)
    scene.acknowledges = False

    def interrupted(client: Played) -> Sequence[Any]:
        records = read(client, 3, 4)
        client.on_revoke(client, client.assigned)
        client.assigned = []
        return records

    played = scene.live(lambda client: client.join(0), lambda client: read(client, 0, 1, 2), interrupted)
    assert scene.taken == [([0, 1, 2], NOW)]
    assert [each for each in played.commits if each] == []


@pytest.mark.parametrize("metadata", [NOW, ""])
def test_a_commit_of_this_topic_or_of_a_tool_is_gone_on_from(scene: Scene, metadata: str) -> None:
    played = scene.live(lambda client: client.join(0), kept=[TopicPartition(TOPIC, 0, 20, metadata=metadata)])
    assert [each.offset for each in played.assigned] == [TopicPartition(TOPIC, 0).offset]


@dataclass
class ReadOn:
    """A commit as confluent-kafka hands it over now and then: it reads on behind the metadata's end."""

    content: bytes
    partition: int = 0
    error: None = None

    @property
    def metadata(self) -> str:
        return self.content.decode()


@pytest.mark.parametrize("behind", [b"s\x05", b"\xff"], ids=["text", "no text"])
def test_a_commit_of_this_topic_is_gone_on_from_whatever_is_read_behind_the_topic_s_id(
    scene: Scene, behind: bytes
) -> None:
    played = scene.live(lambda client: client.join(0), kept=[ReadOn(NOW.encode() + behind)])
    assert [each.offset for each in played.assigned] == [TopicPartition(TOPIC, 0).offset]


def test_a_commit_of_another_topic_is_not_believed(scene: Scene) -> None:
    kept = [TopicPartition(TOPIC, 0, 20, metadata=NOW), TopicPartition(TOPIC, 1, 20, metadata=GONE)]
    played = scene.live(lambda client: client.join(0, 1), kept=kept)
    assert [(each.partition, each.offset == OFFSET_BEGINNING) for each in played.assigned] == [(0, False), (1, True)]


def test_records_after_a_silence_are_of_the_topic_that_is_there_then_or_are_read_again_from_its_beginning(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "QUIET_S", 0.0)  # each fetch comes after a silence
    scene.first_topic_id = GONE
    scene.ids = iter([GONE, None, NOW])  # the broker's answers; then the last one
    played = scene.live(
        lambda client: client.join(0),
        lambda client: read(client, 18, 19),
        lambda client: read(client, 20, 21),
        lambda client: read(client, 0, 1),
    )
    assert scene.taken == [([18, 19], GONE), ([0, 1], NOW)]
    assert [each.offset for each in played.assigned] == [OFFSET_BEGINNING]
    assert played.commits[-1] == {0: (2, NOW)}
    assert {at for commit in played.commits for at in commit.values()} <= {(20, GONE), (2, NOW)}


def test_in_a_flow_of_records_the_broker_is_not_asked_for_each_fetch(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "QUIET_S", 1000.0)
    scene.ids = iter([NOW, "never asked"])
    scene.live(lambda client: client.join(0), *[lambda client: read(client, 1)] * 3)
    assert len(scene.taken) == 3


def test_while_an_acknowledgement_is_waited_for_the_broker_is_asked(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers() -> Iterator[str]:
        yield GONE
        scene.acknowledge()  # without the second question it never comes, and nothing more is fetched
        yield NOW

    monkeypatch.setattr(consumer_module, "QUIET_S", 0.0)
    scene.first_topic_id, scene.ids, scene.acknowledges = GONE, answers(), False
    scene.flags = ["--max-in-flight", "1"]
    played = scene.live(lambda client: client.join(0), lambda client: read(client, 18), lambda client: read(client, 0))
    assert scene.taken == [([18], GONE), ([0], NOW)]
    assert [each.offset for each in played.assigned] == [OFFSET_BEGINNING]


def test_an_acknowledgement_for_the_old_topic_commits_nothing_in_the_new_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "QUIET_S", 0.0)
    scene.first_topic_id = GONE
    scene.ids = iter([GONE, NOW])
    scene.acknowledges_late = True
    played = scene.live(
        lambda client: client.join(0), lambda client: read(client, 18, 19), lambda client: read(client, 20, 21)
    )
    assert scene.taken == [([18, 19], GONE)]
    assert [commit for commit in played.commits if commit] == []
