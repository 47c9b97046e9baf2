"""Ports of this machine: whether a server may have one, and whether a broker answers there."""

import errno
import random
import socket
from contextlib import suppress

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from client.broker.plan import HOST
from client.errors import PortForbidden, PortInUse

LISTENERS_PORTS = range(20_000, 32_768)
"""Linux takes ports for connections from above these, macOS and Windows from far above."""


def answers(bootstrap_servers: str) -> bool:
    """Whether a broker there answers a metadata request now."""
    host, port = bootstrap_servers.split(":")
    try:
        # librdkafka would retry in the background; a plain connection costs nothing while no process listens.
        with socket.create_connection((host, int(port)), timeout=1.0):
            pass
        metadata = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0}).list_topics(timeout=2.0)
    except (OSError, KafkaException):
        return False
    return bool(metadata.brokers)


def check_port(port: int) -> None:
    """See that a server can listen on this port of 127.0.0.1.

    Raises:
        PortInUse: something else does.
        PortForbidden: this user may not.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Kafka does: ports just left are free
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(port) from None
            raise PortForbidden(port, error.strerror or str(error)) from None


def free_port(wanted: int = 0) -> int:
    """A free port of 127.0.0.1 that no other caller gets for a while (Linux: 60 s).

    The caller may listen there if it sets ``SO_REUSEADDR``, as servers do.

    Args:
        wanted: this one and no other; 0 means any of those that the system gives to no connection by itself. A caller
            may so take its time, while thousands of connections come and go.

    Raises:
        OSError: the wanted port is in use, or was given to another caller just now.
    """
    if wanted:
        return _reserved(wanted)
    for _ in LISTENERS_PORTS:
        with suppress(OSError):
            return _reserved(random.SystemRandom().choice(LISTENERS_PORTS))
    raise OSError(errno.EADDRINUSE, "no port is free")


def _reserved(port: int) -> int:
    with socket.socket() as listener:
        listener.bind((HOST, port))  # without SO_REUSEADDR: not a port that another caller just got
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.listen()
        with socket.create_connection((HOST, port)):
            # The side that closes first keeps the port in TIME_WAIT: only a bind with SO_REUSEADDR gets it meanwhile.
            listener.accept()[0].close()
        return port
