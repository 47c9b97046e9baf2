"""The SHA-256 of a model in the header of its Kafka record: a reader of the bytes can check them."""

from collections.abc import Iterable
from typing import TypeAlias

from model.sources.content import sha256_of
from protobufs.model_descriptor_pb2 import ModelDescriptor

SHA256 = "sha256"
"""The header's name; its value is 64 hexadecimal digits."""

Headers: TypeAlias = list[tuple[str, str | bytes | None]]


def digest_headers(descriptor: ModelDescriptor) -> Headers:
    """The headers for a model that travels in its descriptor; none for one at a location."""
    return [(SHA256, sha256_of(descriptor.data))] if descriptor.data else []


def announced_sha256(headers: Iterable[tuple[str, bytes | None]]) -> str | None:
    """What the header says, sound or not; None where there is none. The last one counts, as elsewhere in Kafka."""
    found = [value for name, value in headers if name == SHA256]
    return (found[-1] or b"").decode("ascii", "backslashreplace") if found else None
