"""The page about models: its commands are run, its limits are the settings' own."""

import re
import subprocess
import sys
from pathlib import Path

from client.broker.embedded_kafka import EmbeddedKafka
from serving.models.feed import MAX_NAME_CHARACTERS
from serving.models.loading import MAX_KEPT_BYTES
from serving.scoring.records import MAX_DATA_TYPE_CHARACTERS, MAX_KEY_BYTES
from serving.settings.server import Settings
from serving.settings.topics import Topics
from tests.support.process import ROOT
from tests.support.server_process import ServerProcess

PAGE = (ROOT / "docs" / "models.md").read_text("utf-8")


def block(language: str) -> str:
    """The only block of a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)\n```", PAGE, re.DOTALL)
    return str(found)


def test_a_model_published_by_location_as_shown_serves(broker: EmbeddedKafka, topics: Topics, tmp_path: Path) -> None:
    python, dash_m, module, *flags = block("bash").split()
    assert (python, dash_m) == ("python", "-m")
    variant = module.removesuffix(".server")
    prefix = topics.models.removesuffix("_models")
    with ServerProcess(variant, broker.bootstrap_servers, prefix, tmp_path / "log", *flags) as server:
        server.wait_until_ready()
        program = block("python").replace('"models_models"', repr(topics.models))
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers, "PYTHONPATH": str(ROOT)},
            check=True,
            timeout=60,
        )
        for line in block("text").splitlines():
            server.wait_until_said(line)


def test_the_limits_in_the_table_are_the_settings_defaults() -> None:
    rows = dict(re.findall(r"^\| .* \| (.*) \| ([\d.]+) \|$", PAGE, re.MULTILINE))
    assert int(rows.pop("none: what a changelog takes, unpacked")) == MAX_KEPT_BYTES
    assert int(rows.pop("none: every answer and score carries them")) == MAX_NAME_CHARACTERS == MAX_DATA_TYPE_CHARACTERS
    assert int(rows.pop("none: its score carries it")) == MAX_KEY_BYTES
    names = ("max_model_bytes", "model_load_timeout_s", "model_load_bytes")
    defaults = {f"`--{name.replace('_', '-')}`": float(Settings.model_fields[name].default) for name in names}
    assert {setting: float(value) for setting, value in rows.items()} == defaults
