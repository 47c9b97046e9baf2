"""Plays of an application with a stand-in for faust's."""

import pytest

from tests.support.faust_scene import Run, played


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Plays on a new scene."""
    return lambda play: played(monkeypatch, play)
