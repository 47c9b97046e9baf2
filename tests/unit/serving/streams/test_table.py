"""What a table's changelog has when it says so; the table is faust's and ours, and only what it sends goes nowhere."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError
from faust.types import TP

from serving.errors import BrokerRefused
from serving.streams import table
from serving.streams.table import AcknowledgedTable
from tests.support.faust_records import unstarted
from tests.support.faust_scene import DEADLINE_S, some_turns, until

AT = TP("rows-changelog", 0)


class Changelog:
    """Takes what is sent, and says what became of it when the test does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(table, "RETRY_S", 0)
        self.sent: list[tuple[bytes, bytes]] = []
        self.futures: list[asyncio.Future[Any]] = []
        self.table = unstarted(Table=AcknowledgedTable).Table("rows", partitions=1, key_type=bytes, value_type=bytes)
        monkeypatch.setattr(self.table.changelog_topic, "send_soon", self._send)
        self.persisted: list[tuple[TP, int]] = []
        monkeypatch.setattr(self.table.data, "set_persisted_offset", lambda *offset: self.persisted.append(offset))

    def _send(self, *, key: bytes, value: bytes, **_: Any) -> "asyncio.Future[Any]":
        self.sent.append((key, value))
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]

    def write(self, key: bytes, value: bytes) -> None:
        self.table.send_changelog(0, key, value, "raw", "raw")

    def acknowledge(self, number: int) -> None:
        """The write with this number: its offset is as high."""
        self.futures[number].set_result(SimpleNamespace(topic_partition=AT, offset=number))

    def waiting(self) -> "asyncio.Task[None]":
        return asyncio.create_task(self.table.acknowledged())


def test_each_of_two_that_wait_waits_for_all_that_was_written_before(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        changelog = Changelog(monkeypatch)
        changelog.write(b"a", b"1")
        first = changelog.waiting()
        await some_turns()
        changelog.write(b"b", b"2")
        second = changelog.waiting()
        changelog.acknowledge(1)
        await some_turns()
        assert (first.done(), second.done()) == (False, False)
        changelog.acknowledge(0)
        await asyncio.wait_for(asyncio.gather(first, second), DEADLINE_S)
        await asyncio.wait_for(changelog.table.acknowledged(), DEADLINE_S)

    asyncio.run(run())


def test_a_row_that_did_not_arrive_is_resent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        changelog = Changelog(monkeypatch)
        changelog.write(b"a", b"1")
        waiting = changelog.waiting()
        changelog.futures[0].set_exception(KafkaTimeoutError())
        await until(lambda: changelog.sent == [(b"a", b"1")] * 2)
        assert not waiting.done()
        changelog.acknowledge(1)
        await asyncio.wait_for(waiting, DEADLINE_S)

    asyncio.run(run())


def test_a_row_is_not_resent_behind_a_newer_one_and_is_acknowledged_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        changelog = Changelog(monkeypatch)
        changelog.write(b"a", b"older")
        waiting = changelog.waiting()
        changelog.write(b"a", b"newer")
        changelog.futures[0].set_exception(KafkaTimeoutError())
        await some_turns()
        assert not waiting.done()
        changelog.acknowledge(1)
        await asyncio.wait_for(waiting, DEADLINE_S)
        assert changelog.sent == [(b"a", b"older"), (b"a", b"newer")]

    asyncio.run(run())


def test_a_refusal_is_raised_to_each_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        changelog = Changelog(monkeypatch)
        changelog.write(b"a", b"1")
        waiting = changelog.waiting()
        changelog.futures[0].set_exception(TopicAuthorizationFailedError())
        with pytest.raises(BrokerRefused):
            await asyncio.wait_for(waiting, DEADLINE_S)
        with pytest.raises(BrokerRefused):
            await asyncio.wait_for(changelog.table.acknowledged(), DEADLINE_S)

    asyncio.run(run())


def test_an_acknowledged_row_is_in_the_store_up_to_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        changelog = Changelog(monkeypatch)
        changelog.write(b"a", b"1")
        changelog.acknowledge(0)
        await asyncio.wait_for(changelog.table.acknowledged(), DEADLINE_S)
        assert changelog.persisted == [(AT, 0)]

    asyncio.run(run())


def test_a_row_that_is_acknowledged_when_its_partition_was_revoked_says_nothing_of_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between it and the rows that the store has there may be another owner's, which would never be read."""

    async def run() -> None:
        changelog = Changelog(monkeypatch)
        changelog.write(b"a", b"1")
        changelog.table.app.consumer.epoch += 1
        changelog.acknowledge(0)
        await asyncio.wait_for(changelog.table.acknowledged(), DEADLINE_S)
        assert changelog.persisted == []

    asyncio.run(run())


def test_a_row_whose_partition_was_revoked_is_not_resent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would come behind the rows of the next owner, and be restored."""

    async def run() -> None:
        changelog = Changelog(monkeypatch)
        changelog.write(b"a", b"1")
        changelog.table.app.consumer.epoch += 1
        changelog.futures[0].set_exception(KafkaTimeoutError())
        await asyncio.wait_for(changelog.table.acknowledged(), DEADLINE_S)
        assert changelog.sent == [(b"a", b"1")]

    asyncio.run(run())
