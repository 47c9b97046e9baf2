import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import CapturingLogger

from serving.scoring.outcomes import BatchOutcome, ScoredWines
from serving.scoring.records import RejectedRecord, WineBatch
from serving.settings.server import Settings
from serving.telemetry import logs
from serving.telemetry.report import Report


@dataclass(frozen=True)
class Record:
    offset: int
    value: bytes | None = b""
    partition: int = 0
    key: bytes | None = b"id"
    topic: str = "models_data"
    timestamp: int = 0


@dataclass
class Console:
    """What a server would have printed."""

    logger: CapturingLogger = field(default_factory=CapturingLogger)

    @property
    def lines(self) -> list[str]:
        return [call.args[0].split(" ", 1)[1] for call in self.logger.calls]


@pytest.fixture
def console() -> Console:
    console = Console()
    logs.configure(Settings.read("program", []))
    structlog.configure(logger_factory=lambda *_: console.logger)
    return console


def batch(records: int, skipped: int = 0, rejected: int = 0, ts_ms: Sequence[int] = (1000,)) -> BatchOutcome:
    def wines(n: int) -> WineBatch:
        return WineBatch("wine", [Record(offset) for offset in range(n)], np.resize(ts_ms, n), np.zeros((n, 11)))

    scored = [ScoredWines(wines(records), np.full(records, 5.6789), "forest", 0.1234, 1005)] if records else []
    bad = [RejectedRecord(Record(offset), "not a wine") for offset in range(rejected)]
    every = [Record(offset) for offset in range(records + skipped + rejected)]
    return BatchOutcome(every, scored, bad, [wines(skipped)] if skipped else [])


def report() -> Report:
    return Report(clock_s=lambda: 10.0, epoch_s=lambda: 1.25)


def test_a_score_a_skip_and_a_refusal_are_a_line_each_in_the_tutorial_s_words(console: Console) -> None:
    report().batch_finished(batch(1, skipped=1, rejected=1))
    assert console.lines == [
        "Calculated quality - 5.68 calculated in 0.123 ms",
        "No model available - skipping",
        "Record refused - models_data[0]@0: not a wine (it is in the dead-letter topic)",
    ]


def test_above_ten_lines_a_second_it_samples_and_says_so(console: Console) -> None:
    told = report()
    for _ in range(5):
        told.batch_finished(batch(5))
    assert len(console.lines) == 10
    told.tick()
    assert console.lines[10] == "... and 15 lines like this in the last second (sampled above 10 per second)"
    told.tick()
    assert len(console.lines) == 11, "nothing was left out of the second after"
    told.batch_finished(batch(1))
    assert len(console.lines) == 12


def test_refused_models_are_sampled_too_and_no_number_of_scores_hides_one(console: Console) -> None:
    told = report()
    told.batch_finished(batch(50))
    for offset in range(13):
        told.model_rejected(RejectedRecord(Record(offset), "not ONNX"), f"model-{offset}", None)
    refused = [line for line in console.lines if line.startswith("Model refused - model-")]
    assert [line.split()[3] for line in refused] == [f"model-{offset}:" for offset in range(10)]
    told.tick()
    assert console.lines[-1].startswith("... and 43 lines like this in the last second")
    assert told.dead_letters == 13


def test_metrics_count_every_record_sampled_or_not(console: Console) -> None:
    told = report()
    told.batch_finished(batch(1000, skipped=20, rejected=3))
    exposed = told.metrics.exposition().decode()
    assert "serving_records_scored_total 1000.0" in exposed
    assert "serving_records_skipped_total 20.0" in exposed
    assert 'serving_dead_letters_total{kind="record"} 3.0' in exposed
    assert "serving_batch_records_sum 1023.0" in exposed
    # Submitted at 1000 ms after the epoch, acknowledged at 1250 ms: a quarter of a second.
    assert "serving_end_to_end_seconds_sum 0.25" in exposed
    assert (told.scored, told.skipped, told.dead_letters) == (1000, 20, 3)


@pytest.mark.parametrize("ts_ms", [-(2**63), 2**63 - 1, -1_000 * 86_400, 2 * 1_000 * 86_400])
def test_a_time_stamp_that_is_no_time_of_submission_is_in_no_sum(ts_ms: int, console: Console) -> None:
    told = report()
    told.batch_finished(batch(2, ts_ms=[ts_ms, 1000]))
    told.batch_finished(batch(1, ts_ms=[ts_ms]))
    exposed = told.metrics.exposition().decode()
    assert "serving_end_to_end_seconds_sum 0.25" in exposed
    assert "serving_end_to_end_seconds_count 1.0" in exposed
    assert "serving_records_scored_total 3.0" in exposed
    samples = [sample for family in text_string_to_metric_families(exposed) for sample in family.samples]
    assert all(math.isfinite(sample.value) for sample in samples)
    snapshot = told.view.snapshot(10.0)
    assert (snapshot.total, snapshot.p50_ms, snapshot.p99_ms) == (3, 250.0, 250.0)


def test_a_producer_s_clock_that_is_ahead_makes_no_negative_latency(console: Console) -> None:
    told = report()
    told.batch_finished(batch(1, ts_ms=[1300]))  # 50 ms ahead
    exposed = told.metrics.exposition().decode()
    assert "serving_end_to_end_seconds_sum 0.0" in exposed
    assert 'serving_end_to_end_seconds_bucket{le="0.001"} 1.0' in exposed
