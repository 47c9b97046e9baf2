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
        self.topic = topic
        self.found = found
        self.wanted = wanted


def _line(reason: BaseException | None) -> str:
    return " ".join(repr(reason).split())[:300]
