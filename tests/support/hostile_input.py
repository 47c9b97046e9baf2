"""Records and model descriptors as nobody should send them, mixed with good ones; the same ones at each run."""

import math
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias

from google.protobuf.message import DecodeError

from client.provider.shipped_models import shipped_models
from model.features import WINE
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.wine_record_pb2 import WineRecord
from tests.support.models import times_alcohol
from tests.support.raw_batches import RawRecord
from tests.support.stream import model, wine

SEED = 20_260_705
ODD_TYPE = "wein \N{WINE GLASS}\x1b[2J\n/../%2e?x=1&\x00"
"""A data type that is legal, and has a model."""
OTHER_FORMATS = ("linear-pmml", "network-tensorflow")
GOOD = b"good-"
"""How the keys of records begin that must be scored in any company; no other key begins so."""
LONGEST_KEY_BYTES, LONGEST_NAME = 64 * 1024, 255  # as the reasons of dead letters say

NUMBERS = (math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308, -1e308, 3.4028235e38, 3.4028236e38, 1e39, 2.0**63, -1.0)
TIMES_MS = (-(2**63), -(2**62), -1, 0, 1, 2**31, 2**53 + 1, 2**56 - 1, 2**62, 2**63 - 1)
NO_TEXT = b"caf\xe9\x00\xff"
NAMES = ("", "w", "WINE", "wine ", "wine\x00", "../../etc/passwd", "\x1b]0;x\x07", "\ufffe", "\N{WINE GLASS}" * 255)
WIRE = (
    b"\x0b" * 200,  # groups in groups, none of them closed
    b"\x0b\x0c",  # an empty group in place of a number
    b"\x0c",  # the end of a group that has not begun
    b"\x00",  # field number 0
    b"\x62\xff\xff\xff\xff\x0f",  # a text of 4 GB
    b"\x62\x81\x80\x80\x80\x00w",  # a length written in five bytes
    b"\x6a\x03abc",  # a text in place of the time
    b"\x68\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # the time -1
    b"\x68\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # a varint of more than 64 bits
    b"\x68" + b"\x80" * 11 + b"\x01",  # a varint of twelve bytes
    b"\x59\x00\x00\x00\x00\x00\x00\x24\x40",  # again the alcohol: 10.0
    b"\x62\x04w\xffne",  # a data type that is no text
    b"\xfa\xff\xff\xff\x0f\x02ok",  # the highest field number there is
)


Headers: TypeAlias = Sequence[tuple[bytes, bytes | None]]


class Sent(NamedTuple):
    """A message for Kafka."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None = None  # None: now
    headers: Headers = ()

    @property
    def common(self) -> bool:
        """Whether confluent_kafka can send it: to that, 0 is now, and a header's name is a text that ends with 0."""
        return self.timestamp_ms != 0 and not any(b"\x00" in name or not _is_text(name) for name, _ in self.headers)

    def raw(self, now_ms: int) -> RawRecord:
        """For the others."""
        return RawRecord(self.key, self.value, now_ms if self.timestamp_ms is None else self.timestamp_ms, self.headers)


Random: TypeAlias = random.Random
Spoil = Callable[[Random, bytes], bytes | None]
"""From a good record's value to a hostile one."""


def hostile_records(count: int) -> Iterator[Sent]:
    """So many, and after every tenth a good one, with a key that begins with ``GOOD``."""
    chosen = Random(SEED)
    pool = [_good(chosen) for _ in range(500)]
    for number in range(count):
        spoil = chosen.choice(SPOILS)
        yield Sent(_key(chosen, number), spoil(chosen, chosen.choice(pool)), _time_ms(chosen), _headers(chosen))
        if number % 10 == 0:
            yield Sent(GOOD + b"%d" % number, chosen.choice(pool))


def good_records_with_no_text() -> Iterator[Sent]:
    """Bytes that are no text, and numbers that are no time, in each part of a record that a stranger may fill."""
    key = GOOD + NO_TEXT
    yield Sent(key, wine())
    yield Sent(key, wine(), None, [(NO_TEXT, b"value")])
    yield Sent(key, wine(), None, [(b"name", NO_TEXT), (b"", None), (b"\x00", b"")])
    yield Sent(key, wine(), None, [(NO_TEXT * 20_000, NO_TEXT * 20_000)])
    yield Sent(key, wine(), None, [(NO_TEXT, None), (b"sha256", NO_TEXT)] * 5_000)
    for time_ms in TIMES_MS:
        record = WineRecord.FromString(wine())
        record.ts = time_ms
        yield Sent(key, record.SerializeToString(), time_ms)
        record.ts = 0  # then Kafka's time stamp counts
        yield Sent(key, record.SerializeToString(), time_ms, [(NO_TEXT, None)])


