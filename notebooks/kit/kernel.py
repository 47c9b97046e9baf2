"""The kernel of this environment's interpreter, whatever Jupyter the user has installed and configured besides."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from notebooks.kit import hint
from notebooks.kit.catalogue import ROOT

NAME = "model-serving-on-streams"
KERNELSPEC = {"display_name": "Model serving on streams", "language": "python", "name": NAME}
"""As a notebook names it."""
THEIRS = ("JUPYTER", "IPYTHON", "MPL", "MATPLOTLIB")
"""How the variables begin with which a user configures Jupyter, IPython and matplotlib."""


def install_kernel(home: Path) -> dict[str, str]:
    """Write everything that Jupyter and IPython read below ``home``, an empty directory.

    Returns:
        the environment of a process that is to find our kernel there, and nothing of the user's.
    """
    data, ipython, matplotlibrc = home / "data", home / "ipython", home / "matplotlibrc"
    for directory in (data, ipython, home / "config", home / "runtime"):
        directory.mkdir(mode=0o700)
    matplotlibrc.touch()
    spec = data / "kernels" / NAME / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps(_kernel()))
    return {
        **_without_theirs(os.environ),
        "JUPYTER_PATH": str(data),  # before the environment's own directories, and before the user's
        "JUPYTER_DATA_DIR": str(data),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(ipython),
        "MATPLOTLIBRC": str(matplotlibrc),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONPATH": str(ROOT),
    }


def kernels_directory(home: Path) -> Path:
    """Where ``install_kernel`` has put it."""
    return home / "data" / "kernels"


def _kernel() -> dict[str, object]:
    program = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    ours = [f"--InteractiveShellApp.extra_extensions={hint.__name__}", "--InteractiveShellApp.exec_PYTHONSTARTUP=False"]
    return {
        "argv": [*program, *ours],
        "display_name": KERNELSPEC["display_name"],
        "language": KERNELSPEC["language"],
        "metadata": {"debugger": True},
    }


def _without_theirs(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(THEIRS)}
