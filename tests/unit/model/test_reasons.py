"""Why a model is refused: what is wrong comes first, the remedy last, and what is too long loses its middle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.errors import ModelUnfit
from model.reasons import MAX_REASON_CHARACTERS, reason_of, rejected, shorten


def test_an_error_with_a_remedy_of_its_own_keeps_it() -> None:
    assert reason_of(ModelUnfit("has two heads", "cut one off"), "send another")[0] == "has two heads; cut one off"
    assert reason_of(ValueError("has no target; name one"), "send another")[0] == "has no target; name one"


def test_an_error_without_one_gets_its_format_s() -> None:
    assert reason_of(ValueError("is damaged"), "export it again")[0] == "is damaged; export it again"
    assert reason_of(KeyError(), "export it again")[0] == "KeyError; export it again"


def test_all_lines_of_a_text_count() -> None:
    reason, detail = reason_of(RuntimeError("line one\n  line two\x1b[1m"), "do it")
    assert reason == "line one line two [1m; do it"
    assert detail == "line one\n  line two\x1b[1m"


def test_a_long_text_keeps_its_beginning_its_end_and_the_remedy() -> None:
    text = "cannot be read: " + "somewhere in a library " * 100 + "opset 99 is too new"
    reason, detail = reason_of(ModelUnfit(text, "export it for opset 17", text), "send another")
    assert len(reason) <= MAX_REASON_CHARACTERS
    assert reason.startswith("cannot be read: somewhere in a library ")
    assert reason.endswith(" opset 99 is too new; export it for opset 17")
    assert " ... " in reason
    assert detail == text


def test_a_refusal_has_both() -> None:
    error = rejected("wine", ModelUnfit("is wrong", "mend it", "in full"), "send another")
    assert (error.reason, error.detail) == ("is wrong; mend it", "in full")
    assert str(error) == "model 'wine' refused: is wrong; mend it"


@given(problem=st.text(min_size=1), remedy=st.text(min_size=1), times=st.integers(1, 500))
def test_whatever_the_text_the_reason_is_one_short_line(problem: str, remedy: str, times: int) -> None:
    reason, _ = reason_of(ModelUnfit(problem * times, remedy * times), "send another")
    assert len(reason) <= MAX_REASON_CHARACTERS
    assert reason.isprintable()


@pytest.mark.parametrize("most", [10, 50, 300])
def test_what_is_short_enough_is_left_as_it_is(most: int) -> None:
    assert shorten("x" * most, most) == "x" * most
    assert len(shorten("x" * (most + 1), most)) <= most
