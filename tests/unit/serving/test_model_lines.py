"""What the console says of a model that starts serving."""

from pathlib import Path

import pytest
import structlog
from structlog.testing import CapturingLogger

from model import registry
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving import logs
from serving.engine import ArrivedModel
from serving.report import Report
from serving.settings import Settings
from tests.pmml_examples import LINEAR, ON_JAVA

ONNX = (Path(__file__).resolve().parents[3] / "data" / "models" / "wine-linear.onnx").read_bytes()


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
