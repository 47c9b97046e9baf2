"""A port that somebody was told is nobody else's."""

import contextlib
import socket

import pytest

from client.broker.ports import check_port, free_port
from client.errors import PortInUse

HERE = "127.0.0.1"


def test_a_port_that_was_given_is_not_given_again_and_whoever_was_told_it_can_listen_there() -> None:
    port = free_port()
    with pytest.raises(OSError, match="in use"):
        free_port(port)
    with contextlib.closing(socket.socket()) as other, pytest.raises(OSError, match="in use"):
        other.bind((HERE, port))
    check_port(port)
    with socket.create_server((HERE, port)):
        pass


def test_nobody_answers_at_a_free_port() -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HERE, free_port()))


def test_a_port_where_somebody_listens_is_neither_free_nor_to_be_had() -> None:
    with socket.create_server((HERE, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            free_port(port)
        with pytest.raises(PortInUse):
            check_port(port)


def test_no_connection_takes_a_free_port_meanwhile() -> None:
    """The system takes a connection's own port from 32768 (Linux) or 49152 (macOS) on, unless it was told otherwise."""
    assert all(20_000 <= free_port() < 32_768 for _ in range(20))
