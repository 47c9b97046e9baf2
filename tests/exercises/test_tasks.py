"""The texts and the graders' texts: hints of a length that helps, and no demand without a sentence."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from exercises.catalogue import TASKS, Exercise, read_catalogue

HINT_3_WORDS = range(80, 161)
MAX_LINE = 120
DEMANDS = {"expect", "reject"}
EVERY = pytest.mark.parametrize("exercise", read_catalogue(), ids=lambda exercise: exercise.name)


@EVERY
def test_the_last_hint_has_80_to_160_words_and_no_code_block(exercise: Exercise) -> None:
    assert len(exercise.hints[2].split()) in HINT_3_WORDS
    assert "```" not in exercise.hints[2]


@EVERY
def test_the_first_hint_is_a_question(exercise: Exercise) -> None:
    assert "?" in exercise.hints[0]


@EVERY
def test_it_takes_a_quarter_of_an_hour_at_most_and_its_text_fits_an_editor(exercise: Exercise) -> None:
    assert 0 < exercise.minutes <= 15
    text = (exercise.folder / "task.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if len(line) > MAX_LINE] == []


def test_each_folder_is_on_the_path() -> None:
    here = {folder.name for folder in TASKS.iterdir() if (folder / "task.md").exists()}
    assert here == {exercise.folder.name for exercise in read_catalogue()}


class Grader:
    """A grader's syntax tree, and which of its functions come to a demand, through one another."""

    def __init__(self, path: Path) -> None:
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self._functions = {
            node.name: node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }

    def tests(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Each test function."""
        yield from (node for name, node in self._functions.items() if name.startswith("test_"))

    def demands(self, node: ast.AST, seen: frozenset[str] = frozenset()) -> bool:
        """Whether a demand is reached from there: by a call, or by a fixture or a helper that is named."""
        named = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        named |= {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
        if named & DEMANDS:
            return True
        return any(
            self.demands(self._functions[name], seen | {name})
            for name in named & set(self._functions)
            if name not in seen
        )


def faults(tree: ast.AST) -> Iterator[str]:
    """What a grader must not do."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield f"line {node.lineno}: a bare assert has no sentence"
        elif isinstance(node, ast.Attribute) and node.attr in ("raises", "warns", "skip", "xfail", "importorskip"):
            if isinstance(node.value, ast.Name) and node.value.id == "pytest":
                yield f"line {node.lineno}: pytest.{node.attr} has no sentence"
        elif isinstance(node, ast.Attribute) and node.attr == "fail":
            yield f"line {node.lineno}: pytest.fail has no fields; reject has"
        elif isinstance(node, ast.Call) and _name(node) in DEMANDS:
            missing = {"expected", "happened", "means"} - {each.arg for each in node.keywords}
            if missing:
                yield f"line {node.lineno}: {_name(node)} without {', '.join(sorted(missing))}"


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


@EVERY
def test_every_demand_of_its_grader_has_a_sentence(exercise: Exercise) -> None:
    grader = Grader(exercise.grader)
    assert list(faults(grader.tree)) == []


@EVERY
def test_every_test_of_its_grader_comes_to_a_demand(exercise: Exercise) -> None:
    grader = Grader(exercise.grader)
    tests = list(grader.tests())
    assert tests
    assert [test.name for test in tests if not grader.demands(test)] == []


@pytest.mark.parametrize(
    "line",
    [
        "assert answer",
        "with pytest.raises(ValueError): answer()",
        "pytest.skip()",
        "pytest.fail('no')",
        "expect(answer, 'a sentence', expected=1, happened=2)",
    ],
)
def test_a_demand_without_a_sentence_is_found(line: str) -> None:
    assert len(list(faults(ast.parse(line)))) == 1


def test_a_test_without_a_demand_is_found(tmp_path: Path) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(
        "def check(x):\n    expect(x, 's', expected=1, happened=2, means='m')\n"
        "def test_one(answer):\n    check(answer)\ndef test_two(answer):\n    print(answer)\n"
    )
    grader = Grader(path)
    assert [test.name for test in grader.tests() if not grader.demands(test)] == ["test_two"]
