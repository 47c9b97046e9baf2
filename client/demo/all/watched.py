"""One server as its audience sees it: its column, made of what it answers and when."""

import math
from collections import deque
from dataclasses import replace

from client.demo.all.columns import Column, Counters, LiveAnswer, Phase, Recovery, counters_kept

HISTORY_S = 60
SILENT_S = 5.0  # without an answer for so long, a server that runs is said to be silent
SETTLED_S = 1.0  # after its first scores, what a server knows of its past is there


class Watched:
    """Told what happens, on one monotonic clock; a process begins with ``started``."""

    def __init__(self, number: int, name: str, url: str, now_s: float) -> None:
        """Nothing has happened yet."""
        self._column = Column(
            *(number, name, url, "starting", 0.0, Counters(), None, None, None, (), 0, None, 0, None, ""),
        )
        self._phase_from_s = self._answered_s = self._killed_s = now_s
        self._scored_from_s: float | None = None  # this process's first scores
        self._total = 0  # that this process has said
        self._before: Counters | None = None  # the last kill, which has still to be judged by
        self._second, self._scored = math.floor(now_s), 0
        self._history: deque[int] = deque(maxlen=HISTORY_S)

    def started(self, now_s: float) -> None:
        """A new process begins."""
        self._total, self._scored_from_s, self._answered_s = 0, None, now_s
        if self._column.phase == "ended":
            self._column = replace(self._column, last_words="", recovery=None)
            self._enter("starting", now_s)

    def killed(self, now_s: float) -> None:
        """The process was killed. One that had not got to its work yet leaves the question of its predecessor open."""
        if self._column.phase != "down":
            self._before = self._column.counters
        self._killed_s = now_s
        self._silenced(kills=self._column.kills + 1, recovery=Recovery(0.0))
        self._enter("down", now_s)

    def ended(self, last_words: str, now_s: float) -> None:
        """The process ended though nobody killed it."""
        if self._column.phase != "ended":
            self._silenced(last_words=last_words)
            self._enter("ended", now_s)

    def answered(self, answer: LiveAnswer, now_s: float) -> None:
        """What the process said."""
        self.passed(now_s)
        self._answered_s = now_s
        new = max(0, answer.view.total - self._total)
        self._scored += new
        self._total = answer.view.total
        if self._total and self._scored_from_s is None:
            self._scored_from_s = now_s
        counters, phase = Counters.of(answer), self._column.phase
        if self._total:
            phase = "serving"
        elif counters.model is None and counters.skipped:
            phase = "skipping"
        if phase not in ("serving", "skipping") and self._column.kills:
            counters = self._column.counters  # it may not have read what it knows yet
        self._enter(phase, now_s)
        self._column = replace(
            self._column,
            counters=counters,
            scored=self._column.scored + new,
            records_per_s=answer.view.records_per_s,
            p50_ms=answer.view.p50_ms,
            p99_ms=answer.view.p99_ms,
            guarantees=answer.guarantees,
            recovery=self._judged(counters, phase, now_s),
        )

    def passed(self, now_s: float) -> None:
        """Time passes, with an answer or without."""
        while self._second < math.floor(now_s):
            self._history.append(self._scored)
            self._second, self._scored = self._second + 1, 0

    def column(self, now_s: float) -> Column:
        """What to show now."""
        column, phase, from_s = self._column, self._column.phase, self._phase_from_s
        if phase in ("serving", "skipping") and now_s - self._answered_s > SILENT_S:
            phase, from_s = "silent", self._answered_s
        recovery = column.recovery and replace(column.recovery, ago_s=now_s - self._killed_s)
        return replace(column, phase=phase, phase_s=now_s - from_s, per_second=tuple(self._history), recovery=recovery)

    def _judged(self, counters: Counters, phase: Phase, now_s: float) -> Recovery | None:
        recovery, before = self._column.recovery, self._before
        if recovery is None or before is None or phase not in ("serving", "skipping"):
            return recovery
        kept, scored_from_s = recovery.counters_kept, self._scored_from_s
        settled = phase == "skipping" if scored_from_s is None else now_s - scored_from_s >= SETTLED_S
        if kept is None and settled:
            kept = counters_kept(before, counters, self._total)
        if recovery.back_s is None:
            known = before.skipped if kept or (counters.skipped >= before.skipped and kept is None) else 0
            recovery = replace(recovery, skipped=max(0, counters.skipped - known))
            if scored_from_s is not None:
                recovery = replace(recovery, back_s=scored_from_s - self._killed_s)
        if scored_from_s is not None and settled:
            self._before = None
        return replace(recovery, counters_kept=kept)

    def _silenced(self, **changes: object) -> None:
        numbers = {"records_per_s": None, "p50_ms": None, "p99_ms": None}
        self._column = replace(self._column, **numbers, **changes)  # type: ignore[arg-type]  # dataclasses check names

    def _enter(self, phase: Phase, now_s: float) -> None:
        if phase != self._column.phase:
            self._column, self._phase_from_s = replace(self._column, phase=phase), now_s