def hostile_descriptors(count: int, most_trials: int) -> list[Sent]:
    """So many, none of them for ``wine`` or ``ODD_TYPE``; at most ``most_trials`` are worth a try at loading them."""
    chosen = Random(SEED)
    sound = model("fuzzed", data=times_alcohol(1.0), data_type="fuzzed")
    data = sound.data
    bases = [
        model("nowhere", data_type="fuzzed"),
        model("a" * 300, data=data, data_type="fuzzed"),
        model("nameless", data=data, data_type=""),
        ModelDescriptor(name="elsewhere", dataType="fuzzed", modeltype="PMML", location="file:///etc/passwd"),
        ModelDescriptor(name="elsewhere", dataType="fuzzed", modeltype="ONNX", location="http://127.0.0.1:1/m"),
    ]
    values = [each.SerializeToString() for each in bases]
    odd = ModelDescriptor.FromString(sound.SerializeToString() + b"\x20\x4d")  # of type 77
    values += [each.SerializeToString() for each in (odd, sound, *_other_formats())]
    descriptors: list[Sent] = []
    trials = 0
    while len(descriptors) < count:
        value = chosen.choice((_random, _truncated, _flipped, _spliced, _cut_model))(chosen, chosen.choice(values))
        if worth_a_trial(value):
            if trials == most_trials:
                continue
            trials += 1
        key = chosen.choice((b"", NO_TEXT)) + b"descriptor %d" % len(descriptors)  # the topic is compacted
        descriptors.append(Sent(key, value, _time_ms(chosen), _headers(chosen)))
    return descriptors


def _other_formats() -> Iterator[ModelDescriptor]:
    for shipped in shipped_models():
        if shipped.name in OTHER_FORMATS:
            shipped.dataType = "fuzzed"
            yield shipped


def worth_a_trial(value: bytes | None) -> bool:
    """Whether a descriptor has all that a model needs, so that only a try can tell whether it is one."""
    try:
        descriptor = ModelDescriptor.FromString(value or b"")
    except DecodeError:
        return False
    named = max(len(descriptor.name), len(descriptor.dataType)) <= LONGEST_NAME and bool(descriptor.dataType)
    return named and bool(descriptor.data) and descriptor.modeltype in ModelDescriptor.ModelType.values()


def _good(chosen: Random) -> bytes:
    record = WineRecord.FromString(wine(chosen.choice(("wine", "wine", "wine", ODD_TYPE))))
    record.alcohol = chosen.uniform(8.0, 15.0)
    record.ts = chosen.choice((0, 1_700_000_000_000, 1_800_000_000_000))  # 0 as in old records
    return record.SerializeToString()


def _random(chosen: Random, _: bytes) -> bytes:
    return chosen.randbytes(chosen.choice((1, 2, 10, 100, 120, 1000)))


def _truncated(chosen: Random, good: bytes) -> bytes:
    return good[: chosen.randrange(len(good))]


def _flipped(chosen: Random, good: bytes) -> bytes:
    value = bytearray(good)
    for _ in range(chosen.choice((1, 1, 2, 8))):
        value[chosen.randrange(len(value))] ^= 1 << chosen.randrange(8)
    return bytes(value)


def _spliced(chosen: Random, good: bytes) -> bytes:
    at = chosen.choice((0, len(good), chosen.randrange(len(good))))
    return good[:at] + chosen.choice((*WIRE, good[at:], chosen.randbytes(3))) + good[at:]


def _cut_model(chosen: Random, good: bytes) -> bytes:
    descriptor = ModelDescriptor.FromString(good)
    descriptor.data = descriptor.data[: chosen.randrange(len(descriptor.data) + 1)]
    return descriptor.SerializeToString()


def _odd_numbers(chosen: Random, good: bytes) -> bytes:
    record = WineRecord.FromString(good)
    for name in chosen.sample(WINE, chosen.choice((1, 2, 11))):
        bits: float = struct.unpack("d", chosen.randbytes(8))[0]
        setattr(record, name, chosen.choice((*NUMBERS, bits)))
    record.ts = chosen.choice((record.ts, *TIMES_MS))
    return record.SerializeToString()


def _odd_data_type(chosen: Random, good: bytes) -> bytes:
    record = WineRecord.FromString(good)
    longest = ("x" * LONGEST_NAME, "x" * (LONGEST_NAME + 1))
    record.dataType = chosen.choice((*NAMES, *longest, chosen.randbytes(8).hex()))
    return record.SerializeToString()


def _nothing(chosen: Random, _: bytes) -> bytes | None:
    return chosen.choice((None, b""))


def _untouched(_: Random, good: bytes) -> bytes:
    """Its key, time stamp and headers are the hostile part."""
    return good


SPOILS: tuple[Spoil, ...] = (
    _random, _truncated, _flipped, _flipped, _spliced, _odd_numbers, _odd_data_type, _nothing, _untouched,
)  # fmt: skip


def _key(chosen: Random, number: int) -> bytes | None:
    if number % 4000 == 0:
        return b"k" * (LONGEST_KEY_BYTES + chosen.choice((0, 1)))
    return chosen.choice((None, b"", b"%d" % number, chosen.randbytes(chosen.choice((1, 8, 127, 128, 300)))))


def _time_ms(chosen: Random) -> int | None:
    if chosen.random() < 0.8:
        return None
    return chosen.choice((*TIMES_MS, 1_000_000_000_000, chosen.randrange(-(2**63), 2**63)))


def _headers(chosen: Random) -> Headers:
    if chosen.random() < 0.9:
        return ()
    texts = (b"", b"sha256", b"reason", b"offset", "\N{WINE GLASS}".encode())
    name = chosen.choice((*texts, *texts, NO_TEXT, b"\x00", chosen.randbytes(chosen.choice((1, 8, 300)))))
    return [(name, chosen.choice((None, b"", b"0", chosen.randbytes(70))))] * chosen.choice((1, 3))


def _is_text(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True
