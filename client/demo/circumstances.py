"""The three circumstances of the survival table: what is taken from a killed server before it starts again."""

import shutil
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)

from client.demo.errors import ModelTopicUnusable, StateNotWiped

Circumstance = Literal["killed", "disk_wiped", "model_topic_emptied"]
"""The fields of ``serving.engine.Survives``."""

TIMEOUT_S = 10.0
POLICY_S = 0.05


def wipe_disk(state: Path) -> None:
    """Remove a server's state directory, which may be missing; a link is not followed.

    Raises:
        StateNotWiped: it cannot be removed.
    """
    try:
        shutil.rmtree(state)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise StateNotWiped(state, error.strerror or str(error)) from None


class Offsets(NamedTuple):
    """Where a partition begins and ends; equal where it holds no record."""

    first: int
    end: int


class ModelTopic:
    """The models topic, which has one partition."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        """Connect in the background."""
        self._topic = topic
        self._partition = TopicPartition(topic, 0)
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})

    def offsets(self) -> Offsets:
        """Ask the broker.

        Raises:
            ModelTopicUnusable: it does not answer.
        """
        first = self._offset(OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        return Offsets(first, self._offset(OffsetSpec.latest()))  # type: ignore[no-untyped-call]

    def empty(self) -> None:
        """Delete all records; the topic keeps its id, and its offsets continue.

        Raises:
            ModelTopicUnusable: the broker refuses, or does not answer.
        """
        before_end = TopicPartition(self._topic, 0, self.offsets().end)
        try:
            self._set_policy("compact,delete")  # Kafka deletes no record on request from a topic that is only compacted
            try:
                self._delete(before_end)
            finally:
                self._set_policy("compact")
        except KafkaException as error:
            raise ModelTopicUnusable(self._topic, error.args[0].str()) from None

    def _delete(self, before: TopicPartition) -> None:
        deadline_s = time.monotonic() + TIMEOUT_S
        while True:
            try:
                _result(self._admin.delete_records([before], request_timeout=TIMEOUT_S)[before])
            except KafkaException as error:
                # The broker learns of the new policy a moment after it has acknowledged it.
                if error.args[0].code() != KafkaError.POLICY_VIOLATION or time.monotonic() > deadline_s:
                    raise
                time.sleep(POLICY_S)
            else:
                return

    def _offset(self, which: OffsetSpec) -> int:
        asked = self._admin.list_offsets({self._partition: which}, request_timeout=TIMEOUT_S)
        try:
            return int(_result(asked[self._partition]).offset)
        except KafkaException as error:
            raise ModelTopicUnusable(self._topic, error.args[0].str()) from None

    def _set_policy(self, policy: str) -> None:
        entry = ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, self._topic, incremental_configs=[entry])
        _result(self._admin.incremental_alter_configs([resource], request_timeout=TIMEOUT_S)[resource])


def _result(answer: "Future[Any]") -> Any:
    return answer.result()  # its request has a timeout
