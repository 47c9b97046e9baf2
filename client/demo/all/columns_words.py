"""One server in words: the same in the terminal, on the page and in the lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from rich.console import Console

from client.demo.all.columns import Column, Moment, Recovery
from client.demo.all.models import Models
from client.demo.circumstances import Circumstance
from client.terminal.printable import age, printable, rate

LABELS: Mapping[Circumstance, str] = MappingProxyType(
    {"killed": "kill -9", "disk_wiped": "+ wipe its disk", "model_topic_emptied": "+ empty the model topic"}
)
"""Each circumstance, as the key or button that makes it happen."""

UNKNOWN = "-"


def phase_words(column: Column) -> str:
    """What it does now: ``serving``, ``down for 1.4 s``."""
    if column.phase in ("starting", "down"):
        seconds = f"{column.phase_s:.1f}" if column.phase_s < 10 else f"{column.phase_s:.0f}"
        return f"{column.phase} for {seconds} s"
    if column.phase == "ended":
        return f"ended: {column.number} starts it"
    return {"skipping": "no model: skips", "silent": f"silent for {age(column.phase_s)}"}.get(column.phase, "serving")


def models_words(models: Models) -> str:
    """``next model in 12 s``; whether there is any in the topic now."""
    next_in = "" if models.next_in_s is None else f"next model in {models.next_in_s:.0f} s"
    if not models.empty:
        return next_in
    return f"model topic is empty, {next_in}" if next_in else "model topic is empty"


Verdict = Literal["untried", "pending", "kept", "broken", "undecided"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the survival table: what is promised, and what the last try has shown."""

    circumstance: Circumstance
    model_survives: bool | None  # promised; None until the server has answered
    counters_survive: bool | None
    model: str  # the promises in words
    counters: str
    seen: tuple[str, ...]  # empty before the first try
    verdict: Verdict


def cells(column: Column) -> list[Cell]:
    """One cell for each circumstance."""
    return [_cell(column, circumstance) for circumstance in LABELS]


def _cell(column: Column, circumstance: Circumstance) -> Cell:
    recovery = column.recoveries.get(circumstance)
    guarantees = column.guarantees
    model: bool | None = None if guarantees is None else getattr(guarantees.model_survives, circumstance)
    counters: bool | None = None if guarantees is None else getattr(guarantees.counters_survive, circumstance)
    return Cell(
        circumstance=circumstance,
        model_survives=model,
        counters_survive=counters,
        model={True: "serves at once", False: "skips until the next model", None: UNKNOWN}[model],
        counters={True: "counters exact", False: "counters from zero", None: UNKNOWN}[counters],
        seen=() if recovery is None else seen_words(recovery),
        verdict=_verdict(recovery, model, counters),
    )


def seen_words(recovery: Recovery) -> tuple[str, ...]:
    """What a kill did to the model, in at most two lines of 22 characters or fewer."""
    if recovery.model_kept is None and recovery.undecided:
        return (recovery.undecided,)
    if recovery.model_kept is None:
        return (f"down for {recovery.ago_s:.0f} s",)
    if recovery.back_s is None:
        return (f"skipped {recovery.skipped:,}", "so far")
    return (f"skipped {recovery.skipped:,}", f"back in {recovery.back_s:.1f} s")


def _verdict(recovery: Recovery | None, model: bool | None, counters: bool | None) -> Verdict:
    if recovery is None:
        return "untried"
    if recovery.model_kept is None:
        return "undecided" if recovery.undecided else "pending"
    if recovery.model_kept != model or recovery.counters_kept not in (None, counters):
        return "broken"
    return "kept"


def counters_words(recovery: Recovery) -> str:
    """What a kill did to the counters."""
    return {True: "counters exact", False: "counters from zero", None: "counters -"}[recovery.counters_kept]


def kill_words(column: Column) -> list[str]:
    """What the last kill did, in lines of 25 characters or fewer; the last words of a server that ended by itself."""
    if column.phase == "ended":
        return ["ended by itself", printable(column.last_words)]
    if column.last_kill is None or column.recovery is None:
        return ["not killed yet"]
    what = {"killed": "killed", "disk_wiped": "disk wiped", "model_topic_emptied": "topic emptied"}[column.last_kill]
    recovery = column.recovery
    seen = seen_words(recovery)
    seen = (" ".join(seen),) if recovery.back_s is None else seen  # "skipped 7 so far" is one phrase
    return [f"{what} {age(recovery.ago_s)} ago", *seen, counters_words(recovery)]


class ColumnLines:
    """Where there is no terminal: a line per second, and one per change of phase."""

    interval_s = 1.0

    def __init__(self, console: Console) -> None:
        """Print there."""
        self._console = console
        self._phases: dict[str, str] = {}

    def __enter__(self) -> "ColumnLines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, moment: Moment, left_s: float | None) -> None:  # noqa: ARG002 - lines need no countdown
        """Print what has changed since the last call, then the rates."""
        for column in moment.columns:
            if self._phases.get(column.name) != column.phase:
                self._phases[column.name] = column.phase
                details = f": {', '.join(kill_words(column))}" if column.kills or column.phase == "ended" else ""
                self._print(f"{column.name}: {column.phase}{details}")
        self._print("records/s  " + "  ".join(f"{each.name} {rate(each.records_per_s)}" for each in moment.columns))

    def summarise(self, columns: Sequence[Column]) -> None:
        """Print what the demo leaves on the terminal."""
        for column in columns:
            killed = f"; {', '.join(kill_words(column))}" if column.kills else ""
            skipped = column.counters.skipped
            self._print(f"{column.name:<20} scored {column.scored:,}, skipped {skipped:,}{killed}")

    def _print(self, line: str) -> None:
        self._console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
