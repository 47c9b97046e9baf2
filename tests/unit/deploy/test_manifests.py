"""The files in ``deploy/`` are valid, and what they name is there."""

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from fastapi import APIRouter

from client.broker.jars import KAFKA
from client.provider.__main__ import ProviderSettings
from experiments.variants import variant
from serving.settings.command_line import CommandLine
from serving.settings.kafka import KafkaSettings
from serving.settings.server import Settings
from serving.telemetry.health import Health
from serving.telemetry.report import Report
from serving.web.api import application
from tests.support.deployment import (
    COMPOSE,
    DEPLOY,
    MANIFESTS,
    compose_services,
    dockerfile,
    image_environment,
    kubernetes_environment,
    kubernetes_objects,
    kubernetes_pod,
)
from tests.support.process import ROOT

COMPOSE_SCHEMA = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
KUBERNETES_VERSIONS = ("1.30", "1.37")
OF_KAFKA = {"bootstrap_servers", *KafkaSettings.model_fields}
NO_SETTINGS = {"PYTHONUNBUFFERED", "POD_NAME"}
SERVERS = ("server", "streams")  # the StatefulSets that serve
COMPOSE_SECRETS = "/run/secrets/"
README = (DEPLOY / "README.md").read_text("utf-8")

TOKEN = "SERVING_HTTP_TOKEN"


def variables_of(settings: type[CommandLine]) -> set[str]:
    """The variables that a program with these settings reads."""
    prefix = settings.model_config["env_prefix"]
    return {f"{'KAFKA_' if name in OF_KAFKA else prefix}{name.upper()}" for name in settings.model_fields}


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_are_as_kubernetes_wants_them(path: Any, version: str) -> None:
    import kubernetes_validate  # here, as what it needs takes a second, which every process of the tests would wait

    objects = list(yaml.safe_load_all(path.read_text("utf-8")))
    assert objects
    for each in objects:
        kubernetes_validate.validate(each, version, strict=True)


def test_the_compose_file_is_as_the_specification_wants_it() -> None:
    import jsonschema  # here: see above

    # Not imported, only looked into: of that program we need no more than the schema that it ships.
    shipped = metadata.distribution("check-jsonschema").locate_file(COMPOSE_SCHEMA)
    schema = json.loads(Path(str(shipped)).read_text("utf-8"))
    wrong = jsonschema.validators.validator_for(schema)(schema).iter_errors(yaml.safe_load(COMPOSE.read_text("utf-8")))
    assert [each.message for each in wrong] == []


@pytest.mark.parametrize(
    ("environment", "settings"),
    [
        (compose_services()["server"]["environment"], Settings),
        (compose_services()["provider"]["environment"], ProviderSettings),
        *((kubernetes_environment(name), Settings) for name in SERVERS),
        (image_environment(), Settings),
    ],
    ids=["compose server", "compose provider", "kubernetes server", "kubernetes streams", "image"],
)
def test_every_variable_is_a_setting_with_a_value_that_it_takes(
    environment: Mapping[str, str | None], settings: type[CommandLine]
) -> None:
    assert set(environment) - NO_SETTINGS <= variables_of(settings)
    prefix = settings.model_config["env_prefix"]
    ours = {
        name: value.replace("$(POD_NAME)", "streams-0")
        for name, value in environment.items()
        if name.startswith(prefix) and value is not None
    }
    flags = [word for name, value in ours.items() for word in (f"--{_kebab(name, prefix)}", value)]
    if ours.pop(TOKEN, None) is None and settings is Settings:
        flags += ["--http-token", "of the operator's own"]
    read = settings.read("a program", flags)
    for name, value in ours.items():
        assert str(getattr(read, name.removeprefix(prefix).lower())) in (value, f"{value}.0")


def _kebab(variable: str, prefix: str) -> str:
    return variable.removeprefix(prefix).lower().replace("_", "-")


def test_a_server_that_others_can_reach_is_given_a_token() -> None:
    assert compose_services()["server"]["environment"][TOKEN].startswith("${SERVING_HTTP_TOKEN:?")
    for name in SERVERS:
        assert kubernetes_environment(name)[TOKEN] is None, "it comes from a secret"


def test_each_of_three_streams_instances_announces_a_name_that_leads_to_it_and_keeps_a_disk_of_its_own() -> None:
    objects, environment = kubernetes_objects(), kubernetes_environment("streams")
    stateful_set = objects["StatefulSet", "streams"]["spec"]
    (container,) = kubernetes_pod("streams")["containers"]
    assert (stateful_set["replicas"], container["args"]) == (3, ["streams_kvstore.server"])
    (pod_name,) = [each["valueFrom"] for each in container["env"] if each["name"] == "POD_NAME"]
    assert pod_name == {"fieldRef": {"fieldPath": "metadata.name"}}
    names = [each["name"] for each in container["env"]]
    assert names.index("POD_NAME") < names.index("SERVING_ADVERTISED_URL"), "or it would not be replaced"
    # A pod is reachable as POD.SERVICE where the StatefulSet's service is headless.
    service = stateful_set["serviceName"]
    port = environment["SERVING_PORT"]
    assert environment["SERVING_ADVERTISED_URL"] == f"http://$(POD_NAME).{service}:{port}"
    assert objects["Service", service]["spec"]["clusterIP"] == "None"
    assert objects["Service", service]["spec"]["selector"] == stateful_set["selector"]["matchLabels"]
    (claim,) = stateful_set["volumeClaimTemplates"]
    (mount,) = [each for each in container["volumeMounts"] if each["name"] == claim["metadata"]["name"]]
    assert environment["SERVING_DATA_DIR"] == mount["mountPath"]


