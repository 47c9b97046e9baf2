"""A real broker that asks for TLS, a password or a certificate, for tests, with certificates made on the spot."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.plan import HOST
from client.broker.ports import free_port
from client.broker.secure_listener import SecureListener

USER, PASSWORD = "alice", "open sesame!"
PLAIN_PASSWORD = "open barley!"  # another one, so that nobody comes in by SCRAM who meant PLAIN


@dataclass(frozen=True)
class SecuredKafka:
    """A broker with a listener for everybody, which the test uses, and one for each way to be secured.

    ``secure_servers`` asks for TLS and a password, ``tls_servers`` for TLS, ``certificate_servers`` for a certificate.
    """

    broker: EmbeddedKafka
    secure_servers: str
    tls_servers: str
    certificate_servers: str
    ca_file: Path
    certificate_file: Path  # a client's, signed by that CA
    key_file: Path
    other_ca_file: Path  # of a CA that the broker does not know
    untrusted_files: tuple[Path, Path]  # a certificate that it signed, and the key

    def environment(self, **changes: str) -> dict[str, str]:
        """The variables with which a process of ours may come in with a password."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.secure_servers,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": USER,
            "KAFKA_SASL_PASSWORD": PASSWORD,
            "KAFKA_SSL_CA_FILE": str(self.ca_file),
            **changes,
        }

    def tls_environment(self) -> dict[str, str]:
        """The variables with which it may come in where nothing is asked of it."""
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.tls_servers,
            "KAFKA_SECURITY_PROTOCOL": "SSL",
            "KAFKA_SSL_CA_FILE": str(self.ca_file),
        }

    def certificate_environment(self, **changes: str) -> dict[str, str]:
        """The variables with which it may come in with a certificate."""
        return {
            **self.tls_environment(),
            "KAFKA_BOOTSTRAP_SERVERS": self.certificate_servers,
            "KAFKA_SSL_CERTIFICATE_FILE": str(self.certificate_file),
            "KAFKA_SSL_KEY_FILE": str(self.key_file),
            **changes,
        }


@contextmanager
def secured_kafka(directory: Path, kind: type[SecureListener] = SecureListener) -> Iterator[SecuredKafka]:
    """From start to stop; all its files are in ``directory``."""
    ca, other_ca = trustme.CA(), trustme.CA()
    files = {name: directory / f"{name}.pem" for name in ("ca", "other-ca")}
    ca.cert_pem.write_to_path(str(files["ca"]))
    other_ca.cert_pem.write_to_path(str(files["other-ca"]))
    ours, untrusted = _client(ca, directory / "client"), _client(other_ca, directory / "untrusted")
    brokers = ca.issue_cert(HOST, "localhost")
    listener = kind(
        port=free_port(),
        tls_port=free_port(),
        certificate_port=free_port(),
        key=_pkcs8(brokers.private_key_pem.bytes()),
        certificates=_chain(brokers),
        clients_ca=ca.cert_pem.bytes().decode(),
        users={USER: PASSWORD},
        plain_users={USER: PLAIN_PASSWORD},
    )
    with EmbeddedKafka(None, directory / "kafka", secure=listener) as broker:
        yield SecuredKafka(
            broker,
            secure_servers=f"{HOST}:{listener.port}",
            tls_servers=f"{HOST}:{listener.tls_port}",
            certificate_servers=f"{HOST}:{listener.certificate_port}",
            ca_file=files["ca"],
            certificate_file=ours[0],
            key_file=ours[1],
            other_ca_file=files["other-ca"],
            untrusted_files=untrusted,
        )


def _client(ca: trustme.CA, name: Path) -> tuple[Path, Path]:
    certificate, key = name.with_suffix(".pem"), name.with_suffix(".key")
    issued = ca.issue_cert("client.example")
    certificate.write_text(_chain(issued))
    issued.private_key_pem.write_to_path(str(key))
    return certificate, key


def _chain(certificate: trustme.LeafCert) -> str:
    return "".join(each.bytes().decode() for each in certificate.cert_chain_pems)


def _pkcs8(key: bytes) -> str:
    """Kafka reads private keys in this form only."""
    return (
        serialization.load_pem_private_key(key, None)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )
