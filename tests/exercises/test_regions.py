"""Regions: what may be an exercise, and what is refused with its file and line."""

from pathlib import Path

import pytest

from exercises.errors import RegionInvalid
from exercises.regions import find_regions, solution_regions
from exercises.skeletons import filled, skeleton

FILE = Path("package/module.py")
GOOD = '''"""A module."""


def double(number: int) -> int:
    """Twice as much."""
    # exercise[kv-2]: double it,
    # but not in place
    doubled = 2 * number
    # end[kv-2]
    return doubled
'''


def test_a_region_is_found_with_its_task_and_its_answer() -> None:
    (region,) = solution_regions(GOOD, FILE)
    assert region.exercise == "kv-2"
    assert (region.first_line, region.answer_line, region.end_line) == (6, 8, 9)


def test_the_skeleton_keeps_task_and_signature_and_loses_the_answer() -> None:
    blank = skeleton(GOOD, FILE)
    assert blank == GOOD.replace("doubled = 2 * number", 'raise NotImplementedError("exercise kv-2")')


def test_a_skeleton_filled_with_the_solution_is_the_solution() -> None:
    assert filled(skeleton(GOOD, FILE), FILE, "kv-2", "doubled = 2 * number\n") == GOOD


def test_a_marker_in_a_string_is_no_marker() -> None:
    assert not find_regions('TEXT = """\n# exercise[kv-2]: nothing\n"""\n', FILE)


def test_an_answer_with_lines_of_its_own_indentation_is_indented_as_a_whole() -> None:
    answer = "if number:\n    doubled = number + number\nelse:\n\n    doubled = 0\n"
    text = filled(skeleton(GOOD, FILE), FILE, "kv-2", answer)
    assert "        doubled = number + number\n    else:\n\n        doubled = 0\n    # end[kv-2]\n" in text


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("# exercise[a-1]: x\n# exercise[a-2]: y\npass\n# end[a-2]\n# end[a-1]\n", 2, "a-2 begins inside exercise a-1"),
        ("# exercise[a-1]: x\npass\n", 1, "a-1 has no end"),
        ("pass\n# end[a-1]\n", 2, "the line # exercise[a-1]: ... is missing above this one"),
        ("# exercise[a-1]: x\npass\n# end[a-2]\n", 3, "the line # exercise[a-2]: ... is missing above this one"),
        ("# exercise[a-1]: x\n# end[a-1]\npass\n", 1, "a-1 is empty"),
        ("# exercise[a-1]: x\n# a comment is no answer\n# end[a-1]\npass\n", 1, "a-1 is empty"),
        ("# exercise[a-1]: x\npass\n# end[a-1]\n# exercise[a-1]: x\npass\n# end[a-1]\n", 4, "in this file twice"),
        ("# exercise[a-1] x\npass\n# end[a-1]\n", 1, "not a marker, but nearly"),
        ("# exercise [a-1]: x\npass\n", 1, "not a marker, but nearly"),
        ("# exercise[kv2]: x\npass\n", 1, "not a marker, but nearly"),
        ("x = [\n# exercise[a-1]: x\n1,\n# end[a-1]\n]\n", 2, "cuts a statement in two"),
        ("if x:\n    # exercise[a-1]: x\n    pass\nelse:\n    # end[a-1]\n    pass\n", 2, "cuts a statement in two"),
        ("# exercise[a-1]: x\nif x:\n    pass\n    # end[a-1]\n    pass\n", 1, "cuts a statement in two"),
        (
            "def f():\n    # exercise[a-1]: x\n    yield 1\n    # end[a-1]\n    return\n",
            2,
            "holds the only yield of f",
        ),
        (
            "async def f():\n    # exercise[a-1]: x\n    await g()\n    # end[a-1]\n    return\n",
            2,
            "holds the only await of f",
        ),
        (
            "# exercise[a-1]: x\nx = 1\n# end[a-1]\n"
            "# exercise[a-2]: x\nx = 2\n# end[a-2]\n# exercise[a-3]: x\nx = 3\n# end[a-3]\n",
            7,
            "more than 2 exercises in one file",
        ),
    ],
)
def test_a_region_that_cannot_be_an_exercise_is_refused_with_file_and_line(body: str, line: int, reason: str) -> None:
    with pytest.raises(RegionInvalid) as refused:
        solution_regions(body, FILE)
    assert str(refused.value).startswith(f"package/module.py:{line}: ")
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        "def f():\n    # exercise[a-1]: x\n    yield 1\n    # end[a-1]\n    yield 2\n",
        "async def f():\n    await g()\n    # exercise[a-1]: x\n    await h()\n    # end[a-1]\n",
        "# exercise[a-1]: x\nasync def f():\n    await g()\n# end[a-1]\n",
        "def f():\n    # exercise[a-1]: x\n    def g():\n        yield 1\n    # end[a-1]\n    return g\n",
    ],
    ids=["one yield of two", "one await of two", "a whole function", "a function of its own"],
)
def test_a_region_that_leaves_a_function_what_it_is_may_be_an_exercise(body: str) -> None:
    assert [region.exercise for region in solution_regions(body, FILE)] == ["a-1"]
