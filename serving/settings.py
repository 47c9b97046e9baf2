"""The settings of a server, the same for all variants."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from serving.command_line import CommandLine, bootstrap_servers_field
from serving.topics import Topics


class Settings(CommandLine):
    """Scores wines from Kafka with the models that arrive on a second topic. Flags win over variables."""

    model_config = SettingsConfigDict(env_prefix="SERVING_")

    bootstrap_servers: str = bootstrap_servers_field()
    broker_timeout_s: float = Field(30, ge=0, description="how long to wait for Kafka and its topics at the start")
    topic_prefix: str = Field(
        "models", pattern=r"^[a-zA-Z0-9._-]{1,200}$", description="the topics are PREFIX_data, PREFIX_models, ..."
    )
    group: str | None = Field(None, min_length=1, description="consumer group; default: the variant's name")
    max_batch: int = Field(1000, ge=1, le=100_000, description="records in one model call, at most")
    max_in_flight: int = Field(2, ge=1, le=100, description="batches fetched and not yet acknowledged, at most")
    commit_interval_ms: int = Field(
        100, ge=0, description="least time between two commits; what a kill -9 redelivers is about this long"
    )
    session_timeout_ms: int = Field(
        6000, ge=1000, description="after this long without a sign of life the group gives our partitions to others"
    )
    host: str = Field("127.0.0.1", description="address of the HTTP interface")
    port: int | None = Field(
        None, ge=1, le=65535, description="port of the HTTP interface; default: the variant's, 5500 or 8888"
    )
    data_dir: Path | None = Field(
        None, description="where this instance keeps its state on disk, if it does; default: .state/VARIANT/PORT"
    )
    fsync: bool = Field(
        False, description="actors_persistent: state survives a power failure too, not only a kill -9; slower"
    )
    pmml_is_1: bool = Field(
        False, description="read model type 1 as PMML, as the JVM tutorial's first version wrote it"
    )
    log_format: Literal["console", "json"] = Field("console", description="lines to read, or one JSON object a line")

    @property
    def topics(self) -> Topics:
        """The names of the four topics."""
        return Topics.prefixed(self.topic_prefix)
