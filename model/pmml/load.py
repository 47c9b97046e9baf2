"""From a document's bytes to a model: compiled if all of it is known, else on Java."""

from typing import Protocol

from model.model import Model
from model.pmml.compiler import compiled
from model.pmml.document import Document, checked
from model.pmml.reading import NotCompilable
from model.pmml.verification import verification


class PmmlModel(Model, Protocol):
    """A model that says what scores it, in words."""

    engine: str


def pmml_model(content: bytes) -> PmmlModel:
    """A model of the bytes of its file.

    Raises:
        ValueError: it cannot be served; the text says why.
    """
    document = checked(content)
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
        from model.pmml.java_model import JavaModel  # a server that never gets such a model never loads its library

        return JavaModel(document, str(reason))
