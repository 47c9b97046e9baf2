"""Zips and graphs that must not reach TensorFlow; none of this needs it."""

import io
import re
import stat
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.network_graph import frozen_network, operation, saved_model, serialise, zip_of
from model import registry
from model.errors import ModelRejected
from model.formats.tensorflow.saved_model import MAX_BYTES, MAX_FILES, check, unpack
from protobufs.frozen_graph_pb2 import AttrValue, FunctionDef, FunctionDefLibrary, GraphDef, NameAttrList, NodeDef
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.saved_model_pb2 import MetaGraphDef, SavedModel, SavedObject, SavedObjectGraph
from tests.support.frozen_graphs import NETWORK

GRAPH = frozen_network(NETWORK)
GOOD = saved_model(GRAPH, "dense_1_input", "dense_3/Sigmoid", 5)


def refused(content: bytes) -> str:
    """The registry's reason, one line."""
    with pytest.raises(ModelRejected) as caught:
        registry.load(ModelDescriptor(dataType="wine", modeltype=ModelDescriptor.TENSORFLOWSAVED, data=content))
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)
    return caught.value.reason


def test_without_tensorflow_the_reason_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # as if it were not installed
    assert refused(GOOD) == (
        "a SavedModel needs TensorFlow; install the extra on the servers: pip install '.[tensorflow]', "
        "or export to ONNX"
    )


@pytest.mark.parametrize(
    "name", ["../out.txt", "variables/../../out.txt", "/tmp/out.txt", "..\\out.txt", "c:/out.txt", ".."]
)
def test_a_path_that_leads_out_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(ValueError, match=f"has a path that leads out of its directory: {re.escape(repr(name))}"):
        unpack(zip_of({"saved_model.pb": b"", name: b"x"}), inside)
    assert [path.name for path in tmp_path.rglob("*")] == ["inside"]


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    content = io.BytesIO()
    link = zipfile.ZipInfo("variables")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(link, "/etc")
    with pytest.raises(ValueError, match="has a symbolic link: 'variables'"):
        unpack(content.getvalue(), tmp_path)


def test_a_zip_that_would_unpack_too_large_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_BYTES == 256 * 2**20
    monkeypatch.setattr("model.formats.tensorflow.saved_model.MAX_BYTES", 8 * 2**20)  # zeros take their time, too
    content = io.BytesIO()
    with (
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("saved_model.pb", "w") as member,
    ):
        for _ in range(8 + 1):
            member.write(bytes(2**20))
    assert len(content.getvalue()) < 2**20
    for bomb in (content.getvalue(), zip_of({f"{number}": b"" for number in range(MAX_FILES + 1)})):
        with pytest.raises(ValueError, match="unpacks to more than 1,000 files or 8,388,608 bytes"):
            unpack(bomb, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_zip_that_lies_about_its_size_writes_no_more_than_it_said(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("saved_model.pb", bytes(100_000))
    lying = content.getvalue().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lying != content.getvalue()
    with pytest.raises(ValueError, match="is no zip of a SavedModel's directory: Bad CRC-32"):
        unpack(lying, tmp_path)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) <= 10


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"no zip", "is no zip of a SavedModel's directory: File is not a zip file", id="no zip"),
        pytest.param(GOOD[:-10], "is no zip of a SavedModel's directory: ", id="cut off"),
        pytest.param(zip_of({"model.pb": b""}), "has 0 files saved_model.pb; zip the directory of one", id="no model"),
        pytest.param(
            zip_of({"a/saved_model.pb": b"", "b/saved_model.pb": b""}), "has 2 files saved_model.pb;", id="two models"
        ),
        pytest.param(zip_of({"saved_model.pb": b"x"}), "has a saved_model.pb that is no SavedModel", id="no message"),
        pytest.param(zip_of({"saved_model.pb": b""}), "has 0 graphs; a SavedModel of one, tagged 's", id="no graph"),
    ],
)
def test_what_is_no_zip_of_one_saved_model_is_refused(content: bytes, reason: str) -> None:
    assert refused(content).startswith(reason)


@given(flips=st.lists(st.integers(0, 8 * len(GOOD) - 1), min_size=1, max_size=8), length=st.integers(1, len(GOOD)))
def test_a_damaged_zip_is_refused(flips: list[int], length: int) -> None:
    damaged = bytearray(GOOD)
    for flip in flips:
        damaged[flip // 8] ^= 1 << flip % 8
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "tensorflow", None)
        assert refused(bytes(damaged[:length]))


def program(*, calls: str = "", attributes: dict[str, AttrValue] | None = None, kind: str = "function") -> SavedModel:
    """A SavedModel of two functions: one that is served, which may call the other one, which writes a file."""
    served = operation("call", "StatefulPartitionedCall")
    served.attr["f"].func.name = calls
    functions = [
        FunctionDef(signature=FunctionDef.OpDef(name="served"), node_def=[served], attr=attributes or {}),
        FunctionDef(signature=FunctionDef.OpDef(name="save"), node_def=[NodeDef(name="s", op="SaveV2")]),
    ]
    objects = SavedObjectGraph(
        nodes=[SavedObject(**{kind: SavedObject.Nothing()})],
        concrete_functions={"served": SavedObjectGraph.Nothing()},
    )
    graph = MetaGraphDef(
        meta_info_def=MetaGraphDef.MetaInfoDef(tags=["serve"]),
        graph_def=GraphDef(library=FunctionDefLibrary(function=functions)),
        object_graph_def=objects,
    )
    return SavedModel(saved_model_schema_version=1, meta_graphs=[graph])


def checked(model: SavedModel, directory: Path) -> None:
    """Check it as a directory."""
    (directory / "saved_model.pb").write_bytes(serialise(model))
    check(directory)


WRITES = r"has the operation SaveV2 \(node 's'\), which is not known to leave files and network alone; export to ONNX"


def test_functions_that_only_the_checkpoint_needs_do_not_count(tmp_path: Path) -> None:
    checked(program(), tmp_path)
    with pytest.raises(ValueError, match=WRITES):
        checked(program(calls="save"), tmp_path)


def test_a_function_in_a_list_of_branches_counts(tmp_path: Path) -> None:
    model = program()
    branches = model.meta_graphs[0].graph_def.library.function[0].node_def[0].attr["branches"]
    branches.list.func.append(NameAttrList(name="save"))
    with pytest.raises(ValueError, match=WRITES):
        checked(model, tmp_path)


def test_a_stand_in_for_a_function_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"stand for each other \(api_implements\)"):
        checked(program(attributes={"api_implements": AttrValue(s=b"x")}), tmp_path)


@pytest.mark.parametrize("kind", ["resource", "asset", "captured_tensor"])
def test_objects_that_run_something_when_loaded_are_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"has objects of the kind {kind}, which can run anything when loaded"):
        checked(program(kind=kind), tmp_path)


def test_without_an_object_graph_every_node_counts(tmp_path: Path) -> None:
    model = program()
    model.meta_graphs[0].ClearField("object_graph_def")
    with pytest.raises(ValueError, match=WRITES):
        checked(model, tmp_path)


def test_a_directory_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no saved_model\.pb that can be read \(No such file or directory\)"):
        check(tmp_path)
