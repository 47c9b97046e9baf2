"""One server as its audience sees it: its column, made of what it answers and when."""

import math
from collections import deque
from dataclasses import replace

from client.demo.all.columns import Column, Counters, LiveAnswer, Phase, Recovery, counters_kept
from client.demo.circumstances import Circumstance

HISTORY_S = 60
SILENT_S = 5.0  # without an answer for this long, a running server is shown as silent
SETTLED_S = 1.0  # after its first scores, a server has restored what it knows of its past
AT_WORK = ("serving", "skipping")

NO_MODEL = "had no model to lose"
NEW_MODEL = "a new model was faster"
OVERTAKEN = "killed again too soon"


class Watched:
    """Told what happens, on one monotonic clock; a process begins with ``started``."""

    def __init__(self, number: int, name: str, url: str, now_s: float) -> None:
        """Nothing has happened yet."""
        self._column = Column(number, name, url)
        self._phase_from_s = now_s
        self._answered_s = now_s
        self._killed_s: dict[Circumstance, float] = {}
        self._scored_from_s: float | None = None  # this process's first scores
        self._total = 0  # scored by this process
        self._before: Counters | None = None  # at the last kill, until that kill is judged
        self._second = math.floor(now_s)
        self._scored = 0  # in this second
        self._history: deque[int] = deque(maxlen=HISTORY_S)

    def started(self, now_s: float) -> None:
        """A new process begins."""
        self._total = 0
        self._scored_from_s = None
        self._answered_s = now_s
        if self._column.phase == "ended":
            self._column = replace(self._column, last_words="", last_kill=None)
            self._enter("starting", now_s)

    def killed(self, circumstance: Circumstance, now_s: float) -> None:
        """The process was killed.

        A kill of the same circumstance before the server is back is judged by what the server knew at the first one.
        """
        column = self._column
        previous = self._column.last_kill
        recoveries = dict(column.recoveries)
        if previous is not None and previous != circumstance and recoveries[previous].back_s is None:
            recoveries[previous] = replace(recoveries[previous], undecided=OVERTAKEN)
        is_decidable = column.phase != "down" or previous == circumstance
        if column.phase != "down":
            self._before = column.counters
        elif not is_decidable:
            self._before = None
        self._killed_s[circumstance] = now_s
        recoveries[circumstance] = Recovery(0.0, undecided="" if is_decidable else OVERTAKEN)
        self._silenced(kills=column.kills + 1, recoveries=recoveries, last_kill=circumstance)
        self._enter("down", now_s)

    def ended(self, last_words: str, now_s: float) -> None:
        """The process ended though nobody killed it."""
        if self._column.phase != "ended":
            self._silenced(last_words=last_words)
            self._enter("ended", now_s)

    def answered(self, answer: LiveAnswer, now_s: float) -> None:
        """What the process answered."""
        self.passed(now_s)
        self._answered_s = now_s
        new = max(0, answer.view.total - self._total)
        self._scored += new
        self._total = answer.view.total
        if self._total and self._scored_from_s is None:
            self._scored_from_s = now_s
        counters = Counters.of(answer)
        phase = self._phase_after(counters)
        if phase not in AT_WORK and self._column.kills:
            counters = self._column.counters  # it may not have restored its own yet
        self._enter(phase, now_s)
        self._column = replace(
            self._column,
            counters=counters,
            scored=self._column.scored + new,
            records_per_s=answer.view.records_per_s,
            p50_ms=answer.view.p50_ms,
            p99_ms=answer.view.p99_ms,
            guarantees=answer.guarantees,
        )
        if phase in AT_WORK:
            self._judge(counters, now_s)

    def passed(self, now_s: float) -> None:
        """Time passes, with an answer or without."""
        while self._second < math.floor(now_s):
            self._history.append(self._scored)
            self._second += 1
            self._scored = 0

    def column(self, now_s: float) -> Column:
        """What to show now."""
        phase = self._column.phase
        from_s = self._phase_from_s
        if phase in AT_WORK and now_s - self._answered_s > SILENT_S:
            phase = "silent"
            from_s = self._answered_s
        recoveries = {
            circumstance: replace(recovery, ago_s=now_s - self._killed_s[circumstance])
            for circumstance, recovery in self._column.recoveries.items()
        }
        return replace(
            self._column,
            phase=phase,
            phase_s=now_s - from_s,
            per_second=tuple(self._history),
            recoveries=recoveries,
        )

    def _phase_after(self, counters: Counters) -> Phase:
        if self._total:
            return "serving"
        known = 0 if self._before is None else self._before.skipped
        if counters.model is None and counters.skipped and counters.skipped != known:
            return "skipping"
        return self._column.phase

    def _judge(self, counters: Counters, now_s: float) -> None:
        circumstance = self._column.last_kill
        recovery = self._column.recovery
        before = self._before
        if circumstance is None or recovery is None:
            return
        scored_from_s = self._scored_from_s
        first_scores = scored_from_s is not None and recovery.back_s is None
        if first_scores:
            assert scored_from_s is not None
            recovery = replace(recovery, back_s=scored_from_s - self._killed_s[circumstance])
        if before is not None:
            kept = recovery.counters_kept
            settled = scored_from_s is None or now_s - scored_from_s >= SETTLED_S
            if kept is None and settled:
                kept = counters_kept(before, counters, self._total)
            recovery = replace(recovery, counters_kept=kept)
            if first_scores or scored_from_s is None:
                known = before.skipped if kept or (counters.skipped >= before.skipped and kept is None) else 0
                recovery = _with_model_judged(recovery, before, counters, max(0, counters.skipped - known))
            if scored_from_s is not None and settled:
                self._before = None
        self._column = replace(self._column, recoveries={**self._column.recoveries, circumstance: recovery})

    def _silenced(self, **changes: object) -> None:
        numbers = {"records_per_s": None, "p50_ms": None, "p99_ms": None}
        self._column = replace(self._column, **numbers, **changes)  # type: ignore[arg-type]  # dataclasses check names

    def _enter(self, phase: Phase, now_s: float) -> None:
        if phase != self._column.phase:
            self._column = replace(self._column, phase=phase)
            self._phase_from_s = now_s


def _with_model_judged(recovery: Recovery, before: Counters, counters: Counters, skipped: int) -> Recovery:
    if before.model is None:
        return replace(recovery, skipped=skipped, undecided=NO_MODEL)
    if skipped:
        return replace(recovery, skipped=skipped, model_kept=False)
    if counters.model == before.model:
        return replace(recovery, model_kept=True)
    return replace(recovery, undecided="" if counters.model is None else NEW_MODEL)
