"""The two experiments with peers, in small, and what their pages say of the peers' defaults."""

import subprocess
import sys
from pathlib import Path

import faust
import pytest

from experiments.duplicates.page import PEERS_HEAD
from experiments.markdown import table_rows
from experiments.peers.known import PEERS
from experiments.peers.page import HEAD
from tests.support.process import ROOT

pytestmark = pytest.mark.thorough
DEADLINE_S = 500


def run(*words: str) -> None:
    command = [sys.executable, "-m", "experiments", *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def number(cell: str) -> float:
    return float(cell.replace(",", ""))


def test_the_commit_intervals_are_the_engines_own_defaults() -> None:
    assert PEERS["plain_faust"].commit_interval_s == faust.App("asked").conf.broker_commit_interval
    asking = (
        "import inspect as i, quixstreams as q; print(i.signature(q.Application).parameters['commit_interval'].default)"
    )
    command = [str(ROOT / PEERS["quixstreams"].python), "-W", "ignore", "-c", asking]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    assert PEERS["quixstreams"].commit_interval_s == float(answer.stdout)


def test_a_small_run_measures_the_peers_on_the_same_backlog(tmp_path: Path) -> None:
    page = tmp_path / "peers.md"
    run("peers", "--records", "10000", "--variants", "custom_stage", "--output", str(page))
    rows = table_rows(page.read_text("utf-8"), HEAD)
    assert [row["server"] for row in rows] == ["`custom_stage`", "`plain_faust`", "`quixstreams`"]
    for row in rows:
        assert 0 < number(row["CPU, µs/record"]) < 2 * 1e6 / number(row["records/s"]) * 8, "not more than all cores"
        assert 0 <= number(row["scored again after `kill -9`"]) <= 10_000
    assert page.with_suffix(".png").stat().st_size > 1000


def test_a_small_run_of_duplicates_plays_every_round_with_every_peer(tmp_path: Path) -> None:
    page = tmp_path / "duplicates.md"
    variant = ("--variants", "streams_inmemory", "--records", "6000", "--rate", "1000")
    run("duplicates", *variant, "--peer-records", "24000", "--peer-rate", "500", "--output", str(page))
    rows = table_rows(page.read_text("utf-8"), PEERS_HEAD)
    leavings = ("stopped", "frozen", "killed")
    assert [(row["peer"].strip("`"), row["the second instance is"]) for row in rows] == [
        (peer, leaving) for peer in PEERS for leaving in leavings
    ]
    for row in rows:
        assert number(row["records"]) >= 4000
        assert number(row["by a hand-over"]) + number(row["late"]) <= number(row["scored twice"])
    assert page.with_suffix(".png").stat().st_size > 1000
