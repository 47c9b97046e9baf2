"""Results in local files: lines of JSON, in files that appear whole or not at all, a new one whenever one is full.

A reader takes every ``results-*.jsonl`` and needs no lock: none of them ever changes. What is not published yet is in
memory, and Kafka has it still, as its offsets are committed only after ``write`` or ``publish`` has said so.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from google.protobuf.json_format import MessageToJson

from protobufs.serving_result_pb2 import ServingResult


class ResultFiles:
    """One writer per directory."""

    def __init__(self, directory: Path, max_bytes: int = 8 * 2**20) -> None:
        """``directory`` is made if need be; what a killed writer left half written is removed there.

        Args:
            max_bytes: a file is published when it has so many; with its last batch it may have more.
        Raises:
            OSError: the directory cannot be written.
        """
        directory.mkdir(parents=True, exist_ok=True)
        for half in directory.glob("*.tmp"):
            half.unlink()
        self._directory = directory
        self._max_bytes = max_bytes
        published = [int(file.stem.rpartition("-")[2]) for file in directory.glob("results-*.jsonl")]
        self._number = max(published, default=0) + 1
        self._lines: list[bytes] = []  # not published yet; each ends with a newline

    def write(self, results: Sequence[ServingResult]) -> bool:
        """Add the results of a batch.

        Returns:
            True: they are published, with all before them; the offsets may be committed up to here.
        Raises:
            OSError: see ``publish``.
        """
        self._lines += [f"{MessageToJson(each, indent=None)}\n".encode() for each in results]
        if sum(map(len, self._lines)) < self._max_bytes:
            return False
        self.publish()
        return True

    def publish(self) -> None:
        """Publish what there is, such as at a stop, or when the oldest line has waited for long enough.

        Raises:
            OSError: the disk is full, or fails; nothing is published, and a later call publishes all of it.
        """
        if not self._lines:
            return
        # exercise[cs-3]: write the lines to a temporary file, make it safe, and rename it; then begin with the next one
        temporary = self._path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            file.writelines(self._lines)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self._path)
        sync(self._directory)
        self._lines = []
        self._number += 1
        # end[cs-3]

    @property
    def _path(self) -> Path:
        """The file that is published next."""
        return self._directory / f"results-{self._number:08}.jsonl"


def sync(directory: Path) -> None:
    """Return when the names in a directory are on the disk: a rename is not, until then."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
