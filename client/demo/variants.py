"""The five servers by name. A client knows no server's code: what they promise they say themselves, at ``/live``."""

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT_PORTS: Mapping[str, int] = MappingProxyType(
    {
        "custom_stage": 5500,
        "actors_persistent": 5500,
        "streams_inmemory": 8888,
        "streams_kvstore": 8888,
        "streams_customstore": 8888,
    }
)
"""The name of each variant's package, in the order in which they are taught, and its server's own port."""
