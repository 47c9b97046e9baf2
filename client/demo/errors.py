"""What can go wrong around the demo, each as one line with its remedy."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from client.errors import quoted
from model.errors import ServingError


class DemoPortInUse(ServingError):
    """Another process, perhaps another demo, listens on a port of the demo's broker, page or servers."""

    def __init__(self, port: int, flag: str, instead: int, target: str) -> None:
        variable = f"DEMO_{flag[2:].replace('-', '_').upper()}"
        super().__init__(
            f"port {port} is in use, perhaps by another demo: stop what listens there (`lsof -i :{port}` names it) "
            f"or choose another with {flag} (make: {variable}={instead} make {target})"
        )
        self.port = port
        self.flag = flag
        self.instead = instead
        self.target = target


class ChildEnded(ServingError):
    """A process of the demo ended though nobody stopped it."""

    def __init__(self, name: str, exit_code: int, log: Path, last_lines: Sequence[str]) -> None:
        super().__init__(
            f"the {name} ended by itself (exit code {exit_code}): correct what its last lines name, then "
            f"restart the demo; its whole output is in {log}{quoted(name, last_lines)}"
        )
        self.name = name
        self.exit_code = exit_code
        self.log = log
        self.last_lines = tuple(last_lines)


class ChildNotReady(ServingError):
    """A process of the demo runs, but is not ready for its work."""

    def __init__(self, name: str, waited_s: float, log: Path, last_lines: Sequence[str]) -> None:
        super().__init__(
            f"the {name} was not ready after {waited_s:.0f} s: retry when this machine is less busy, "
            f"or read its output in {log}{quoted(name, last_lines)}"
        )
        self.name = name
        self.waited_s = waited_s
        self.log = log
        self.last_lines = tuple(last_lines)


class TooFewModels(ServingError):
    """A demo that ended after its time has not shown what it is there to show: a model taking over from another."""

    def __init__(
        self, records: int, models: Sequence[str], seconds: float, last_lines: Mapping[str, Sequence[str]]
    ) -> None:
        what = f"{records:,} records by {len(models)} model" if records else "no record"
        lines = "".join(quoted(name, last) for name, last in last_lines.items())
        super().__init__(
            f"{what} scored within {seconds:g} s, and a swap takes two: give it longer (--seconds, or DEMO_SECONDS), "
            f"or read the last lines of provider and server{lines}"
        )
        self.records = records
        self.models = tuple(models)
        self.seconds = seconds


class NotAllScored(ServingError):
    """A demo of all servers that ended after its time, and one of them has not scored anything."""

    def __init__(self, seconds: float, last_lines: Mapping[str, Sequence[str]]) -> None:
        lines = "".join(quoted(name, last) for name, last in last_lines.items())
        super().__init__(
            f"nothing scored within {seconds:g} s by {', '.join(last_lines)}: give it longer (--seconds, or "
            f"DEMO_SECONDS), or read the last lines of each{lines}"
        )
        self.seconds = seconds
        self.servers = tuple(last_lines)


class StateNotWiped(ServingError):
    """A server's state directory cannot be removed; the server was restarted with what is left of it."""

    def __init__(self, state: Path, reason: str) -> None:
        super().__init__(f"the state in {state} cannot be wiped ({reason}): end the demo and remove it by hand")
        self.state = state
        self.reason = reason


class ModelTopicUnusable(ServingError):
    """The broker neither describes nor empties the model topic."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"the model topic {topic} cannot be emptied ({reason}): check that Kafka runs, then retry")
        self.topic = topic
        self.reason = reason


class NoChromium(ServingError):
    """The screenshot needs a browser."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"none of {', '.join(names)} is on the PATH: install one (Debian: apt install chromium)")
        self.names = tuple(names)


class NotPhotographed(ServingError):
    """Chromium ran and left no picture."""

    def __init__(self, last_lines: Sequence[str]) -> None:
        super().__init__(f"Chromium took no picture; read its last lines{quoted('chromium', last_lines)}")
        self.last_lines = tuple(last_lines)
