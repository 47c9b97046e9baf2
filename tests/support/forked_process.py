"""``python -m MODULE`` in a process that has its libraries already: half of what a server's start costs is imports.

A test run starts a server, a provider or a reader some five hundred times. ``multiprocessing``'s fork server imports
the libraries once, and each of them is a fork of it: a process of its own, to be killed like any other. The demos, the
documentation's commands and the experiments start Python as a user does.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiments.variants import VARIANTS

LIBRARIES = (
    "serving.lifecycle",
    *(f"{name}.topology" for name in VARIANTS),
    "client.provider.publishing",
    "client.provider.shipped_models",
    "client.wines.uci_csv",
    "client.reader.reading",
    "client.broker.settings",
)
"""What the programs import; not the programs, which are run and not imported."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__, *LIBRARIES])


class ForkedProcess:
    """Such a process, with as much of the face of ``subprocess.Popen`` as the tests look at."""

    def __init__(self, words: Sequence[str], directory: Path, log: Path, environment: Mapping[str, str]) -> None:
        """Run ``python -m WORDS`` there, with nothing else in its environment; what it says is in ``log``."""
        log.write_bytes(b"")
        self._process = _context.Process(
            target=_become, args=(tuple(words), directory, log, dict(environment)), daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code; of a signal, the negative number; None as long as it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """See ``returncode``."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, when it has ended.

        Raises:
            TimeoutExpired: it runs still, after so many seconds.
        """
        self._process.join(timeout)
        if (exit_code := self.returncode) is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return exit_code

    def send_signal(self, number: int) -> None:
        """Without effect when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """``kill -9``."""
        self._process.kill()


def _become(words: Sequence[str], directory: Path, log: Path, environment: Mapping[str, str]) -> None:
    with Path(os.devnull).open() as nothing, log.open("ab") as output:
        for standard, file in enumerate((nothing, output, output)):
            os.dup2(file.fileno(), standard)
    sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(words)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
