"""Grades rp-1: the account of what was processed and what was skipped."""

from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from exercises.answers import Answer
from exercises.grading import expect
from exercises.played.wines import ALCOHOL, UNFIT, record
from model.serving_state import ServingState
from serving.scoring.outcomes import BatchOutcome, score_batch, score_wines
from serving.scoring.records import Record, WineBatch

LINES = 10
Places = Sequence[tuple[int, float, str]]


@pytest.fixture
def report(answer: Answer) -> Any:
    """A server that has just started."""
    return answer.load().Report(clock_s=lambda: 10.0, epoch_s=lambda: 1_700_000_001.0)


def finished(*, wine: int = 0, cider: int = 0, unfit_cider: int = 0, beer: int = 0, broken: int = 0) -> BatchOutcome:
    """The outcome of so many records; there is a model for wine, and there is none for cider and beer."""
    types = ["wine"] * wine + ["cider"] * (cider + unfit_cider) + ["beer"] * beer
    alcohols = [9.4] * (wine + cider) + [UNFIT] * unfit_cider + [5.0] * beer
    records = [record(0, offset, *each) for offset, each in enumerate(zip(alcohols, types, strict=True))]
    records += [Record("models_data", 1, offset, 0, None, b"no wine") for offset in range(broken)]
    states = {"wine": ServingState("wine", ALCOHOL)}

    def score(batch: WineBatch) -> Any:
        return score_wines(states.get(batch.data_type, ServingState(batch.data_type)), batch)[1]

    return score_batch(records, score, lambda: 1_700_000_001_000)


def metric(report: Any, name: str, **labels: str) -> float:
    """What Prometheus reads."""
    return report.metrics.registry.get_sample_value(f"serving_{name}_total", labels) or 0.0


def events(report: Any, *outcomes: BatchOutcome) -> list[dict[str, Any]]:
    """What the log says of these batches."""
    with capture_logs() as logged:
        for outcome in outcomes:
            report.batch_finished(outcome)
    return [dict(event) for event in logged]


def number(logged: Sequence[dict[str, Any]], event: str) -> int:
    """How many lines tell of this event."""
    return sum(each["event"] == event for each in logged)


def test_a_scored_batch_is_in_the_account(report: Any) -> None:
    report.batch_finished(finished(wine=3))
    expect(
        report.scored == metric(report, "records_scored") == 3,
        "The scored records of a batch are not accounted for.",
        expected="3 scored in the report, and 3 in Prometheus",
        happened=f"{report.scored} in the report, {metric(report, 'records_scored'):g} in Prometheus",
        means="a server that scores everything looks like one that does nothing",
    )


def test_every_skipped_record_counts(report: Any) -> None:
    report.batch_finished(finished(wine=2, cider=3, beer=4))
    expect(
        report.skipped == 7,
        "The number of skipped records is wrong for a batch of two data types without a model.",
        expected="3 ciders and 4 beers have no model: 7",
        happened=report.skipped,
        means="scored, skipped and rejected do not add up to the records that were read",
    )


def test_an_unfit_record_is_no_skipped_one(report: Any) -> None:
    report.batch_finished(finished(cider=3, unfit_cider=2))
    expect(
        report.skipped == 3,
        "An unfit record counts as skipped; it is in the dead letters.",
        expected="3 skipped ciders; the 2 unfit ones are in outcome.rejected",
        happened=report.skipped,
        means="the same record is in the account twice, as skipped and as a dead letter",
    )


def test_a_second_batch_adds_to_the_first(report: Any) -> None:
    report.batch_finished(finished(cider=3, broken=2))
    report.batch_finished(finished(cider=3, broken=3))
    counted = (report.skipped, report.dead_letters)
    expect(
        counted[0] == 6,
        "After a second batch the number of skipped records is not the sum of both.",
        expected="3 and 3 skipped: 6",
        happened=counted[0],
        means="a counter that goes back, or stands still, hides how many records have no score",
    )
    expect(
        counted[1] == 5,
        "The number of dead letters is not the number of rejected records.",
        expected="2 rejected in the first batch and 3 in the second: 5",
        happened=counted[1],
        means="the page says that nothing was refused, while the dead-letter topic fills",
    )


def test_prometheus_is_told_the_same(report: Any) -> None:
    report.batch_finished(finished(cider=3, broken=2))
    report.batch_finished(finished(cider=3, broken=3))
    skipped = metric(report, "records_skipped")
    expect(
        skipped == 6,
        "Prometheus is not told how many records were skipped.",
        expected="serving_records_skipped_total 6, after 3 and 3 records",
        happened=f"{skipped:g}",
        means="no alert can be set on records that have no score",
    )
    letters = {kind: metric(report, "dead_letters", kind=kind) for kind in ("record", "model")}
    expect(
        letters == {"record": 5, "model": 0},
        "Prometheus is not told how many records were rejected.",
        expected='serving_dead_letters_total: 5 with the label "record", 0 with "model"',
        happened=letters,
        means="no alert can be set on records that cannot be scored, or a false one says that models are broken",
    )


def test_there_is_a_line_for_each_record_without_a_score(report: Any) -> None:
    logged = events(report, finished(cider=2, beer=1, broken=2))
    lines = number(logged, "record_skipped")
    expect(
        lines == 3,
        "The log does not tell of every skipped record, although there is room.",
        expected="3 lines record_skipped",
        happened=f"{lines} of them",
        means="who watches the console sees a server that is silent, and not why",
    )
    shown = [str(each.get("record")) for each in logged if each["event"] == "record_rejected"]
    reason = "not a WineRecord: the bytes are no such protobuf message"
    expect(
        sorted(shown) == [f"models_data[1]@{offset}: {reason}" for offset in (0, 1)],
        "The log does not tell which records were rejected and why, although there is room.",
        expected="2 lines record_rejected with topic, partition, offset and reason, as str(rejected) has them",
        happened=shown,
        means="nobody can find the broken record in its topic",
    )


def test_no_more_lines_are_logged_than_a_second_has_room_for(report: Any) -> None:
    logged = events(report, finished(cider=7), finished(broken=7), finished(cider=400, broken=400))
    lines = number(logged, "record_skipped") + number(logged, "record_rejected")
    expect(
        lines <= LINES,
        "More lines are logged than a second has room for.",
        expected=f"at most {LINES} lines in all, of 407 skipped and 407 rejected records",
        happened=f"{lines} lines",
        means="a topic full of such records fills the disk with lines, and slows the scoring down",
    )
    expect(
        lines == LINES,
        "There is room for more lines, and records are not shown.",
        expected=f"{LINES} lines: 7 skipped records, and 3 of the 7 rejected ones",
        happened=f"{lines} lines",
        means="the console shows less than it could while few records arrive",
    )


def test_the_log_says_how_many_lines_it_left_out(report: Any) -> None:
    events(report, finished(cider=7), finished(broken=7))
    with capture_logs() as logged:
        report.tick()
    omitted = [each["omitted"] for each in logged if each["event"] == "lines_omitted"]
    expect(
        omitted == [4],
        "The number of lines that were left out is wrong.",
        expected="14 records without a score, room for 10 lines: 4 left out, as room_for was asked for all 14",
        happened=omitted,
        means="who reads the log believes that it is all there",
    )
