"""The four topics: their names, and the settings with which they are created."""

from dataclasses import dataclass, fields
from typing import Self, TypeAlias

from pydantic import Field

from serving.settings.command_line import CommandLine

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""The largest model that fits into a message, and so into a dead letter; Kafka's own default is 1 MiB."""

LEAST_MESSAGE_BYTES = 4096
"""What a score needs besides its key, and a dead letter without its content: names of up to 255 characters each."""

DEFAULT_MAX_MESSAGE_BYTES = 1_048_588  # Kafka documentation, "Topic Configs"

COMPACTED = {
    "cleanup.policy": "compact",
    # Kafka never compacts the segment it is writing, and by default it writes one for a week: without these two
    # settings a topic that "holds the newest model" would hold them all.
    "segment.ms": "60000",
    "min.cleanable.dirty.ratio": "0.01",
    "max.message.bytes": str(MAX_MESSAGE_BYTES),
}

Layout: TypeAlias = dict[str, tuple[int, dict[str, str]]]
"""Each topic's number of partitions and its settings."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The names of the four topics; another prefix gives a second, independent set on the same broker."""

    data: str
    models: str
    scores: str
    dead_letters: str

    @classmethod
    def prefixed(cls, prefix: str) -> Self:
        """``prefixed("models")`` are the tutorial's own names: models_data, models_models, ..."""
        return cls(*(f"{prefix}_{field.name}" for field in fields(cls)))

    def layout(self, data_partitions: int) -> Layout:
        """Each topic's number of partitions and its settings, for those who create them."""
        return {
            self.data: (data_partitions, {}),
            self.models: (1, COMPACTED),
            self.scores: (data_partitions, {}),
            self.dead_letters: (1, {"max.message.bytes": str(MAX_MESSAGE_BYTES)}),
        }


class TopicSettings(CommandLine):
    """Which topics: the same setting for servers and clients."""

    topic_prefix: str = Field(
        "models", pattern=r"^[a-zA-Z0-9._-]{1,200}$", description="the topics are PREFIX_data, PREFIX_models, ..."
    )

    @property
    def topics(self) -> Topics:
        """The names of the four topics."""
        return Topics.prefixed(self.topic_prefix)
