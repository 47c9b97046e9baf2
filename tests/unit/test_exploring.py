"""Chance is no reason for a property test to fail in ``make test``."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.exploring import examples


def checked() -> list[str]:
    """The examples that a property is checked with."""
    seen = []

    @given(st.floats())
    def property_of(number: float) -> None:
        seen.append(repr(number))

    property_of()
    return seen


@pytest.mark.skipif(
    "settings.get_current_profile_name() == 'explore'", reason="explores: takes other examples each time"
)
def test_a_property_is_checked_with_the_same_examples_each_time() -> None:
    assert settings.default is not None
    assert settings.default.database is None
    assert examples(60) == 60
    first = checked()
    assert len(first) > 50
    assert checked() == first
