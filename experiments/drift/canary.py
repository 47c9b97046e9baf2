"""Which records the candidate scores: decided by the record id, so that anybody can say it again afterwards.

A server has one active model per data type. The canary is therefore a data type of its own: whoever publishes a record
asks ``route`` which of the two it gets. No server knows of it.
"""

from zlib import crc32

DATA_TYPE = "wine"
CANARY = "wine-canary"
ROUTES = (DATA_TYPE, CANARY)
STEPS = 10_000
"""A share is a whole number of these: 0.0001 is the smallest."""


def in_canary(record_id: str, share: float) -> bool:
    """Whether the record is one of the share's, 0 to 1. A larger share has all records of a smaller one."""
    return crc32(record_id.encode()) % STEPS < round(share * STEPS)


def route(record_id: str, share: float) -> str:
    """The data type that the record is published with."""
    return CANARY if in_canary(record_id, share) else DATA_TYPE
