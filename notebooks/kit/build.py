"""The published notebooks: ``python -m notebooks.kit.build [NAME ...]`` executes their sources; ``make notebooks``.

Two runs give the same bytes, but for the outputs of cells that are tagged ``measured``.
"""

import base64
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from client.terminal.command import command
from notebooks.kit.catalogue import ROOT, chosen, notebook_of, picture_of, source_of
from notebooks.kit.errors import OutputUnfit
from notebooks.kit.execution import execute, read_source

HERE_ONLY = re.compile(rf"{re.escape(str(ROOT))}|{re.escape(str(Path.home()))}/|/(?:home|Users|root|tmp|var/folders)/")
"""Paths of a machine."""
ADDRESS = re.compile(r"\b0x[0-9a-f]{7,}\b")
"""Where an object without a text of its own lies in memory."""
PNG = "image/png"


def build(source: Path) -> NotebookNode:
    """The published notebook of a source, executed.

    Raises:
        CellFailed, KernelNotStarted: see ``execute``.
        OutputUnfit: see ``refuse_unfit``.
    """
    notebook = read_source(source, with_tries=False)
    importlib.import_module("matplotlib.font_manager")  # else a user's first plot says that it makes a cache of fonts
    execute(source, notebook)
    refuse_unfit(source, notebook)
    return notebook


def refuse_unfit(source: Path, notebook: NotebookNode) -> None:
    """Check all outputs.

    Raises:
        OutputUnfit: a cell has printed what only this machine or this run has.
    """
    for number, cell in enumerate(notebook.cells, 1):
        problem = next((each for output in cell.get("outputs", []) for each in _problems(output)), None)
        if problem is not None:
            raise OutputUnfit(source, number, cell.source, problem)


def written(notebook: NotebookNode) -> str:
    """The text of its file."""
    text: str = nbformat.writes(notebook)
    return f"{text}\n"


def first_picture(notebook: NotebookNode) -> bytes | None:
    """The first picture among the outputs, as a PNG file."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    pictures = (output.data[PNG] for output in outputs if PNG in output.get("data", {}))
    return next((base64.b64decode(each) for each in pictures), None)


def text_of(output: NotebookNode) -> str:
    """What of an output is text."""
    return output.text if output.output_type == "stream" else "".join(output.get("data", {}).get("text/plain", ""))


def _problems(output: NotebookNode) -> Iterator[str]:
    text = text_of(output)
    if output.output_type == "stream" and output.name == "stderr":
        yield f"writes to standard error: {text.strip().splitlines()[0]}"
    if path := HERE_ONLY.search(text):
        yield f"prints a path of this machine ({path[0]}...): print its name alone"
    if address := ADDRESS.search(text):
        yield f"prints an address in memory ({address[0]}): print a value instead"


@command()
def main() -> None:
    """Build the notebooks that are named, or all, each with its picture."""
    for name in chosen(sys.argv[1:]):
        notebook = build(source_of(name))
        notebook_of(name).write_text(written(notebook), encoding="utf-8")
        picture = first_picture(notebook)
        if picture is not None:
            picture_of(name).parent.mkdir(exist_ok=True)
            picture_of(name).write_bytes(picture)
        print(f"notebooks/{name}.ipynb{'' if picture else ': no picture among its outputs'}", flush=True)


if __name__ == "__main__":
    main()
