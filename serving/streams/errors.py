"""What can go wrong around faust, one class per condition, each with its remedy."""

from model.errors import ServingError


class EngineNotStarted(ServingError):
    """faust, its store, or its client could not start."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(f"faust did not start: {_line(reason)}; see that Kafka answers, then start this server again")
        self.reason = reason


class ChangelogPartitionsDiffer(ServingError):
    """A table's entries go to their record's partition number, so its changelog has as many partitions as the data.

    The changelog of the table of models has one.
    """

    def __init__(self, bootstrap_servers: str, topic: str, found: int, wanted: int) -> None:
        admin = f"kafka-topics.sh --bootstrap-server {bootstrap_servers}"
        remedy = (
            f"add the missing ones: {admin} --alter --topic {topic} --partitions {wanted}"
            if found < wanted
            else "choose another --group, or start from zero: delete the servers' state directories and the topic:"
            f" {admin} --delete --topic {topic}"
        )
        super().__init__(f"changelog {topic} has {found} partitions, and must have {wanted}: {remedy}")
        self.topic, self.found, self.wanted = topic, found, wanted


class ChangelogForgets(ServingError):
    """The changelog exists, and deletes what is old: a table restored from it would be incomplete."""

    def __init__(self, bootstrap_servers: str, topic: str, policy: str) -> None:
        super().__init__(
            f"changelog {topic} has cleanup.policy={policy}, so a table restored from it would be incomplete:"
            f" kafka-configs.sh --bootstrap-server {bootstrap_servers} --alter --topic {topic}"
            " --add-config cleanup.policy=compact"
        )
        self.topic, self.policy = topic, policy


class ChangelogRefused(ServingError):
    """The broker will not create or describe a changelog."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(
            f"changelog {topic} cannot be created or read ({reason}):"
            " ask for the right to it, or choose another --group"
        )
        self.topic, self.reason = topic, reason


def _line(reason: BaseException | None) -> str:
    return " ".join(repr(reason).split())[:300]
