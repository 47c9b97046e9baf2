"""The committed notebooks: made of their sources as these are now, fit to be read anywhere, and complete."""

import ast
import base64
import re

import nbformat
import pytest
from nbformat import NotebookNode

from notebooks.kit.build import first_picture, text_of, written
from notebooks.kit.catalogue import HERE, ORDER, names, notebook_of, picture_of, source_of
from notebooks.kit.execution import MEASURED, TRY_THIS, read_source, tags_of

PATH = re.compile(
    r"/(?:home|root|tmp|Users|var/folders)/|(?<![\w.:/-])/(?:[\w.+-]+/)+[\w.+-]+\.(?:py|so|log|db|sqlite3)\b"
)
"""A directory that belongs to a machine or its user, or the absolute path of a file."""
NAMES = names()
LARGEST_BYTES = 1_000_000


def published(name: str) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(notebook_of(name), as_version=nbformat.NO_CONVERT)
    return notebook


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def has_assert(code: str) -> bool:
    return any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(code)))


def test_every_source_has_its_place_in_the_order() -> None:
    assert {path.stem for path in HERE.glob("*.py")} - {"__init__"} == set(NAMES) <= set(ORDER)
    assert {path.stem for path in HERE.glob("*.ipynb")} == set(NAMES), "make notebooks"


@pytest.mark.parametrize("name", NAMES)
def test_it_has_the_cells_of_its_source(name: str) -> None:
    def shape(notebook: NotebookNode) -> list[tuple[str, str, str, list[str]]]:
        return [(cell.id, cell.cell_type, cell.source, tags_of(cell)) for cell in notebook.cells]

    source = read_source(source_of(name), with_tries=False)
    assert shape(published(name)) == shape(source), f"make notebooks NAMES={name}"
    assert [cell.id for cell in source.cells] == [f"{name}-{number}" for number in range(1, len(source.cells) + 1)]


@pytest.mark.parametrize("name", NAMES)
def test_it_was_executed_from_a_clean_kernel_and_says_nothing_of_when_and_where(name: str) -> None:
    notebook = published(name)
    text = notebook_of(name).read_text("utf-8")
    assert text.endswith("}\n")
    assert text == written(notebook), "written by make notebooks"
    assert [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}
    assert notebook.metadata.kernelspec == {
        "display_name": "Model serving on streams",
        "language": "python",
        "name": "model-serving-on-streams",
    }
    assert "version" not in notebook.metadata.language_info
    assert all(cell.metadata.keys() <= {"tags"} for cell in notebook.cells)
    assert PATH.findall(text) == []
    assert len(text) < LARGEST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_what_its_cells_print_is_there(name: str) -> None:
    for cell in code_cells(published(name)):
        kinds = {output.output_type for output in cell.outputs}
        assert "error" not in kinds
        assert [output.name for output in cell.outputs if output.output_type == "stream"] in ([], ["stdout"])
        if re.search(r"^ *print\(", cell.source, re.MULTILINE):
            assert "stream" in kinds, cell.source
        assert not any(re.search(r"\b0x[0-9a-f]{7,}", text_of(output)) for output in cell.outputs)
        assert "application/vnd.jupyter.widget-view+json" not in str(cell.outputs)


@pytest.mark.parametrize("name", NAMES)
def test_its_picture_is_the_first_of_its_outputs(name: str) -> None:
    picture = picture_of(name).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert picture == first_picture(published(name))
    assert base64.b64encode(picture).decode()[:60] in notebook_of(name).read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_it_asks_a_question_first_and_asserts_what_was_seen_last(name: str) -> None:
    cells = published(name).cells
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    assert "**Question**" in cells[0].source
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for section in ("The idea", "Run it", "What you should see", "Try this", "What production does"):
        assert re.search(rf"^## {section}", text, re.MULTILINE), section
    last = code_cells(published(name))[-1]
    assert len([node for node in ast.parse(last.source).body if isinstance(node, ast.Assert)]) >= 3
    assert all(cell.cell_type == "markdown" for cell in cells[cells.index(last) + 1 :])


@pytest.mark.parametrize("name", NAMES)
def test_the_outcome_of_every_try_this_is_asserted_in_the_cell_behind_it(name: str) -> None:
    cells = read_source(source_of(name), with_tries=True).cells
    behind = dict(zip([cell.id for cell in cells], cells[1:], strict=False))
    tries = [cell for cell in cells if TRY_THIS in tags_of(cell)]
    assert 2 <= len(tries) <= 4
    assert all(cell.cell_type == "code" and has_assert(cell.source) for cell in tries)
    asked = [cell for cell in cells if cell.cell_type == "markdown" and "Try this" in cell.source]
    assert asked
    assert [cell.source for cell in asked if TRY_THIS not in tags_of(behind[cell.id])] == []
    before_tries = [cell for cell in cells if TRY_THIS in tags_of(behind.get(cell.id, cell))]
    assert [cell.cell_type for cell in before_tries] == ["markdown"] * len(tries)


@pytest.mark.parametrize("name", NAMES)
def test_a_measured_cell_holds_its_band(name: str) -> None:
    measured = [cell for cell in published(name).cells if MEASURED in tags_of(cell)]
    assert [cell.source for cell in measured if not has_assert(cell.source)] == []
