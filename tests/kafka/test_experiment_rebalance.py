"""A small run of the experiment: its members, its broker, and what both sources say of each step."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.markdown import table_rows
from experiments.rebalance.page import HEAD
from experiments.rebalance.steps import STEPS
from tests.support.process import ROOT

DEADLINE_S = 300  # for what hangs
MOVED = 2  # of four partitions, at each change


@pytest.mark.parametrize(
    "played", [("consumer",), pytest.param(("classic", "cooperative"), marks=pytest.mark.thorough)]
)
def test_a_small_run_finds_each_step_in_order_for_each_protocol_and_loses_nothing(
    played: tuple[str, ...], tmp_path: Path
) -> None:
    page = tmp_path / "rebalance.md"
    size = ["--rounds", "1", "--rate", "400", "--settle-s", "0.2", "--session-timeout-ms", "1000"]
    # How near sum and hole are is a matter of time; that each score's times fit into each other is not, and is checked.
    words = (*size, "--tolerance-ms", "60000", "--protocols", ",".join(played), "--output", str(page))
    ended = subprocess.run(
        [sys.executable, "-m", "experiments", "rebalance", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr  # no step backwards, nothing lost, duplicates explained
    told = re.findall(
        r"^(\w+), the second instance (is \w+|joins): ([\d +]+) = (\d+) ms; the hole:", ended.stdout, re.M
    )
    for protocol in played:
        changes = [what for name, what, *_ in told if name == protocol]
        assert changes == [what for what in ("joins", "is stopped", "joins", "is killed") for _ in range(MOVED)], (
            ended.stdout
        )
    for _, _, steps, total in told:
        took_ms = [int(step) for step in steps.split(" + ")]
        assert len(took_ms) == len(STEPS)
        assert sum(took_ms) == int(total)
    rows = table_rows(page.read_text("utf-8"), HEAD)
    assert [row["the second instance"] for row in rows] == [
        what for what in ("joins", "is stopped", "is killed") for _ in played
    ]
    assert page.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
