"""Whether a killed server's write-ahead log still has all that was committed to it.

SQLite checks each frame of its log by a checksum, and takes the first one that does not fit for the end: so of a log
that was damaged, or cut, it forgets the last transactions without a word. But a kill leaves the log's index too, the
file ``-shm``, which holds how many frames had been committed, and the checksum over all of them. Formats:
https://www.sqlite.org/walformat.html
"""

import struct
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

INDEX = struct.Struct("=III2BHII2I4sI2I")  # native byte order; of two copies of it, the first
LOG = struct.Struct(">8I")
FRAME_HEADER_BYTES = 24
LITTLE_ENDIAN, BIG_ENDIAN = 0x377F0682, 0x377F0683  # the log's first word: in which order its checksums take words
WORD = 0xFFFFFFFF
HALF = 0x80000000
LARGEST_PAGE_BYTES = 65536  # written as 1

Checksum = tuple[int, int]


class _Committed(NamedTuple):
    frames: int
    page_bytes: int
    checksum: Checksum
    generation: int  # one more each time that the log begins again


def lost_from(log: Path, index: Path) -> str | None:
    """What is wrong with the log; None if it has every transaction that the index knows of.

    Ask before SQLite opens the database, which rebuilds the index from the log as it is.
    """
    committed = _committed(index)
    if committed is None or committed.frames == 0:
        return None
    content = log.read_bytes() if log.exists() else b""
    if len(content) < LOG.size:
        return f"{len(content)} bytes are left of {committed.frames} pages"
    magic, _, _, _, generation, _, *header_checksum = LOG.unpack_from(content)
    checksum = _over(content[: LOG.size - 8], (0, 0), magic)
    if magic not in (LITTLE_ENDIAN, BIG_ENDIAN) or checksum != tuple(header_checksum):
        return "its header is not what was written"
    if 0 < (generation - committed.generation) & WORD < HALF:
        return None  # the index is the older one: after a power failure, as nothing ever syncs it
    for frame in _frames(content, committed):
        checksum = _over(frame[:8] + frame[FRAME_HEADER_BYTES:], checksum, magic)
    return None if checksum == committed.checksum else f"its {committed.frames} pages are not what was written"


def _committed(index: Path) -> _Committed | None:
    content = index.read_bytes()[: INDEX.size] if index.exists() else b""
    if len(content) < INDEX.size:
        return None
    _, _, _, written, _, page, frames, _, *checksum, salt, _, first, second = INDEX.unpack(content)
    if not written or _sum(array("I", content[:-8]), (0, 0)) != (first, second):
        return None  # nothing was committed yet, or it was being written
    return _Committed(
        frames, LARGEST_PAGE_BYTES if page == 1 else page, (checksum[0], checksum[1]), int.from_bytes(salt, "big")
    )


def _frames(content: bytes, committed: _Committed) -> Iterator[bytes]:
    length = FRAME_HEADER_BYTES + committed.page_bytes
    for start in range(LOG.size, LOG.size + committed.frames * length, length):
        yield content[start : start + length]


def _over(part: bytes, before: Checksum, magic: int) -> Checksum:
    words = array("I", part[: len(part) // 8 * 8])
    if (magic == BIG_ENDIAN) != (sys.byteorder == "big"):
        words.byteswap()
    return _sum(words, before)


def _sum(words: "array[int]", before: Checksum) -> Checksum:
    """SQLite's own checksum: ten million words, 40 MB of log, take a second."""
    first, second = before
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & WORD
        second = (second + odd + first) & WORD
    return first, second
