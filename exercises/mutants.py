"""Are the graders strict? The solutions with one operator, constant or condition changed: ``make mutants``.

The changes are those that cosmic-ray knows, on the lines of the regions. What a grader lets through is listed in
``docs/experiments/mutants.md``, with the reason that stands in the exercise's ``survivors.toml``: mostly that the
mutant is right, too.
"""

import ast
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

from exercises.catalogue import ROOT, Exercise, read_catalogue
from exercises.grading import Graders
from exercises.regions import Region, solution_regions

PAGE = ROOT / "docs" / "experiments" / "mutants.md"
GRADED_AT_ONCE = 2
HEAD = """# Mutants

<!-- written by: make mutants -->
How strict the graders are: each exercise's solution with one operator, constant, condition or loop changed, as
[cosmic-ray](https://cosmic-ray.readthedocs.io) changes them, on the lines of the exercise. A grader must reject each.
"""
UNEXPLAINED = "**none yet**"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A solution with one thing changed."""

    exercise: Exercise
    operator: str
    line: str  # as it is now
    text: str  # of the whole file


def mutants_of(exercise: Exercise) -> Sequence[Mutant]:
    """All first-order mutants of an exercise's region, each once."""
    text = (ROOT / exercise.file).read_text(encoding="utf-8")
    (region,) = (each for each in solution_regions(text, exercise.file) if each.exercise == exercise.name)
    known = {ast.dump(ast.parse(text))}
    mutants = []
    for operator, mutated in _mutated(text, region):
        meaning = ast.dump(ast.parse(mutated))
        if meaning not in known:
            known.add(meaning)
            mutants.append(Mutant(exercise, operator, _changed_line(text, mutated), mutated))
    return mutants


def survives(mutant: Mutant, graders: Graders) -> bool:
    """Whether its grader lets it pass."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as directory:
        file = Path(directory) / mutant.exercise.file
        file.parent.mkdir(parents=True)
        file.write_text(mutant.text, encoding="utf-8")
        return graders.grade(mutant.exercise, Path(directory)).status == "passed"


def reasons(exercise: Exercise) -> dict[str, str]:
    """Why mutants may survive, by their changed line."""
    file = exercise.folder / "survivors.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def main() -> None:
    """Grade all mutants, and write the page."""
    graders = Graders()
    rows = []
    survivors = []
    total = 0
    rejected = 0
    with ThreadPoolExecutor(GRADED_AT_ONCE) as pool:
        for exercise in read_catalogue():
            mutants = mutants_of(exercise)
            left = [
                mutant
                for mutant, alive in zip(mutants, pool.map(lambda each: survives(each, graders), mutants), strict=True)
                if alive
            ]
            print(f"{exercise.name}: {len(mutants)} mutants, {len(left)} survive", flush=True)
            total, rejected = total + len(mutants), rejected + len(mutants) - len(left)
            rows.append(f"| `{exercise.name}` | {len(mutants)} | {len(mutants) - len(left)} |")
            why = reasons(exercise)
            survivors += [
                f"- `{each.exercise.name}`, {each.operator}: `{each.line}`: {why.get(each.line, UNEXPLAINED)}"
                for each in left
            ]
    summary = f"{rejected} of {total} mutants are rejected: {100 * rejected / total:.1f} %."
    table = ["| exercise | mutants | rejected |", "| --- | ---: | ---: |", *rows]
    PAGE.write_text("\n".join([HEAD, summary, "", *table, "", "## Those that pass, and why", "", *survivors, ""]))
    print(summary)


def _mutated(text: str, region: Region) -> Iterator[tuple[str, str]]:
    provider = OperatorProvider()
    tree = get_ast(text)
    for name in provider:
        if provider[name].arguments():
            continue
        operator = provider[name]()
        starts = [start for node in ast_nodes(tree) for start, _ in operator.mutation_positions(node)]
        for occurrence, (line, _) in enumerate(starts):
            if region.answer_line <= line < region.end_line:
                mutated = mutate_code(text, operator, occurrence)
                if mutated is not None and _is_python(mutated):
                    yield name, mutated


def _is_python(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _changed_line(text: str, mutated: str) -> str:
    pairs = zip(text.splitlines(), mutated.splitlines(), strict=False)
    return next((after.strip() for before, after in pairs if before != after), "")


if __name__ == "__main__":
    main()
