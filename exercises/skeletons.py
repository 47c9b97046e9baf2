"""Skeletons: the mirrors of the solutions below ``exercises/``, with holes in them: ``make generate``."""

from collections.abc import Mapping
from pathlib import Path

from exercises.catalogue import ROOT, read_catalogue
from exercises.regions import Region, find_regions, solution_regions

HERE = Path(__file__).parent


def skeleton(text: str, file: Path) -> str:
    """A solution with each region's answer taken out; the task and all else stays.

    Raises:
        RegionInvalid: a region cannot be an exercise.
    """
    lines = text.splitlines(keepends=True)
    for region in reversed(solution_regions(text, file)):
        lines[region.answer_line - 1 : region.end_line - 1] = [f"{region.indent}{unsolved(region.exercise)}\n"]
    return "".join(lines)


def unsolved(exercise: str) -> str:
    """The statement that stands where the answer belongs."""
    return f'raise NotImplementedError("exercise {exercise}")'


def filled(text: str, file: Path, exercise: str, answer: str) -> str:
    """A file with these lines as the answer of one region; they are indented as the region is."""
    region = next(each for each in find_regions(text, file) if each.exercise == exercise)
    lines = text.splitlines(keepends=True)
    lines[region.answer_line - 1 : region.end_line - 1] = [_indented(line, region) for line in answer.splitlines()]
    return "".join(lines)


def mirrors() -> Mapping[Path, str]:
    """Every mirror's path and what must be in it."""
    files = sorted({exercise.file for exercise in read_catalogue()})
    return {HERE / file: skeleton((ROOT / file).read_text(), file) for file in files}


def main() -> None:
    """Write the mirrors."""
    for path, text in mirrors().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _indented(line: str, region: Region) -> str:
    return f"{region.indent}{line}\n" if line.strip() else "\n"


if __name__ == "__main__":
    main()
