"""From a document's bytes to a model: compiled if all of it is known, on Java if that is proven, else refused."""

from typing import Protocol

from model.errors import ModelUnfit
from model.formats.pmml.compiled.compiler import compiled
from model.formats.pmml.document import Document, checked
from model.formats.pmml.proven import is_of_proven_kind, unproven
from model.formats.pmml.reading import NotCompilable
from model.formats.pmml.verification import verification
from model.model import Model, PmmlEngine

REMEDY = "export it to ONNX, or start the server with --pmml-engine jpmml"


class PmmlModel(Model, Protocol):
    """A model that says what scores it, in words."""

    scored_by: str


def pmml_model(content: bytes, engine: PmmlEngine = "auto") -> PmmlModel:
    """A model of the bytes of its file.

    Raises:
        ValueError: it cannot be served; the text says why.
    """
    document = checked(content)
    if engine == "jpmml":
        from model.formats.pmml.jpmml_model import JpmmlModel  # likewise

        return JpmmlModel(document)
    model = _model(document)
    rows = verification(document)
    if rows is not None and (fault := rows.fault(model.score(rows.features))) is not None:
        model.close()
        raise ValueError(fault)
    return model


def _model(document: Document) -> PmmlModel:
    try:
        return compiled(document.root)
    except NotCompilable as reason:
        found = unproven(document.root)
        if found is not None:
            what = found if is_of_proven_kind(document.root) else str(reason)
            raise ModelUnfit(f"{what}, which is not known exactly here", REMEDY) from None
        from model.formats.pmml.java_model import (
            JavaModel,  # a server that never gets such a model never loads its library
        )

        return JavaModel(document, str(reason))
