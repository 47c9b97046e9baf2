"""``python -m notebooks.kit.lab``, as a process: our kernel, a broker, copies; and nothing is left of it."""

import asyncio
import contextlib
import json
import re
import signal
import socket
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from client.broker.ports import answers
from notebooks.kit import lab
from notebooks.kit.catalogue import names, notebook_of
from notebooks.kit.errors import LearnersNotebooksUnusable, NoJupyterLab
from notebooks.kit.kernel import NAME
from notebooks.kit.lab import copy_notebooks
from tests.support.hostile_jupyter import hostile_jupyter
from tests.support.process import Process, eventually, runs

FILES = [f"{name}.ipynb" for name in names() if notebook_of(name).exists()]
USUAL_PORTS = (8888, 9092)
CODE = """
from notebooks.kit.walk import Walk
walk = Walk("in_the_lab")
print(walk.topic("words").endswith("words"), walk.bootstrap_servers)
"""


@dataclass(frozen=True)
class RunningLab:
    process: Process
    home: Path
    scratch: Path

    @property
    def url(self) -> str:
        found = re.findall(r"^JupyterLab: (\S+)$", self.process.said, re.MULTILINE)
        assert len(found) == 1
        return str(found[0])

    def ask(self, path: str, content: object = None) -> Any:
        at, token = self.url.split("/lab")[0], self.url.partition("token=")[2]
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{at}{path}", data, {"Authorization": f"token {token}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    async def output_of(self, kernel: str, code: str) -> str:
        """What a cell prints, as a browser learns it."""
        at, token = self.url.split("/lab")[0].replace("http", "ws"), self.url.partition("token=")[2]
        channels = HTTPRequest(f"{at}/api/kernels/{kernel}/channels", headers={"Authorization": f"token {token}"})
        socket = await websocket_connect(channels)
        header = {"msg_id": "1", "msg_type": "execute_request", "username": "", "session": "s", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        await socket.write_message(json.dumps(message))
        printed = ""
        while True:
            answer = json.loads(str(await socket.read_message()))
            if answer["parent_header"].get("msg_id") == "1":
                printed += answer["content"].get("text", "") or str(answer["content"].get("evalue", ""))
                # The reply comes on another channel, and may overtake what was printed.
                if answer["msg_type"] == "status" and answer["content"]["execution_state"] == "idle":
                    break
        socket.close()
        while await socket.read_message() is not None:
            pass  # until the server has closed it, too
        return printed


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningLab]:
    """For a user whose own Jupyter is broken, on a machine where the usual ports are taken."""
    scratch, home = tmp_path / "t", tmp_path / "mine"
    scratch.mkdir()
    environment = hostile_jupyter(tmp_path / "hostile") | {"TMPDIR": str(scratch)}
    with contextlib.ExitStack() as taken:
        for port in USUAL_PORTS:
            listener = taken.enter_context(socket.socket())
            with contextlib.suppress(OSError):  # then somebody else has it
                listener.bind(("127.0.0.1", port))
                listener.listen()
        words = ("-m", "notebooks.kit.lab", "--home", str(home), "--no-browser")
        with Process(tmp_path / "log", *words, **environment) as process:
            process.wait_until_said("JupyterLab: http", lab.READY_S)
            yield RunningLab(process, home, scratch)


def test_it_runs_a_cell_in_our_kernel_on_its_broker_and_ctrl_c_ends_everything(running: RunningLab) -> None:
    kernels = running.ask("/api/kernelspecs")
    assert kernels["default"] == NAME
    assert list(kernels["kernelspecs"]) == [NAME]
    assert kernels["kernelspecs"][NAME]["spec"]["display_name"] == "Model serving on streams"
    assert {each["name"] for each in running.ask("/api/contents")["content"]} == set(FILES)
    kernel = running.ask("/api/kernels", {})["id"]
    said, _, bootstrap_servers = (
        asyncio.run(asyncio.wait_for(running.output_of(kernel, CODE), 60)).strip().partition(" ")
    )
    assert said == "True"
    assert answers(bootstrap_servers)
    running.ask(f"/api/kernels/{kernel}/restart", {})
    again = asyncio.run(asyncio.wait_for(running.output_of(kernel, CODE), 60)).strip()
    assert again == f"True {bootstrap_servers}", "after a restart of the kernel the cell does the same"
    started = psutil.Process(running.process.process.pid).children(recursive=True)
    assert len(started) >= 5, "a broker and a server, each with its watchdog, and a kernel"
    assert running.process.stop(signal.SIGINT) == 0
    assert [each for each in started if runs(each.pid)] == []
    assert list(running.scratch.iterdir()) == [], "nothing of it is left in the directory for temporary files"
    assert running.process.errors == []


def test_killed_it_leaves_no_process_behind(running: RunningLab) -> None:
    kernel = running.ask("/api/kernels", {})["id"]
    asyncio.run(asyncio.wait_for(running.output_of(kernel, CODE), 60))
    started = psutil.Process(running.process.process.pid).children(recursive=True)
    assert len(started) >= 5
    running.process.kill()
    eventually(lambda: not any(runs(each.pid) for each in started), "all of them have ended", lab.GRACE_S + 5.0)


def test_copies_have_no_outputs_and_are_never_overwritten(tmp_path: Path) -> None:
    home = tmp_path / "mine"
    assert copy_notebooks(home) == (FILES, [])
    copy = home / FILES[0]
    notebook = nbformat.read(copy, as_version=nbformat.NO_CONVERT)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert notebook.metadata.kernelspec.name == NAME
    copy.write_text("an answer of mine")
    (home / FILES[-1]).unlink()
    assert copy_notebooks(home) == (FILES[-1:], FILES[:-1])
    assert copy.read_text() == "an answer of mine"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LearnersNotebooksUnusable, match=r"no notebook can be copied to .*/file/mine \(.*--home"):
        copy_notebooks(tmp_path / "file" / "mine")


def test_without_jupyterlab_it_says_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(NoJupyterLab, match="make lab installs it"):
        lab.run(lab.LabSettings.read("lab", ["--home", str(tmp_path / "mine")]))
    assert not (tmp_path / "mine").exists()
