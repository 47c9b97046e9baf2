"""The experiment ``external`` with the real MLServer, in small."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from client.provider.shipped_models import shipped_models
from client.wines.source import GeneratedWines
from experiments.external.model_server import ModelServer
from experiments.external.page import OUTAGE_HEAD, SPEED_HEAD, SWAP_HEAD
from experiments.external.scorers import Grpc, NoAnswer, Rest
from experiments.external.ways import GRPC, REST, WAYS
from experiments.markdown import table_rows
from model import registry
from tests.support.process import ROOT

pytestmark = pytest.mark.thorough

DEADLINE_S = 500
SMALL = ("--records", "3000", "--seconds", "2", "--rounds", "1", "--swaps", "2", "--rate", "200")


@pytest.mark.parametrize("kind", [Rest, Grpc])
def test_mlserver_gives_the_scores_of_the_embedded_model_bit_for_bit(
    kind: type[Rest] | type[Grpc], tmp_path: Path
) -> None:
    models = {each.name: each for each in shipped_models()}
    features = GeneratedWines(seed=4).batch(200).features
    with ModelServer(tmp_path, models["forest-onnx"]) as server:
        scorer = kind(server)
        for name in ("forest-onnx", "linear-onnx"):
            if name == "linear-onnx":
                server.load(models[name])
            values, scored_by = scorer.score(features)
            assert scored_by == name
            assert np.array_equal(values, registry.load(models[name]).model.score(features))
        server.kill()
        with pytest.raises(NoAnswer):
            scorer.score(features)
        scorer.close()


def test_a_small_run_finds_nothing_lost_but_what_is_left_out_and_nothing_doubled(tmp_path: Path) -> None:
    page = tmp_path / "external.md"
    command = [sys.executable, "-m", "experiments", "external", *SMALL, "--output", str(page)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    text = page.read_text("utf-8")
    assert [row["records per call"] for row in table_rows(text, SPEED_HEAD)] == ["1", "10", "100", "1,000"]
    outages = table_rows(text, OUTAGE_HEAD)
    assert [row["asked over"] for row in outages] == [REST, GRPC, REST]
    assert [row["scored twice"] for row in outages] == ["0"] * 3
    assert [row["lost"] for row in outages[:2]] == ["0"] * 2
    assert int(outages[2]["lost"].replace(",", "")) > 0
    assert [(row["way"], row["swaps"]) for row in table_rows(text, SWAP_HEAD)] == [(way, "2") for way in WAYS]
