"""Whether the demo can start, and whether what it has started is ready for its work."""

from collections.abc import Collection

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from client.broker.ports import answers, check_port
from client.demo.errors import DemoPortInUse
from client.errors import PortInUse
from client.http_get import http_get

TIMEOUT_S = 2.0


def check_demo_port(port: int, flag: str, instead: int | None = None, target: str = "demo") -> None:
    """Check that a process of the demo can listen on this port; ``flag`` changes it, to ``instead`` for example.

    Raises:
        DemoPortInUse: something else does.
        PortForbidden: this user may not.
    """
    try:
        check_port(port)
    except PortInUse:
        raise DemoPortInUse(port, flag, instead or port + 1, target) from None


def has_topics(bootstrap_servers: str, names: Collection[str]) -> bool:
    """Whether a broker answers there and has all these topics."""
    if not answers(bootstrap_servers):
        return False
    try:
        there = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0}).list_topics(timeout=TIMEOUT_S)
    except KafkaException:
        return False
    return all(name in there.topics for name in names)


def is_healthy(host: str, port: int) -> bool:
    """Whether a server there answers that it can score."""
    return http_get(host, port, "/healthz") is not None
