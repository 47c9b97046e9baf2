"""From where the model feed goes on after a restart."""

from pathlib import Path

from google.protobuf.message import DecodeError

from actors_persistent.errors import StateCorrupt, StateUnwritable
from actors_persistent.snapshots import read_snapshot, write_snapshot
from protobufs.actors_journal_pb2 import FeedPosition as Position

MODELS_TOPIC = "models_topic"


class FeedPosition:
    """The offset up to which every model, of whatever data type, is in its actor's memory.

    It cannot be read off the models themselves: catching up hands over the newest model of each data type in no
    particular order, and after a kill in the middle the largest offset would hide those that had not come yet.
    """

    def __init__(self, root: Path) -> None:
        """Nothing is read yet."""
        self._path = root / MODELS_TOPIC

    def read(self) -> int | None:
        """The offset of the first model that may be unknown; None if all may be.

        Raises:
            StateCorrupt: the file is not what was written.
            StateUnwritable: it cannot be read.
        """
        payload = read_snapshot(self._path)
        try:
            return None if payload is None else Position.FromString(payload).next_offset
        except DecodeError:
            raise StateCorrupt(self._path, "it is no position") from None

    def write(self, next_offset: int) -> None:
        """Every model before this offset has been handled.

        Raises:
            StateUnwritable: the old position stays.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateUnwritable(self._path.parent, error.strerror or str(error)) from error
        write_snapshot(self._path, Position(next_offset=next_offset).SerializeToString())
