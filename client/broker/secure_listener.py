"""More listeners of the embedded broker, secured in the ways in which brokers in production are."""

from collections.abc import Mapping
from dataclasses import dataclass

from client.broker.plan import HOST

PASSWORD, TLS, CERTIFICATE = "SASL_SSL", "SSL", "MUTUAL"
PROTOCOLS = {PASSWORD: "SASL_SSL", TLS: "SSL", CERTIFICATE: "SSL"}
SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")
MODULES = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class SecureListener:
    """Their settings. The plain listener stays; a client learns only the address of the listener that it uses.

    Source: Apache Kafka documentation, "Security": PEM key stores (KIP-651), SCRAM on KRaft (KIP-900).
    """

    port: int  # TLS and a password
    tls_port: int  # TLS alone
    certificate_port: int  # TLS in which the client too shows a certificate
    key: str  # the broker's private key: PKCS #8, in PEM
    certificates: str  # the broker's certificate for 127.0.0.1, and those up to the CA, in PEM
    clients_ca: str  # who signed the clients' certificates, in PEM
    users: Mapping[str, str]  # name -> password, for SCRAM
    plain_users: Mapping[str, str]  # likewise, for PLAIN

    @property
    def addresses(self) -> list[str]:
        """Their places in the broker's list of listeners."""
        ports = {PASSWORD: self.port, TLS: self.tls_port, CERTIFICATE: self.certificate_port}
        return [f"{name}://{HOST}:{port}" for name, port in ports.items()]

    def properties(self) -> dict[str, object]:
        """Their lines in ``server.properties``."""
        protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **PROTOCOLS}
        return {
            "listener.security.protocol.map": ",".join(f"{name}:{each}" for name, each in protocols.items()),
            "sasl.enabled.mechanisms": ",".join(["PLAIN", *SCRAM]),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.key": _in_one_line(self.key),
            "ssl.keystore.certificate.chain": _in_one_line(self.certificates),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.certificates": _in_one_line(self.clients_ca),
            f"listener.name.{CERTIFICATE.lower()}.ssl.client.auth": "required",
            **{_jaas(each): f"{MODULES}.scram.ScramLoginModule required;" for each in SCRAM},
            _jaas("PLAIN"): f"{MODULES}.plain.PlainLoginModule required {self._passwords()};",
        }

    def format_arguments(self) -> list[str]:
        """For Kafka's program that makes a new cluster's first metadata, the users among them."""
        return [
            f"--add-scram={mechanism}=[name={name},password={password}]"
            for mechanism in SCRAM
            for name, password in self.users.items()
        ]

    def _passwords(self) -> str:
        return " ".join(f'user_{name}="{password}"' for name, password in self.plain_users.items())


def _jaas(mechanism: str) -> str:
    return f"listener.name.{PASSWORD.lower()}.{mechanism.lower()}.sasl.jaas.config"


def _in_one_line(pem: str) -> str:
    """A value that Java's reader of properties makes the same text of again."""
    return pem.strip().replace("\n", "\\n")
