"""The lineage of models, and what follows from it."""

import pytest

from client.provider.shipped_models import shipped_model
from client.wines.source import GeneratedWines
from experiments.drift.events import ModelCard, ModelEvent, former_good, rolled_back
from experiments.drift.monitor import remedy
from experiments.drift.versions import GOOD, SHIFT, scores_of, shifted
from experiments.drift.windows import ErrorSum
from experiments.errors import EventUnreadable


def event(kind: str, name: str, to: str | None = None) -> ModelEvent:
    return ModelEvent.model_validate(
        {
            "event": kind,
            "at_ms": 1,
            "data_type": "wine",
            "name": name,
            "sha256": "0" * 64,
            "by": "us",
            "why": "",
            "to": to,
        }
    )


FIRST, SECOND, THIRD = (event("promoted", name) for name in ("v1", "v2", "v3"))


def test_an_event_is_read_as_it_was_written() -> None:
    card = ModelCard(description="d", format="ONNX", size_bytes=1, trained_on="w", held_out_error=0.5, parent="v0")
    written = event("published", "v1").model_copy(update={"card": card})
    assert ModelEvent.of(written.message()) == written
    assert b'"to"' not in written.message()


@pytest.mark.parametrize("value", [b"", b"no json", b"{}", event("alarm", "v1").message().replace(b"alarm", b"other")])
def test_what_is_no_event_is_refused_with_its_beginning(value: bytes) -> None:
    with pytest.raises(EventUnreadable, match="no model event: b"):
        ModelEvent.of(value)


def test_a_roll_back_activates_the_model_that_it_went_to_and_an_alarm_none() -> None:
    events = [event("published", "v1"), FIRST, event("alarm", "v1"), event("rolled back", "v1", "v0")]
    assert [each.activated for each in events] == ["v1", "v1", None, "v0"]


def test_the_former_good_model_is_the_last_promoted_one_that_was_never_found_bad() -> None:
    assert former_good([], "v1") is None
    assert former_good([FIRST], "v1") is None
    assert former_good([FIRST, event("published", "v2")], "v2") == "v1"
    assert former_good([FIRST, SECOND, THIRD], "v3") == "v2"
    bad = [FIRST, SECOND, event("rolled back", "v2", "v1"), THIRD]
    assert rolled_back(bad) == {"v2"}
    assert former_good(bad, "v3") == "v1"


def test_a_new_model_goes_back_a_trusted_one_stays() -> None:
    known = ["v1", "v2"]
    assert remedy([FIRST, SECOND], known, "v2", ErrorSum(99, 99.0), trial=100)[0] == "v1"
    stays, why = remedy([FIRST, SECOND], known, "v2", ErrorSum(100, 100.0), trial=100)
    assert stays is None
    assert "v2 was good for 100 labels" in why


def test_without_a_former_model_or_its_bytes_there_is_no_way_back_and_a_reason() -> None:
    new = ErrorSum(1, 1.0)
    assert remedy([FIRST], ["v1"], "v1", new, trial=100) == (None, "no roll-back: no other model was ever promoted")
    good, why = remedy([FIRST, SECOND], ["v2"], "v2", new, trial=100)
    assert good is None
    assert "v1 is no longer in the models topic" in why


def test_the_bad_model_scores_each_wine_a_point_higher_than_its_parent() -> None:
    wines = GeneratedWines(3).batch(50)
    parent = shipped_model(GOOD)
    bad = shifted(parent, "bad", SHIFT)
    assert (bad.name, parent.name) == ("bad", GOOD)
    assert scores_of(bad, wines) - scores_of(parent, wines) == pytest.approx([1.0] * 50, abs=1e-5)  # float32
