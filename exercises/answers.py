"""An answer as a module: the learner's file, with the solution in place of every region but the one that is graded.

So an exercise can be solved while its neighbour in the same file is not, and helpers and imports that the learner
adds outside the region work. The lines that an error names are the learner's own.
"""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import tokenize
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

from exercises.catalogue import ROOT, Exercise
from exercises.errors import AnswerUnusable, RegionInvalid, Unsolved
from exercises.regions import Region, find_regions, statements


class Answer:
    """What a grader gets: the answer's module, and the file that a learner wrote it in."""

    def __init__(self, exercise: Exercise, root: Path) -> None:
        """``root``: where the answer's file is, at the same path as the solution is in the project.

        Raises:
            Unsolved: the region is as the learner found it.
            AnswerUnusable: the file is no Python, or its region is gone.
        """
        self.exercise = exercise
        self.file = root / exercise.file
        self._tree = assemble(exercise, self.file)

    @property
    def module_name(self) -> str:
        """Of the module that the answer stands for."""
        return ".".join(self.exercise.file.with_suffix("").parts)

    def is_learners(self, function: str) -> bool:
        """Whether the learner wrote in this function: it has the region, or the solution has none of its name."""
        solution, regions = _parse(ROOT / self.exercise.file)
        line = next(each.first_line for each in regions if each.exercise == self.exercise.name)
        functions = [each for each in ast.walk(solution) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
        given = {each.name for each in functions if not each.lineno <= line <= (each.end_lineno or 0)}
        return function not in {*given, "<module>", "<lambda>"}

    def load(self) -> ModuleType:
        """The answer as a module of its own; the module of the same name that others import stays the solution."""
        module = ModuleType(self.module_name)
        module.__file__ = str(self.file)
        module.__package__ = self.module_name.rpartition(".")[0]
        exec(self._code(), module.__dict__)  # noqa: S102 - a learner's own file, on the learner's machine
        return module

    def install(self) -> ModuleType:
        """Have every later import of the module get the answer: for a program that runs as its users start it."""
        sys.meta_path.insert(0, _Finder(self.module_name, self.file, self._code()))
        return importlib.import_module(self.module_name)

    def _code(self) -> CodeType:
        code: CodeType = compile(self._tree, str(self.file), "exec")
        return code


def assemble(exercise: Exercise, file: Path) -> ast.Module:
    """See ``Answer``."""
    tree, regions = _parse(file)
    graded = next((region for region in regions if region.exercise == exercise.name), None)
    if graded is None:
        markers = f"# exercise[{exercise.name}]: ... and # end[{exercise.name}]"
        raise AnswerUnusable(file, 1, f"the lines {markers} are gone; a reset of the exercise puts them back")
    if _is_unsolved(tree, graded):
        raise Unsolved(exercise.name, file, graded.answer_line)
    others = [region for region in regions if region is not graded]
    if others:
        solution, solved = _parse(ROOT / exercise.file)
        for region in others:
            _replace(tree, region, solution, next((each for each in solved if each.exercise == region.exercise), None))
    return tree


def _parse(file: Path) -> tuple[ast.Module, Sequence[Region]]:
    try:
        text = file.read_text(encoding="utf-8")
        return ast.parse(text, str(file)), find_regions(text, file)
    except SyntaxError as error:
        at = f": {error.text.strip()}" if error.text else ""
        raise AnswerUnusable(file, error.lineno or 1, f"{type(error).__name__}: {error.msg}{at}") from None
    except (tokenize.TokenError, UnicodeDecodeError, ValueError) as error:
        raise AnswerUnusable(file, 1, f"not Python: {error}") from None
    except RegionInvalid as error:
        raise AnswerUnusable(file, error.line, f"{error.reason}; put the marker back, or reset the exercise") from None
    except OSError as error:
        raise AnswerUnusable(
            file, 1, f"{error.strerror or error}; a reset of the exercise makes the file again"
        ) from None


def _is_unsolved(tree: ast.AST, region: Region) -> bool:
    """Whether the statement that the skeleton has there is there still, even within other code."""
    expected = f"exercise {region.exercise}"
    return any(
        isinstance(node, ast.Constant) and node.value == expected and region.first_line < node.lineno < region.end_line
        for node in ast.walk(tree)
    )


def _replace(tree: ast.AST, region: Region, solution: ast.AST, solved: Region | None) -> None:
    place = statements(tree, region)
    there = None if solved is None else statements(solution, solved)
    if place is None or there is None:  # the learner has emptied it, or it is an exercise no more
        return
    block, start, stop = there
    nodes = block[start:stop]
    for node in nodes:
        for part in ast.walk(node):
            if hasattr(part, "lineno"):
                part.lineno = part.end_lineno = region.first_line  # type: ignore[attr-defined]
    place[0][place[1] : place[2]] = nodes


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module: the answer."""

    def __init__(self, name: str, file: Path, code: CodeType) -> None:
        self._name = name
        self._file = file
        self._code = code

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        """Called by the import system."""
        if fullname != self._name:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self._file))

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        """Called by the import system."""
        return self._code

    def get_source(self, fullname: str) -> str:  # noqa: ARG002
        """Called for tracebacks."""
        return self._file.read_text(encoding="utf-8")
