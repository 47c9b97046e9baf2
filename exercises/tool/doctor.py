"""What the exercises need, and what is there: each thing with its remedy in one line."""

import os
import re
import socket
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from client.broker.embedded_kafka import PORT
from client.broker.jars import jars_directory, locked_jars
from client.broker.plan import HOST
from client.broker.ports import answers, check_port
from client.errors import PortForbidden, PortInUse
from exercises.catalogue import ROOT, read_catalogue
from exercises.tool.words import shortened
from exercises.workspace import HOME

PYTHON = (3, 11)
HTTP_PORTS = (5500, 8888)
VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing; ``note`` says something that hinders no exercise."""

    state: Literal["good", "note", "bad"]
    what: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """In one line."""
        word = {"good": "ok  ", "note": "note", "bad": "BAD "}[self.state]
        return f"{word} {self.what}{f': {self.remedy}' if self.remedy else ''}"


def examine(home: Path = HOME) -> Iterator[Finding]:
    """Look at everything, in the order in which it is needed."""
    yield _python()
    yield _packages()
    yield _write_access(home)
    yield _jars()
    yield _broker()
    yield from map(_port, HTTP_PORTS)


def _python() -> Finding:
    told = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    if sys.version_info < PYTHON:
        return Finding("bad", told, "3.11 or later is needed; make exercises PYTHON=/path/to/python3.12")
    return Finding("good", told)


def _packages() -> Finding:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.match(r"[\w.-]+", each) for each in project["dependencies"]]
    missing = [name[0] for name in names if name is not None and not _is_installed(name[0])]
    if missing:
        return Finding("bad", f"packages missing: {', '.join(missing)}", "rm .venv/installed, then make exercises")
    return Finding("good", f"all {len(names)} packages")


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _write_access(home: Path) -> Finding:
    probe = home / f".probe.{os.getpid()}"
    try:
        home.mkdir(exist_ok=True)
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        return Finding(
            "bad", f"{shortened(home)}: {error.strerror}", "get the right to write there, or room on the disk"
        )
    return Finding("good", f"{shortened(home)}/ can be written")


def _jars() -> Finding:
    directory = jars_directory()
    missing = sum(not (directory / jar.file_name).exists() for jar in locked_jars())
    if missing:
        who = (
            "exercises with a broker need"
            if any(each.needs_broker for each in read_catalogue())
            else "no exercise needs"
        )
        remedy = f"{who} them; python -m client.broker.aot fetches them (45 MB, once)"
        return Finding("note", f"Kafka: {missing} of its files are not here yet", remedy)
    return Finding("good", "Kafka is prepared")


def _broker() -> Finding:
    address = os.environ.get(VARIABLE, f"localhost:{PORT}")
    try:
        if answers(address.split(",")[0]):
            return Finding("good", f"a broker answers at {address}")
    except (ValueError, socket.gaierror):
        return Finding("bad", f"{VARIABLE}={address}", "it must be host:port")
    remedy = "exercises bring their own; make provider starts one for the servers"
    if VARIABLE not in os.environ and (taken := _taken(PORT)) is not None:
        return Finding("note", f"port {PORT}: {taken}, and it is no broker", "make demo DEMO_PORT=9192 uses another")
    return Finding("good", f"no broker at {address}", remedy)


def _port(port: int) -> Finding:
    taken = _taken(port)
    if taken is None:
        return Finding("good", f"port {port} is free")
    return Finding("note", f"port {port}: {taken}", "servers that you start by hand need it; --port names another")


def _taken(port: int) -> str | None:
    try:
        check_port(port)
    except PortInUse:
        return f"something listens on {HOST}"
    except PortForbidden as error:
        return str(error)
    return None
