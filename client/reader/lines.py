"""Kafka messages as readable lines. Any message has a line; nothing is raised."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError
from google.protobuf.message import Message as Protobuf

from client.terminal.printable import printable
from model.features import WINE
from model.sources.location import redacted
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.serving_result_pb2 import ServingResult
from protobufs.wine_record_pb2 import WineRecord
from serving.settings.topics import Topics

MAX_TEXT_CHARACTERS = 120
SHOWN_BYTES = 16

P = TypeVar("P", bound=Protobuf)


class ReadMessage(Protocol):
    """A message as a consumer gives it; confluent_kafka's ``Message`` is one."""

    def topic(self) -> str | None: ...
    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...
    def key(self) -> bytes | None: ...
    def value(self) -> bytes | None: ...
    def headers(self) -> "Mapping[str, str | bytes | None] | Sequence[tuple[str, str | bytes | None]] | None": ...


Line = Callable[[ReadMessage], str]


def line_for(topic: str, topics: Topics) -> Line:
    """How to read this topic's messages: by its place among ``topics``; any other topic's as keys and sizes."""
    lines: dict[str, Line] = {
        topics.data: lambda message: _read(message, WineRecord, _wine),
        topics.models: lambda message: _read(message, ModelDescriptor, _model),
        topics.scores: lambda message: _read(message, ServingResult, _score),
        topics.dead_letters: _dead_letter,
    }
    return lines.get(topic, _unknown)


def _read(message: ReadMessage, kind: type[P], line: Callable[[ReadMessage, P], str]) -> str:
    value = message.value()
    if value is None:
        return f"{_place(message)} {_key(message)}: empty (tombstone)"
    parsed = kind()
    try:
        parsed.ParseFromString(value)
    except DecodeError:
        return f"{_place(message)} {_key(message)}: no {kind.__name__}, {_bytes(value)}"
    return f"{_place(message)} {line(message, parsed)}"


def _wine(message: ReadMessage, wine: WineRecord) -> str:
    values = " ".join(f"{getattr(wine, feature):g}" for feature in WINE)
    return f"{_key(message)} {_text(wine.dataType)} {values}"


def _model(_message: ReadMessage, model: ModelDescriptor) -> str:
    try:
        kind = ModelDescriptor.ModelType.Name(model.modeltype)
    except ValueError:  # proto3 keeps numbers that the enumeration does not have
        kind = f"type {int(model.modeltype)}"
    where = f"at {_text(redacted(model.location))}" if model.location else f"{len(model.data) / 1000:,.1f} kB"
    description = f" - {_text(model.description)}" if model.description else ""
    return f"{_text(model.name)} for {_text(model.dataType)} ({kind}, {where}){description}"


def _score(_message: ReadMessage, result: ServingResult) -> str:
    # Latency from submission to score; records without a time of submission have none.
    after = f" after {result.scored_ts - result.record_ts:,} ms" if result.record_ts > 0 else ""
    score = f"Calculated quality - {result.value:.2f} by {_text(result.model_name)}"
    return f"{score}{after} ({_text(result.record_id)})"


def _dead_letter(message: ReadMessage) -> str:
    said = _headers(message)
    origin = f"{said.get('topic', '?')}[{said.get('partition', '?')}]@{said.get('offset', '?')}"
    size = "tombstone" if (value := message.value()) is None else f"{len(value):,} bytes"
    by = f" (by {said['variant']})" if "variant" in said else ""
    return f"{_place(message)} {_key(message)}: {origin}, {size}: {said.get('reason', 'no reason given')}{by}"


def _headers(message: ReadMessage) -> Mapping[str, str]:
    """Those of a dead letter that is one of ours; any of a stranger's may be unreadable."""
    try:
        headers = message.headers() or ()
    except (UnicodeDecodeError, SystemError):  # confluent_kafka's, where a name is no UTF-8: it gives none of them
        return {"reason": "its headers cannot be read, as a name among them is no UTF-8"}
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return {name: _text(value if value is not None else "") for name, value in pairs}


def _unknown(message: ReadMessage) -> str:
    value = message.value()
    return f"{_place(message)} {_key(message)}: {'empty (tombstone)' if value is None else _bytes(value)}"


def _place(message: ReadMessage) -> str:
    return f"[{message.partition()}]@{message.offset()}"


def _key(message: ReadMessage) -> str:
    key = message.key()
    return "(no key)" if key is None else _text(key)


def _bytes(value: bytes) -> str:
    rest = "..." if len(value) > SHOWN_BYTES else ""
    return f"{len(value):,} bytes: {value[:SHOWN_BYTES].hex(' ')}{rest}"


def _text(value: str | bytes) -> str:
    """Text from a stranger: cut to a readable length, without control sequences that a terminal would obey."""
    text = value[: 4 * MAX_TEXT_CHARACTERS].decode(errors="replace") if isinstance(value, bytes) else value
    return printable(text if len(text) <= MAX_TEXT_CHARACTERS else text[:MAX_TEXT_CHARACTERS] + "...")
