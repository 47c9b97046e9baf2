"""How a secured Kafka cluster is reached: flags, or variables ``KAFKA_...``; the same for servers and clients."""

from pathlib import Path
from typing import Self

from pydantic import PrivateAttr, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from serving.settings.command_line import CommandLine, kafka_field
from serving.settings.secret_files import read_secret, without_line_break
from serving.settings.security import KafkaSecurity, Login, SaslMechanism, SecurityProtocol, Tls

PASSWORD = "KAFKA_SASL_PASSWORD"  # noqa: S105 - a variable's name


class _Secrets(BaseSettings):
    """Never a flag: every user of the machine sees the flags of all processes."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_")

    sasl_password: SecretStr | None = None


class KafkaSettings(CommandLine):
    """How to reach a secured cluster; without any of these the brokers are asked in plain text."""

    security_protocol: SecurityProtocol = kafka_field(
        "security_protocol", "PLAINTEXT", "what the brokers' listener speaks: TLS is SSL, with a password SASL_SSL"
    )
    sasl_mechanism: SaslMechanism = kafka_field("sasl_mechanism", "SCRAM-SHA-512", "how the password is proved")
    sasl_username: str | None = kafka_field("sasl_username", None, f"the user; the password comes in {PASSWORD}")
    sasl_password_file: Path | None = kafka_field(
        "sasl_password_file", None, f"file whose first line is the user's password, instead of {PASSWORD}"
    )
    ssl_ca_file: Path | None = kafka_field(
        "ssl_ca_file", None, "PEM file of the CA that signed the brokers' certificates; default: the system's CAs"
    )
    ssl_certificate_file: Path | None = kafka_field(
        "ssl_certificate_file", None, "PEM file of our own certificate, if the brokers ask for one"
    )
    ssl_key_file: Path | None = kafka_field(
        "ssl_key_file", None, "PEM file of our certificate's private key, without a passphrase"
    )

    _security: KafkaSecurity = PrivateAttr()

    @property
    def security(self) -> KafkaSecurity:
        """What every Kafka client is to be given."""
        return self._security

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        has_login, has_tls = self.security_protocol.startswith("SASL_"), self.security_protocol.endswith("SSL")
        if not has_login and (self.sasl_username is not None or self.sasl_password_file is not None):
            raise ValueError(
                f"a user is given and --security-protocol is {self.security_protocol}, which asks for none;"
                " give --security-protocol SASL_SSL (or SASL_PLAINTEXT)"
            )
        files = (self.ssl_ca_file, self.ssl_certificate_file, self.ssl_key_file)
        if not has_tls and any(file is not None for file in files):
            raise ValueError(
                f"certificates are given and --security-protocol is {self.security_protocol}, which has no TLS;"
                " give --security-protocol SSL (or SASL_SSL)"
            )
        self._security = KafkaSecurity(self._tls() if has_tls else None, self._login() if has_login else None)
        return self

    def _tls(self) -> Tls:
        if (self.ssl_certificate_file is None) != (self.ssl_key_file is None):
            raise ValueError("--ssl-certificate-file and --ssl-key-file belong together; give both or none")
        for flag, file in {
            "--ssl-ca-file": self.ssl_ca_file,
            "--ssl-certificate-file": self.ssl_certificate_file,
            "--ssl-key-file": self.ssl_key_file,
        }.items():
            if file is not None:
                _check_readable(flag, file)
        tls = Tls(self.ssl_ca_file, self.ssl_certificate_file, self.ssl_key_file)
        try:
            tls.context()
        except OSError as error:
            named = " ".join(
                str(file) for file in (tls.ca_file, tls.certificate_file, tls.key_file) if file is not None
            )
            raise ValueError(
                f"TLS cannot use {named} ({error.strerror or error}); name certificates and keys in PEM"
            ) from None
        return tls

    def _login(self) -> Login:
        if not self.sasl_username:
            raise ValueError(
                f"--security-protocol {self.security_protocol} needs a user; give --sasl-username"
                f" (or KAFKA_SASL_USERNAME), and the password in {PASSWORD} or --sasl-password-file"
            )
        if self.sasl_password_file is not None:
            password = read_secret("--sasl-password-file", self.sasl_password_file)
        else:
            password = without_line_break((_Secrets().sasl_password or SecretStr("")).get_secret_value())
        if not password:
            raise ValueError(
                f"the user {self.sasl_username} has no password; give it in the variable {PASSWORD},"
                " or name a file that has it with --sasl-password-file"
            )
        return Login(self.sasl_mechanism, self.sasl_username, SecretStr(password))


def _check_readable(flag: str, path: Path) -> None:
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text"
        raise ValueError(f"{flag}: {path} cannot be read ({reason}); name a file that can") from None
