"""What can go wrong around the demo, each as one line with its remedy."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from client.errors import quoted
from model.errors import ServingError


class DemoPortInUse(ServingError):
    """Something else, perhaps another demo, listens where the demo's broker, page or servers are to listen."""

    def __init__(self, port: int, flag: str, instead: int, target: str) -> None:
        variable = f"DEMO_{flag[2:].replace('-', '_').upper()}"
        super().__init__(
            f"port {port} is in use, perhaps by another demo: stop what listens there (`lsof -i :{port}` names it) "
            f"or choose another with {flag} (make: {variable}={instead} make {target})"
        )
        self.port, self.flag, self.instead, self.target = port, flag, instead, target


class UnknownVariant(ServingError):
    """There is no server of this name."""

    def __init__(self, variant: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no variant {variant!r}; choose one of {', '.join(known)} with --variant")
        self.variant, self.known = variant, tuple(known)


class ChildEnded(ServingError):
    """A process that the demo started ended though nobody stopped it."""

    def __init__(self, name: str, exit_code: int, log: Path, last_lines: Sequence[str]) -> None:
        super().__init__(
            f"the {name} ended by itself (exit code {exit_code}); put right what it says, then start again; "
            f"everything it said is in {log}{quoted(name, last_lines)}"
        )
        self.name, self.exit_code, self.log, self.last_lines = name, exit_code, log, tuple(last_lines)


class ChildNotReady(ServingError):
    """A process that the demo started runs, but is not ready for its work."""

    def __init__(self, name: str, waited_s: float, log: Path, last_lines: Sequence[str]) -> None:
        super().__init__(
            f"the {name} was not ready after {waited_s:.0f} s: the machine may be too busy, then try again; "
            f"else read {log}{quoted(name, last_lines)}"
        )
        self.name, self.waited_s, self.log, self.last_lines = name, waited_s, log, tuple(last_lines)


class TooFewModels(ServingError):
    """A demo that ended after its time has not shown what it is there to show: a model taking over from another."""

    def __init__(self, records: int, models: Sequence[str], seconds: float, said: Mapping[str, Sequence[str]]) -> None:
        what = f"{records:,} records by {len(models)} model" if records else "no record"
        lines = "".join(quoted(name, last_lines) for name, last_lines in said.items())
        super().__init__(
            f"{what} scored within {seconds:g} s, and a swap takes two: give it longer (--seconds, or DEMO_SECONDS), "
            f"or see what provider and server said last{lines}"
        )
        self.records, self.models, self.seconds = records, tuple(models), seconds


class NotAllScored(ServingError):
    """A demo of all servers that ended after its time, and one of them has not scored anything."""

    def __init__(self, seconds: float, said: Mapping[str, Sequence[str]]) -> None:
        lines = "".join(quoted(name, last_lines) for name, last_lines in said.items())
        super().__init__(
            f"nothing scored within {seconds:g} s by {', '.join(said)}: give it longer (--seconds, or DEMO_SECONDS), "
            f"or see what it said last{lines}"
        )
        self.seconds, self.servers = seconds, tuple(said)
