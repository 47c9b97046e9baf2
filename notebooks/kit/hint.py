"""An extension of IPython, in every kernel of ours: below an error, what helps when cells were run in another order."""

from typing import Any

HINT = "Was this cell run twice, or before one above it? Then: menu Kernel > Restart Kernel and Run All Cells."


def load_ipython_extension(shell: Any) -> None:
    """IPython calls this at its start."""
    shell.events.register("post_run_cell", show_hint)


def show_hint(result: Any) -> None:
    """IPython calls this after each cell, when its traceback is shown; an interrupted cell needs no hint."""
    if isinstance(result.error_in_exec, Exception):
        print(HINT)
