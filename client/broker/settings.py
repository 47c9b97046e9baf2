"""Settings of the embedded broker, or of three of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import Field

from client.broker.embedded_cluster import EmbeddedCluster
from client.broker.embedded_kafka import PORT, EmbeddedKafka
from client.errors import BrokerDied
from serving.settings.command_line import CommandLine


class BrokerSettings(CommandLine, env_prefix="PROVIDER_"):
    """Settings of the embedded broker."""

    port: int = Field(PORT, ge=1, le=65533, description="port of the embedded broker, on 127.0.0.1")
    brokers: Literal["1", "3"] = Field(
        "1", description="3: on this port and the next two, each record on all of them; one may fail"
    )
    data_dir: Path = Field(Path(".kafka"), description="the embedded broker's directory, wiped at each start")
    keep: bool = Field(False, description="keep the data of the last time instead of wiping it")

    def embedded(self, on_death: Callable[[BrokerDied], None] | None = None) -> EmbeddedKafka | EmbeddedCluster:
        """The broker or the cluster, not started; ``on_death`` is called when it has ended by itself."""
        if self.brokers == "1":
            return EmbeddedKafka(self.port, self.data_dir, keep=self.keep, on_death=on_death)
        ports = [self.port + number for number in range(int(self.brokers))]
        return EmbeddedCluster(ports, self.data_dir, keep=self.keep, on_death=on_death)
