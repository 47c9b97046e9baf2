"""The settings that all servers have; a variant adds its own."""

import os
import re
import socket
from pathlib import Path
from typing import Literal, Self

from pydantic import DirectoryPath, Field, PrivateAttr, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from model.model import PmmlEngine
from serving.settings.addresses import BootstrapServers, InstanceUrl, in_url, is_any_address, is_loopback
from serving.settings.command_line import BadSetting, bootstrap_servers_field
from serving.settings.kafka import KafkaSettings
from serving.settings.secret_files import read_secret, without_line_break
from serving.settings.topics import TopicSettings

HOST = r"(\[[0-9a-fA-F:]+\]|[a-zA-Z0-9.-]+)(:[0-9]{1,5})?"

TOKEN_CHARACTERS = 16
IN_FLIGHT = 2
"""Batches: one is scored while another is sent."""
PREFIX = "SERVING_"
FROM_KUBERNETES = re.compile(rf"{PREFIX}(SERVICE|PORT)_")
"""Kubernetes sets such variables for a service that is called "serving"."""


class Settings(KafkaSettings, TopicSettings):
    """Scores wines from Kafka with the models that arrive on a second topic. Flags win over variables."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    bootstrap_servers: BootstrapServers = bootstrap_servers_field()
    broker_timeout_s: float = Field(30, ge=0, description="how long to wait for Kafka and its topics at the start")
    group: str | None = Field(None, min_length=1, description="consumer group; default: the variant's name")
    max_batch: int = Field(5000, ge=1, le=100_000, description="records in one model call, at most")
    max_in_flight: int | None = Field(
        None, ge=1, le=100, description=f"batches fetched and not yet acknowledged, at most; default: {IN_FLIGHT}"
    )
    commit_interval_ms: int = Field(
        100, ge=0, description="least time between two commits; what a kill -9 redelivers is about this long"
    )
    session_timeout_ms: int = Field(
        6000, ge=1000, description="after this long without a sign of life the group gives our partitions to others"
    )
    host: str = Field("127.0.0.1", min_length=1, description="address of the HTTP interface")
    advertised_url: InstanceUrl | None = Field(
        None,
        description="http://HOST:PORT by which the other instances of a streams_* server reach this one; default: what"
        " it listens on, with 0.0.0.0 or :: this host's name",
    )
    http_token: SecretStr | None = Field(
        None,
        description="what a request must bring; needed once --host is not this machine alone. A flag shows in the list"
        " of processes: prefer the variable, or --http-token-file",
    )
    http_token_file: Path | None = Field(
        None, description="file whose first line is the token, without its line break; wins over --http-token"
    )
    port: int | None = Field(
        None, ge=1, le=65535, description="port of the HTTP interface; default: the variant's, 5500 or 8888"
    )
    data_dir: Path | None = Field(
        None, description="where this instance keeps its state on disk, if it does; default: .state/VARIANT/PORT"
    )
    pmml_is_1: bool = Field(
        False, description="read model type 1 as PMML, as the JVM tutorial's first version wrote it"
    )
    model_root: DirectoryPath | None = Field(
        None, description="directory below which models may lie that come as a path; default: none may"
    )
    model_hosts: str | None = Field(
        None,
        pattern=rf"^{HOST}(,{HOST})*$",
        description="hosts, or host:port, separated by commas, that models may be fetched from by HTTP; default: none",
    )
    max_model_bytes: int = Field(100 * 2**20, ge=1, description="the largest model that is loaded")
    model_load_timeout_s: float = Field(
        60, gt=0, le=3600, description="a model that is not loaded after this long, its download included, is refused"
    )
    trial_load: bool = Field(
        True,
        description="load each model in a process of its own first: if it crashes or hangs there, this server goes on",
    )
    model_load_bytes: int = Field(
        2 * 2**30, ge=256 * 2**20, description="memory for that trial; enforced on Linux only"
    )
    pmml_engine: PmmlEngine = Field(
        "auto",
        description="what scores PMML; jpmml: JPMML's evaluator, the reference engine, fetched from Maven Central at"
        " the first start; its licence is AGPL-3.0",
    )
    log_format: Literal["console", "json"] = Field("console", description="lines to read, or one JSON object a line")

    _token: str | None = PrivateAttr(None)

    @classmethod
    def read(cls, program: str, arguments: list[str] | None = None) -> Self:
        """See ``CommandLine``; here a variable that no setting reads is refused, too: it would promise in vain."""
        settings = super().read(program, arguments)
        known = {PREFIX + name.upper() for name, field in cls.model_fields.items() if field.validation_alias is None}
        for name in sorted(os.environ.keys() - known):
            if name.startswith(PREFIX) and not FROM_KUBERNETES.match(name):
                raise BadSetting(f"{name} is no setting of {program}; unset it")
        return settings

    @model_validator(mode="after")
    def _nobody_else_without_token(self) -> Self:
        if self.http_token_file is not None:
            name = "--http-token-file"
            token = read_secret(name, self.http_token_file)
        elif self.http_token is not None:
            name = "--http-token (or SERVING_HTTP_TOKEN)"
            token = without_line_break(self.http_token.get_secret_value())
        elif is_loopback(self.host):
            return self
        else:
            raise ValueError(
                f"--host {self.host} can be reached from elsewhere: give --http-token (or SERVING_HTTP_TOKEN), or"
                f" --http-token-file, {TOKEN_CHARACTERS} characters or more, or leave it at 127.0.0.1"
            )
        if len(token) < TOKEN_CHARACTERS:
            raise ValueError(f"the token of {name} has less than {TOKEN_CHARACTERS} characters; give a longer one")
        if not (token.isascii() and token.isprintable()) or token != token.strip():
            raise ValueError(
                f"the token of {name} has a character that no HTTP header carries, or a space at its begin or end;"
                " give letters and digits"
            )
        self._token = token
        return self

    @property
    def token(self) -> str | None:
        """What a request must bring."""
        return self._token

    def url(self, port: int) -> str:
        """``http://HOST:PORT`` by which other instances reach this one, whose HTTP interface is on ``port``."""
        host = socket.gethostname() if is_any_address(self.host) else self.host
        return self.advertised_url or f"http://{in_url(host)}:{port}"

    @property
    def batches_in_flight(self) -> int:
        """``max_in_flight``, or its default."""
        return self.max_in_flight or IN_FLIGHT
