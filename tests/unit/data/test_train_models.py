"""Training again gives the same files, byte by byte."""

import os
import re
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.process import ROOT

MODELS = ROOT / "data" / "models"
REAL_WINES = os.environ.get("REAL_WINES")
FIGURES = re.compile(r"(\| (?:R2|accuracy) \| [0-9.]+ )\| [0-9.]+ \|")
"""In the card: the figure on generated wines, then the one on the real ones."""
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def train_models() -> ModuleType:
    """The program; scikit-learn comes with it, for which every process of the tests would wait."""
    from data import train_models

    return train_models


@pytest.fixture(scope="module")
def retrained(train_models: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which everything has been trained again."""
    directory: Path = tmp_path_factory.mktemp("models")
    train_models.main(["--output", str(directory), *(["--real-wines", REAL_WINES] if REAL_WINES else [])])
    return directory


FILES = sorted(str(path.relative_to(MODELS)) for path in MODELS.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", [name for name in FILES if name != "README.md"])
def test_training_again_gives_the_same_bytes(name: str, retrained: Path) -> None:
    assert (retrained / name).read_bytes() == (MODELS / name).read_bytes()


def test_training_again_gives_the_same_card(train_models: ModuleType, retrained: Path) -> None:
    made, shipped = (retrained / "README.md").read_text(), (MODELS / "README.md").read_text()
    if not REAL_WINES:
        assert made.count("| not measured |") == len(train_models.RECIPES)
        shipped = FIGURES.sub(r"\1| not measured |", shipped)
    assert made == shipped


def test_a_path_at_which_there_are_no_wines_is_one_line_before_anything_is_trained(
    train_models: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        train_models.main(["--output", str(tmp_path), "--real-wines", str(tmp_path / "none.csv")])
    assert "none.csv: cannot be read (No such file or directory); name an existing file" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_pmml_file_carries_no_time_of_its_making(retrained: Path) -> None:
    for path in retrained.glob("*.pmml"):
        assert "Timestamp" not in path.read_text(encoding="utf-8")
