"""Grades cs-3: results to a local file."""

import json
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from protobufs.serving_result_pb2 import ServingResult


class Disk:
    """Watches one directory: what is opened under a final name, and how much of a file is synced when it is renamed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.opened_in_place: list[str] = []
        self.renamed: list[tuple[Path, int, int]] = []  # from where, its bytes, and how many of them are on the disk
        self.names_synced = False  # since the last rename
        self.full = False
        self.is_watching = True
        self._synced: dict[tuple[int, int], int] = {}
        sys.addaudithook(self._note)

    def sync(self, really: Callable[[int], None], descriptor: int) -> None:
        """In place of ``os.fsync``."""
        if self.full:
            raise OSError(28, "No space left on device")
        really(descriptor)
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            self.names_synced = True
        else:
            self._synced[found.st_dev, found.st_ino] = found.st_size

    def _note(self, event: str, words: tuple[Any, ...]) -> None:
        if not self.is_watching or event not in ("open", "os.rename", "os.link"):
            return
        if event == "open":
            path, _, flags = words
            if isinstance(path, str | bytes | os.PathLike) and flags & (os.O_WRONLY | os.O_RDWR):
                name = Path(os.fsdecode(path)).name
                if name.startswith("results-") and name.endswith(".jsonl"):
                    self.opened_in_place.append(name)
            return
        source, target = Path(os.fsdecode(words[0])), Path(os.fsdecode(words[1]))
        if target.suffix == ".jsonl" and source.exists():
            found = source.stat()
            self.renamed.append((source, found.st_size, self._synced.get((found.st_dev, found.st_ino), 0)))
            self.names_synced = False


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made = Disk(tmp_path / "results")
    for name in ("fsync", "fdatasync"):
        if hasattr(os, name):
            really = getattr(os, name)
            monkeypatch.setattr(os, name, lambda file, really=really: made.sync(really, _descriptor(file)))
    yield made
    made.is_watching = False


def _descriptor(file: Any) -> int:
    number: int = file if isinstance(file, int) else file.fileno()
    return number


@pytest.fixture
def files(disk: Disk, answer: Answer) -> Any:
    """A file is full with 300 bytes: four results."""
    return answer.load().ResultFiles(disk.directory, max_bytes=300)


def results(first: int, last: int) -> Sequence[ServingResult]:
    return [
        ServingResult(data_type="wine", record_id=f"wine-{number}", value=5.5, source_offset=number)
        for number in range(first, last + 1)
    ]


def published(disk: Disk) -> dict[str, list[str]]:
    """By file, the record ids in it, as a reader finds them."""
    return {
        file.name: [json.loads(line)["recordId"] for line in file.read_text().splitlines()]
        for file in sorted(disk.directory.glob("results-*.jsonl"))
    }


def ids(first: int, last: int) -> list[str]:
    return [f"wine-{number}" for number in range(first, last + 1)]


def test_results_are_published(files: Any, disk: Disk) -> None:
    files.write(results(0, 1))
    files.publish()
    expect(
        published(disk) == {"results-00000001.jsonl": ids(0, 1)},
        "What was to be published is not in a file, line by line.",
        expected="results-00000001.jsonl with wine-0 and wine-1",
        happened=published(disk) or "there is no file",
        means="the offsets are committed, and the results are nowhere",
    )


def test_no_file_is_seen_before_it_is_whole(files: Any, disk: Disk) -> None:
    files.write(results(0, 1))
    files.publish()
    expect(
        not disk.opened_in_place,
        "A file is written under the name that readers look for.",
        expected="a temporary name, and a rename when all is written",
        happened=f"{disk.opened_in_place[:1]} was opened for writing",
        means="a reader, or a crash, finds a file that ends in the middle of a line",
    )


def test_a_file_is_whole_when_it_is_renamed(files: Any, disk: Disk) -> None:
    files.write(results(0, 1))
    files.publish()
    source, size, synced = disk.renamed[-1]
    whole = sum(file.stat().st_size for file in disk.directory.glob("*.jsonl"))
    expect(
        size == whole,
        "The file was renamed before all of its lines were in it.",
        expected=f"{whole} bytes at the moment of the rename",
        happened=f"{size} bytes: the rest was in Python's buffer still",
        means="a reader finds a file without its last lines, or an empty one",
    )
    expect(
        synced == whole,
        "The file was renamed before all of it was on the disk.",
        expected=f"flush, then fsync: {whole} bytes are synced before the rename",
        happened=f"{synced} bytes are synced",
        means="after a power failure the file is there and empty, and its offsets are committed",
    )
    expect(
        source.parent == disk.directory,
        "The temporary file is in another directory.",
        expected=f"beside the file that it becomes, in {disk.directory.name}",
        happened=f"in {source.parent}",
        means="on another disk a rename fails, or is a copy that readers see while it grows",
    )


def test_a_temporary_file_is_known_by_its_name(files: Any, disk: Disk) -> None:
    files.write(results(0, 1))
    files.publish()
    name = disk.renamed[-1][0].name
    expect(
        name.endswith(".tmp"),
        "The temporary file's name does not end with .tmp.",
        expected="a name such as results-00000001.tmp",
        happened=name,
        means="what a crash leaves is never removed, and fills the disk",
    )


def test_the_name_is_on_the_disk_too(files: Any, disk: Disk) -> None:
    files.write(results(0, 1))
    files.publish()
    expect(
        disk.names_synced,
        "The directory was not synced after the rename.",
        expected="sync(self._directory) after the rename",
        happened="the new name may be in the operating system's memory only",
        means="after a power failure the file is gone, and its offsets are committed",
    )


def test_the_next_file_has_another_name(files: Any, disk: Disk) -> None:
    files.write(results(0, 4))
    files.write(results(5, 9))
    found = published(disk)
    expect(
        len(found) == 2,
        "The second file has not a name of its own.",
        expected="results-00000001.jsonl and results-00000002.jsonl",
        happened=list(found),
        means="each file overwrites the one before it: only the last results are there",
    )
    expect(
        list(found) == ["results-00000001.jsonl", "results-00000002.jsonl"],
        "The files are not numbered one after the other.",
        expected="results-00000001.jsonl and results-00000002.jsonl",
        happened=list(found),
        means="a reader that goes from number to number stops at the gap",
    )


def test_no_line_is_published_twice(files: Any, disk: Disk) -> None:
    files.write(results(0, 4))
    files.write(results(5, 9))
    found = list(published(disk).values())
    expect(
        found == [ids(0, 4), ids(5, 9)],
        "The second file has not just the lines that came after the first.",
        expected="5 results in each",
        happened=[len(each) for each in found],
        means="every file has all results since the start, and takes longer than the one before",
    )


def test_an_error_of_the_disk_loses_nothing(files: Any, disk: Disk) -> None:
    disk.full = True
    raised = False
    try:
        files.write(results(0, 4))
    except OSError:
        raised = True
    expect(
        raised,
        "An error of the disk is swallowed.",
        expected="the disk is full: fsync's OSError goes to the caller",
        happened="write said that the results are published",
        means="the offsets are committed, and the results are lost",
    )
    expect(
        not published(disk),
        "Something was published although the disk was full.",
        expected="no file results-*.jsonl",
        happened=published(disk),
        means="a reader trusts a file of which nobody knows how much is on the disk",
    )
    disk.full = False
    files.publish()
    expect(
        list(published(disk).values()) == [ids(0, 4)],
        "After an error of the disk the lines are not published by the next call.",
        expected="one file, with wine-0 to wine-4",
        happened=published(disk) or "there is no file",
        means="a minute without space on the disk costs all results of that minute",
    )
