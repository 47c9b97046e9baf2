"""A real broker that asks for TLS and a password, for tests, with certificates made on the spot."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from client.broker_files import HOST
from client.embedded_kafka import EmbeddedKafka
from client.ports import free_port
from client.secure_listener import SecureListener

USER, PASSWORD = "alice", "open sesame!"


@dataclass(frozen=True)
class SecuredKafka:
    """A broker with a listener for everybody, which the test uses, and one with SCRAM over TLS."""

    broker: EmbeddedKafka
    secure_servers: str
    ca_file: Path
    other_ca_file: Path  # of a CA that signed nothing here

    def environment(self, **changes: str) -> dict[str, str]:
        """The variables with which a process of ours may come in."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.secure_servers,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": USER,
            "KAFKA_SASL_PASSWORD": PASSWORD,
            "KAFKA_SSL_CA_FILE": str(self.ca_file),
            **changes,
        }


@contextmanager
def secured_kafka(directory: Path) -> Iterator[SecuredKafka]:
    """From start to stop; all its files are in ``directory``."""
    ca, other_ca = trustme.CA(), trustme.CA()
    files = {name: directory / f"{name}.pem" for name in ("ca", "other-ca")}
    for path, authority in zip(files.values(), (ca, other_ca), strict=True):
        authority.cert_pem.write_to_path(str(path))
    certificate = ca.issue_cert(HOST, "localhost")
    chain = "".join(each.bytes().decode() for each in certificate.cert_chain_pems)
    listener = SecureListener(free_port(), _pkcs8(certificate.private_key_pem.bytes()), chain, {USER: PASSWORD})
    with EmbeddedKafka(None, directory / "kafka", secure=listener) as broker:
        yield SecuredKafka(broker, f"{HOST}:{listener.port}", files["ca"], files["other-ca"])


def _pkcs8(key: bytes) -> str:
    """Kafka reads private keys in this form only."""
    return (
        serialization.load_pem_private_key(key, None)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )
