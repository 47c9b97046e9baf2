"""Topics deleted, created and configured by somebody else than the servers, for tests."""

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from tests.support.process import DEADLINE_S, eventually


class TopicAdmin:
    """Returns from each call when the broker has done it."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 0})

    def delete(self, topic: str) -> None:
        """The records, and the groups' offsets, go with it."""
        self._admin.delete_topics([topic])[topic].result(DEADLINE_S)

    def create(self, topic: str, partitions: int) -> None:
        """With the broker's own settings."""
        self._admin.create_topics([NewTopic(topic, partitions)])[topic].result(DEADLINE_S)

    def limit(self, topic: str, max_message_bytes: int) -> None:
        """The topic takes no larger messages from now on."""
        name, value = "max.message.bytes", str(max_message_bytes)
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        changed = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        self._admin.incremental_alter_configs([changed])[changed].result(DEADLINE_S)
        asked = ConfigResource(ResourceType.TOPIC, topic)

        def is_known() -> bool:
            described = self._admin.describe_configs([asked])[asked].result(DEADLINE_S)
            return bool(described[name].value == value)

        eventually(is_known, f"{topic} takes {value} bytes")
