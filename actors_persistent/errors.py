"""What can be wrong with the state on disk, and with the actors that live from it."""

import re
import shlex
from pathlib import Path

from model.errors import ServingError


class StateCorrupt(ServingError):
    """The journal's file is not what was written; to start afresh in silence would lose the counters in silence."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is damaged ({reason}); restore it from a backup, or give it up: rm {shlex.quote(str(path))}*;"
            " models are then read from their topic, and all counters begin at zero"
        )
        self.path = path
        self.reason = reason


class LogCorrupt(ServingError):
    """What was committed last is in the write-ahead log, which is not what was written."""

    def __init__(self, path: Path, log: Path, reason: str) -> None:
        super().__init__(
            f"{log} is damaged ({reason}); restore it from a backup together with {path}, or go on without the batches"
            f" that were counted last: {_remove(log, path.with_name(path.name + '-shm'))}"
        )
        self.path = log
        self.reason = reason


class DataTypeCorrupt(ServingError):
    """What the journal holds of one data type is not what was written; the other data types are whole."""

    def __init__(self, path: Path, data_type: str, reason: str) -> None:
        super().__init__(
            f"{path} is damaged in what it holds of data type {data_type!r} ({reason}); restore it from a backup, or"
            f" give up this data type alone: {how_to_forget(path, data_type)}"
        )
        self.path = path
        self.data_type = data_type
        self.reason = reason


class KeptModelUnusable(ServingError):
    """The model that was active cannot be loaded any more, for instance because a library is gone."""

    def __init__(self, path: Path, data_type: str, name: str, reason: str) -> None:
        super().__init__(
            f"model {name!r}, kept in {path}, cannot be loaded any more ({reason}); repair that, or give up the state"
            f" of its data type: {how_to_forget(path, data_type)}"
        )
        self.path = path
        self.name = name
        self.reason = reason


class StateUnwritable(ServingError):
    """The state cannot be written, or read: the disk is full, for instance."""

    def __init__(self, path: Path, reason: str, *, locked: bool = False) -> None:
        remedy = (
            "end the program that holds it, such as sqlite3"
            if locked
            else "make room, give this user the right to it, or name another directory: --data-dir DIR"
        )
        super().__init__(f"cannot keep state in {path} ({reason}); {remedy}")
        self.path = path
        self.reason = reason


class Superseded(Exception):
    """Raised to an actor that was given up for dead and wants to write: its successor keeps this state now."""


class ActorDied(Exception):
    """Raised to the asker: the actor ended by no ordinary error, such as a library that wants the process to exit."""


class ActorFailed(ServingError):
    """An actor failed, its successor was asked the same, and failed as well."""

    def __init__(self, data_type: str, reason: str) -> None:
        super().__init__(
            f"the actor for {data_type!r} failed twice on the same message ({reason}); nothing is lost: start the"
            f" server again, and if that repeats, publish another model for {data_type!r}"
        )
        self.data_type = data_type
        self.reason = reason


def how_to_forget(path: Path, data_type: str) -> str:
    """What to do so that one data type's model is read from its topic again, and its counters begin at zero.

    A trigger deletes the rest. A data type is a stranger's text, and this line is for a shell.
    """
    plain = re.fullmatch(r"[\w .-]+", data_type, re.ASCII)
    text = f"'{data_type}'" if plain else f"CAST(x'{data_type.encode('utf-8', 'surrogateescape').hex()}' AS TEXT)"
    statement = f"DELETE FROM snapshots WHERE data_type = {text}"  # noqa: S608 - quoted; and to be read, not run
    return f'sqlite3 {shlex.quote(str(path))} "{statement}"; its counters then begin at zero'


def _remove(*paths: Path) -> str:
    """A line for a shell that removes those of these files that are there."""
    return "rm " + " ".join(shlex.quote(str(path)) for path in paths if path.exists())
