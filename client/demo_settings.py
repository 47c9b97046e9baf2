"""What the demo can be told, and what it tells the processes that it starts."""

import sys
from pathlib import Path

from pydantic import Field

from serving.command_line import CommandLine
from serving.topics import Topics

HOST = "127.0.0.1"
TOPIC_PREFIX = "models"


class DemoSettings(CommandLine, env_prefix="DEMO_"):
    """Starts Kafka, the provider and a server, and shows the scores live until Ctrl-C. Flags win over variables."""

    seconds: float | None = Field(None, gt=0, description="end after so long; exit code 0 if two models scored by then")
    variant: str = Field("custom_stage", pattern=r"^[a-z_]+$", description="which server: the name of its package")
    port: int = Field(9092, ge=1, le=65535, description="port of the embedded broker")
    http_port: int = Field(5500, ge=1, le=65535, description="port of the server's page")
    data_interval: float = Field(0.1, ge=0, description="seconds between two wines; 0: as fast as Kafka takes them")
    model_interval: float = Field(5.0, gt=0, description="seconds between two models")
    data_dir: Path = Field(Path(".kafka-demo"), description="directory of the broker's data and of all logs")

    @property
    def bootstrap_servers(self) -> str:
        """Where the demo's own broker answers."""
        return f"{HOST}:{self.port}"

    @property
    def page(self) -> str:
        """The address of the server's live page."""
        return f"http://{HOST}:{self.http_port}/"

    @property
    def topics(self) -> Topics:
        """The names of the four topics."""
        return Topics.prefixed(TOPIC_PREFIX)

    def provider_command(self, broker_dir: Path) -> list[str]:
        """How to start the provider with a broker whose data is in ``broker_dir``."""
        return [
            *(sys.executable, "-m", "client.provider", "--topic-prefix", TOPIC_PREFIX),
            *("--port", str(self.port), "--data-dir", str(broker_dir), "--no-keep"),
            *("--data-interval", str(self.data_interval), "--model-interval", str(self.model_interval)),
        ]

    def server_command(self) -> list[str]:
        """How to start the server."""
        return [
            *(sys.executable, "-m", f"{self.variant}.server", "--topic-prefix", TOPIC_PREFIX),
            *("--bootstrap-servers", self.bootstrap_servers, "--host", HOST, "--port", str(self.http_port)),
        ]
