"""The mirrors: what ``make generate`` writes, and nothing else."""

from exercises.catalogue import read_catalogue
from exercises.skeletons import HERE, mirrors


def test_every_mirror_is_what_make_generate_writes_today() -> None:
    stale = [str(path) for path, text in mirrors().items() if not path.exists() or path.read_text() != text]
    assert not stale, f"make generate: {', '.join(stale)}"


def test_there_is_no_mirror_without_an_exercise() -> None:
    folders = {exercise.file.parts[0] for exercise in read_catalogue()}
    found = {path for folder in folders for path in (HERE / folder).rglob("*.py")}
    assert found == set(mirrors())
