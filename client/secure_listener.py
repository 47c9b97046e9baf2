"""A second listener of the embedded broker that asks for a password over TLS, as brokers in production do."""

from collections.abc import Mapping
from dataclasses import dataclass

from client.broker_files import HOST

LISTENER = "SASL_SSL"
MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")


@dataclass(frozen=True, slots=True)
class SecureListener:
    """What the broker needs for it. The plain listener stays; a client is only ever told of the one that it uses.

    Source: Apache Kafka documentation, "Security": PEM key stores (KIP-651), SCRAM on KRaft (KIP-900).
    """

    port: int
    key: str  # the broker's private key: PKCS #8, in PEM
    certificates: str  # the broker's certificate for 127.0.0.1, and those up to the CA, in PEM
    users: Mapping[str, str]  # name -> password

    @property
    def address(self) -> str:
        """Its place in the broker's list of listeners."""
        return f"{LISTENER}://{HOST}:{self.port}"

    def properties(self) -> dict[str, object]:
        """Its lines in ``server.properties``."""
        mechanisms = {
            f"listener.name.{LISTENER.lower()}.{name.lower()}.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            )
            for name in MECHANISMS
        }
        return {
            "listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,{LISTENER}:SASL_SSL",
            "sasl.enabled.mechanisms": ",".join(MECHANISMS),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.key": _in_one_line(self.key),
            "ssl.keystore.certificate.chain": _in_one_line(self.certificates),
            **mechanisms,
        }

    def format_arguments(self) -> list[str]:
        """For Kafka's program that makes a new cluster's first metadata, the users among them."""
        return [
            f"--add-scram={mechanism}=[name={name},password={password}]"
            for mechanism in MECHANISMS
            for name, password in self.users.items()
        ]


def _in_one_line(pem: str) -> str:
    """A value that Java's reader of properties makes the same text of again."""
    return pem.strip().replace("\n", "\\n")
