"""Publishes wines and models without end, on a Kafka broker that it brings along: ``python -m client.provider``.

It starts an embedded broker unless another is named, creates the topics, publishes a model at once and then, at
its two paces, wines and models, cycling through the models, until Ctrl-C.
"""

import asyncio
import contextlib
import secrets
import sys
import threading
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from client.broker.embedded_kafka import PORT
from client.broker.settings import BrokerSettings
from client.errors import DriftWithoutSource
from client.provider.publisher import Publisher
from client.provider.publishing import Plan, Publishing
from client.provider.shipped_models import MODELS, shipped_models
from client.terminal.command import command
from client.terminal.display import Display, display
from client.terminal.stop_signals import stop_on_signals
from client.topics import create_topics
from client.wines.source import GeneratedWines, WineSource
from client.wines.uci_csv import CsvWines
from model.errors import ServingError
from serving.kafka.login import check_login
from serving.settings.addresses import BootstrapServers
from serving.settings.command_line import bootstrap_servers_field
from serving.settings.kafka import KafkaSettings
from serving.settings.security import PLAINTEXT
from serving.settings.topics import TopicSettings

FLUSH_S = 5.0


class ProviderSettings(KafkaSettings, TopicSettings, BrokerSettings):
    """Publishes wines and models on Kafka until Ctrl-C. Flags win over variables."""

    bootstrap_servers: BootstrapServers | None = bootstrap_servers_field(None, "; default: an embedded broker")
    partitions: int = Field(3, ge=1, le=1000, description="partitions of the data topic and of the scores topic")
    data_interval: float = Field(
        1.0, ge=0, le=86_400, description="seconds between two wines; 0: as fast as the broker takes them"
    )
    model_interval: float = Field(60.0, gt=0, le=86_400, description="seconds between two models")
    csv: Path | None = Field(None, description="replay the wines of this file, in UCI's format, instead of generating")
    drift: dict[str, float] = Field({}, description="FEATURE=AMOUNT per hour added to generated wines; repeatable")
    seed: int = Field(0, ge=0, description="of the generated wines")
    models_dir: Path = Field(MODELS, description="directory of the models")
    data_type: str = Field("wine", min_length=1, max_length=255, description="the records' and the models' data type")
    records: int | None = Field(None, ge=1, description="stop after this many wines; default: never")

    @model_validator(mode="after")
    def _secured_brokers_are_named(self) -> Self:
        if self.bootstrap_servers is None and self.security != PLAINTEXT:
            raise ValueError(
                "--security-protocol (or KAFKA_SECURITY_PROTOCOL) is for brokers of your own, and the embedded one is"
                " plain: name yours with --bootstrap-servers, or leave it out"
            )
        return self

    @property
    def plan(self) -> Plan:
        """What to publish and how fast."""
        return Plan(self.data_type, self.data_interval, self.model_interval, self.records)

    def wine_source(self) -> WineSource:
        """Where the wines come from.

        Raises:
            DriftWithoutSource, DriftRejected, WineFileUnreadable, WineLineRejected: they cannot come from there.
        """
        if self.csv is None:
            return GeneratedWines(self.seed, self.drift)
        if self.drift:
            raise DriftWithoutSource
        return CsvWines(self.csv)


def run(settings: ProviderSettings) -> int:
    """Publish until a signal, or until enough; returns the exit code.

    Raises:
        ServingError: the broker, the topics or the sources are not usable; one line each.
    """
    wines = settings.wine_source()
    models = shipped_models(settings.models_dir)
    for descriptor in models:
        descriptor.dataType = settings.data_type
    stop = threading.Event()
    with contextlib.ExitStack() as stack:
        broker = None
        bootstrap_servers = settings.bootstrap_servers
        # exercise[al-1]: a cluster that is named is used as it is; else a broker is started, and stopped at the end
        raise NotImplementedError("exercise al-1")
        # end[al-1]
        stack.enter_context(stop_on_signals(stop))
        shown = stack.enter_context(display(f"provider on {bootstrap_servers}"))
        for line in _next_steps(settings, bootstrap_servers):
            shown.log(line)
        run_id = secrets.token_hex(3)
        publisher = Publisher(bootstrap_servers, settings.topics, run_id, shown.log, settings.security)
        try:
            Publishing(settings.plan, wines, models, publisher).run(shown, stop)
            if broker is not None and broker.death is not None:
                raise broker.death
        except ServingError:
            _farewell(publisher, shown, flush_s=0.0)
            raise
        return _farewell(publisher, shown, FLUSH_S)


def _next_steps(settings: ProviderSettings, bootstrap_servers: str) -> list[str]:
    flags = ""
    if bootstrap_servers != f"127.0.0.1:{PORT}":
        flags += f" --bootstrap-servers {bootstrap_servers}"
    if settings.topic_prefix != "models":
        flags += f" --topic-prefix {settings.topic_prefix}"
    kafka = "Kafka listens" if settings.bootstrap_servers is None else "publishing"
    return [
        f"{kafka} on {bootstrap_servers}",
        f"now start a server, in another terminal: python -m custom_stage.server{flags}",
    ]


def _farewell(publisher: Publisher, shown: Display, flush_s: float) -> int:
    left = publisher.flush(flush_s)
    models = "1 model" if publisher.models == 1 else f"{publisher.models:,} models"
    shown.log(f"published {publisher.wines:,} wines and {models}")
    if left > 0:
        shown.log(f"error: the last {left:,} of them are not acknowledged by the broker and may be lost")
    if publisher.failed > 0:
        shown.log(f"error: {publisher.failed:,} messages could not be published")
    return 1 if left > 0 or publisher.failed > 0 else 0


def main() -> None:
    """Read the settings and run."""
    exit_code = 0  # also when a signal comes before there is anything to publish on
    with command():
        exit_code = run(ProviderSettings.read("python -m client.provider"))
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
