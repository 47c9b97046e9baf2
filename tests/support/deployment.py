"""What the files in ``deploy/`` say, for tests."""

from collections.abc import Mapping
from typing import Any

import yaml

from tests.support.process import ROOT

DEPLOY = ROOT / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
COMPOSE = DEPLOY / "compose.yaml"


def compose_services() -> dict[str, dict[str, Any]]:
    """The compose file's services by name."""
    services: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    return services


def kubernetes_objects() -> dict[tuple[str, str], dict[str, Any]]:
    """The manifests' objects by kind and name."""
    objects = [each for path in MANIFESTS for each in yaml.safe_load_all(path.read_text("utf-8"))]
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def kubernetes_pod(name: str) -> dict[str, Any]:
    """What the pods of a StatefulSet are made of."""
    pod: dict[str, Any] = kubernetes_objects()["StatefulSet", name]["spec"]["template"]["spec"]
    return pod


def kubernetes_environment(name: str) -> dict[str, str | None]:
    """The variables of a StatefulSet's only container; None where the value comes from elsewhere."""
    (container,) = kubernetes_pod(name)["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


def dockerfile(instruction: str) -> list[str]:
    """The arguments of each such instruction in the Dockerfile."""
    lines = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{instruction} ")]


def image_environment() -> Mapping[str, str]:
    """The variables that the image sets."""
    pairs = [word.partition("=") for line in dockerfile("ENV") for word in line.split()]
    return {name: value for name, _, value in pairs}
