"""A walkthrough's source as a notebook, and the notebook executed by a kernel of its own."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import jupytext
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from model.scratch import scratch_directory, sweep
from notebooks.kit.errors import CellFailed, KernelNotStarted
from notebooks.kit.kernel import KERNELSPEC, NAME, install_kernel, kernels_directory

TRY_THIS = "try-this"
MEASURED = "measured"
CELL_S = 300  # a cell that takes longer hangs: on a busy machine one with servers takes a minute
START_S = 60
STOP_S = 30.0  # a kernel's end is also that of its broker and its servers
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
"""What a kernel says of its language, without the version of Python, which is another one elsewhere."""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def read_source(source: Path, with_tries: bool) -> NotebookNode:
    """The notebook that a source describes, not executed.

    Args:
        source: a script in Jupytext's percent format; the file's name is the notebook's.
        with_tries: leave in place the cells that show what comes of each "try this"; a published notebook has none.
    """
    notebook: NotebookNode = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    cells, number = [], 0
    for cell in notebook.cells:
        tags = tags_of(cell)
        if TRY_THIS in tags and not with_tries:
            continue
        # A try does not count: cells have the same ids with and without it.
        number += TRY_THIS not in tags
        cell.id = f"{source.stem}-{number}" + ("-try" if TRY_THIS in tags else "")
        cell.metadata = NotebookNode({"tags": tags} if tags else {})
        cells.append(cell)
    return NotebookNode(
        cells=cells,
        metadata=NotebookNode(kernelspec=NotebookNode(KERNELSPEC), language_info=NotebookNode(LANGUAGE)),
        nbformat=4,
        nbformat_minor=5,
    )


def tags_of(cell: NotebookNode) -> list[str]:
    """A cell's tags, in order."""
    return sorted(cell.metadata.get("tags", []))


def execute(source: Path, notebook: NotebookNode) -> None:
    """Execute all cells, which get their outputs, in a kernel of their own and an empty directory.

    Raises:
        CellFailed: one of them raised, took longer than ``CELL_S``, or took the kernel along.
        KernelNotStarted: none was executed.
    """
    metadata = notebook.metadata.copy()
    sweep()  # what a build that was killed has left
    with scratch_directory() as scratch:
        asyncio.run(_execute(source, notebook, scratch))
    notebook.metadata = metadata  # without what the kernel has said of itself


async def _execute(source: Path, notebook: NotebookNode, scratch: Path) -> None:
    async with _client(source, notebook, scratch) as client:
        for number, cell in enumerate(notebook.cells, 1):
            try:
                await client.async_execute_cell(cell, number - 1)
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():  # Ctrl-C, which nbclient takes for a dead kernel
                    raise asyncio.CancelledError from None
                raise CellFailed(source, number, cell.source, _reason(error)) from None


@asynccontextmanager
async def _client(source: Path, notebook: NotebookNode, scratch: Path) -> AsyncIterator[NotebookClient]:
    home, work = scratch / "jupyter", scratch / "work"
    home.mkdir()
    work.mkdir()
    environment = install_kernel(home)
    manager = AsyncKernelManager(
        kernel_name=NAME,
        kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(kernels_directory(home))], ensure_native_kernel=False),
        transport="ipc",  # sockets in our directory: no port that another process takes in between
        connection_file=str(scratch / "k.json"),  # a short name: a socket's may have 104 bytes on macOS
        shutdown_wait_time=STOP_S,
    )
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=CELL_S,
        startup_timeout=START_S,
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
    )
    async with AsyncExitStack() as kernel:
        try:
            await client.async_start_new_kernel(env=environment, cwd=str(work))
            kernel.push_async_callback(manager.shutdown_kernel)
            channels = await client.async_start_new_kernel_client()
            kernel.callback(channels.stop_channels)
        except (RuntimeError, OSError) as error:
            raise KernelNotStarted(source, str(error).splitlines()[0]) from None
        yield client


def _reason(error: Exception) -> str:
    if isinstance(error, CellTimeoutError):
        return f"took longer than {CELL_S} s"
    if isinstance(error, CellExecutionError):
        said = COLOURS.sub("", error.evalue).strip()  # with the last lines of a server that has ended
        return f"{error.ename}: {said}" if said else error.ename
    return "its kernel died"
