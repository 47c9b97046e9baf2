"""What the console says of a model that starts serving."""

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
    logs.configure(Settings.read("program", []))
    console = CapturingLogger()
    structlog.configure(logger_factory=lambda *_: console)
    descriptor = ModelDescriptor(name="m", dataType="wine", modeltype=kind, data=data)
    Report().model_serving(ArrivedModel(registry.load(descriptor), 0, descriptor, ""))
    (line,) = [call.args[0].split(" ", 1)[1] for call in console.calls]
    assert line == f"Model serving - m ({said}) now scores wine"
