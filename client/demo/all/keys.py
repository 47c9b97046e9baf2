"""What single keys ask for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from client.demo.circumstances import Circumstance
from client.terminal.keys import ESCAPE_SEQUENCE

ARMING: Mapping[str, Circumstance] = MappingProxyType({"d": "disk_wiped", "t": "model_topic_emptied"})
"""The key before a server's number that takes something more away from it: d for its disk, t for the topic."""


class Kill(NamedTuple):
    """Kill this server, in this circumstance."""

    number: int
    circumstance: Circumstance


class Commands:
    """What a sequence of keys asks for; an arming key counts for the next key alone."""

    armed: Circumstance | None = None

    def read(self, keys: str) -> list[Kill | Literal["end"]]:
        """The commands in these keys; what is no command disarms."""
        commands: list[Kill | Literal["end"]] = []
        for key in ESCAPE_SEQUENCE.sub("\x1b", keys).lower():
            armed, self.armed = self.armed, ARMING.get(key)
            if key == "q":
                commands.append("end")
            elif key.isascii() and key.isdigit():
                commands.append(Kill(int(key), armed or "killed"))
        return commands
