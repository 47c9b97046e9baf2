"""The rights that docs/production.md names are enough: a broker that lets nobody do anything else."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not all are named as exports
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from client.broker.secure_listener import SecureListener
from client.topics import create_topics
from serving.settings.topics import Topics
from tests.contract.accounts import settled
from tests.support.models import times_alcohol
from tests.support.process import DEADLINE_S, Process
from tests.support.secured_kafka import USER, SecuredKafka, secured_kafka
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

pytestmark = pytest.mark.thorough

READ, WRITE, CREATE = AclOperation.READ, AclOperation.WRITE, AclOperation.CREATE
DESCRIBE, DESCRIBE_CONFIGS = AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS
TOPIC, GROUP = ResourceType.TOPIC, ResourceType.GROUP
Right = tuple[ResourceType, str, AclOperation]
BAD = b"\xff"


class WithRules(SecureListener):
    """Who comes in by a password may do what a rule allows; the test, by the plain listener, may do everything."""

    def properties(self) -> dict[str, object]:
        rules = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
        return {**super().properties(), "authorizer.class.name": rules, "super.users": "User:ANONYMOUS"}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("rules"), WithRules) as kafka:
        yield kafka


def allow(
    kafka: SecuredKafka, rights: Iterable[Right], pattern: ResourcePatternType = ResourcePatternType.LITERAL
) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.broker.bootstrap_servers, "log_level": 0})
    rules = [
        AclBinding(kind, name, pattern, f"User:{USER}", "*", operation, AclPermissionType.ALLOW)
        for kind, name, operation in rights
    ]
    for answer in admin.create_acls(rules).values():
        answer.result(DEADLINE_S)


def of_a_server(topics: Topics, group: str) -> list[Right]:
    written = [
        (TOPIC, name, each) for name in (topics.scores, topics.dead_letters) for each in (WRITE, DESCRIBE_CONFIGS)
    ]
    return [(TOPIC, topics.data, READ), (TOPIC, topics.models, READ), *written, (GROUP, group, READ)]


def of_changelogs(group: str) -> list[Right]:
    """By the beginning of their names."""
    return [(TOPIC, f"{group}-", each) for each in (CREATE, DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE)]


@pytest.mark.parametrize(
    ("variant", "flags"),
    [
        ("custom_stage", ()),
        ("custom_stage", ("--delivery", "exactly-once", "--transactional-id", "ours")),
        ("actors_persistent", ()),
        ("streams_inmemory", ()),
        ("streams_kvstore", ()),
        ("streams_customstore", ()),
    ],
)
def test_a_server_needs_no_more_than_its_rights(
    secured: SecuredKafka, variant: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    plain = Stream(secured.broker.bootstrap_servers, Topics.prefixed(tmp_path.name))
    create_topics(plain.bootstrap_servers, plain.topics, 3)
    environment = secured.environment()
    servers = environment["KAFKA_BOOTSTRAP_SERVERS"]
    group = f"{variant}-{plain.prefix}"
    allow(secured, of_a_server(plain.topics, group))
    if flags:
        allow(secured, [(ResourceType.TRANSACTIONAL_ID, "ours", WRITE)])
    if variant.startswith("streams"):
        allow(secured, of_changelogs(group), ResourcePatternType.PREFIXED)
    with ServerProcess(variant, servers, plain.prefix, tmp_path / "log", *flags, environment=environment) as server:
        assert server.group == group
        server.wait_until_ready()
        plain.publish_model(model("times 2", data=times_alcohol(2.0)))
        server.wait_until_said("Model serving - times 2")
        ids = [f"wine-{number}" for number in range(30)]
        plain.publish_wines(ids)
        plain.publish(plain.topics.data, BAD, b"bad", 0)
        plain.scores_of(ids)
        settled(plain, server)
        assert server.stop() == 0
    assert [message.value() for message in plain.reading.all_of(plain.topics.dead_letters)] == [BAD]


def test_without_a_rule_nobody_may_do_anything(secured: SecuredKafka, tmp_path: Path) -> None:
    plain = Stream(secured.broker.bootstrap_servers, Topics.prefixed("nobody"))
    create_topics(plain.bootstrap_servers, plain.topics, 1)
    environment = secured.environment()
    servers = environment["KAFKA_BOOTSTRAP_SERVERS"]
    with ServerProcess("custom_stage", servers, plain.prefix, tmp_path / "log", environment=environment) as server:
        assert server.wait() == 1
        (line,) = server.errors
        assert "this user has no right to it): ask for the right" in line


def test_the_provider_needs_no_more_than_its_rights(secured: SecuredKafka, tmp_path: Path) -> None:
    topics = Topics.prefixed("rightly")
    names = (topics.data, topics.models, topics.scores, topics.dead_letters)
    allow(secured, [(TOPIC, name, each) for name in names for each in (CREATE, WRITE)])
    allow(secured, [(TOPIC, topics.models, DESCRIBE_CONFIGS)])
    words = ("-m", "client.provider", "--records", "3", "--data-interval", "0", "--topic-prefix", "rightly")
    with Process(tmp_path / "provider", *words, **secured.environment()) as provider:
        assert provider.wait() == 0
    provided = Stream(secured.broker.bootstrap_servers, topics)
    assert len(provided.reading.all_of(topics.data)) == 3
