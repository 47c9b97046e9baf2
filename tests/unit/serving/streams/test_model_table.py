"""The table of models over a changelog that a test plays: who writes when, and that the newest model wins."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError

from protobufs.kept_state_pb2 import KeptModel
from serving.errors import BrokerRefused
from serving.settings.server import Settings
from serving.streams import model_table
from serving.streams.model_table import ModelTable
from tests.support.faust_scene import some_turns
from tests.support.table_instance import descriptor

CHANGELOG = "models-changelog"


@dataclass
class Changelog:
    """The topic: each record's key and value; and whether the broker takes any, for as many writes as it says."""

    records: list[tuple[bytes | None, bytes | None]] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)

    async def send(self, topic: str, key: bytes, value: bytes) -> None:
        assert topic == CHANGELOG
        if self.refusals:
            raise self.refusals.pop(0)
        self.records.append((key, value))

    def write(self, model: KeptModel) -> None:
        """Another instance does."""
        self.records.append((model.descriptor.dataType.encode(), model.SerializeToString()))

    @property
    def models(self) -> list[tuple[str, int]]:
        """Topic id and offset of the model in each record."""
        parsed = [KeptModel.FromString(value or b"") for _, value in self.records]
        return [(model.topic_id, model.offset) for model in parsed]


class Consumer:
    """Reads it, a record at a time."""

    def __init__(self, changelog: Changelog) -> None:
        self._changelog = changelog
        self.next = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assign(self, partitions: list[Any]) -> None:
        assert [partition.partition for partition in partitions] == [0]

    def seek(self, _: Any, offset: int) -> None:
        self.next = offset

    async def position(self, _: Any) -> int:
        return self.next

    async def beginning_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        return dict.fromkeys(partitions, len(self._changelog.records))

    async def getmany(self, **_: Any) -> dict[str, list[Any]]:
        if self.next >= len(self._changelog.records):
            return {}
        key, value = self._changelog.records[self.next]
        self.next += 1
        return {"": [SimpleNamespace(topic=CHANGELOG, offset=self.next - 1, key=key, value=value)]}


@dataclass
class Memory:
    """A copy that outlives its instance: as a disk does."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    last: int | None = None

    def offset(self) -> int | None:
        return self.last

    def data_types(self) -> list[bytes]:
        return list(self.rows)

    def get(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        self.rows[key] = value

    def reached(self, offset: int) -> None:
        self.last = offset

    def close(self) -> None: ...


class Scene:
    """One instance at a time, and its clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.changelog = Changelog()
        self.copy = Memory()
        self.owner = True
        self.models_topic_id = "now"
        self.now_s = 1000.0
        monkeypatch.setattr(model_table, "AIOKafkaConsumer", lambda **_: Consumer(self.changelog))
        monkeypatch.setattr(model_table, "time", SimpleNamespace(monotonic=lambda: self.now_s))
        monkeypatch.setattr(model_table, "RETRY_S", 0)

    async def started(self) -> ModelTable:
        """The instance's next life."""
        settings: dict[str, Any] = {}
        table = ModelTable(
            Settings(**settings),
            CHANGELOG,
            self.copy,
            lambda: self.owner,
            lambda: self.models_topic_id,
            self.changelog.send,
        )
        await table.start()
        return table

    def restored_elsewhere(self) -> list[int]:
        """The offsets of the models that an instance without a disk finds, once the changelog is compacted."""
        newest = {key: value for key, value in self.changelog.records if value is not None}
        return [KeptModel.FromString(value).offset for value in newest.values()]


def model(offset: int, data_type: str = "wine", topic_id: str = "now") -> KeptModel:
    of = descriptor(f"model {offset}", data_type)
    return KeptModel(offset=offset, descriptor=of, since_ms=offset, topic_id=topic_id)


def offsets(table: ModelTable) -> dict[str, int]:
    """Of the newest model for each data type."""
    newest = {data_type: table.newest(data_type) for data_type in table.data_types()}
    return {data_type: each.offset for data_type, each in newest.items() if each is not None}


Play = Callable[[Scene], Awaitable[None]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Play], None]:
    async def scene(play: Play) -> None:
        await play(Scene(monkeypatch))

    return lambda play: asyncio.run(scene(play))


def test_the_owner_writes_a_model_once_and_at_once(run: Callable[[Play], None]) -> None:
    async def play(scene: Scene) -> None:
        table = await scene.started()
        table.put(model(3))
        assert (offsets(table), table.has_written("wine")) == ({"wine": 3}, False)
        await table.written()
        await table.written()
        await table.catch_up()
        await table.written()
        assert scene.changelog.models == [("now", 3)]
        assert table.has_written("wine")
        assert table.model("wine") == model(3)
        newest = table.newest("wine")
        assert newest is not None
        assert not newest.descriptor.data, "the bytes are on the disk"

    run(play)


def test_another_instance_writes_it_if_the_owner_does_not(run: Callable[[Play], None]) -> None:
    async def play(scene: Scene) -> None:
        scene.owner = False
        table = await scene.started()
        table.put(model(3))
        await table.step()
        assert scene.changelog.models == []
        scene.now_s += model_table.GRACE_S
        await table.step()
        assert scene.changelog.models == [("now", 3)]

    run(play)


def test_another_instance_writes_it_before_records_that_it_has_scored_are_acknowledged(
    run: Callable[[Play], None],
) -> None:
    async def play(scene: Scene) -> None:
        scene.owner = False
        table = await scene.started()
        table.put(model(3))
        await table.written()
        assert scene.changelog.models == [("now", 3)]

    run(play)


