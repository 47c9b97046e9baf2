"""``docs/production.md`` is true: its settings are ours, its lines are what is said.

Its commands are run in ``tests/kafka/test_security.py``.
"""

import re

from serving.errors import CertificateRefused, LoginRefused, TlsRefused
from serving.settings.kafka import PASSWORD, KafkaSettings
from tests.support.process import ROOT

GUIDE = (ROOT / "docs" / "production.md").read_text("utf-8")


def test_the_table_names_every_setting_of_a_secured_cluster() -> None:
    rows = re.findall(r"^\| (`--[\w-]+`|none) \| `(\w+)` \|", GUIDE, re.MULTILINE)
    settings = {f"`--{name.replace('_', '-')}`": f"KAFKA_{name.upper()}" for name in KafkaSettings.model_fields}
    assert dict(rows) == {**settings, "none": PASSWORD}


def test_the_lines_about_refusals_are_the_programs_own() -> None:
    (said,) = re.findall(r"```text\n(.*?)\n```", GUIDE, re.DOTALL)
    refusals = (LoginRefused("…", "…", "…"), TlsRefused("…", "…"), CertificateRefused("…", "…"))
    assert said.splitlines() == [f"error: {refusal}" for refusal in refusals]


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", GUIDE)
    assert targets
    assert all((ROOT / "docs" / target).exists() for target in targets)
