"""A real server against the pure rule: after any order of models, records, stops and kills they are alike."""

import itertools
import math
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from client.broker.embedded_kafka import EmbeddedKafka
from model.features import WINE
from model.model import LoadedModel
from model.serving_state import ServingState
from serving.engine import Guarantees
from tests.contract.accounts import settled
from tests.contract.conftest import new_stream, package
from tests.support.models import TimesAlcohol, times_alcohol
from tests.support.server_process import ServerProcess
from tests.support.stream import ALCOHOL, Stream, model, wine

DATA_TYPES = ("wine", "wei\N{LATIN SMALL LETTER SHARP S} %41&.. ")  # and the example's number
NO_STATE = {"name": None, "usage": 0, "skipped": 0, "dead_letters": 0}
GOOD, NAN, UNREADABLE = "good", "nan", "unreadable"
RECORDS = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([GOOD, GOOD, NAN, UNREADABLE])), min_size=3, max_size=12
)
ONCE_A_MINUTE, AT_ONCE = "60000", "0"


@dataclass
class Host:
    """Runs the variant's server, one after the other, on one set of topics; examples differ in their data types."""

    variant: str
    stream: Stream
    directory: Path
    running: ExitStack
    examples: Iterator[int] = field(default_factory=itertools.count)
    ids: Iterator[int] = field(default_factory=itertools.count)
    lives: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.promised: Guarantees = package(self.variant).guarantees
        self.server = self.started()

    def started(self) -> ServerProcess:
        # Exact counters must bear that a kill brings every record back; those from zero would count them as new.
        interval_ms = ONCE_A_MINUTE if self.promised.counters_survive.killed else AT_ONCE
        server = ServerProcess(
            self.variant,
            self.stream.bootstrap_servers,
            self.stream.prefix,
            self.directory / f"{next(self.lives)}.log",
            *("--session-timeout-ms", "1000", "--commit-interval-ms", interval_ms),
            data_dir=self.directory / "state",
        )
        return self.running.enter_context(server).wait_until_ready()


def shown(state: ServingState) -> dict[str, Any]:
    """What is compared of a state."""
    return {**{key: getattr(state, key, None) for key in NO_STATE}, "name": state.model and state.model.name}


