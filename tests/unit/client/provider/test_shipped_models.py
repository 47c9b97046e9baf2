"""Reading the manifest of shipped models, sound and broken."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from client.provider.shipped_models import ModelsUnusable, shipped_models
from protobufs.model_descriptor_pb2 import ModelDescriptor

CONTENT = b"a model"
SOUND = {
    "name": "m",
    "description": "a model",
    "file": "m.onnx",
    "type": "ONNX",
    "data_type": "wine",
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "size": len(CONTENT),
}


def written(directory: Path, manifest: Any, content: bytes | None = CONTENT) -> Path:
    """A directory with this manifest and perhaps its model."""
    (directory / "models.json").write_text(manifest if isinstance(manifest, str) else json.dumps(manifest))
    if content is not None:
        (directory / "m.onnx").write_bytes(content)
    return directory


def test_a_descriptor_has_all_that_the_manifest_says(tmp_path: Path) -> None:
    other = SOUND | {"name": "n", "type": "PMML"}
    assert shipped_models(written(tmp_path, [SOUND, other])) == [
        ModelDescriptor(name="m", description="a model", dataType="wine", modeltype=ModelDescriptor.ONNX, data=CONTENT),
        ModelDescriptor(name="n", description="a model", dataType="wine", modeltype=ModelDescriptor.PMML, data=CONTENT),
    ]


def test_the_repository_has_models_to_ship() -> None:
    assert {descriptor.dataType for descriptor in shipped_models()} == {"wine"}


@pytest.mark.parametrize(
    ("manifest", "content", "reason"),
    [
        pytest.param([SOUND], None, "m.onnx: cannot be read (No such file or directory)", id="no file"),
        pytest.param([SOUND], b"another model", "m.onnx: is not the file that models.json names", id="another file"),
        pytest.param([], None, "models.json: names no model", id="empty"),
        pytest.param("{", None, "models.json: is no manifest of models (file: Invalid JSON", id="no JSON"),
        pytest.param(
            [SOUND | {"type": "R"}], None, "models.json: is no manifest of models (0/type: ", id="unknown type"
        ),
        pytest.param([{"name": "m"}], None, "models.json: is no manifest of models (0/description: ", id="incomplete"),
    ],
)
def test_a_broken_directory_is_one_line_with_the_remedy(
    manifest: Any, content: bytes | None, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelsUnusable) as caught:
        shipped_models(written(tmp_path, manifest, content))
    assert str(caught.value).startswith(f"{tmp_path}/{reason}")
    assert "'make models' trains it again" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_directory_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelsUnusable, match=r"none/models\.json: cannot be read \(No such file or directory\); 'git"):
        shipped_models(tmp_path / "none")
