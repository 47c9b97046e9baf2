"""A store that is open, with all partitions."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.table_store import TableStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TableStore]:
    opened = TableStore("sqlite://", tmp_path)
    opened.start()
    opened.assign({0, 1, 2})
    yield opened
    opened.stop()
