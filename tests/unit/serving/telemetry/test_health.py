"""When a server is ready, and why it is not."""

import pytest

from serving.telemetry.health import Health


def health(**facts: bool | int | None) -> Health:
    """A server that has caught up, in a group that it alone is of, on a topic with three partitions."""
    known: dict[str, bool | int | None] = {"caught_up": True, "broker": True, "partitions": 3, "members": None, **facts}
    return Health(**known)  # type: ignore[arg-type]  # each as the class has it


@pytest.mark.parametrize(
    ("facts", "assigned", "why"),
    [
        ({}, {0}, None),
        ({"members": 4}, set(), None),
        ({}, None, "it waits for its partitions"),
        ({}, set(), "does not know yet whether it should have one"),
        ({"members": 1}, set(), "it has no partition, though the data topic has 3 and the consumer group 1 members"),
        ({"members": 3}, set(), "it has no partition, though"),
        ({"members": 4, "partitions": 5}, set(), "it has no partition, though the data topic has 5"),
        ({"members": 4, "broker": False}, set(), "no Kafka broker answers"),
        ({"caught_up": False}, {0}, "it is starting"),
        ({"stopping": True}, {0}, "it is stopping"),
    ],
)
def test_a_server_is_ready_when_it_has_what_it_should_have(
    facts: dict[str, bool | int | None], assigned: set[int] | None, why: str | None
) -> None:
    reason = health(**facts).reason(assigned)
    assert reason is None if why is None else reason is not None and why in reason
