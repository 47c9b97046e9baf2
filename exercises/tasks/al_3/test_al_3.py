"""Grades al-3: a dead letter that says why and from where."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from serving.scoring.records import Record, RejectedRecord
from serving.settings.server import Settings

LIMIT_BYTES = 1_000_000
REASON = "alcohol is nan, not a finite number: é"
Header = tuple[str, Any]


@dataclass(frozen=True)
class Message:
    """What a broker would have got."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]

    def header(self, name: str) -> bytes | None:
        """The last one of this name counts, as elsewhere in Kafka."""
        return next((value for known, value in reversed(self.headers) if known == name), None)


class PlayedProducer:
    """An ``AIOKafkaProducer`` that acknowledges everything at once, and refuses what aiokafka refuses."""

    def __init__(self, sent: list[Message]) -> None:
        self._sent = sent
        self._message_accumulator = self

    def fail_all(self, _error: Exception) -> None:
        """Nothing waits."""

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to flush."""

    async def send(
        self, topic: str, value: bytes | None = None, key: bytes | None = None, headers: Sequence[Header] = ()
    ) -> "asyncio.Future[None]":
        """As aiokafka's."""
        if value is None and key is None:
            raise AssertionError("Need at least one: key or value")
        for name, content in headers:
            if not isinstance(name, str) or not isinstance(content, bytes):
                raise TypeError(f"header {name!r}: a str and bytes are needed, not {type(content).__name__}")
        self._sent.append(Message(topic, key, value, list(headers)))
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged


@pytest.fixture
def module(answer: Answer) -> Any:
    """The answer's."""
    return answer.load()


def letter(module: Any, key: bytes | None, value: bytes | None, reason: str = REASON) -> Message:
    """The dead letter of a record, as the answer sends it."""
    sent: list[Message] = []
    vars(module)["idempotent_producer"] = lambda **_: PlayedProducer(sent)
    settings = Settings.read("server", [])
    limits = dict.fromkeys((settings.topics.scores, settings.topics.dead_letters), LIMIT_BYTES)
    rejected = RejectedRecord(Record("models_data", 2, 17, 1_700_000_000_000, key, value), reason, "wine")

    async def send() -> None:
        sink = module.Sink(settings, "custom_stage", SimpleNamespace(max_message_bytes=limits))
        await sink.start()
        await sink.dead_letter(rejected)
        await sink.close()

    asyncio.run(send())
    (message,) = sent
    return message


def test_the_bytes_are_sent_as_they_came(module: Any) -> None:
    for key, value in ((b"wine-1", b"\xff\x00no wine"), (None, b"\xff\x00no wine"), (b"", b""), (b"wine-1", None)):
        message = letter(module, key, value)
        expect(
            (message.key, message.value) == (key, value),
            "The key or the value of the dead letter is not as it came.",
            expected=f"key {key!r}, value {value!r}",
            happened=f"key {message.key!r}, value {message.value!r}",
            means="what was wrong with the record cannot be found any more, nor can it be sent again",
        )


def test_a_record_without_key_and_value_is_sent_with_an_empty_value(module: Any) -> None:
    message = letter(module, None, None)
    expect(
        message.value == b"" and message.key is None,
        "The dead letter of a record without key and value is not an empty value without a key.",
        expected="key None, value b''",
        happened=f"key {message.key!r}, value {message.value!r}",
        means="it looks like a record that had content",
    )


def test_the_reason_is_in_the_headers(module: Any) -> None:
    found = letter(module, b"wine-1", b"no wine").header("reason")
    expect(
        found == REASON.encode(),
        "The header reason is not the reason of the rejection, in UTF-8.",
        expected=REASON.encode(),
        happened=found,
        means="who finds the letter must guess what was wrong, or gets a text that is damaged",
    )


def test_the_place_is_in_the_headers(module: Any) -> None:
    message = letter(module, b"wine-1", b"no wine")
    place = {name: message.header(name) for name in ("topic", "partition", "offset")}
    expected = {"topic": b"models_data", "partition": b"2", "offset": b"17"}
    expect(
        place == expected,
        "The headers topic, partition and offset do not name the place of the record.",
        expected=expected,
        happened=place,
        means="the record cannot be found in its topic, nor what was sent before and after it",
    )


def test_the_server_is_in_the_headers(module: Any) -> None:
    found = letter(module, b"wine-1", b"no wine").header("variant")
    expect(
        found == b"custom_stage",
        "The header variant does not name the server that refused the record.",
        expected=b"custom_stage",
        happened=found,
        means="five servers write to one topic, and nobody knows which of them to ask",
    )


def test_a_letter_that_is_too_large_still_has_its_headers(module: Any) -> None:
    message = letter(module, b"wine-1", bytes(2 * LIMIT_BYTES))
    expect(
        message.value == b"" and message.header("offset") == b"17" and message.header("omitted") is not None,
        "A letter that is larger than its topic takes is not replaced by its headers alone.",
        expected="no key, an empty value, the five headers, and the header omitted",
        happened=f"{len(message.value or b''):,} bytes, headers {[name for name, _ in message.headers]}",
        means="the broker refuses the letter for good, and the server ends",
    )