def test_it_waits_for_the_owner_s_write_first_which_takes_longer_for_a_large_model(
    run: Callable[[Play], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play(scene: Scene) -> None:
        monkeypatch.setattr(model_table, "WRITES_BYTES_PER_S", 0.1)  # more than a minute
        scene.owner = False
        table = await scene.started()
        table.put(model(3))
        written = asyncio.create_task(table.written())
        await some_turns()
        scene.changelog.write(model(3))
        await table.step()
        await written
        assert scene.changelog.models == [("now", 3)]

    run(play)


def test_what_the_owner_has_written_meanwhile_is_not_written_again(run: Callable[[Play], None]) -> None:
    async def play(scene: Scene) -> None:
        scene.owner = False
        table = await scene.started()
        table.put(model(3))
        scene.changelog.write(model(3))
        await table.catch_up()
        scene.now_s += model_table.GRACE_S
        await table.step()
        await table.written()
        assert scene.changelog.models == [("now", 3)]

    run(play)


@pytest.mark.parametrize("owner", [True, False])
def test_an_older_model_that_comes_later_is_written_over(run: Callable[[Play], None], owner: bool) -> None:
    async def play(scene: Scene) -> None:
        scene.owner = owner
        table = await scene.started()
        scene.changelog.write(model(5))
        scene.changelog.write(model(4))
        await table.catch_up()
        assert offsets(table) == {"wine": 5}
        scene.now_s += 0 if owner else model_table.GRACE_S
        await table.written()
        assert scene.changelog.models[-1] == ("now", 5)
        await table.catch_up()
        await table.written()
        assert len(scene.changelog.records) == 3
        assert (scene.copy.offset(), scene.restored_elsewhere()) == (2, [5])

    run(play)


def test_it_is_written_over_by_the_next_life_too(run: Callable[[Play], None]) -> None:
    async def play(scene: Scene) -> None:
        table = await scene.started()
        scene.changelog.write(model(5))
        await table.catch_up()
        scene.changelog.write(model(4))
        await table.catch_up()  # and killed
        table = await scene.started()
        await table.written()
        assert scene.restored_elsewhere() == [5]

    run(play)


def test_a_tombstone_is_written_over_and_what_nobody_of_us_wrote_is_ignored(run: Callable[[Play], None]) -> None:
    async def play(scene: Scene) -> None:
        table = await scene.started()
        scene.changelog.write(model(5))
        strangers: list[tuple[bytes | None, bytes | None]] = [
            (b"wine", None),
            (None, b"x"),
            (b"\xff", b"\xff"),
            (b"cider", model(6).SerializeToString()),
        ]
        scene.changelog.records += strangers
        await table.catch_up()
        await table.written()
        assert scene.changelog.records[-1] == (b"wine", model(5).SerializeToString())
        assert offsets(table) == {"wine": 5}

    run(play)


def test_a_tombstone_is_written_over_though_the_write_before_was_read_back_at_once(run: Callable[[Play], None]) -> None:
    async def play(scene: Scene) -> None:
        table = await scene.started()

        async def read_back(*record: Any) -> None:
            await scene.changelog.send(*record)
            await table.catch_up()

        table._send_record = read_back
        table.put(model(5))
        await table.written()
        scene.changelog.records.append((b"wine", None))
        await table.catch_up()
        await table.written()
        assert scene.changelog.records[-1] == (b"wine", model(5).SerializeToString())

    run(play)


def test_any_model_of_the_topic_that_is_there_now_is_newer_than_those_of_one_that_is_gone(
    run: Callable[[Play], None],
) -> None:
    async def play(scene: Scene) -> None:
        table = await scene.started()
        scene.changelog.write(model(5, topic_id="gone"))
        scene.changelog.write(model(0))
        scene.changelog.write(model(6, topic_id="gone"))
        await table.catch_up()
        await table.written()
        assert offsets(table) == {"wine": 0}
        assert scene.changelog.models[-1] == ("now", 0)

    run(play)


def test_a_restart_reads_on_from_its_disk_and_a_wiped_disk_is_restored(run: Callable[[Play], None]) -> None:
    async def play(scene: Scene) -> None:
        table = await scene.started()
        for each in (model(1), model(2, "cider"), model(3)):
            table.put(each)
            await table.written()
            await table.catch_up()
        scene.changelog.records[0] = (b"wine", b"what is not read again")
        again = await scene.started()
        scene.copy = Memory()
        wiped = await scene.started()
        for each_table in (again, wiped):
            assert offsets(each_table) == {"wine": 3, "cider": 2}
            assert each_table.model("wine") == model(3)

    run(play)


def test_a_changelog_that_was_recreated_is_read_from_its_beginning(run: Callable[[Play], None]) -> None:
    async def play(scene: Scene) -> None:
        scene.copy.put(b"cider", model(5, "cider").SerializeToString())
        scene.copy.reached(7)
        scene.changelog.write(model(1))
        table = await scene.started()
        assert offsets(table) == {"wine": 1, "cider": 5}
        await table.written()
        assert scene.changelog.models == [("now", 1), ("now", 5)], "what it lacks is written again"

    run(play)


def test_a_broker_that_is_away_is_asked_again_and_one_that_refuses_ends_it(run: Callable[[Play], None]) -> None:
    async def play(scene: Scene) -> None:
        table = await scene.started()
        scene.changelog.refusals = [KafkaConnectionError(), KafkaConnectionError()]
        table.put(model(1))
        await table.written()
        assert scene.changelog.models == [("now", 1)]
        scene.changelog.refusals = [MessageSizeTooLargeError()]
        table.put(model(2))
        with pytest.raises(BrokerRefused, match=CHANGELOG):
            await table.written()

    run(play)
