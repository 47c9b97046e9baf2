"""What can go wrong around a running server, one class per condition, each with its remedy."""

import traceback
from pathlib import Path

from model.errors import ServingError

START_KAFKA = "start one with: python -m client.provider"


class BrokerNotFound(ServingError):
    """No broker answered in time at the start."""

    def __init__(self, bootstrap_servers: str) -> None:
        super().__init__(f"no Kafka broker answers at {bootstrap_servers}; {START_KAFKA}")
        self.bootstrap_servers = bootstrap_servers


class ClusterChanged(ServingError):
    """The broker's data was wiped, or another one has its address: no offset means the same there."""

    def __init__(self, bootstrap_servers: str) -> None:
        super().__init__(
            f"the broker at {bootstrap_servers} is another Kafka cluster now (was its data wiped?), and what this"
            " server knows belongs to the old one; start it again, and it begins anew"
        )
        self.bootstrap_servers = bootstrap_servers


class TopicMissing(ServingError):
    """A topic that this server reads or writes is not there, and did not appear in time."""

    def __init__(self, topic: str, bootstrap_servers: str) -> None:
        super().__init__(
            f"topic {topic} does not exist on {bootstrap_servers}; create it with: python -m client.provider"
            f" --bootstrap-servers {bootstrap_servers}, or name another set with --topic-prefix"
        )
        self.topic, self.bootstrap_servers = topic, bootstrap_servers


class PartitionsDiffer(ServingError):
    """Scores go to their records' partition numbers, so both topics need as many."""

    def __init__(self, data: str, data_partitions: int, scores: str, scores_partitions: int) -> None:
        super().__init__(
            f"topic {scores} has {scores_partitions} partitions and {data} has {data_partitions};"
            f" give {scores} as many: kafka-topics.sh --alter --topic {scores} --partitions {data_partitions}"
        )
        self.data_partitions, self.scores_partitions = data_partitions, scores_partitions


class ModelsPartitioned(ServingError):
    """Models are in order, so that one of them is the newest, only within one partition."""

    def __init__(self, topic: str, partitions: int) -> None:
        super().__init__(
            f"topic {topic} has {partitions} partitions, and only within one is a model the newest;"
            " create it with 1, or name another set with --topic-prefix"
        )
        self.topic, self.partitions = topic, partitions


class PortInUse(ServingError):
    """Another process listens on the port that this server's HTTP interface wants."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"cannot listen on {host}:{port} ({reason}); choose another with --port or --host, or stop what is there"
        )
        self.host, self.port = host, port


class BrokerRefused(ServingError):
    """The broker answered, and the answer was a no that waiting will not change."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: the broker refused: {reason}")
        self.what, self.reason = what, reason


class StateDirectoryInUse(ServingError):
    """Two servers that kept their state in one directory would spoil it."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"another running server keeps its state in {directory}; give this one its own: --data-dir DIR"
        )
        self.directory = directory


class StateDirectoryUnusable(ServingError):
    """The directory for the state cannot be made or written."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"cannot keep state in {directory} ({reason}); name another directory: --data-dir DIR")
        self.directory = directory


class EngineCrashed(ServingError):
    """Something failed while serving that nobody has thought of; the process must not live on as if it served."""

    def __init__(self, reason: BaseException | None) -> None:
        where = [
            f" at {Path(at.filename).name}:{at.lineno}"
            for at in traceback.extract_tb(reason.__traceback__ if reason else None)
        ]
        said = " ".join(repr(reason).split())[:300]
        super().__init__(
            f"the engine crashed: {said}{''.join(where[-1:])}; nothing is lost, start this server again"
            " (or let a supervisor do it)"
        )
        self.reason = reason
