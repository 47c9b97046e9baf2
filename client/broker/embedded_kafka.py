"""A real Apache Kafka broker that needs no installation and lives no longer than the program that uses it.

``python -m client.broker`` runs it alone.
"""

import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Self

from client.broker.data_directory import DataDirectory
from client.broker.files import LOG, java_environment, kafka_command, last_lines, prepare_node
from client.broker.jars import kafka_jars
from client.broker.plan import HOST, ClusterPlan, new_cluster
from client.broker.ports import answers, check_port, free_port
from client.broker.secure_listener import SecureListener
from client.broker.watchdog import GRACE_S, watchdog_command
from client.errors import BrokerDied, BrokerNotReady, DataDirectoryUnusable

READY_S = 60.0
PORT = 9092


def start_kafka(
    directory: Path, command: Sequence[str], grace_s: float = GRACE_S, pass_fds: Collection[int] = ()
) -> "subprocess.Popen[bytes]":
    """Run a broker's command in its directory, under a watchdog, logging to ``broker.log``."""
    with (directory / LOG).open("wb") as log:
        return subprocess.Popen(
            watchdog_command(command, grace_s),
            cwd=directory,
            env=java_environment(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=pass_fds,
            start_new_session=True,
        )


def wait_until_answered(address: str, broker: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a broker answers metadata requests.

    Raises:
        BrokerDied, BrokerNotReady: with its last log lines.
    """
    deadline = time.monotonic() + READY_S
    while not answers(address):
        if (exit_code := broker.poll()) is not None:
            raise BrokerDied(exit_code, log, last_lines(log))
        if time.monotonic() > deadline:
            raise BrokerNotReady(READY_S, log, last_lines(log))
        time.sleep(0.05)


class EmbeddedKafka:
    """One broker process (KRaft), from ``start`` to ``stop``; as a context manager, from entry to exit.

    It ends with this process, even when this process is killed: ``client.broker.watchdog`` stands in between.
    """

    def __init__(
        self,
        port: int | None = PORT,
        data_dir: Path = Path(".kafka"),
        keep: bool = False,
        on_death: Callable[[BrokerDied], None] | None = None,
        secure: SecureListener | None = None,
        cluster: ClusterPlan | None = None,
        grace_s: float = GRACE_S,
        log_levels: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Remember what to start; nothing happens before ``start``.

        Args:
            port: where it listens on 127.0.0.1; None means any free port.
            data_dir: where it keeps everything: topics, settings, ``broker.log``.
            keep: go on with the data of the last time instead of wiping it.
            on_death: called once, on another thread, when the broker ends without ``stop``.
            secure: more listeners, with TLS, passwords and certificates.
            cluster: the cluster that it belongs to, on ``port``; None: it is the only broker of its own.
            grace_s: how long it may take to end, by ``stop`` or after this process was killed; then it is killed.
            log_levels: by logger of Kafka's, the level from which on its lines are in ``broker.log``; else WARN.
        """
        self.port = free_port() if port is None else port
        self.data_dir = data_dir
        self._keep = keep
        self._on_death = on_death
        self._secure = secure
        self._cluster = cluster
        self._grace_s = grace_s
        self._log_levels = log_levels
        self._directory: DataDirectory | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self.death: BrokerDied | None = None
        """Why the broker has ended, if nobody stopped it."""

    @property
    def bootstrap_servers(self) -> str:
        """What clients connect to."""
        return f"{HOST}:{self.port}"

    def start(self) -> None:
        """Start the broker; on return it answers metadata requests (2 s; 4 s without Java's AOT cache).

        Raises:
            CacheUnusable, DownloadBrokenOff: see ``jars``.
            ForeignDirectory, DataDirectoryInUse, DataDirectoryUnusable, DiskFull: see ``DataDirectory``.
            PortInUse, PortForbidden: it cannot listen there.
            BrokerDied, BrokerNotReady: with its last log lines.
        """
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """The first half of ``start``: on return the process runs; a cluster answers when most of its brokers run."""
        jars = kafka_jars()
        self._directory = directory = DataDirectory(self.data_dir)
        try:
            check_port(self.port)
            directory.prepare(self._keep)
            self._start_in(directory, jars)
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self) -> None:
        """The second half of ``start``."""
        assert self._directory is not None
        try:
            assert self._process is not None
            wait_until_answered(self.bootstrap_servers, self._process, self._directory.path / LOG)
        except BaseException:
            self.stop()
            raise
        self._watcher = threading.Thread(target=self._watch, name="broker-watcher", daemon=True)
        self._watcher.start()

    def _start_in(self, directory: DataDirectory, jars: list[Path]) -> None:
        path = directory.path
        cluster = self._cluster or new_cluster([self.port], [free_port()])
        (node,) = (each for each in cluster.nodes if each.port == self.port)
        try:
            prepare_node(path, jars, node, cluster, self._secure, self._log_levels)
            self._process = start_kafka(path, kafka_command(path, jars, cluster), self._grace_s, [directory.lock_fd])
        except OSError as error:
            raise DataDirectoryUnusable(path, error.strerror or str(error)) from None

    def _watch(self) -> None:
        assert self._process is not None
        assert self._directory is not None
        exit_code = self._process.wait()
        if self._stopping.is_set():
            return
        log = self._directory.path / LOG
        self.death = BrokerDied(exit_code, log, last_lines(log))
        if self._on_death is not None:
            self._on_death(self.death)

    def wait(self) -> None:
        """Wait as long as the broker runs.

        Raises:
            BrokerDied: it has ended without ``stop``.
        """
        assert self._watcher is not None
        self._watcher.join()
        if self.death is not None:
            raise self.death

    def stop(self) -> None:
        """Shut down the broker and release its directory; no effect when it does not run."""
        self._stopping.set()
        if self._process is not None:
            self._process.terminate()
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(self._grace_s + 5.0)
            self._process = None
        if self._directory is not None:
            self._directory.release()
            self._directory = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
