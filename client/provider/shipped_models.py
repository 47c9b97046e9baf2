"""The trained models in ``data/models``, as the provider publishes them."""

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from model.errors import ServingError
from protobufs.model_descriptor_pb2 import ModelDescriptor

MODELS = Path(__file__).resolve().parents[2] / "data" / "models"
MANIFEST = "models.json"


class ShippedModel(BaseModel):
    """One line of the manifest that ``data/train_models.py`` writes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    file: str  # in the manifest's directory
    type: Literal["ONNX", "PMML", "TENSORFLOW", "TENSORFLOWSAVED"]
    data_type: str
    sha256: str  # in hexadecimal
    size: int  # in bytes


class ModelsUnusable(ServingError):
    """The directory does not hold the models that its manifest names."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}; 'git checkout data/models' restores it, 'make models' trains it again")


def shipped_models(directory: Path = MODELS) -> list[ModelDescriptor]:
    """The models of a directory, in the order of its manifest, their bytes checked against its SHA-256 sums.

    Raises:
        ModelsUnusable: manifest or model missing, broken, or not belonging together.
    """
    path = directory / MANIFEST
    try:
        manifest = TypeAdapter(list[ShippedModel]).validate_json(_content(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"])
        raise ModelsUnusable(path, f"is no manifest of models ({where or 'file'}: {first['msg']})") from None
    if not manifest:
        raise ModelsUnusable(path, "names no model")
    return [_descriptor(directory, entry) for entry in manifest]


def shipped_model(name: str) -> ModelDescriptor:
    """One of the models in ``data/models``.

    Raises:
        KeyError: there is none of this name.
        ModelsUnusable: as ``shipped_models``.
    """
    return {each.name: each for each in shipped_models()}[name]


def _descriptor(directory: Path, entry: ShippedModel) -> ModelDescriptor:
    path = directory / entry.file
    content = _content(path)
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise ModelsUnusable(path, f"is not the file that {MANIFEST} names (another SHA-256)")
    return ModelDescriptor(
        name=entry.name,
        description=entry.description,
        dataType=entry.data_type,
        modeltype=entry.type,
        data=content,
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelsUnusable(path, f"cannot be read ({error.strerror})") from None
