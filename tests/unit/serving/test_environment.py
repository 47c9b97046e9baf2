"""A program that is started without the project's environment."""

import subprocess
import sys

import pytest

from experiments.variants import VARIANTS
from tests.support.process import ROOT

PROGRAMS = (
    "client.provider",
    "client.reader",
    "client.broker",
    "client.demo",
    "client.demo.all",
    "exercises",
    "exercises.run",
    "experiments.throughput",
    "experiments.survival",
    *(f"{name}.server" for name in VARIANTS),
)


def without_site_packages(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-S", *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_is_one_line_that_says_what_to_type(program: str) -> None:
    ended = without_site_packages("-m", program)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: this project's libraries are not installed for ")
    assert "source .venv/bin/activate" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_somebody_elses_import_does_not_end_the_process() -> None:
    ended = without_site_packages("-c", "import serving; print('alive')")
    assert ended.stdout == "alive\n"
