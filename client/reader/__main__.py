"""Prints what is on a topic, one line per message: ``python -m client.reader --topic scores``.

It reads all partitions, is no member of any consumer group and never commits, so it disturbs no server.
"""

import asyncio
import sys
import threading

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from client.reader.lines import line_for
from client.reader.reading import Reading
from client.terminal.command import command
from client.terminal.display import display
from client.terminal.stop_signals import stop_on_signals
from model.features import WINE
from serving.kafka.login import check_login
from serving.settings.addresses import BootstrapServers
from serving.settings.command_line import bootstrap_servers_field
from serving.settings.kafka import KafkaSettings
from serving.settings.topics import TopicSettings


class ReaderSettings(KafkaSettings, TopicSettings):
    """Prints the messages of a topic as they come. Flags win over variables."""

    model_config = SettingsConfigDict(env_prefix="READER_")

    bootstrap_servers: BootstrapServers = bootstrap_servers_field()
    topic: str = Field(
        "scores",
        pattern=r"^[a-zA-Z0-9._-]{1,249}$",
        description="scores, data, models, dead-letters, or any topic's full name",
    )
    start: str = Field(
        "end",
        pattern=r"^(beginning|end|\d{1,18})$",
        validation_alias=AliasChoices("from", "READER_FROM"),
        description="beginning, end, or the offset at which to begin in each partition",
    )
    group: str = Field("reader", min_length=1, max_length=249, description="consumer group; nothing is committed to it")
    count: int | None = Field(None, ge=1, description="stop after this many messages; default: never")

    @property
    def topic_name(self) -> str:
        """The full name of the topic to read."""
        topics = self.topics
        short = {"scores": topics.scores, "data": topics.data, "models": topics.models}
        short["dead-letters"] = short["dead_letters"] = topics.dead_letters
        return short.get(self.topic, self.topic)


def run(settings: ReaderSettings) -> None:
    """Read until a signal, or until enough.

    Raises:
        BrokerNotFound, TopicUnknown: there is nothing to read.
        LoginRefused, TlsRefused, TopicRefused: the broker will not give it.
    """
    name = settings.topic_name
    stop = threading.Event()
    asyncio.run(check_login(settings.bootstrap_servers, settings.security))
    line = line_for(name, settings.topics)
    reading = Reading(settings.bootstrap_servers, settings.group, name, line, settings.security)
    # Messages alone go to standard output, so that it can go on to other programs.
    with stop_on_signals(stop), display(f"reader of {name}", sys.stderr) as shown:
        try:
            reading.start(settings.start)
            hint = "; --from beginning shows the older messages" if settings.start == "end" else ""
            shown.log(f"reading {name} from {settings.start}; Ctrl-C stops{hint}")
            if name == settings.topics.data:
                shown.log(f"the numbers are {', '.join(WINE)}")
            reading.run(settings.count, shown, stop)
        finally:
            reading.close()
        shown.log(f"read {reading.messages:,} messages")


@command()
def main() -> None:
    """Read the settings and run."""
    run(ReaderSettings.read("python -m client.reader"))


if __name__ == "__main__":
    main()
