"""MLServer as a process: started, killed, started again, given another model; it ends with this process."""

import http.client
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Self

from client.broker.files import last_lines
from client.broker.plan import HOST
from client.broker.ports import free_port
from client.broker.watchdog import KILL, watchdog_command
from client.http_get import http_get
from experiments.errors import ModelServerMissing, NotMeasured
from protobufs.model_descriptor_pb2 import ModelDescriptor

ENVIRONMENT = Path(".venv-mlserver")
RUNTIME = Path(__file__).with_name("onnx_runtime.py")
NAME = "wine"
TIMEOUT_S = 60.0
LOOK_S = 0.01
VERSION = "{number:06}-{model}"
"""MLServer serves the version that is last in the order of text; the model's name is what follows the number."""


class ModelServer:
    """One MLServer with one model: a single process, without metrics, on ports of its own."""

    def __init__(self, home: Path, model: ModelDescriptor) -> None:
        """Lay its files; start nothing.

        Args:
            home: an empty directory.
            model: in ONNX format; its first version.
        Raises:
            ModelServerMissing: it is not installed.
        """
        self._program = (ENVIRONMENT / "bin/mlserver").absolute()
        if not self._program.exists():
            raise ModelServerMissing(ENVIRONMENT)
        self.http_port, self.grpc_port = free_port(), free_port()
        self._home = home
        self._log = home / "mlserver.log"
        self._versions = 0
        self._process: subprocess.Popen[bytes] | None = None
        settings = {
            "debug": False,
            "host": HOST,
            "http_port": self.http_port,
            "grpc_port": self.grpc_port,
            "parallel_workers": 0,
            "metrics_endpoint": None,
        }
        (home / "settings.json").write_text(json.dumps(settings), "utf-8")
        (home / NAME).mkdir()
        shutil.copy(RUNTIME, home / NAME)
        self._lay(model)

    def start(self) -> None:
        """Start it; it does not answer yet."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                watchdog_command([str(self._program), "start", str(self._home.absolute())]),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self._home,
                env=os.environ | {"ORT_DISABLE_TELEMETRY": "1"},
            )

    def wait_until_ready(self) -> None:
        """It answers, with its model.

        Raises:
            NotMeasured: it has ended, or takes too long.
        """
        deadline_s = time.monotonic() + TIMEOUT_S
        while http_get(HOST, self.http_port, f"/v2/models/{NAME}/ready") is None:
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise NotMeasured("MLServer", "it was ready", TIMEOUT_S, last_lines(self._log))
            time.sleep(LOOK_S)

    def kill(self) -> None:
        """``kill -9``."""
        assert self._process is not None
        self._process.send_signal(KILL)
        self._ended()

    def load(self, model: ModelDescriptor) -> None:
        """Replace its model by way of its repository API; returns when it says that this is done.

        Raises:
            NotMeasured: it refuses.
        """
        self._lay(model)
        connection = http.client.HTTPConnection(HOST, self.http_port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", f"/v2/repository/models/{NAME}/load")
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                raise NotMeasured("MLServer", f"it loaded {model.name}", TIMEOUT_S, last_lines(self._log))
        finally:
            connection.close()

    def _lay(self, model: ModelDescriptor) -> None:
        """Write a further version where it looks for its model."""
        self._versions += 1
        place = self._home / NAME
        version = VERSION.format(number=self._versions, model=model.name)
        file = place.absolute() / f"{version}.onnx"
        file.write_bytes(model.data)
        settings = {
            "name": NAME,
            "implementation": "onnx_runtime.OnnxRuntime",
            "parameters": {"uri": str(file), "version": version},
        }
        written = place / "written"
        written.write_text(json.dumps(settings), "utf-8")
        written.replace(place / "model-settings.json")

    def stop(self) -> None:
        """Ask it to stop, and wait; without effect where it does not run."""
        if self._process is not None:
            self._process.terminate()
            self._ended()

    def _ended(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(TIMEOUT_S)
        self._process = None

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def model_of(version: str) -> str:
    """The model's name, from a version in an answer."""
    return version.partition("-")[2]
