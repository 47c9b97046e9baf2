"""JPMML's evaluator as the engine that is asked for: its licence is said; without network there is one line."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from client.broker.ports import free_port
from custom_stage.settings import StageSettings
from model import registry
from model.errors import ModelRejected, ModelUnfit
from model.formats.pmml.document import checked
from model.formats.pmml.jpmml_model import JpmmlModel
from model.inputs import TYPICAL
from model.model import LoadedModel
from model.trial import Trials
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.pmml_examples import LINEAR, changed
from tests.support.pmml_text import Node, pmml, regression, target_of, tree_model
from tests.support.process import ROOT

PMML = ModelDescriptor.PMML
NOT_COMPILED = pmml("""<NaiveBayesModel functionName="classification" threshold="0"><MiningSchema>
    <MiningField name="q" usageType="target"/><MiningField name="alcohol"/></MiningSchema><BayesInputs>
    <BayesInput fieldName="alcohol"><TargetValueStats>
    <TargetValueStat value="5"><GaussianDistribution mean="9" variance="1"/></TargetValueStat>
    <TargetValueStat value="6"><GaussianDistribution mean="12" variance="1"/></TargetValueStat>
    </TargetValueStats></BayesInput></BayesInputs><BayesOutput fieldName="q"><TargetValueCounts>
    <TargetValueCount value="5" count="1"/><TargetValueCount value="6" count="1"/></TargetValueCounts></BayesOutput>
    </NaiveBayesModel>""", ["alcohol"], target_of("5", "6"))  # fmt: skip


def loaded(content: bytes) -> LoadedModel:
    """This document's model, by JPMML."""
    descriptor = ModelDescriptor(name="m", dataType="wine", modeltype="PMML", data=content)
    return registry.load(descriptor, pmml_engine="jpmml")


def server(cache: Path, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A server that is started with an empty cache, and ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "custom_stage.server", "--bootstrap-servers", f"localhost:{free_port()}", *flags],
        cwd=ROOT,
        env={**os.environ, "XDG_CACHE_HOME": str(cache), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_network_a_server_that_is_asked_for_it_says_so_in_one_line_and_names_the_licence(
    tmp_path: Path,
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    end = server(tmp_path, "--pmml-engine", "jpmml", HTTPS_PROXY=nobody, HTTP_PROXY=nobody, https_proxy=nobody)
    assert end.returncode == 1
    (error,) = end.stderr.splitlines()
    assert error.startswith("error: --pmml-engine jpmml needs org.jpmml:pmml-evaluator-metro:1.7.7, which cannot be fe")
    assert "check the network, then start again, or leave that flag out" in error
    assert "its licence is AGPL-3.0" in end.stdout


def test_the_help_names_the_licence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        StageSettings.read("python -m custom_stage.server", ["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "fetched from Maven Central at the first start; its licence is AGPL-3.0" in said


@pytest.mark.thorough
def test_what_else_is_refused_is_scored_and_says_by_what() -> None:
    with pytest.raises(ModelRejected, match="--pmml-engine jpmml"):
        registry.load(ModelDescriptor(name="m", dataType="wine", modeltype="PMML", data=NOT_COMPILED))
    model = loaded(NOT_COMPILED)
    assert model.model.score(TYPICAL).tolist() == [5.0, 5.0, 6.0]  # the means' middle is 10.5
    assert model.scored_by == "by pmml-evaluator-metro 1.7.7 (AGPL-3.0) on Java"


@pytest.mark.thorough
def test_a_trial_uses_it_too() -> None:
    Trials().try_out(PMML, NOT_COMPILED, 60.0, 2**31, "jpmml")
    with pytest.raises(ModelUnfit, match="--pmml-engine jpmml"):
        Trials().try_out(PMML, NOT_COMPILED, 60.0, 2**31)


@pytest.mark.thorough
def test_a_record_without_a_value_gets_nan_and_its_neighbours_their_scores() -> None:
    root = Node(children=(Node("5", name="alcohol", value="10"),))
    model = JpmmlModel(checked(pmml(tree_model(root, ["alcohol"]), ["alcohol"], target_of("5", "6"))))
    assert model.score(TYPICAL).tolist() == pytest.approx([5.0, np.nan, np.nan], nan_ok=True)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            LINEAR.replace(b"RegressionModel", b"Oracle"),
            "JPMML cannot load it: .*; export it again, or to ONNX",
        ),
        (
            changed(LINEAR, 'functionName="regression"', 'functionName="regression" isScorable="false"'),
            "isScorable=true",
        ),
        (pmml(regression({"colour": 1.0}), ["colour"]), "needs colour, which no record has; "),
        (
            pmml(tree_model(Node("low"), ["alcohol"]), ["alcohol"], target_of("low", "high", data_type="string")),
            "gives labels such as 'low'; only labels that are numbers are served",
        ),
        (
            pmml(regression({"alcohol": 1.0}).replace(' usageType="target"', ""), ["alcohol"]),
            "needs q, which no record",
        ),
    ],
)
def test_what_it_cannot_serve_is_refused_with_a_reason_and_no_name_of_a_java_class(content: bytes, reason: str) -> None:
    with pytest.raises(ModelRejected, match=reason) as caught:
        loaded(content)
    assert "java." not in caught.value.reason
    assert "Exception" not in caught.value.reason


@pytest.mark.thorough
def test_a_closed_model_says_so() -> None:
    model = JpmmlModel(checked(LINEAR))
    model.close()
    with pytest.raises(RuntimeError, match="has been closed"):
        model.score(TYPICAL)
