"""The changelog of a table: a compacted topic, created where it is missing and checked where it exists.

faust would create one too, but takes any that exists: a changelog that deletes after a week, or one whose partitions
are not those of the data, which only fails at the first write.
"""

import asyncio

from serving.kafka.topic_creation import TopicCreation
from serving.settings.security import PLAINTEXT, KafkaSecurity
from serving.settings.topics import COMPACTED
from serving.streams.errors import ChangelogPartitionsDiffer


async def ensure_changelog(
    bootstrap_servers: str, name: str, partitions: int, security: KafkaSecurity = PLAINTEXT
) -> None:
    """Create the changelog topic if it is missing; on return it is there, as it should be, and has leaders.

    Args:
        bootstrap_servers: host:port of one or more brokers, separated by commas.
        name: of the topic; ``Table.changelog_topic_name`` says what faust expects.
        partitions: as many as the data topic has, as a table's entries go to their record's partition number.
        security: how to log in to the brokers.
    Raises:
        BrokerNotFound: no broker answers.
        TopicRefused: the broker will not create or describe it.
        ChangelogPartitionsDiffer: it exists with another number of partitions.
        NotCompacted: it exists and deletes what is old.
    """
    await asyncio.to_thread(_ensure, bootstrap_servers, name, partitions, security)


def _ensure(bootstrap_servers: str, name: str, partitions: int, security: KafkaSecurity) -> None:
    creation = TopicCreation(bootstrap_servers, security, "--group")
    _, known = creation.create_missing({name: (partitions, COMPACTED)})
    # What was just created is checked as well: another instance may have been faster, with other settings.
    if (found := known[name]) != partitions:
        raise ChangelogPartitionsDiffer(bootstrap_servers, name, found, partitions)
    creation.check_compacted(name)
