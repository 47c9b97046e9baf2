"""An append-only file of events: what was appended is there after a ``kill -9``, whole or not at all."""

import os
from pathlib import Path

from actors_persistent.errors import StateCorrupt, StateUnwritable
from actors_persistent.frames import FrameDamaged, FrameTorn, frame_at, framed


class EventLog:
    """One file, one writer."""

    def __init__(self, path: Path, *, fsync: bool) -> None:
        """``fsync``: an appended event survives a power failure too. Nothing is opened yet."""
        self._path, self._fsync = path, fsync
        self._file: int | None = None
        self.size_bytes = 0
        """How long the file is, from ``recover`` on."""

    def recover(self) -> list[bytes]:
        """The events from the first to the last whole one; what a kill left of one more is cut off.

        Raises:
            StateCorrupt: an event is damaged, and it is not the last one.
            StateUnwritable: the file cannot be read or cut.
        """
        try:
            content = self._path.read_bytes() if self._path.exists() else b""
            events, end = self._whole(content)
            if end < len(content):
                os.truncate(self._path, end)
        except OSError as error:
            raise StateUnwritable(self._path, error.strerror or str(error)) from error
        self.size_bytes = end
        return events

    def append(self, event: bytes) -> None:
        """Write an event; on return the operating system has it, and with ``fsync`` the disk.

        Raises:
            StateUnwritable: it may be there in part; ``recover`` before the next ``append``.
        """
        frame = framed(event)
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            if os.write(self._file, frame) != len(frame):
                raise OSError(None, "the disk took only a part of an event")
            if self._fsync:
                os.fsync(self._file)
        except OSError as error:
            raise StateUnwritable(self._path, error.strerror or str(error)) from error
        self.size_bytes += len(frame)

    def clear(self) -> None:
        """Forget all events.

        Raises:
            StateUnwritable: they are still there.
        """
        try:
            os.truncate(self._path, 0)
        except OSError as error:
            raise StateUnwritable(self._path, error.strerror or str(error)) from error
        self.size_bytes = 0

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _whole(self, content: bytes) -> tuple[list[bytes], int]:
        events: list[bytes] = []
        end = 0
        while end < len(content):
            try:
                frame = frame_at(content, end)
            except FrameTorn:
                break
            except FrameDamaged:
                raise StateCorrupt(
                    self._path, f"event {len(events) + 1}, at byte {end}, is not what was written"
                ) from None
            events.append(frame.payload)
            end = frame.end
        return events, end