def test_a_composed_server_announces_its_service() -> None:
    environment = compose_services()["server"]["environment"]
    assert environment["SERVING_ADVERTISED_URL"] == f"http://server:{environment['SERVING_PORT']}"


def test_every_secret_that_a_variable_names_is_mounted_there() -> None:
    for service in compose_services().values():
        files = [str(value) for name, value in service["environment"].items() if name.endswith("_FILE")]
        assert {file.removeprefix(COMPOSE_SECRETS) for file in files} <= set(service["secrets"])
    for name in (*SERVERS, "kafka"):
        (container,) = kubernetes_pod(name)["containers"]
        mounts = [f"{each['mountPath']}/" for each in container["volumeMounts"]]
        for variable, value in kubernetes_environment(name).items():
            if variable.endswith(("_FILE", "_DIR")) and value is not None:
                assert any(f"{value}/".startswith(mount) for mount in mounts), variable


def test_no_secret_stands_in_a_manifest() -> None:
    assert ("Secret" not in {kind for kind, _ in kubernetes_objects()}) and "PASSWORD:" not in COMPOSE.read_text()
    for pod in ("kafka", *SERVERS):
        assert not [name for name, value in kubernetes_environment(pod).items() if value and name.endswith("PASSWORD")]
    ignored = subprocess.run(["git", "check-ignore", "deploy/secrets/password"], cwd=ROOT, check=False)
    assert ignored.returncode == 0


def test_ports_are_the_same_wherever_they_are_named() -> None:
    (port,) = {image_environment()["SERVING_PORT"], *dockerfile("EXPOSE")}
    server = compose_services()["server"]
    assert server["environment"]["SERVING_PORT"] == port
    assert server["ports"] == [f"127.0.0.1:{port}:{port}"]
    for name in SERVERS:
        assert kubernetes_environment(name)["SERVING_PORT"] == port
        (container,) = kubernetes_pod(name)["containers"]
        assert [(each["name"], str(each["containerPort"])) for each in container["ports"]] == [("http", port)]
    for name in (*SERVERS, "streams-http"):
        (service,) = kubernetes_objects()["Service", name]["spec"]["ports"]
        assert (str(service["port"]), service["targetPort"]) == (port, "http")
    of_kafka = {each["name"]: each["port"] for each in kubernetes_objects()["Service", "kafka"]["spec"]["ports"]}
    started = (DEPLOY / "kafka" / "start.sh").read_text()
    assert of_kafka == {name.lower(): int(number) for name, number in re.findall(r'"\$\{(\w+)_PORT:-(\d+)\}"', started)}
    (servers,) = {kubernetes_environment(name)["KAFKA_BOOTSTRAP_SERVERS"] for name in SERVERS}
    voters = kubernetes_environment("kafka")["VOTERS"]
    replicas = kubernetes_objects()["StatefulSet", "kafka"]["spec"]["replicas"]
    assert servers == ",".join(f"kafka-{number}.kafka:{of_kafka['clients']}" for number in range(replicas))
    assert voters == ",".join(f"{number}@kafka-{number}.kafka:{of_kafka['controller']}" for number in range(replicas))


def test_probes_ask_paths_that_the_server_has() -> None:
    engine = SimpleNamespace(routes=APIRouter, states=list, assigned=tuple)
    app = application(variant("custom_stage"), engine, Report(), Health())
    paths = app.openapi()["paths"]
    for name in SERVERS:
        (container,) = kubernetes_pod(name)["containers"]
        assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"
    assert "/healthz" in " ".join(compose_services()["server"]["healthcheck"]["test"])
    assert "/healthz" in paths
    annotations = kubernetes_objects()["StatefulSet", "server"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] in paths


def test_nobody_runs_as_root_or_writes_to_its_image_on_kubernetes() -> None:
    for name in ("kafka", *SERVERS):
        pod = kubernetes_pod(name)
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert {mount["name"] for mount in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]} | {
            each["metadata"]["name"]
            for each in kubernetes_objects()["StatefulSet", name]["spec"]["volumeClaimTemplates"]
        }


def test_the_images_are_the_kafka_of_the_tests_and_ours() -> None:
    kafka = f"apache/kafka:{KAFKA.rpartition(':')[2]}"
    services = compose_services()
    assert {service["image"] for service in services.values()} == {kafka, "model-serving-on-streams"}
    assert kubernetes_pod("kafka")["containers"][0]["image"] == services["kafka"]["image"] == kafka
    for name in SERVERS:
        assert kubernetes_pod(name)["containers"][0]["image"] == services["server"]["image"]


def test_the_image_has_every_package_and_starts_a_module_that_there_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    copied = {word for line in dockerfile("COPY") for word in line.split()[:-1]}
    assert set(project["tool"]["importlinter"]["root_packages"]) <= copied
    assert {"pyproject.toml", "constraints.txt", project["project"]["readme"], "data"} <= copied
    kept = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}
    assert kept == copied
    assert all((ROOT / name).exists() for name in copied)
    commands = [json.loads(dockerfile("CMD")[0])]
    commands += [kubernetes_pod(name)["containers"][0]["args"] for name in SERVERS]
    commands += [compose_services()[name]["command"] for name in ("server", "provider")]
    for command in commands:
        assert find_spec(command[0]) is not None


def test_what_the_readme_has_typed_names_files_that_are_there_or_made() -> None:
    made = {f"deploy/secrets/{name}" for name in ("username", "password", "ca.pem", "broker.pem")}
    commands = re.findall(r"```bash\n(.*?)\n```", README, re.DOTALL)
    words = [word.rpartition("=")[2] for block in commands for word in shlex.split(block)]
    named = {word for word in words if word.startswith("deploy/")} - {"deploy/secrets"}
    assert named
    for word in named:
        assert word in made or (ROOT / word).exists(), word
