"""Locations taken apart, and shown without what could be a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.sources.location import path_of, pin_location, redacted, scheme_of, split_pin

SUM = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("forest.onnx", "forest.onnx"),
        ("file:forest.onnx", "forest.onnx"),
        ("file:///srv/models/forest%20two.onnx", "/srv/models/forest two.onnx"),
        ("FILE://localhost/srv/forest.onnx", "/srv/forest.onnx"),
        ("file:%2e%2e/secret", "../secret"),  # what it means; to refuse it is its reader's task
    ],
)
def test_the_path_in_a_location(location: str, path: str) -> None:
    assert scheme_of(location) == "file"
    assert path_of(location) == path


@pytest.mark.parametrize("location", ["file://elsewhere/a", "file:a?b=c", "file:a#b"])
def test_a_file_url_with_more_than_a_path_is_refused(location: str) -> None:
    with pytest.raises(ValueError, match="which is more than a path; send a file: URL of a path here"):
        path_of(location)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("models/forest.onnx", "models/forest.onnx"),
        ("models/a@b?c", "models/a@b?c"),  # a path has no secrets
        ("http://host:80/m", "http://host:80/m"),
        ("http://me:secret@host/m", "http://host/m..."),
        ("http://me:secret@also@host/m", "http://host/m..."),
        ("http://host/m?token=secret", "http://host/m..."),
        ("http://host/m#secret", "http://host/m..."),
        (f"http://host/m#sha256={SUM}", "http://host/m"),
    ],
)
def test_what_could_be_a_secret_is_not_shown(location: str, expected: str) -> None:
    assert redacted(location) == expected


@given(st.text())
def test_whatever_a_location_is_it_can_be_shown(location: str) -> None:
    assert isinstance(redacted(location), str)


def test_a_location_can_be_pinned_to_what_was_read_there() -> None:
    assert split_pin(pin_location("models/a.onnx", SUM)) == ("models/a.onnx", SUM)
    assert split_pin(pin_location(f"a#sha256={SUM[::-1]}", SUM)) == ("a", SUM)
    assert split_pin("a#b") == ("a#b", None)