class ServerAndRule(RuleBasedStateMachine):
    """Each step is done to both, and waits until the server has answered."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self.host = host
        self.stream = host.stream
        number = next(host.examples)
        self.states = {data_type: ServingState(data_type) for data_type in (f"{name}{number}" for name in DATA_TYPES)}
        self.types = list(self.states)

        self.last = 0

    @initialize(factor=st.integers(1, 9))
    def a_model_and_every_kind_of_record_arrive(self, factor: int) -> None:
        self.a_model_arrives(0, factor)
        self.records_arrive([(0, GOOD), (1, GOOD), (0, NAN), (1, GOOD), (0, UNREADABLE), (0, GOOD), (1, GOOD)])

    @rule(ahead=st.integers(1, 3), which=st.integers(0, 1), factor=st.integers(1, 9), kinds=RECORDS)
    def something_else_happens(self, ahead: int, which: int, factor: int, kinds: Sequence[tuple[int, str]]) -> None:
        """Anything but what happened last; then records arrive.

        One rule for all: hypothesis leaves whole rules out of an example, and few examples would never see a kill.
        """
        self.last = (self.last + ahead) % 4
        if self.last == 0:
            self.a_model_arrives(which, factor)
        if self.last == 1:
            self.the_server_is_ended_and_started_again(signal.SIGKILL)
        if self.last == 2:
            self.a_bad_model_arrives(which)
        if self.last == 3:
            self.the_server_is_ended_and_started_again(signal.SIGTERM)
        self.records_arrive(kinds)

    def a_model_arrives(self, which: int, factor: int) -> None:
        data_type = self.types[which]
        name = f"times {factor} ({next(self.host.ids)})"
        self.stream.publish_model(model(name, data=times_alcohol(factor), data_type=data_type))
        loaded = LoadedModel(name, "", data_type, "ONNX", TimesAlcohol(factor))
        self.states[data_type] = self.states[data_type].accept(loaded, 0)
        self.agree()

    def a_bad_model_arrives(self, which: int) -> None:
        refused = self.host.server.said.count("Model refused")
        self.stream.publish_model(model("broken", data=b"no model", data_type=self.types[which]))
        self.host.server.wait_until(lambda: self.host.server.said.count("Model refused") > refused, "it was refused")
        self.agree()

    def records_arrive(self, kinds: Sequence[tuple[int, str]]) -> None:
        expected: dict[str, tuple[float, str]] = {}
        refused: list[str] = []
        for which, kind in kinds:
            number, data_type = next(self.host.ids), self.types[which]
            record_id = f"id-{number}"
            value = {GOOD: wine(data_type), NAN: wine(data_type, pH=math.nan), UNREADABLE: b"\xff"}[kind]
            self.stream.publish(self.stream.topics.data, value, record_id.encode(), partition=number % 3)
            if kind != GOOD:
                refused.append(record_id)
            if kind == NAN:
                self.states[data_type] = self.states[data_type].reject(1)
            if kind == GOOD:
                features = np.array([[ALCOHOL if name == "alcohol" else 1.0 for name in WINE]])
                self.states[data_type], scores = self.states[data_type].score(features)
                if scores.values is not None and scores.model_name is not None:
                    expected[record_id] = (scores.values[0], scores.model_name)
        self.stream.flush()
        self.agree()
        self.answered(expected, refused)

    def the_server_is_ended_and_started_again(self, number: signal.Signals) -> None:
        promised = self.host.promised
        if not promised.counters_survive.killed:
            settled(self.stream, self.host.server)
        assert self.host.server.stop(number) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
        self.host.server = self.host.started()
        for data_type, state in self.states.items():
            kept = state if promised.counters_survive.killed else ServingState(data_type)
            if not promised.model_survives.killed:
                kept = replace(kept, model=None)
            elif kept.model is None and state.model is not None:
                kept = kept.accept(state.model, 0)  # read again
            self.states[data_type] = kept

    def agree(self) -> None:
        """The server's states are the rule's."""
        expected = {data_type: shown(state) for data_type, state in self.states.items()}
        seen: dict[str, Any] = {}

        def agrees() -> bool:
            for data_type in expected:
                status, answer = self.host.server.ask(data_type)
                seen[data_type] = {key: answer[key] for key in NO_STATE} if status == 200 else NO_STATE
            return seen == expected

        try:
            self.host.server.wait_until(agrees, f"it agrees with {expected}")
        except AssertionError as error:
            raise AssertionError(f"{error}\nbut says {seen}") from None

    def answered(self, expected: dict[str, tuple[float, str]], refused: Sequence[str]) -> None:
        """Each scored record has its score, of the right model; each bad one is a dead letter."""
        scores = {score.record_id: score for score in reversed(self.stream.scores_of(expected))}  # the first of each
        for record_id, (value, name) in expected.items():
            assert scores[record_id].value == pytest.approx(value, rel=1e-6)
            assert scores[record_id].model_name == name
        for record_id in refused:
            assert self.stream.dead_letter(record_id.encode()).key() == record_id.encode()


@pytest.mark.parametrize("examples", [2, pytest.param(20, marks=pytest.mark.thorough)])
def test_any_order_of_events_ends_in_the_state_that_the_rule_gives(
    variant: str, examples: int, broker: EmbeddedKafka, tmp_path: Path
) -> None:
    with ExitStack() as running:
        host = Host(variant, new_stream(broker, f"machine-{variant}-{examples}"), tmp_path, running)
        machine: Any = partial(ServerAndRule, host)
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=8,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],  # a real server is too slow to look for a shorter order that fails too
                suppress_health_check=list(HealthCheck),  # likewise: its steps take seconds
            ),
        )
