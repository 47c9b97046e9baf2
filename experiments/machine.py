"""On what something was measured: what a reader needs to compare figures, and nothing that names a machine."""

import os
import platform
from importlib.metadata import version

from client.broker.jars import KAFKA


def facts() -> str:
    """The machine and the versions in one line, and what else it is busy with: to be asked before anything starts."""
    system = "macOS" if platform.system() == "Darwin" else platform.system()
    parts = (
        f"{os.cpu_count()} cores ({system}, {platform.machine()}), which broker and server share",
        f"Python {platform.python_version()}",
        f"Kafka {KAFKA.rpartition(':')[2]}",
        *(f"{library} {version(library)}" for library in ("aiokafka", "confluent-kafka", "faust-streaming")),
        f"onnxruntime {version('onnxruntime')}",
        f"load average {os.getloadavg()[0]:.1f} at the start",
    )
    return ", ".join(parts)
