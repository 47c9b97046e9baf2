"""Training again gives the same files, byte by byte."""

from pathlib import Path

import pytest

from data import train_models

MODELS = train_models.ROOT / "data" / "models"
pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def retrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which everything has been made anew."""
    directory: Path = tmp_path_factory.mktemp("models")
    train_models.main(["--output", str(directory)])
    return directory


FILES = sorted(str(path.relative_to(MODELS)) for path in MODELS.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", [name for name in FILES if name != "README.md"])
def test_training_again_gives_the_same_bytes(name: str, retrained: Path) -> None:
    assert (retrained / name).read_bytes() == (MODELS / name).read_bytes()


@pytest.mark.skipif(
    not train_models.REAL_WINES.exists(),
    reason=f"the card measures on the real wines, and they are not there: {train_models.REAL_WINES}",
)
def test_training_again_gives_the_same_card(retrained: Path) -> None:
    assert (retrained / "README.md").read_text() == (MODELS / "README.md").read_text()


def test_without_the_real_wines_the_card_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_models, "RECIPES", train_models.RECIPES[:1])
    train_models.main(["--output", str(tmp_path), "--csv", str(tmp_path / "none.csv")])
    assert (tmp_path / "README.md").read_text().count("not measured") == 1


def test_a_pmml_file_carries_no_time_of_its_making(retrained: Path) -> None:
    for path in retrained.glob("*.pmml"):
        assert "Timestamp" not in path.read_text(encoding="utf-8")
