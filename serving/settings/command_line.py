"""Settings from three places - defaults < environment < flags - where every mistake is one line."""

import re
import sys
from typing import Any, NoReturn, Self

from pydantic import AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from model.errors import ServingError


class BadSetting(ServingError):
    """A flag or an environment variable that cannot be used."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} (--help lists what there is)")
        self.reason = reason


class CommandLine(BaseSettings):
    """The root of all settings: a field ``data_dir`` is flag ``--data-dir`` and variable ``<PREFIX>DATA_DIR``."""

    model_config = SettingsConfigDict(
        frozen=True,
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_implicit_flags=True,
        cli_avoid_json=True,
        cli_show_env_vars=True,
        cli_exit_on_error=False,
    )

    @classmethod
    def read(cls, program: str, arguments: list[str] | None = None) -> Self:
        """The settings of this process; ``--help`` prints them all and exits 0.

        Args:
            program: how a user starts this program, such as ``python -m client.reader``.
            arguments: the flags; None means the process's own.
        Raises:
            BadSetting: an unknown flag, or a value that will not do; the text names the flag and the variable.
        """
        flags = sys.argv[1:] if arguments is None else arguments
        try:
            return cls(_cli_parse_args=flags, _cli_prog_name=program)  # type: ignore[call-arg]  # typed only on BaseSettings
        except SettingsError as error:
            raise BadSetting(str(error).removeprefix("error parsing CLI: ")) from None
        except ValidationError as error:
            raise BadSetting(cls._said_of(error)) from None

    @classmethod
    def _said_of(cls, error: ValidationError) -> str:
        first = error.errors()[0]
        reason = re.sub(r"^(Value error,|Input|String) ", "", str(first["msg"]))
        if not first["loc"]:  # several that do not go together; the input would be all settings
            return reason
        name = str(first["loc"][0]).lower().removeprefix("kafka_")
        prefix = "KAFKA_" if cls._is_of_kafka(name) else cls.model_config["env_prefix"]
        return f"--{name.replace('_', '-')} (or {(prefix + name).upper()}): {first['input']!r} {reason}"

    @classmethod
    def _is_of_kafka(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        alias = field.validation_alias if field is not None else None
        return isinstance(alias, AliasChoices) and f"KAFKA_{name.upper()}" in alias.choices


def kafka_field(name: str, default: Any, description: str) -> Any:
    """A field that servers and clients share: flag ``--some-name``, variable ``KAFKA_SOME_NAME``."""
    return Field(
        default,
        validation_alias=AliasChoices(name, f"KAFKA_{name.upper()}"),
        description=description,
    )


def bootstrap_servers_field(default: str | None = "localhost:9092", besides: str = "") -> Any:
    """``--bootstrap-servers``, or ``KAFKA_BOOTSTRAP_SERVERS``, for a field of type ``BootstrapServers``."""
    return kafka_field("bootstrap_servers", default, f"host:port of one or more brokers, separated by commas{besides}")


def stop_with(error: ServingError) -> NoReturn:
    """End this process with the error's one line on standard error."""
    sys.stderr.write(f"error: {error}\n")
    raise SystemExit(exit_code_of(error))


def exit_code_of(error: ServingError) -> int:
    """Usage errors exit 2, as is the custom."""
    return 2 if isinstance(error, BadSetting) else 1
