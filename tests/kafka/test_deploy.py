"""The broker and the server as ``deploy/compose.yaml`` has them, without containers: same scripts, same variables."""

import os
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from client.broker.files import java_command, java_environment
from client.broker.jars import kafka_jars
from client.broker.plan import HOST
from client.broker.ports import free_port
from client.broker.watchdog import watchdog_command
from tests.contract.accounts import SCORED
from tests.support.deployment import DEPLOY, compose_services
from tests.support.process import Process, eventually
from tests.support.server_process import ServerProcess

PROGRAMS = {"kafka-storage.sh": "kafka.tools.StorageTool", "kafka-server-start.sh": "kafka.Kafka"}
RECORDS = 30


def environment(service: str, secrets: Path) -> dict[str, str]:
    """The variables of a service, with its secrets where they are here."""
    return {
        name: value.replace("/run/secrets", str(secrets))
        for name, value in compose_services()[service]["environment"].items()
    }


@contextmanager
def composed_broker(secrets: Path, directory: Path) -> Iterator[str]:
    """The service ``kafka``; its address."""
    programs = directory / "bin"  # as in the official image
    programs.mkdir()
    (directory / "log4j2.properties").write_text("rootLogger.level = OFF\n")
    for name, main_class in PROGRAMS.items():
        java = shlex.join(java_command(directory, kafka_jars(), main_class))
        (programs / name).write_text(f'#!/usr/bin/env bash\nexec {java} "$@"\n')
        (programs / name).chmod(0o755)
    ports = {name: free_port() for name in ("CLIENTS_PORT", "CONTROLLER_PORT", "BROKERS_PORT")}
    service = environment("kafka", secrets)
    changed = {
        "VOTERS": service["VOTERS"].replace("9093", str(ports["CONTROLLER_PORT"])),
        "ADVERTISED_HOST": HOST,
        "KAFKA_BIN": str(programs),
        "SETTINGS_DIR": str(DEPLOY / "kafka"),
        "DATA_DIR": str(directory / "data"),
        **{name: str(port) for name, port in ports.items()},
    }
    with (directory / "broker.log").open("wb") as log:
        started = subprocess.Popen(
            watchdog_command(["bash", str(DEPLOY / "kafka" / "start.sh")]),
            cwd=directory,
            env={**java_environment(), **service, **changed, "TMPDIR": str(directory)},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        listening = eventually_listens(ports["CLIENTS_PORT"], started, directory / "broker.log")
        yield listening
    finally:
        started.terminate()
        started.communicate(timeout=20)


def eventually_listens(port: int, started: "subprocess.Popen[bytes]", log: Path) -> str:
    def listens() -> bool:
        assert started.poll() is None, log.read_text()
        with suppress(OSError), socket.create_connection((HOST, port), timeout=1.0):
            return True
        return False

    eventually(listens, f"the composed broker listens:\n{log.read_text()}")
    return f"{HOST}:{port}"


def test_the_composed_server_scores_what_the_composed_provider_publishes(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    subprocess.run([str(DEPLOY / "kafka" / "secrets.sh"), str(secrets), "kafka"], check=True)
    services = compose_services()
    with composed_broker(secrets, tmp_path) as address:
        reached = {"KAFKA_BOOTSTRAP_SERVERS": address}
        (module,) = services["provider"]["command"]
        words = ("-m", module, "--records", str(RECORDS), "--data-interval", "0")
        with Process(tmp_path / "provider.log", *words, **environment("provider", secrets) | reached) as provider:
            assert provider.wait() == 0
        variant = services["server"]["command"][0].removesuffix(".server")
        variables = environment("server", secrets) | reached | {"SERVING_HOST": HOST}
        del variables["SERVING_HTTP_TOKEN"]  # here it listens to this machine alone
        with ServerProcess(variant, address, "models", tmp_path / "server.log", environment=variables) as server:
            server.wait_until_ready()
            server.wait_until(lambda: server.metric(SCORED) >= RECORDS, "all were scored")
            password = (secrets / "password").read_text()
            assert password not in server.said + provider.said
            assert server.stop() == 0
    assert os.access(DEPLOY / "kafka" / "start.sh", os.X_OK)
