"""SavedModels before TensorFlow sees them: a zip unpacked, and what the model would do read off its graph.

A SavedModel is a directory: ``saved_model.pb`` and the variables. It travels as a zip of that directory.
"""

import io
import stat
import zipfile
from pathlib import Path, PurePosixPath

from google.protobuf.message import DecodeError

from model.formats.tensorflow.graph_operations import check_operations
from protobufs.saved_model_pb2 import SavedModel

FILE = "saved_model.pb"
MAX_FILES = 1000
MAX_BYTES = 256 * 2**20
"""Of all files together, unpacked."""

RESTORED = ("user_object", "function", "variable", "bare_concrete_function", "constant")
"""The kinds of objects that run nothing while they are loaded; tables and other resources do."""


def unpack(content: bytes, into: Path) -> Path:
    """Unpack a zip that holds one SavedModel, at its top or in a directory; returns the SavedModel's directory.

    Raises:
        ValueError: no zip, a path or a link that leads elsewhere, too large, or not one SavedModel.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive.infolist())
            archive.extractall(into)
    except ValueError:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile raises what it likes about a damaged file
        raise ValueError(f"is no zip of a SavedModel's directory: {error or type(error).__name__}") from None
    found = list(into.rglob(FILE))
    if len(found) != 1:
        raise ValueError(f"has {len(found)} files {FILE}; zip the directory of one SavedModel")
    return found[0].parent


def check(directory: Path) -> None:
    """That neither loading nor scoring can do anything but calculate.

    Raises:
        ValueError: it can, or there is no SavedModel of one graph.
    """
    try:
        content = (directory / FILE).read_bytes()
        graphs = SavedModel.FromString(content).meta_graphs
    except OSError as error:
        raise ValueError(f"has no {FILE} that can be read ({error.strerror})") from None
    except DecodeError:
        raise ValueError(f"has a {FILE} that is no SavedModel, or not all of one") from None
    if len(graphs) != 1 or "serve" not in graphs[0].meta_info_def.tags:
        raise ValueError(f"has {len(graphs)} graphs; a SavedModel of one, tagged 'serve', is served")
    (graph,) = graphs
    if not graph.HasField("object_graph_def"):  # as TensorFlow 1 writes it: any node may be run in loading
        check_operations(graph.graph_def)
        return
    kinds = {each.WhichOneof("kind") for each in graph.object_graph_def.nodes}
    if other := sorted(str(kind) for kind in kinds if kind not in RESTORED):
        raise ValueError(f"has objects of the kind {other[0]}, which can run anything when loaded; export to ONNX")
    # The functions that write and read checkpoints are in the library, too, but no object can call them.
    check_operations(graph.graph_def, graph.object_graph_def.concrete_functions)


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_FILES or sum(member.file_size for member in members) > MAX_BYTES:
        raise ValueError(f"unpacks to more than {MAX_FILES:,} files or {MAX_BYTES:,} bytes")
    for member in members:
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            raise ValueError(f"has a path that leads out of its directory: {member.filename!r}")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ValueError(f"has a symbolic link: {member.filename!r}")
