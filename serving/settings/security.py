"""How a secured Kafka cluster is reached: said once, and put into the words of each client library.

Sources: Apache Kafka documentation, "Security"; librdkafka's CONFIGURATION.md; aiokafka's documentation, "SSL" and
"SASL".
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are to the broker, and how that is proved."""

    mechanism: SaslMechanism
    username: str
    password: SecretStr


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom we trust: the CAs in a file, or the system's; and our own certificate, where the broker asks for one."""

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None  # in PEM, without a passphrase

    def context(self) -> ssl.SSLContext:
        """For Python's own connections; the broker's certificate must be trusted and must name its host.

        Raises:
            OSError: (``ssl.SSLError`` is one) a file cannot be read or has no certificate.
        """
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """What every Kafka client of a process is given besides the brokers' addresses; None: the broker wants none."""

    tls: Tls | None = None
    login: Login | None = None

    @property
    def protocol(self) -> SecurityProtocol:
        """Kafka's name for it."""
        if self.login is None:
            return "PLAINTEXT" if self.tls is None else "SSL"
        return "SASL_PLAINTEXT" if self.tls is None else "SASL_SSL"

    def for_aiokafka(self) -> dict[str, Any]:
        """Keyword arguments of aiokafka's consumer, producer and admin client."""
        arguments: dict[str, Any] = {"security_protocol": self.protocol}
        if self.tls is not None:
            arguments["ssl_context"] = self.tls.context()
        if self.login is not None:
            arguments["sasl_mechanism"] = self.login.mechanism
            arguments["sasl_plain_username"] = self.login.username
            arguments["sasl_plain_password"] = self.login.password.get_secret_value()
        return arguments

    def for_librdkafka(self) -> dict[str, str]:
        """Properties of confluent-kafka's consumer, producer and admin client."""
        properties: dict[str, str] = {"security.protocol": self.protocol}
        if self.tls is not None:
            files = {
                "ssl.ca.location": self.tls.ca_file,
                "ssl.certificate.location": self.tls.certificate_file,
                "ssl.key.location": self.tls.key_file,
            }
            properties.update({name: str(path) for name, path in files.items() if path is not None})
        if self.login is not None:
            properties["sasl.mechanisms"] = self.login.mechanism
            properties["sasl.username"] = self.login.username
            properties["sasl.password"] = self.login.password.get_secret_value()
        return properties


PLAINTEXT = KafkaSecurity()
"""A cluster that anybody may use, such as the embedded broker."""
