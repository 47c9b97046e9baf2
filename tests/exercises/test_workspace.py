"""The learner's files: made once, brought up to date with the answers in them, and never lost."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exercises.catalogue import Exercise, find_exercise
from exercises.errors import WorkspaceUnusable
from exercises.workspace import MarkersBroken, Workspace, cut

FILE = Path("server.py")
SOLUTION = """\
import os


def first():
    # exercise[aa-1]: give one
    # more of the task
    one = 1
    # end[aa-1]
    return one


def second():
    # exercise[aa-2]: give two
    return 2
    # end[aa-2]
"""
MIRROR = SOLUTION.replace("    one = 1\n", '    raise NotImplementedError("exercise aa-1")\n').replace(
    "    return 2\n", '    raise NotImplementedError("exercise aa-2")\n'
)
NEW_MIRROR = MIRROR.replace("import os\n", "import os\nimport re\n").replace("more of the task", "another task")


def exercise(name: str, file: Path = FILE, *formerly: str) -> Exercise:
    return replace(find_exercise("kc-1"), name=name, file=file, formerly=formerly)


class Project:
    """A project whose only solution has two exercises, and a learner of it."""

    def __init__(self, directory: Path) -> None:
        self.mirrors = directory / "mirrors"
        self.solutions = directory / "solutions"
        self.home = directory / "home"
        self.exercises = [exercise("aa-1"), exercise("aa-2")]
        self.write(MIRROR)
        self.solutions.mkdir()
        (self.solutions / FILE).write_text(SOLUTION)

    def write(self, mirror: str, file: Path = FILE) -> None:
        self.mirrors.mkdir(exist_ok=True)
        (self.mirrors / file).write_text(mirror)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.exercises, self.home, self.mirrors, self.solutions)

    @property
    def mine(self) -> str:
        return (self.home / FILE).read_text()

    def saves(self, old: str, new: str) -> None:
        assert old in self.mine
        (self.home / FILE).write_text(self.mine.replace(old, new))

    def backups(self) -> list[str]:
        return [path.read_text() for path in sorted((self.home / ".backup").rglob("*")) if path.is_file()]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    assert project.workspace.update() == []
    return project


UNSOLVED = 'raise NotImplementedError("exercise aa-1")'


def test_the_first_run_makes_a_copy_of_each_mirror(project: Project) -> None:
    assert project.mine == MIRROR
    assert project.workspace.update() == []


def test_a_file_that_is_gone_is_made_again(project: Project) -> None:
    (project.home / FILE).unlink()
    project.workspace.update()
    assert project.mine == MIRROR


def test_an_update_keeps_the_answers(project: Project) -> None:
    project.saves(UNSOLVED, "# my own way\n    one = 7 - 6")
    project.write(NEW_MIRROR)
    assert project.workspace.update() == []
    assert project.mine == NEW_MIRROR.replace(UNSOLVED, "# my own way\n    one = 7 - 6")


def test_answers_that_were_copied_without_the_hidden_folders_are_kept(project: Project) -> None:
    project.saves(UNSOLVED, "one = 1")
    shutil.rmtree(project.home / ".base")
    assert project.workspace.update() == []
    assert project.mine == MIRROR.replace(UNSOLVED, "one = 1")
    project.write(NEW_MIRROR)
    project.workspace.update()
    assert project.mine == NEW_MIRROR.replace(UNSOLVED, "one = 1")


def test_an_answer_that_is_no_python_is_kept_as_well(project: Project) -> None:
    project.saves(UNSOLVED, "one = (((\n  '''")
    project.write(NEW_MIRROR)
    project.workspace.update()
    assert project.mine == NEW_MIRROR.replace(UNSOLVED, "one = (((\n  '''")


def test_a_file_that_was_changed_outside_its_answers_stays_as_it_is_and_the_learner_is_told(project: Project) -> None:
    project.saves("import os\n", "import os\nimport math\n")
    project.saves(UNSOLVED, "one = math.isqrt(1)")
    before = project.mine
    project.write(NEW_MIRROR)
    (note,) = project.workspace.update()
    assert "left as it is" in note
    assert str(FILE) in note
    assert project.mine == before


def test_a_reset_of_such_a_file_takes_the_new_one_with_the_other_answers(project: Project) -> None:
    project.saves("import os\n", "import os\nimport math\n")
    project.saves('raise NotImplementedError("exercise aa-2")', "return 1 + 1")
    before = project.mine
    project.write(NEW_MIRROR)
    project.workspace.update()
    project.workspace.reset(project.exercises[0])
    assert project.mine == NEW_MIRROR.replace('raise NotImplementedError("exercise aa-2")', "return 1 + 1")
    assert project.backups() == [before]


def test_an_update_that_was_ended_between_its_two_files_is_finished_by_the_next(project: Project) -> None:
    project.saves(UNSOLVED, "one = 1")
    project.write(NEW_MIRROR)
    (project.home / FILE).write_text(NEW_MIRROR.replace(UNSOLVED, "one = 1"))  # and .base not yet
    assert project.workspace.update() == []
    assert project.mine == NEW_MIRROR.replace(UNSOLVED, "one = 1")
    project.write(MIRROR)
    assert project.workspace.update() == []


def test_so_is_one_that_changed_only_a_task_and_one_that_changed_a_name(project: Project) -> None:
    project.saves(UNSOLVED, "one = 1")
    for new in (MIRROR.replace("more of the task", "another task"), NEW_MIRROR.replace("aa-1", "bb-9")):
        project.write(new)
        if "bb-9" in new:
            project.exercises[0] = exercise("bb-9", FILE, "aa-1")
        half_way = new.replace(UNSOLVED, "one = 1").replace(UNSOLVED.replace("aa-1", "bb-9"), "one = 1")
        (project.home / FILE).write_text(half_way)
        assert project.workspace.update() == []
        assert project.mine == half_way


def test_an_exercise_with_another_name_keeps_its_answer(project: Project) -> None:
    project.saves(UNSOLVED, "one = 1")
    project.write(MIRROR.replace("aa-1", "bb-9"))
    project.exercises[0] = exercise("bb-9", FILE, "aa-1")
    assert project.workspace.update() == []
    assert project.mine == MIRROR.replace(UNSOLVED, "one = 1").replace("aa-1", "bb-9")


def test_an_exercise_with_another_name_that_is_not_solved_has_its_new_mark(project: Project) -> None:
    project.write(MIRROR.replace("aa-1", "bb-9"))
    project.exercises[0] = exercise("bb-9", FILE, "aa-1")
    project.workspace.update()
    assert project.mine == MIRROR.replace("aa-1", "bb-9")


def test_an_answer_moves_with_its_exercise_to_another_file(project: Project) -> None:
    project.saves(UNSOLVED, "one = 1\n    one += 0")
    moved = "class Server:\n    def first(self):\n        # exercise[aa-1]: give one\n"
    moved += '        raise NotImplementedError("exercise aa-1")\n        # end[aa-1]\n'
    project.write(moved, Path("other.py"))
    project.exercises.append(exercise("aa-1", Path("other.py")))
    project.workspace.update()
    expected = moved.replace(f"        {UNSOLVED}\n", "        one = 1\n        one += 0\n")
    assert (project.home / "other.py").read_text() == expected


def test_the_answer_to_an_exercise_that_is_gone_is_in_the_backup(project: Project) -> None:
    project.saves(UNSOLVED, "one = 1")
    before = project.mine
    first, _, rest = MIRROR.partition("    # exercise[aa-1]")
    project.write(first + "    one = 1\n" + rest.partition("# end[aa-1]\n")[2])
    del project.exercises[0]
    project.workspace.update()
    assert "aa-1" not in project.mine
    assert project.backups() == [before]


def test_a_reset_puts_one_answer_back_and_keeps_it(project: Project) -> None:
    project.saves("import os\n", "import os\nimport math\n")
    project.saves(UNSOLVED, "one = 1")
    before = project.mine
    project.workspace.reset(project.exercises[0])
    assert project.mine == MIRROR.replace("import os\n", "import os\nimport math\n")
    assert project.backups() == [before]


def test_a_reset_of_what_is_as_it_was_keeps_nothing(project: Project) -> None:
    project.workspace.reset(project.exercises[0])
    assert project.mine == MIRROR
    assert project.backups() == []


def test_a_reset_mends_a_file_without_its_markers(project: Project) -> None:
    (project.home / FILE).write_text("nothing is left\n")
    project.workspace.reset(project.exercises[1])
    assert project.mine == MIRROR
    assert project.backups() == ["nothing is left\n"]


def test_solving_puts_in_our_answer_and_nothing_else(project: Project) -> None:
    project.workspace.solve(project.exercises[0])
    assert project.mine == MIRROR.replace(UNSOLVED, "one = 1")
    assert project.workspace.difference(project.exercises[0]) == []


def test_the_difference_is_of_the_answers_alone(project: Project) -> None:
    project.saves(UNSOLVED, "one = 3 - 2")
    assert project.workspace.difference(project.exercises[0]) == ["- one = 3 - 2", "+ one = 1"]


def test_the_line_to_open_is_the_answers_first(project: Project) -> None:
    assert MIRROR.splitlines()[project.workspace.line(project.exercises[0]) - 1].strip() == UNSOLVED
    (project.home / FILE).write_text("")
    assert project.workspace.line(project.exercises[0]) == 1


def test_a_save_without_a_change_has_another_fingerprint_too(project: Project) -> None:
    before = project.workspace.fingerprint(project.exercises[0])
    assert project.workspace.fingerprint(project.exercises[0]) == before
    path = project.home / FILE
    stat = path.stat()
    path.write_text(MIRROR)
    os.utime(
        path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1)
    )  # of the smallest step that the file system's clock makes
    assert project.workspace.fingerprint(project.exercises[0]) != before


def test_a_folder_that_cannot_be_written_is_one_line(project: Project) -> None:
    (project.home / ".base").rename(project.home / "base")
    (project.home / ".base").write_text("a file where a folder belongs")
    with pytest.raises(WorkspaceUnusable, match="doctor"):
        project.workspace.update()


LINES = st.lists(st.text(st.characters(exclude_characters="\n\r#", exclude_categories=["C", "Zl", "Zp"]), max_size=12))


@given(LINES, LINES)
def test_an_update_keeps_all_answers_letter_by_letter(first: list[str], second: list[str]) -> None:
    answers = {name: "".join(f"    {line}\n" for line in lines) for name, lines in (("aa-1", first), ("aa-2", second))}
    mine = cut(cut(MIRROR).joined(answers))
    assert mine.around == cut(MIRROR).around
    assert dict(mine.inside) == answers
    assert mine.joined({}) == cut(MIRROR).joined(answers)


@pytest.mark.parametrize(
    "text",
    [
        "# exercise[aa-1]: it has no end\n",
        "# end[aa-1]\n",
        "# exercise[aa-1]: one\n# exercise[aa-2]: in it\n# end[aa-2]\n# end[aa-1]\n",
        "# exercise[aa-1]: one\n# end[aa-1]\n# exercise[aa-1]: again\n# end[aa-1]\n",
    ],
)
def test_markers_in_no_pairs_are_an_error(text: str) -> None:
    with pytest.raises(MarkersBroken):
        cut(text)
