"""The experiments as they are run: small ones, to see that they measure."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.__main__ import QUESTIONS
from experiments.survival.page import MARKER
from tests.support.process import ROOT

DEADLINE_S = 500  # for what hangs; on a slow machine beside other work a run has taken 120


def run(*words: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def rows(page: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if re.match(r"\| \[?`", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.thorough
def test_a_small_throughput_run_writes_its_page(tmp_path: Path) -> None:
    page = tmp_path / "throughput.md"
    size = ("--records", "30000", "--steady-s", "1.5")
    run("experiments.throughput", *size, "--variants", "custom_stage", "--output", str(page))
    speeds, latencies = page.read_text("utf-8").split("## Latency")
    limit, *others = rows(speeds)
    assert (limit[0], limit[4]) == ("`pass_through`", "1.00")
    measured = [row[1:3] for row in others]
    assert {delivery for delivery, _ in measured} == {"at-least-once", "at-most-once", "exactly-once"}
    assert {"linear-onnx", "forest-onnx", "linear-pmml", "forest-pmml"} <= {model for _, model in measured}
    for row in (limit, *others):
        per_s, cpu_us, memory_mib = (float(row[at].replace(",", "")) for at in (3, 6, 7))
        assert 0 < cpu_us < 2 * 1e6 / per_s * 8, "a process cannot use more time than there was on all cores"
        assert memory_mib > 20, "a server with its libraries"
    again = {row[1]: int(row[8].replace(",", "")) for row in others if row[2] == "linear-onnx"}
    assert 0 <= again["at-least-once"] <= 30_000
    assert again["at-most-once"] == again["exactly-once"] == 0
    steady, swapping = rows(latencies)
    assert steady[:2] == ["`custom_stage`", "0"]
    assert int(swapping[1]) >= 1
    for row in (steady, swapping):
        assert 0 < float(row[2]) <= float(row[3]) <= float(row[4]) <= float(row[5])


@pytest.mark.thorough
def test_a_small_survival_run_measures_what_custom_stage_promises(tmp_path: Path) -> None:
    readme, page = tmp_path / "README.md", tmp_path / "survival.md"
    readme.write_text(f"before\n\n<!-- {MARKER} -->\n\nafter\n", "utf-8")
    to = ["--readme", str(readme), "--output", str(page)]
    run("experiments.survival", "--kills", "1", "--variants", "custom_stage", *to)
    killed, wiped, emptied, traces = rows(page.read_text("utf-8"))
    assert killed[4] == wiped[4] == "0", "records skipped"
    assert killed[2].endswith(" s")
    assert emptied[2] == ""
    assert int(emptied[4].replace(",", "")) > 0
    assert int(traces[1].replace(",", "")) > 0
    assert traces[2:] == ["nothing", "nothing"]
    ((_, *promised, _, _, _, _),) = rows(readme.read_text("utf-8"))
    assert [cell.split()[0] for cell in promised] == ["scores", "scores", "skips"]


def test_the_list_names_each_experiment_and_a_name_runs_it() -> None:
    assert [line.split()[0] for line in run("experiments").splitlines()[1:]] == list(QUESTIONS)
    assert run("experiments", "duplicates", "--help").startswith("usage: python -m experiments.duplicates")
    usage = run("experiments", "price-of-state", "--help")
    assert usage.startswith("usage: python -m experiments.price_of_state"), "hyphens will do"
    command = [sys.executable, "-m", "experiments", "duplicate"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert ended.returncode == 1
    assert re.fullmatch(r"error: .*'duplicate'.*\bduplicates\b.*\n", ended.stderr)


def test_an_unknown_variant_is_one_line_that_names_those_there_are() -> None:
    command = [sys.executable, "-m", "experiments.throughput", "--variants", "custom_stages"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "streams_customstore" in ended.stderr


@pytest.mark.thorough
def test_a_small_run_of_instances_that_leave_explains_every_duplicate(tmp_path: Path) -> None:
    page = tmp_path / "duplicates.md"
    peers = ("--peers", "plain_faust", "--peer-records", "9000", "--peer-rate", "500")
    run("experiments.duplicates", "--records", "45000", "--rate", "2000", *peers, "--output", str(page))
    ours, _, others = page.read_text("utf-8").partition("\n## ")
    assert [row[2] for row in rows(others)] == ["stopped", "frozen", "killed"]
    measured = {(row[1], row[2]): row[3:] for row in rows(ours)}
    assert len(measured) == 9
    for (delivery, leaving), (records, twice, by_hand_over, late, unscored) in measured.items():
        assert int(records.replace(",", "")) >= 5000
        assert int(twice.replace(",", "")) == int(by_hand_over.replace(",", "")) + int(late.replace(",", ""))
        assert late == "0" or leaving == "frozen"
        assert twice == "0" or delivery == "at-least-once"
        assert unscored == "0" or (delivery == "at-most-once" and leaving != "stopped")
