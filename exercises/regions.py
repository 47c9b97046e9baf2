"""Regions: the lines of a file that are an exercise, from ``# exercise[kv-2]: what to do`` to ``# end[kv-2]``.

A region is a run of whole statements of one block. Comment lines that follow the first one directly belong to the task.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from exercises.errors import RegionInvalid

ID = r"[a-z]+-[0-9]+"
_BEGIN = re.compile(rf"# exercise\[({ID})\]: \S")
_END = re.compile(rf"# end\[({ID})\]$")
_LIKE_A_MARKER = re.compile(r"#\s*(exercise|end)\s*\[")
_NO_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
MAX_REGIONS = 2
"""Per file: a solution is to be read, too."""

Block = list[ast.stmt]


@dataclass(frozen=True, slots=True)
class Region:
    """Where an exercise is in a file; lines are counted from 1."""

    exercise: str
    first_line: int  # the marker's own
    answer_line: int  # the first line that is no part of the task
    end_line: int  # the end marker's
    indent: str

    def has(self, node: ast.stmt) -> bool:
        """Whether a statement is between the markers, wholly."""
        return self.first_line < first_line(node) and (node.end_lineno or node.lineno) < self.end_line


def find_regions(text: str, file: Path) -> Sequence[Region]:
    """The regions by their markers alone, in order; what is between them may be anything, nothing included.

    Raises:
        RegionInvalid: markers are nested, unclosed, in no pair, or misspelt.
        SyntaxError, tokenize.TokenError: it is no Python.
    """
    regions: list[Region] = []
    begun: tuple[str, int, str] | None = None
    task_ends = 0
    for line, indent, comment in _comment_lines(text):
        begin, end = _BEGIN.match(comment), _END.match(comment)
        if begun is not None and line == task_ends and not end:
            task_ends += 1
        if begin:
            if begun is not None:
                raise RegionInvalid(file, line, f"exercise {begin[1]} begins inside exercise {begun[0]}")
            if begin[1] in {region.exercise for region in regions}:
                raise RegionInvalid(file, line, f"exercise {begin[1]} is in this file twice")
            begun = (begin[1], line, indent)
            task_ends = line + 1
        elif end:
            if begun is None or begun[0] != end[1]:
                raise RegionInvalid(file, line, f"the line # exercise[{end[1]}]: ... is missing above this one")
            regions.append(Region(begun[0], begun[1], task_ends, line, begun[2]))
            begun = None
        elif _LIKE_A_MARKER.match(comment):
            raise RegionInvalid(file, line, f"not a marker, but nearly: {comment}")
    if begun is not None:
        raise RegionInvalid(file, begun[1], f"exercise {begun[0]} has no end: # end[{begun[0]}] is missing")
    return regions


def solution_regions(text: str, file: Path) -> Sequence[Region]:
    """The regions of a solution: each can be cut out, and what remains is Python still.

    Raises:
        RegionInvalid: one cannot.
    """
    regions = find_regions(text, file)
    if len(regions) > MAX_REGIONS:
        raise RegionInvalid(file, regions[MAX_REGIONS].first_line, f"more than {MAX_REGIONS} exercises in one file")
    tree = ast.parse(text, str(file))
    for region in regions:
        _check_statements(text, tree, region, file)
        _check_function(tree, region, file)
    return regions


def statements(tree: ast.AST, region: Region) -> tuple[Block, int, int] | None:
    """The block, and from where to where in it the region's statements are; None where there are none.

    A region whose statements are in several blocks gets the outermost.
    """
    for block in _blocks(tree):
        inside = [number for number, node in enumerate(block) if region.has(node)]
        if inside:
            return block, inside[0], inside[-1] + 1
    return None


def first_line(node: ast.stmt) -> int:
    """With its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _comment_lines(text: str) -> Iterator[tuple[int, str, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        before = token.line[: token.start[1]]
        if token.type == tokenize.COMMENT and not before.strip():
            yield token.start[0], before, token.string


def _blocks(tree: ast.AST) -> Iterator[Block]:
    """Every list of statements, the outer before the inner."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield value


def _check_statements(text: str, tree: ast.AST, region: Region, file: Path) -> None:
    code = {line for line in _code_lines(text) if region.first_line < line < region.end_line}
    if not code:
        raise RegionInvalid(file, region.first_line, f"exercise {region.exercise} is empty: nothing is left to solve")
    block, start, stop = statements(tree, region) or ([], 0, 0)
    whole = {line for node in block[start:stop] for line in range(first_line(node), (node.end_lineno or 0) + 1)}
    if code - whole:
        reason = f"exercise {region.exercise} cuts a statement in two, or is in more than one block"
        raise RegionInvalid(file, region.first_line, reason)


def _code_lines(text: str) -> Iterator[int]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            yield from range(token.start[0], token.end[0] + 1)


def _check_function(tree: ast.AST, region: Region, file: Path) -> None:
    """What makes a function a generator, or gives an ``async def`` its sense, must not be in the region alone."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or region.has(function):
            continue
        own = list(_own_nodes(function))
        for kind, name in (((ast.Yield, ast.YieldFrom), "yield"), ((ast.Await, ast.AsyncFor, ast.AsyncWith), "await")):
            lines = [node.lineno for node in own if isinstance(node, kind)]
            if lines and all(region.first_line < line < region.end_line for line in lines):
                raise RegionInvalid(
                    file, region.first_line, f"exercise {region.exercise} holds the only {name} of {function.name}"
                )


def _own_nodes(function: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    for child in ast.iter_child_nodes(function):
        if isinstance(child, ast.expr | ast.stmt):
            yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _own_nodes(child)
