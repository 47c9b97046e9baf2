"""The variants, in the order in which every table has them."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

from client.errors import UnknownVariant
from serving.kernel import Variant

STATE_PATHS: Mapping[str, str] = MappingProxyType(
    {
        "custom_stage": "/state?data_type=wine",
        "actors_persistent": "/state/wine",
        "streams_inmemory": "/state/value?data_type=wine",
        "streams_kvstore": "/state/value?data_type=wine",
        "streams_customstore": "/state/value?data_type=wine",
    }
)
"""Where each answers for the active model and its counters."""

VARIANTS = tuple(STATE_PATHS)


def variant(name: str) -> Variant:
    """What the variant of this name promises, and how it is built."""
    found: Variant = import_module(name).VARIANT
    return found


def check_variants(names: Sequence[str]) -> None:
    """See that there are such variants.

    Raises:
        UnknownVariant: there is one that is not.
    """
    for name in names:
        if name not in VARIANTS:
            raise UnknownVariant(name, VARIANTS, "--variants")
