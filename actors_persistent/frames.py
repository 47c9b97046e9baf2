"""Bytes that can tell whether they are whole: a header, then the payload; both have a checksum."""

import struct
import zlib
from dataclasses import dataclass

HEADER = struct.Struct("<III")  # the payload's length in bytes, its CRC-32, and the CRC-32 of these two
_HEADED = struct.Struct("<II")


class FrameTorn(Exception):
    """The content ends before the frame does: its writer was killed in the middle."""


class FrameDamaged(Exception):
    """The frame is all there, and is not what was written."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A payload, and where in the content the next frame begins."""

    payload: bytes
    end: int


def framed(payload: bytes) -> bytes:
    """The bytes to write for a payload."""
    headed = _HEADED.pack(len(payload), zlib.crc32(payload))
    return headed + struct.pack("<I", zlib.crc32(headed)) + payload


def frame_at(content: bytes, start: int) -> Frame:
    """The frame that begins at ``start``, which is before the content's end.

    The header has a checksum of its own: without it a damaged length that points beyond the end would look like a frame
    that was never finished, and all that follows would be thrown away without a word.

    Raises:
        FrameTorn: it was never finished. After a power failure the end of a file may also be zeros, or not what was
            written: what counts is that nothing follows.
        FrameDamaged: otherwise.
    """
    if len(content) - start < HEADER.size:
        raise FrameTorn
    length, payload_crc, header_crc = HEADER.unpack_from(content, start)
    if zlib.crc32(content[start : start + _HEADED.size]) != header_crc:
        if not any(content[start:]):
            raise FrameTorn
        raise FrameDamaged
    end = start + HEADER.size + length
    payload = content[start + HEADER.size : end]
    if len(payload) < length:
        raise FrameTorn
    if zlib.crc32(payload) != payload_crc:
        raise FrameTorn if end == len(content) else FrameDamaged
    return Frame(payload, end)
