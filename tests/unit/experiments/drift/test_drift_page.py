"""What is read off a run, and which promises it broke."""

from dataclasses import replace

import pytest

from experiments.checker.faults import Findings
from experiments.checker.run import Outcome, Published, Run, Sent
from experiments.drift.canary import CANARY, DATA_TYPE, in_canary
from experiments.drift.events import ModelCard, ModelEvent
from experiments.drift.load import Traffic
from experiments.drift.page import Sensitivity, broken, page, stream_error
from experiments.drift.scenario import Observed, RollBack, of_route, roll_backs
from experiments.drift.windows import ErrorSum
from protobufs.serving_result_pb2 import ServingResult

CARD = ModelCard(description="d", format="ONNX", size_bytes=1, trained_on="wines", held_out_error=0.5)


def event(kind: str, at_ms: int, name: str, data_type: str = DATA_TYPE, to: str | None = None) -> ModelEvent:
    known = {"data_type": data_type, "sha256": "abcdef0123", "by": "us", "why": "reason", "to": to}
    card = CARD if kind == "published" else None
    return ModelEvent.model_validate({"event": kind, "at_ms": at_ms, "name": name, "card": card, **known})


def score(model: str, at_ms: int, data_type: str = DATA_TYPE) -> ServingResult:
    return ServingResult(data_type=data_type, model_name=model, scored_ts=at_ms)


NO_FAULT = Findings([], [], duplicates=0, explained=0, unscored=0)
EVENTS = [
    event("published", 0, "good", CANARY),
    event("promoted", 10, "good"),
    event("alarm", 1000, "bad"),
    event("rolled back", 1001, "bad", to="good"),
]
CLEAN = Observed(
    records=9,
    predicted=frozenset({"a"}),
    published=frozenset({"a"}),
    scored=frozenset({"a"}),
    events=EVENTS,
    roll_backs=[RollBack(DATA_TYPE, "bad", "good", 1000, 1400, 1300, bad_records=7)],
    found={DATA_TYPE: NO_FAULT, CANARY: NO_FAULT},
    windows={("good", 0): ErrorSum(4, 2.0), ("good", 1000): ErrorSum(2, 2.5), ("good", 2000): ErrorSum(1, 9.0)},
    begin_ms=0,
    changed_ms=2000,
    joined=9,
    unmatched=(0, 0),
    unreadable=0,
)
STABLE = Sensitivity(31, [("a rise", 48.0), ("a small rise", 10_000.0)], 100_000, [0] * 10)


def test_a_roll_back_lasts_from_the_alarm_until_the_good_model_scores_and_the_bad_one_no_longer_does() -> None:
    scores = [
        score("good", 100),  # before the bad model came
        score("bad", 900),
        score("bad", 1250),
        score("good", 1200),  # another partition's server thread
        score("good", 1100, CANARY),
        score("bad", 1900, CANARY),
    ]
    (found,) = roll_backs(EVENTS, scores)
    assert found == RollBack(DATA_TYPE, "bad", "good", 1000, 1200, 1250, bad_records=2)
    assert found.took_ms == 250
    (never,) = roll_backs(EVENTS, scores[:3])
    assert never.took_ms == float("inf")


def test_a_run_is_cut_by_the_route_of_each_record_and_its_models_come_from_the_events() -> None:
    ids = [f"wine-{number}" for number in range(50)]
    outcomes = [Outcome("score", 0, 0, number, each, 5, "good") for number, each in enumerate(ids)]
    run = Run([Sent(0, number, each) for number, each in enumerate(ids)], outcomes, [], [])
    stable, canary = (of_route(run, each, EVENTS, share=0.5) for each in (DATA_TYPE, CANARY))
    assert {each.record_id for each in canary.sent} == {each for each in ids if in_canary(each, 0.5)}
    assert {each.record_id for each in canary.outcomes} == {each.record_id for each in canary.sent}
    assert sorted(each.record_id for part in (stable, canary) for each in part.sent) == sorted(ids)
    assert stable.published == [Published("good", 10), Published("good", 1001)]
    assert canary.published == [Published("good", 0)]


def test_the_error_on_the_stream_is_of_the_windows_before_the_change() -> None:
    assert stream_error(CLEAN.windows, "good", until_ms=2000) == 4.5 / 6
    assert stream_error(CLEAN.windows, "good", until_ms=1999) == 2.0 / 4


def test_a_run_that_kept_every_promise_has_none_to_name() -> None:
    assert broken(CLEAN, STABLE) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"scored": frozenset()}, "the canary got 1 records, by their ids 1"),
        ({"published": frozenset({"a", "b"})}, "the canary got 2 records, by their ids 1"),
        ({"roll_backs": [RollBack(CANARY, "bad", "good", 0, 1001, 3, 4)]}, "wine-canary: back to good took 1.00 s"),
        ({"roll_backs": [RollBack(CANARY, "bad", "good", 0, 3, 1001, 4)]}, "wine-canary: back to good took 1.00 s"),
        ({"found": {DATA_TYPE: replace(NO_FAULT, duplicates=2)}}, "wine: 2 duplicates"),
    ],
)
def test_a_promise_that_was_not_kept_is_named(changes: dict[str, object], text: str) -> None:
    assert broken(replace(CLEAN, **changes), STABLE) == [text]  # type: ignore[arg-type]


def test_alarms_on_stable_records_are_named() -> None:
    assert broken(CLEAN, replace(STABLE, false_alarms=[0, 2, 1])) == ["3 alarms on stable records"]


def test_the_page_has_the_lineage_the_canary_and_what_is_not_seen() -> None:
    text = page("custom_stage", Traffic(1000, 0.1, 3.0), 100, CLEAN, STABLE, "drift.png", "a machine")
    assert "| 1.0 | rolled back to good | `wine` | bad | `abcdef01` | us | reason |" in text
    assert "| good |  | wines | 0.50 | 0.75 |" in text
    assert "| `wine` | bad | good | 0.40 | 7 |" in text
    assert "| a rise | 48 |\n| a small rise | - |" in text
    assert "10 runs of 100,000 records, model and wines unchanged: **0 alarms**" in text
    assert "](drift.png)" in text
