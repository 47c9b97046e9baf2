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


class LoginRefused(ServingError):
    """The broker knows another password for this user, or no such user."""

    def __init__(self, bootstrap_servers: str, username: str, reason: str) -> None:
        super().__init__(
            f"the broker at {bootstrap_servers} rejected the login of user {username} ({reason}); check"
            " --sasl-username, --sasl-mechanism and the password in KAFKA_SASL_PASSWORD or --sasl-password-file"
        )
        self.bootstrap_servers = bootstrap_servers
        self.username = username
        self.reason = reason


class TlsRefused(ServingError):
    """No encrypted connection comes about, most often because the broker's certificate is not trusted."""

    def __init__(self, bootstrap_servers: str, reason: str) -> None:
        super().__init__(
            f"no TLS with the broker at {bootstrap_servers} ({reason}); name the CA that signed its certificate with"
            " --ssl-ca-file, its host as the certificate has it, and the port of its TLS listener"
        )
        self.bootstrap_servers = bootstrap_servers
        self.reason = reason


class CertificateRefused(ServingError):
    """The broker asks for a certificate of ours, and does not take what it got."""

    def __init__(self, bootstrap_servers: str, reason: str) -> None:
        super().__init__(
            f"the broker at {bootstrap_servers} does not take our certificate, or wants one ({reason}); name one that"
            " its CAs have signed with --ssl-certificate-file, and its key with --ssl-key-file"
        )
        self.bootstrap_servers = bootstrap_servers
        self.reason = reason


class InstanceFenced(ServingError):
    """Kafka lets only the last one that came with a transactional id write."""

    def __init__(self, transactional_id: str) -> None:
        super().__init__(
            f"another server has come with the transactional id {transactional_id}, and Kafka lets only the last one"
            " write; nothing is lost: give each instance its own --transactional-id"
        )
        self.transactional_id = transactional_id


class ClusterChanged(ServingError):
    """The broker's data was wiped, or another one has its address: no offset means the same there."""

    def __init__(self, bootstrap_servers: str) -> None:
        super().__init__(
            f"the broker at {bootstrap_servers} is another Kafka cluster now (was its data wiped? the embedded broker"
            " keeps it with --keep), and what this program knows belongs to the old one; start this again"
        )
        self.bootstrap_servers = bootstrap_servers


class TopicMissing(ServingError):
    """A topic that this server reads or writes is not there, and did not appear in time."""

    def __init__(self, topic: str, bootstrap_servers: str) -> None:
        super().__init__(
            f"topic {topic} does not exist on {bootstrap_servers}; create it with: python -m client.provider"
            f" --bootstrap-servers {bootstrap_servers}, or name another set with --topic-prefix"
        )
        self.topic = topic
        self.bootstrap_servers = bootstrap_servers


class TopicRefused(ServingError):
    """The broker will not create, describe or give a topic; ``flag`` is the setting that chooses another one."""

    def __init__(self, topic: str, reason: str, flag: str) -> None:
        super().__init__(
            f"topic {topic} cannot be created or read ({reason}): ask for the right to it, or choose another {flag}"
        )
        self.topic = topic
        self.reason = reason


class NotCompacted(ServingError):
    """The topic must keep the newest value of each key, and deletes what is old."""

    def __init__(self, bootstrap_servers: str, topic: str, policy: str, flag: str) -> None:
        super().__init__(
            f"topic {topic} has cleanup.policy={policy}, so it would forget what it must keep: choose another {flag},"
            f" or kafka-configs.sh --bootstrap-server {bootstrap_servers} --alter --topic {topic}"
            " --add-config cleanup.policy=compact"
        )
        self.topic = topic
        self.policy = policy


class PartitionsDiffer(ServingError):
    """Scores go to their records' partition numbers, so both topics need as many."""

    def __init__(self, data: str, data_partitions: int, scores: str, scores_partitions: int) -> None:
        super().__init__(
            f"topic {scores} has {scores_partitions} partitions and {data} has {data_partitions};"
            f" give {scores} as many: kafka-topics.sh --alter --topic {scores} --partitions {data_partitions}"
        )
        self.data_partitions = data_partitions
        self.scores_partitions = scores_partitions


class PartitionsChanged(ServingError):
    """The data topic was deleted and created again with another number of partitions while this server ran."""

    def __init__(self, topic: str, before: int, now: int) -> None:
        super().__init__(
            f"topic {topic} was created again with {now} partitions, and had {before}; give the scores topic as many"
            " and start this server again"
        )
        self.topic = topic
        self.before = before
        self.now = now


class ModelsPartitioned(ServingError):
    """Models are in order, so that one of them is the newest, only within one partition."""

    def __init__(self, topic: str, partitions: int) -> None:
        super().__init__(
            f"topic {topic} has {partitions} partitions, and only within one is a model the newest;"
            " create it with 1, or name another set with --topic-prefix"
        )
        self.topic = topic
        self.partitions = partitions


class PortInUse(ServingError):
    """Another process listens on the port that this server's HTTP interface wants."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"cannot listen on {host}:{port} ({reason}); choose another with --port or --host, or stop what is there"
        )
        self.host = host
        self.port = port


class BrokerRefused(ServingError):
    """The broker answered, and the answer was a no that waiting will not change."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: the broker refused: {reason}")
        self.what = what
        self.reason = reason


class ClockRefused(ServingError):
    """The broker compares the time stamps of what is written with its own clock, and these are too far away."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(
            f"writing to {topic}: the broker refused the time stamps ({reason}): this machine's clock and the broker's"
            " differ by more than the topic's message.timestamp.after.max.ms (1 hour by default) or"
            " message.timestamp.before.max.ms; set this machine's clock (it should follow a time server), and start"
            " this server again"
        )
        self.topic = topic
        self.reason = reason


class TopicTakesTooLittle(ServingError):
    """Not even an ordinary score, or an ordinary dead letter, would be taken by its topic."""

    def __init__(self, topic: str, max_message_bytes: int, least_bytes: int) -> None:
        super().__init__(
            f"topic {topic} takes messages of up to {max_message_bytes} bytes, and this server needs {least_bytes};"
            f" raise it: kafka-configs.sh --alter --topic {topic} --add-config max.message.bytes=1048588"
        )
        self.topic = topic
        self.max_message_bytes = max_message_bytes
        self.least_bytes = least_bytes


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
        super().__init__(
            f"the engine crashed: {in_one_line(reason)}; what was not committed is read again:"
            " start this server again (or let a supervisor do it)"
        )
        self.reason = reason


def in_one_line(error: BaseException | None) -> str:
    """An error that nobody has thought of, and where it was raised."""
    where = [
        f" at {Path(at.filename).name}:{at.lineno}"
        for at in traceback.extract_tb(error.__traceback__ if error else None)
    ]
    return " ".join(repr(error).split())[:300] + "".join(where[-1:])
