"""The settings of the demos, and the commands of the processes that they start."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import Field

from client.broker.plan import HOST
from client.errors import DataDirectoryUnusable, UnknownVariant
from serving.settings.command_line import CommandLine
from serving.settings.topics import Topics

DEFAULT_PORTS: Mapping[str, int] = MappingProxyType(
    {
        "custom_stage": 5500,
        "actors_persistent": 5500,
        "streams_inmemory": 8888,
        "streams_kvstore": 8888,
        "streams_customstore": 8888,
    }
)
"""The name of each variant's package, in the order in which they are taught, and its server's own port."""


TOPIC_PREFIX = "models"
STATE = "state"
SESSION_TIMEOUT_MS = 2000  # after a kill, the group assigns the partitions to the restarted server this much later


class SharedSettings(CommandLine, env_prefix="DEMO_"):
    """What a demo of one server and a demo of all have in common."""

    seconds: float | None = Field(
        None, gt=0, description="seconds until the demo ends by itself; default: Ctrl-C ends it"
    )
    port: int = Field(9092, ge=1, le=65535, description="port of the embedded broker")
    data_interval: float = Field(0.1, ge=0, description="seconds between two wines; 0: as fast as Kafka takes them")
    model_interval: float = Field(5.0, gt=0, description="seconds between two models")
    data_dir: Path = Field(Path(".kafka-demo"), description="directory of the broker's data, the states and all logs")

    @property
    def bootstrap_servers(self) -> str:
        """Where the demo's own broker answers."""
        return f"{HOST}:{self.port}"

    @property
    def topics(self) -> Topics:
        """The names of the four topics."""
        return Topics.prefixed(TOPIC_PREFIX)

    def directory(self) -> Path:
        """This demo's own directory, one per demo that can run at the same time; made here, without any old state.

        Raises:
            DataDirectoryUnusable: it cannot be made or written.
        """
        directory = self.data_dir / str(self.port)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if (directory / STATE).exists():
                shutil.rmtree(directory / STATE)  # of a cluster that is wiped too
        except OSError as error:
            raise DataDirectoryUnusable(directory, error.strerror or str(error)) from None
        return directory

    def state_of(self, variant: str) -> Path:
        """The state directory of a variant's server, and of nobody else."""
        return self.data_dir / str(self.port) / STATE / variant

    def provider_command(self, broker_dir: Path) -> list[str]:
        """How to start the provider with a broker whose data is in ``broker_dir``."""
        return [
            sys.executable,
            "-m",
            "client.provider",
            "--no-keep",
            f"--topic-prefix={TOPIC_PREFIX}",
            f"--port={self.port}",
            f"--data-dir={broker_dir}",
            f"--data-interval={self.data_interval}",
            f"--model-interval={self.model_interval}",
        ]

    def server_command(self, variant: str, http_port: int) -> list[str]:
        """How to start a variant's server."""
        return [
            sys.executable,
            "-m",
            f"{variant}.server",
            f"--topic-prefix={TOPIC_PREFIX}",
            f"--bootstrap-servers={self.bootstrap_servers}",
            f"--host={HOST}",
            f"--port={http_port}",
            f"--group={variant}",
            f"--data-dir={self.state_of(variant)}",
            f"--session-timeout-ms={SESSION_TIMEOUT_MS}",
        ]


class DemoSettings(SharedSettings):
    """Starts Kafka, the provider and a server, and shows the scores live until Ctrl-C. Flags win over variables."""

    seconds: float | None = Field(
        None, gt=0, description="seconds until the demo ends by itself; it exits 0 if two models scored by then"
    )
    variant: str = Field("custom_stage", description=f"which server: {', '.join(DEFAULT_PORTS)}")
    http_port: int | None = Field(
        None, ge=1, le=65535, description="port of the server's page; default: the variant's, 5500 or 8888"
    )

    @property
    def page_port(self) -> int:
        """The port of the server's page.

        Raises:
            UnknownVariant: there is no such server.
        """
        if self.variant not in DEFAULT_PORTS:
            raise UnknownVariant(self.variant, tuple(DEFAULT_PORTS), "--variant")
        return self.http_port or DEFAULT_PORTS[self.variant]

    @property
    def page(self) -> str:
        """The address of the server's live page."""
        return f"http://{HOST}:{self.page_port}/"


class AllSettings(SharedSettings):
    """Starts Kafka, the provider and all five servers, and shows them side by side until Ctrl-C or ``q``.

    The keys 1 to 5 kill a server with kill -9 and restart it; d before the number wipes its disk, too, and t empties
    the model topic. The page has a button for each. Flags win over variables.
    """

    seconds: float | None = Field(
        None, gt=0, description="seconds until the demo ends by itself; it exits 0 if all five scored by then"
    )
    http_port: int = Field(
        5500, ge=1, le=65530, description="port of the page with all five; the servers' own follow it"
    )
    model_interval: float = Field(
        30.0, gt=0, description="seconds between two models: time to see which server waits for the next one"
    )

    @property
    def page(self) -> str:
        """The address of the page with all five."""
        return f"http://{HOST}:{self.http_port}/"

    @property
    def ports(self) -> dict[str, int]:
        """The port of each server."""
        return {variant: self.http_port + number for number, variant in enumerate(DEFAULT_PORTS, 1)}
