"""JupyterLab with our kernel and a broker: ``python -m notebooks.kit.lab``, which ``make lab`` runs.

It reads and writes nothing of the user's Jupyter: configuration, kernels and settings are in a temporary directory. The
learner's notebooks are copies in ``my_notebooks/``. Ctrl-C ends everything, and so does ``kill -9``.
"""

import importlib.util
import json
import os
import secrets
import sys
import threading
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import nbformat
from pydantic import Field

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.jars import kafka_jars
from client.broker.plan import HOST
from client.broker.ports import free_port
from client.demo.children import Child
from client.demo.errors import ChildEnded, ChildNotReady
from client.http_get import http_get
from client.terminal.command import command
from client.terminal.stop_signals import stop_on_signals
from model.scratch import scratch_directory, sweep
from notebooks.kit.build import written
from notebooks.kit.catalogue import ROOT, names, notebook_of
from notebooks.kit.errors import LabUnusable, LearnersNotebooksUnusable, NoJupyterLab
from notebooks.kit.kernel import NAME, install_kernel
from notebooks.kit.walk import BROKER
from serving.settings.command_line import CommandLine

READY_S = 90.0
GRACE_S = 8.0  # it asks each kernel to end first
LOOK_S = 0.5


class LabSettings(CommandLine, env_prefix="LAB_"):
    """What may be chosen."""

    home: Path = Field(ROOT / "my_notebooks", description="directory of your copies; nothing in it is overwritten")
    browser: bool = Field(True, description="open a browser, where there is one")


def copy_notebooks(home: Path) -> tuple[list[str], list[str]]:
    """Copy every notebook that is not there yet, without its outputs.

    Returns:
        the names of those that were copied, and of those that were left as they are.
    Raises:
        LearnersNotebooksUnusable: the directory cannot be written.
    """
    copied, left = [], []
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name in filter(lambda each: notebook_of(each).exists(), names()):
            copy = home / f"{name}.ipynb"
            if copy.exists():
                left.append(copy.name)
            else:
                copy.write_text(_without_outputs(notebook_of(name)), encoding="utf-8")
                copied.append(copy.name)
    except OSError as error:
        raise LearnersNotebooksUnusable(home, error.strerror or str(error)) from None
    return copied, left


def _without_outputs(path: Path) -> str:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return written(notebook)


class Lab:
    """One run of it: a broker and a Jupyter server, in a temporary directory."""

    def __init__(self, settings: LabSettings, scratch: Path) -> None:
        """Prepare everything that Jupyter reads; nothing is started."""
        self._settings = settings
        port, token = free_port(), secrets.token_hex(16)
        self._broker = EmbeddedKafka(port=None, data_dir=scratch / "kafka")
        jupyter = scratch / "jupyter"
        jupyter.mkdir(mode=0o700)
        self._environment = install_kernel(jupyter) | {BROKER: self._broker.bootstrap_servers}
        _configure(jupyter / "config", settings.home.resolve(), port, token)
        self._port = port
        self._server = Child("jupyter", [sys.executable, "-m", "jupyterlab"], scratch / "jupyter.log", GRACE_S)
        first = next((f"/tree/{name}.ipynb" for name in names()), "")
        self.url = f"http://{HOST}:{port}/lab{first}?token={token}"

    def run(self, stop: threading.Event) -> None:
        """Start everything, say where it is, wait for ``stop``, end everything.

        Raises:
            LabUnusable: the Jupyter server has ended by itself, or does not answer.
            BrokerDied, BrokerNotReady: the broker has.
        """
        with ExitStack() as running:
            running.callback(self._broker.stop)
            self._broker.launch()  # both start at the same time
            running.callback(self._server.stop)
            try:
                self._server.start(self._environment)
                self._broker.wait_until_ready()
                if self._server.wait_until(self._answers, READY_S, stop.is_set):
                    self._show()
                while not stop.wait(LOOK_S):
                    self._server.check()
                    if self._broker.death is not None:
                        raise self._broker.death
            except ChildEnded as error:
                raise LabUnusable(f"has ended (exit code {error.exit_code})", error.last_lines) from None
            except ChildNotReady as error:
                raise LabUnusable(f"did not answer within {error.waited_s:.0f} s", error.last_lines) from None

    def _answers(self) -> bool:
        return http_get(HOST, self._port, "/api") is not None

    def _show(self) -> None:
        print(f"\nJupyterLab: {self.url}\n\nCtrl-C ends it, its kernels, and Kafka", flush=True)
        if self._settings.browser and _has_browser():
            webbrowser.open(self.url)


def _configure(directory: Path, home: Path, port: int, token: str) -> None:
    """Write a Jupyter server's configuration, and JupyterLab's."""
    server = {
        "ServerApp": {
            "ip": HOST,
            "port": port,
            "port_retries": 0,
            "root_dir": str(home),
            "open_browser": False,
            "allow_root": os.geteuid() == 0,  # as in a container; else Jupyter refuses
            "jpserver_extensions": {"jupyterlab": True, "jupyter_lsp": False, "jupytext": False},
        },
        "IdentityProvider": {"token": token},
        "KernelSpecManager": {"allowed_kernelspecs": [NAME], "ensure_native_kernel": False},
        "MultiKernelManager": {"default_kernel_name": NAME},
    }
    _write(directory / "jupyter_server_config.json", server)
    announcements = {"@jupyterlab/apputils-extension:announcements": True}  # looks for news and updates, on the network
    _write(directory / "labconfig" / "page_config.json", {"disabledExtensions": announcements})


def _write(path: Path, content: Mapping[str, object]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, indent=1))


def _has_browser() -> bool:
    """Whether there is one with a window of its own; a text browser would take this terminal."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _say(home: Path, what: str, files: Sequence[str]) -> None:
    if files:
        print(f"{home.name}/: {what}: {', '.join(files)}", flush=True)


def run(settings: LabSettings) -> None:
    """Copy the notebooks, and run the lab until a signal comes.

    Raises:
        ServingError: what went wrong; by then everything has stopped.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise NoJupyterLab
    copied, left = copy_notebooks(settings.home)
    _say(settings.home, "copied", copied)
    _say(settings.home, "yours, left as they are (delete one to get it fresh)", left)
    kafka_jars()  # here, where its progress is seen
    print("Starting Kafka and JupyterLab", flush=True)
    stop = threading.Event()
    sweep()  # what a lab that was killed has left
    with scratch_directory() as scratch, stop_on_signals(stop):
        Lab(settings, scratch).run(stop)


@command()
def main() -> None:
    """Read the flags and run."""
    run(LabSettings.read("python -m notebooks.kit.lab"))


if __name__ == "__main__":
    main()
