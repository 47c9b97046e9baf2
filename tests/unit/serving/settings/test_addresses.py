"""Addresses as people mistype them: one line that says what is wrong, and what is right."""

import socket
from typing import Any

import pytest

from client.provider.__main__ import ProviderSettings
from client.reader.__main__ import ReaderSettings
from serving.settings.addresses import is_any_address, with_port
from serving.settings.command_line import BadSetting, CommandLine
from serving.settings.server import Settings

WRONG_BROKERS = {
    "": "is empty; give host:port",
    "  ": "is empty; give host:port",
    "kafka": "has no port; give kafka:9092",
    "[::1]": "has no port; give [::1]:9092",
    "kafka:": "has '' for a port; a port is a number from 1 to 65535, such as kafka:9092",
    "kafka:x": "has 'x' for a port",
    "kafka:0": "has '0' for a port",
    "kafka:65536": "has '65536' for a port",
    "kafka:9092/": "has '9092/' for a port",
    "kafka:\u0669": "for a port; a port is a number",
    ":9092": "has no host name or address in ':9092'",
    "a..b:9092": "has no host name or address in 'a..b:9092'",
    f"{'a' * 64}:9092": "has no host name or address",
    "user@kafka:9092": "has no host name or address",
    "::1:9092": "has more than one colon in '::1:9092'; give host:port, an IPv6 address as [::1]:9092",
    "PLAINTEXT://kafka:9092": "begins with PLAINTEXT://, as listeners in a broker's own settings do; give kafka:9092,"
    " and --security-protocol PLAINTEXT",
    "sasl_ssl://kafka:9092": "give kafka:9092, and --security-protocol SASL_SSL (or KAFKA_SECURITY_PROTOCOL)",
    "http://kafka:9092/x": "is a URL (http://), and brokers speak Kafka's protocol; give host:port, such as kafka:9092",
    "ssl://kafka": "give kafka:9092, and --security-protocol SSL",
    "kafka-1:9092 kafka-2:9092": "has a space in 'kafka-1:9092 kafka-2:9092'; separate brokers by commas",
    "kafka\n:9092": r"has a space in 'kafka\n:9092'",
    "kafka\x1b:9092": r"has a space in 'kafka\x1b:9092'",
    "kafka:9092,": "has an empty entry",
    "kafka:9092,,kafka:9093": "has an empty entry",
    "'kafka:9092'": "has a quotation mark in it ('); give kafka:9092",
    "kafka-1:9092,kafka-2": "has no port; give kafka-2:9092",
}


@pytest.mark.parametrize("settings", [Settings, ReaderSettings, ProviderSettings])
@pytest.mark.parametrize(("text", "said"), WRONG_BROKERS.items())
def test_brokers_that_cannot_be_meant_are_one_line(
    settings: type[CommandLine], text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadSetting) as by_flag:
        settings.read("a program", ["--bootstrap-servers", text])
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", text)
    with pytest.raises(BadSetting) as by_variable:
        settings.read("a program", [])
    for error in (by_flag, by_variable):
        assert str(error.value).startswith("--bootstrap-servers (or KAFKA_BOOTSTRAP_SERVERS): ")
        assert said in str(error.value)
        assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("kafka:9092", "kafka:9092"),
        (" kafka-1.example:1 , kafka_2:65535", "kafka-1.example:1,kafka_2:65535"),
        ("10.0.0.1:9092,[fd00::1]:9092", "10.0.0.1:9092,[fd00::1]:9092"),
    ],
)
def test_brokers_are_taken_as_they_are_meant(text: str, meant: str) -> None:
    assert Settings.read("a program", ["--bootstrap-servers", text]).bootstrap_servers == meant


def url(*flags: str) -> str:
    return Settings.read("a program", ["--http-token", "0123456789abcdef", *flags]).url(8888)


@pytest.mark.parametrize(
    ("flags", "meant"),
    [
        ((), "http://127.0.0.1:8888"),
        (("--host", "::1"), "http://[::1]:8888"),
        (("--host", "10.0.0.7"), "http://10.0.0.7:8888"),
        (("--host", "0.0.0.0"), f"http://{socket.gethostname()}:8888"),
        (("--host", "::"), f"http://{socket.gethostname()}:8888"),
        (("--host", "0"), f"http://{socket.gethostname()}:8888"),
        (("--host", "0.0.0.0", "--advertised-url", "http://server-0.server:1"), "http://server-0.server:1"),
        (("--advertised-url", "HTTPS://Server.Example:8443/"), "https://server.example:8443"),
        (("--advertised-url", "http://server:80"), "http://server:80"),
        (("--advertised-url", "http://[fd00::1]:8888"), "http://[fd00::1]:8888"),
    ],
)
def test_an_instance_is_known_by_what_it_listens_on_or_is_told(flags: tuple[str, ...], meant: str) -> None:
    assert url(*flags) == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("server:8888", "does not begin with http:// or https://"),
        ("ftp://server:21", "does not begin with http:// or https://"),
        ("", "does not begin with http:// or https://"),
        ("http://server", "has no port"),
        ("http://server:0", "has no port"),
        ("http://server:99999", "is no URL"),
        ("http://:8888", "is no URL"),
        ("http://a b:8888", "has no host name or address"),
        ("http://a..b:8888", "has no host name or address"),
        ("http://server:8888/path", "has something behind the port"),
        ("http://server:8888?a=b", "has something behind the port"),
        ("http://me:secret@server:8888", "has a user in it"),
        ("http://0.0.0.0:8888", "has the address 0.0.0.0, which nobody can ask"),
        ("http://[::]:8888", "has the address ::, which nobody can ask"),
    ],
)
def test_an_advertised_url_that_nobody_could_ask_is_one_line(text: str, said: str) -> None:
    with pytest.raises(BadSetting) as error:
        url("--advertised-url", text)
    assert str(error.value).startswith("--advertised-url (or SERVING_ADVERTISED_URL): ")
    assert said in str(error.value)
    assert "give http://HOST:PORT" in str(error.value)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("http://server", "http://server:80"),
        ("https://[fd00::1]", "https://[fd00::1]:443"),
        ("http://server:8888", "http://server:8888"),
        ("http://server/x", "http://server/x"),
        ("http://server:99999", "http://server:99999"),
        ("any text", "any text"),
    ],
)
def test_a_url_is_spelled_with_its_port(text: str, spelled: str) -> None:
    assert with_port(text) == spelled


@pytest.mark.parametrize(("host", "answer"), [("0.0.0.0", True), ("::", True), ("127.0.0.1", False), ("server", False)])
def test_an_address_to_listen_on_everywhere_is_known(host: Any, answer: bool) -> None:
    assert is_any_address(host) is answer
