"""Grades al-1: a real cluster instead of the embedded broker."""

from collections.abc import Callable
from typing import Any, Self

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from model.errors import ServingError

EMBEDDED, CLUSTER = "127.0.0.1:19092", "k1.example:9093,k2.example:9093"
SECURITY = "SASL_PLAINTEXT"
LOGIN = ["--security-protocol", SECURITY, "--sasl-username", "anna"]
NAMED = ["--bootstrap-servers", CLUSTER, *LOGIN, "--partitions", "5"]


class Played(ServingError):
    """An error that the grader has prepared."""


class PlayedBroker:
    """An embedded broker that only notes what it is told."""

    def __init__(self, events: list[str], on_death: Callable[[Any], object] | None) -> None:
        self._events = events
        self._on_death = on_death
        self.bootstrap_servers = EMBEDDED
        self.death: Exception | None = None
        self._runs = False

    def start(self) -> None:
        """Note it."""
        self._runs = True
        self._events.append("start")

    def stop(self) -> None:
        """Note it, if it runs."""
        if self._runs:
            self._runs = False
            self._events.append("stop")

    def die(self) -> None:
        """End by itself."""
        self.death = Played("the broker has ended by itself")
        if self._on_death is not None:
            self._on_death(self.death)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Scene:
    """The answer's provider among played surroundings; ``events`` is what happened, in order."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self.events: list[str] = []
        self.topics_with: list[tuple[int, str]] = []  # partitions and security protocol
        self.login_fails = self.topics_fail = self.broker_dies = False
        self.ended_by_death = False
        self.brokers: list[PlayedBroker] = []
        vars(module).update(
            check_login=self._check_login,
            create_topics=self._create_topics,
            shipped_models=lambda _: [],
            Publisher=self._publisher,
            Publishing=lambda *_: self,
        )
        module.ProviderSettings.embedded = lambda _, on_death=None: self._embedded(on_death)

    def provide(self, *flags: str) -> str:
        """Run the provider to its end; the answer is what it ended with, if that was a prepared error."""
        settings = self._module.ProviderSettings.read("provider", list(flags))
        try:
            self._module.run(settings)
        except Played as error:
            return str(error)
        return ""

    def run(self, _: Any, stop: Any) -> None:
        """As ``Publishing.run``: until ``stop``, or until enough."""
        if self.broker_dies and self.brokers:
            self.brokers[-1].die()
            self.ended_by_death = stop.is_set()

    def _embedded(self, on_death: Callable[[Any], object] | None) -> PlayedBroker:
        self.brokers.append(PlayedBroker(self.events, on_death))
        return self.brokers[-1]

    async def _check_login(self, servers: str, security: Any) -> None:
        if servers == CLUSTER and security.protocol == SECURITY:
            self.events.append("login")
            if self.login_fails:
                raise Played("the login was rejected")

    def _create_topics(self, servers: str, _: Any, partitions: int, security: Any = None) -> list[str]:
        self.events.append(f"topics on {servers}")
        self.topics_with.append((partitions, "PLAINTEXT" if security is None else security.protocol))
        if self.topics_fail:
            raise Played("a topic was refused")
        return []

    def _publisher(self, servers: str, *_: Any) -> Any:
        self.events.append(f"publish on {servers}")
        return PlayedPublisher()


class PlayedPublisher:
    """Has published nothing."""

    wines = models = failed = 0

    def flush(self, _: float) -> int:
        """Nothing is left."""
        return 0


@pytest.fixture
def scene(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """See there."""
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_SECURITY_PROTOCOL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "secret")
    return Scene(answer.load())


def test_no_broker_is_started_where_a_cluster_is_named(scene: Scene) -> None:
    scene.provide(*NAMED)
    expect(
        "start" not in scene.events,
        "A broker is started although a cluster is named.",
        expected=f"nothing is started: {CLUSTER} is there",
        happened=scene.events,
        means="wines go to a broker of this machine alone, and the real servers wait for them",
    )


def test_the_topics_of_the_named_cluster_are_created_before_publishing(scene: Scene) -> None:
    scene.provide(*NAMED)
    done = [event for event in scene.events if event != "login"]
    expect(
        done == [f"topics on {CLUSTER}", f"publish on {CLUSTER}"],
        "On the cluster that is named, topics are not created before wines are published there.",
        expected=[f"topics on {CLUSTER}", f"publish on {CLUSTER}"],
        happened=done,
        means="the first wines are refused, or the cluster creates a topic with one partition by itself",
    )


def test_the_topics_are_created_as_the_settings_say(scene: Scene) -> None:
    scene.provide(*NAMED)
    expect(
        scene.topics_with == [(5, SECURITY)],
        "The topics are not created with the partitions and the security of the settings.",
        expected=f"5 partitions, by {SECURITY}",
        happened=[f"{partitions} partitions, by {protocol}" for partitions, protocol in scene.topics_with],
        means="a cluster with a login does not answer who gives none: the program finds no broker",
    )


def test_a_cluster_that_does_not_let_us_in_ends_the_program(scene: Scene) -> None:
    scene.login_fails = True
    ended = scene.provide(*NAMED)
    expect(
        "start" not in scene.events,
        "The cluster rejects the login, and a broker is started in its place.",
        expected="the error ends the program",
        happened=scene.events,
        means="with a wrong password everything seems to work, and no wine is where it should be",
    )
    expect(
        scene.events == ["login"] and ended == "the login was rejected",
        "The login is not checked first, or its rejection does not end the program.",
        expected="the login is checked, its error is raised, and nothing else happens",
        happened=f"{scene.events or 'nothing'}; ended by {ended or 'no error'}",
        means="the client retries with a wrong password for ten seconds, and does not say what is wrong",
    )


def test_without_a_named_cluster_a_broker_is_started_and_gets_the_topics(scene: Scene) -> None:
    scene.provide()
    done = [event for event in scene.events if event != "stop"]
    expect(
        done == ["start", f"topics on {EMBEDDED}", f"publish on {EMBEDDED}"],
        "No cluster is named, and no broker is started that gets topics and wines.",
        expected=["start", f"topics on {EMBEDDED}", f"publish on {EMBEDDED}"],
        happened=done,
        means="who tries the workshop for the first time sees an error",
    )


def test_the_broker_that_was_started_is_stopped_at_the_end(scene: Scene) -> None:
    scene.provide()
    expect(
        scene.events[-1] == "stop",
        "The broker that was started is not stopped as the last thing of all.",
        expected=["start", f"topics on {EMBEDDED}", f"publish on {EMBEDDED}", "stop"],
        happened=scene.events,
        means="a Kafka stays behind that holds the port, or the last wines meet no broker",
    )


def test_the_broker_is_stopped_also_if_the_topics_cannot_be_created(scene: Scene) -> None:
    scene.topics_fail = True
    ended = scene.provide()
    expect(
        scene.events[-1] == "stop" and ended == "a topic was refused",
        "Creating the topics fails, and the broker is left running, or the error is lost.",
        expected="the broker is stopped, and the error is raised",
        happened=f"{scene.events}; ended by {ended or 'no error'}",
        means="the next start finds the port in use",
    )


def test_the_end_of_the_broker_ends_the_publishing(scene: Scene) -> None:
    scene.broker_dies = True
    ended = scene.provide()
    expect(
        scene.ended_by_death,
        "The broker ends by itself, and publishing goes on.",
        expected="the event stop is set when the broker has ended",
        happened="it is not set",
        means="the program retries for ever at a broker that will not come back",
    )
    expect(
        ended == "the broker has ended by itself",
        "The broker ends by itself, and the program does not say so: broker is not set.",
        expected="the name broker is the broker that was started, whose death is raised",
        happened=f"ended by {ended or 'no error'}",
        means="the program ends with exit code 0, as if all wines had been published",
    )
