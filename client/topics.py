"""The four topics on a broker: created where they are missing, checked where they exist."""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from client.errors import DataPartitionsDiffer
from serving.errors import ModelsPartitioned, PartitionsDiffer
from serving.kafka.topic_creation import TopicCreation
from serving.settings.security import PLAINTEXT, KafkaSecurity
from serving.settings.topics import Topics

TIMEOUT_S = 5.0
RETRY_S = 0.1
LEADERLESS = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)


def create_topics(
    bootstrap_servers: str, topics: Topics, data_partitions: int, security: KafkaSecurity = PLAINTEXT
) -> list[str]:
    """Create what is missing of the four topics and wait until each has a leader.

    Args:
        bootstrap_servers: host:port of one or more brokers, separated by commas.
        topics: their names.
        data_partitions: how many partitions records and scores are to have.
        security: how to log in to the brokers.
    Returns:
        the names of those that were created.
    Raises:
        BrokerNotFound: no broker answers.
        TopicRefused: the broker will not create or describe one.
        DataPartitionsDiffer, PartitionsDiffer, ModelsPartitioned: one exists with another number of partitions.
        NotCompacted: the model topic exists and deletes what is old.
    """
    creation = TopicCreation(bootstrap_servers, security, "--topic-prefix")
    _check_partitions(creation.partitions(), topics, data_partitions)
    created, known = creation.create_missing(topics.layout(data_partitions))
    _check_partitions(known, topics, data_partitions)  # another provider may have been faster
    creation.check_compacted(topics.models)
    return created


def ends(consumer: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """A partition's first offset, and the one behind its last.

    Asked again while it has no leader: right after a topic's creation the broker that is to lead it may not know yet.

    Raises:
        KafkaException: there is no such partition, it has no leader for 5 s, or no broker answers.
    """
    deadline_s = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return consumer.get_watermark_offsets(partition, timeout=TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() not in LEADERLESS or time.monotonic() > deadline_s:
                raise
        time.sleep(RETRY_S)


def _check_partitions(existing: dict[str, int], topics: Topics, data_partitions: int) -> None:
    if existing.get(topics.data, data_partitions) != data_partitions:
        raise DataPartitionsDiffer(topics.data, existing[topics.data], data_partitions)
    if existing.get(topics.scores, data_partitions) != data_partitions:
        raise PartitionsDiffer(topics.data, data_partitions, topics.scores, existing[topics.scores])
    if existing.get(topics.models, 1) != 1:
        raise ModelsPartitioned(topics.models, existing[topics.models])
