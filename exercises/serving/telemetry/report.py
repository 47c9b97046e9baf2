"""One account of what a server did: its console lines, its metrics, and its live page."""

import time
from collections.abc import Callable

import structlog

from serving.engine import ArrivedModel
from serving.scoring.bulk_encoding import record_id
from serving.scoring.outcomes import BatchOutcome, ScoredWines
from serving.scoring.records import RejectedRecord
from serving.telemetry.live_view import LAST_SCORES, LiveView, latencies_ms
from serving.telemetry.metrics import Metrics

log: structlog.stdlib.BoundLogger = structlog.get_logger()

LINES_PER_S = 10


class Report:
    """Told what happened to each batch and model once it has happened; counts from zero at each start."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic, epoch_s: Callable[[], float] = time.time) -> None:
        """``clock_s`` paces the console and the live view; ``epoch_s`` is compared with the records' time stamps."""
        self._clock_s = clock_s
        self._epoch_s = epoch_s
        self.metrics = Metrics()
        self.view = LiveView()
        self.scored = self.skipped = self.dead_letters = 0
        self._of_records = _Lines()
        self._of_models = _Lines()  # apart: scores never hide that a model was refused

    def batch_finished(self, outcome: BatchOutcome) -> None:
        """A batch whose scores and dead letters are acknowledged."""
        self.metrics.batch_records.observe(len(outcome.records))
        # exercise[rp-1]: account for every record: scored, skipped or rejected; count all of them, show a few
        raise NotImplementedError("exercise rp-1")
        # end[rp-1]

    def model_accepted(self, arrived: ArrivedModel, activated: bool) -> None:
        """An engine was given a model, and activated it, or has it or a newer one already."""
        model = arrived.loaded
        if not activated:
            log.info("model_ignored", model=model.name, data_type=model.data_type)
            return
        self.metrics.models.inc()
        log.info(
            "model_serving",
            model=model.name,
            model_type=model.model_type,
            scored_by=model.scored_by,
            data_type=model.data_type,
        )

    def model_rejected(self, rejected: RejectedRecord, name: str, in_force: str | None) -> None:
        """A model is in the dead-letter topic; ``in_force`` names the one that goes on serving its data type."""
        self.dead_letters += 1
        self.metrics.dead_letters.labels("model").inc()
        meanwhile = "nothing else changes" if in_force is None else f"{in_force} goes on serving"
        for _ in range(self._of_models.room_for(1)):
            log.error("model_rejected", model=name, reason=rejected.reason, meanwhile=meanwhile)

    def tick(self) -> None:
        """Once a second: say how many lines were left out since the last tick."""
        if omitted := self._of_records.omitted() + self._of_models.omitted():
            log.info("lines_omitted", omitted=omitted)

    def _scored(self, scored: ScoredWines) -> None:
        n = len(scored.values)
        self.scored += n
        self.metrics.scored.inc(n)
        self.metrics.score_s.observe(scored.duration_ms * n / 1000)
        latencies = latencies_ms(scored.wines.record_ts_ms, self._epoch_s() * 1000)
        if len(latencies):
            self.metrics.end_to_end_s.observe(float(latencies.max()) / 1000)
        self.view.observe(
            scored.model_name,
            [record_id(record) for record in scored.wines.records[-LAST_SCORES:]],
            scored.values,
            latencies,
            now_s=self._clock_s(),
            data_type=scored.wines.data_type,
        )
        for value in scored.values[: self._of_records.room_for(n)].tolist():
            log.info("record_scored", value=value, duration_ms=scored.duration_ms, model=scored.model_name)


class _Lines:
    def __init__(self) -> None:
        self._wanted = 0

    def room_for(self, lines: int) -> int:
        """How many of so many lines may still be shown within this second."""
        room = max(0, min(lines, LINES_PER_S - self._wanted))
        self._wanted += lines
        return room

    def omitted(self) -> int:
        """How many lines found no room; another second begins."""
        omitted, self._wanted = max(0, self._wanted - LINES_PER_S), 0
        return omitted
