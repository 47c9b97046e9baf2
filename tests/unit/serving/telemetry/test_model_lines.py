"""What the console says of a model that an engine was given."""

import pytest
import structlog
from structlog.testing import CapturingLogger

from model import registry
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import ArrivedModel
from serving.settings.server import Settings
from serving.telemetry import logs
from serving.telemetry.report import Report
from tests.support.pmml_examples import LINEAR, ON_JAVA
from tests.support.process import ROOT

ONNX = (ROOT / "data" / "models" / "wine-linear.onnx").read_bytes()


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("ONNX", ONNX, "ONNX"),
        ("PMML", LINEAR, "PMML, compiled to numpy"),
        ("PMML", ON_JAVA, "PMML, by PMML4S on Java: its PMML contains Scorecard"),
    ],
)
def test_a_model_that_starts_serving_is_named_with_what_scores_it(
    kind: ModelDescriptor.ModelType, data: bytes, said: str
) -> None:
    assert line_of(Report(), kind, data, activated=True) == f"Model serving - m ({said}) now scores wine"


def test_a_model_that_was_not_activated_is_not_said_to_serve() -> None:
    report = Report()
    assert line_of(report, ModelDescriptor.PMML, LINEAR, activated=False) == (
        "Model ignored - wine is scored by m or a newer model already"
    )
    assert b"serving_models_accepted_total 0.0" in report.metrics.exposition()


def line_of(report: Report, kind: ModelDescriptor.ModelType, data: bytes, activated: bool) -> str:
    """What is logged when an engine was given such a model."""
    logs.configure(Settings.read("program", []))
    console = CapturingLogger()
    structlog.configure(logger_factory=lambda *_: console)
    descriptor = ModelDescriptor(name="m", dataType="wine", modeltype=kind, data=data)
    report.model_accepted(ArrivedModel(registry.load(descriptor), 0, descriptor, ""), activated)
    (line,) = [str(call.args[0]).split(" ", 1)[1] for call in console.calls]
    return line
