"""Hosts, ports and URLs as people type them: what is wrong with one, and what is right."""

import ipaddress
import re
import socket
from typing import Annotated, get_args

from pydantic import AfterValidator
from yarl import URL

from serving.settings.security import SecurityProtocol

MAX_PORT = 65535
_HOST = r"(?:\[[0-9a-fA-F:.]+(?:%\w+)?\]|[\w.-]+)"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_any_address(host: str) -> bool:
    """Whether this is ``0.0.0.0`` or ``::``, in any spelling: to listen on, and nothing that a client could ask."""
    try:
        numeric = socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)[0][4][0]
    except (OSError, UnicodeError):
        return False
    return ipaddress.ip_address(str(numeric).partition("%")[0]).is_unspecified


def in_url(host: str) -> str:
    """A host as a URL and the header ``Host`` have it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def _is_host(text: str) -> bool:
    try:
        text.strip("[]").encode("idna")  # as every look-up does: it has limits of its own
    except UnicodeError:
        return False
    return re.fullmatch(_HOST, text) is not None


def with_port(url: str) -> str:
    """A URL with its port, also where that is its scheme's own, which libraries leave out; other text as it is."""
    try:
        parsed = URL(url)
    except ValueError:
        return url
    is_bare = parsed.host and parsed.port and parsed.explicit_port is None and parsed == parsed.origin()
    return f"{parsed.scheme}://{in_url(str(parsed.host))}:{parsed.port}" if is_bare else url


def _bootstrap_servers(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; give host:port of one or more brokers, separated by commas")
    return ",".join(_broker(each.strip()) for each in text.split(","))


def _broker(address: str) -> str:
    if not address:
        raise ValueError("has an empty entry; give host:port of each broker, with one comma between two")
    if mark := next((mark for mark in "'\"" if mark in address), None):
        raise ValueError(f"has a quotation mark in it ({mark}); give {address.replace(mark, '')}")
    if re.search(r"\s", address) or not address.isprintable():
        raise ValueError(f"has a space in {address!r}; separate brokers by commas, such as host-1:9092,host-2:9092")
    scheme, separator, rest = address.partition("://")
    if separator:
        rest = rest.partition("/")[0].rpartition("@")[2]
        rest = rest if ":" in rest else f"{rest}:9092"
        if scheme.upper() in get_args(SecurityProtocol):
            remedy = f"give {rest}, and --security-protocol {scheme.upper()} (or KAFKA_SECURITY_PROTOCOL)"
            raise ValueError(f"begins with {scheme}://, as listeners in a broker's own settings do; {remedy}")
        raise ValueError(f"is a URL ({scheme}://), and brokers speak Kafka's protocol; give host:port, such as {rest}")
    host, _, port = address.rpartition(":")
    if re.fullmatch(_HOST, address):
        raise ValueError(f"has no port; give {address}:9092, or the port on which the broker listens")
    if ":" in host and not host.startswith("["):
        raise ValueError(f"has more than one colon in {address!r}; give host:port, an IPv6 address as [::1]:9092")
    if not _is_host(host):
        raise ValueError(f"has no host name or address in {address!r}; give host:port, such as localhost:9092")
    if re.fullmatch("[0-9]{1,5}", port) is None or not 1 <= int(port) <= MAX_PORT:
        raise ValueError(f"has {port!r} for a port; a port is a number from 1 to {MAX_PORT}, such as {host}:9092")
    return address


BootstrapServers = Annotated[str, AfterValidator(_bootstrap_servers)]
"""``host:port`` of one or more brokers, separated by commas."""


def _instance_url(text: str) -> str:
    form = "give http://HOST:PORT, such as http://server-0.server:8888"
    try:
        url = URL(text.strip().removesuffix("/"))
        host, port = url.host, url.port
    except ValueError as error:
        raise ValueError(f"is no URL ({error}); {form}") from None
    if url.scheme not in ("http", "https"):
        raise ValueError(f"does not begin with http:// or https://; {form}")
    if not host or not _is_host(in_url(host)):
        raise ValueError(f"has no host name or address; {form}")
    if url.user is not None or url.password is not None:
        raise ValueError(f"has a user in it; {form}")
    if url.explicit_port is None or not port:
        raise ValueError(f"has no port; {form}")
    if url != url.origin():
        raise ValueError(f"has something behind the port; {form}")
    if is_any_address(host):
        raise ValueError(f"has the address {host}, which nobody can ask; {form}")
    return f"{url.scheme}://{in_url(host)}:{port}"


InstanceUrl = Annotated[str, AfterValidator(_instance_url)]
"""``http://HOST:PORT``, or ``https``, and nothing behind it."""
