"""What all servers' view and lines say about one server, in words."""

from collections.abc import Sequence

from rich.console import Console

from client.demo.all.columns import Column
from client.terminal.printable import age, printable, rate
from serving.engine import Guarantees

SIGN = {True: "✓", False: "✗", None: "-"}


def phase_words(column: Column) -> str:
    """What it does now: ``serving``, ``down for 1.4 s``."""
    if column.phase in ("starting", "down"):
        return f"{column.phase} for {column.phase_s:.1f} s"
    if column.phase == "ended":
        return f"ended: {column.number} starts it"
    return {"skipping": "no model: skips", "silent": f"silent for {age(column.phase_s)}"}.get(column.phase, "serving")


def survivals(guarantees: Guarantees | None) -> list[tuple[str, bool | None, bool | None]]:
    """What happens to it, and whether its model and its counters survive that; None: it has not said yet."""
    if guarantees is None:
        return [(label, None, None) for label in ("kill -9", "+ disk", "+ topic")]
    model, counters = guarantees.model_survives, guarantees.counters_survive
    return [
        ("kill -9", model.killed, counters.killed),
        ("+ disk", model.disk_wiped, counters.disk_wiped),
        ("+ topic", model.model_topic_emptied, counters.model_topic_emptied),
    ]


def kill_words(column: Column) -> list[str]:
    """What the last ``kill -9`` did, in lines of at most 20 characters or so."""
    if column.phase == "ended":
        return ["ended by itself", printable(column.last_words)]
    recovery = column.recovery
    if recovery is None:
        return ["not killed yet"]
    often = f"killed {column.kills}x, {age(recovery.ago_s)} ago"
    back = "not back yet" if recovery.back_s is None else f"back after {recovery.back_s:.1f} s"
    kept = {True: "counters kept", False: "counters from zero", None: "counters -"}[recovery.counters_kept]
    return [often, back, f"skipped {recovery.skipped:,}", kept]


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

    def show(self, columns: Sequence[Column], left_s: float | None) -> None:  # noqa: ARG002 - lines need no countdown
        """Print what has changed since the last call, then the rates."""
        for column in columns:
            if self._phases.get(column.name) != column.phase:
                self._phases[column.name] = column.phase
                said = f": {', '.join(kill_words(column))}" if column.kills or column.phase == "ended" else ""
                self._print(f"{column.name}: {column.phase}{said}")
        self._print("records/s  " + "  ".join(f"{each.name} {rate(each.records_per_s)}" for each in columns))

    def summarise(self, columns: Sequence[Column]) -> None:
        """Print what the demo leaves on the terminal."""
        for column in columns:
            killed = f"; {', '.join(kill_words(column))}" if column.kills else ""
            skipped = column.counters.skipped
            self._print(f"{column.name:<20} scored {column.scored:,}, skipped {skipped:,}{killed}")

    def _print(self, line: str) -> None:
        self._console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
