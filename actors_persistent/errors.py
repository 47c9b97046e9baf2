"""What can be wrong with a memory on disk, and with the actors that live from it."""

from pathlib import Path

from model.errors import ServingError


class StateCorrupt(ServingError):
    """A file of the state is not what was written; starting anew in silence would lose the counters in silence."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is damaged ({reason}); restore {path.parent} from a backup, or give it up: {how_to_forget(path)}"
        )
        self.path, self.reason = path, reason


class KeptModelUnusable(ServingError):
    """The model that was in force cannot be loaded any more, for instance because a library is gone."""

    def __init__(self, directory: Path, name: str, reason: str) -> None:
        super().__init__(
            f"model {name!r}, kept in {directory}, cannot be loaded any more ({reason}); repair that, or give its state"
            f" up: {how_to_forget(directory / 'snapshot')}"
        )
        self.directory, self.name, self.reason = directory, name, reason


class StateUnwritable(ServingError):
    """The state cannot be written, or read: the disk is full, for instance."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"cannot keep state in {path} ({reason}); make room, or name another directory: --data-dir DIR"
        )
        self.path, self.reason = path, reason


class Superseded(Exception):
    """Said to an actor that was given up for dead and wants to write: its successor keeps this state now."""


class ActorDied(Exception):
    """Said to whoever asked: the actor ended by no ordinary error, such as a library that wants the process to exit."""


class ActorFailed(ServingError):
    """An actor failed, its successor was asked the same, and failed as well."""

    def __init__(self, data_type: str, reason: str) -> None:
        super().__init__(
            f"the actor for {data_type!r} failed twice on the same message ({reason}); nothing is lost: start the"
            f" server again, and if that repeats, publish another model for {data_type!r}"
        )
        self.data_type, self.reason = data_type, reason


def how_to_forget(path: Path) -> str:
    """What to do so that a data type's model is read from its topic again; its counters then begin at zero."""
    return f"rm -r {path.parent} and rm {path.parent.parent / 'models_topic'}, then its counters begin at zero"
