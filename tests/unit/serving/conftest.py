"""What the tests of this folder leave as it was."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def own_console() -> Iterator[None]:
    """What a test does to the console ends with it."""
    yield
    structlog.reset_defaults()
