"""The stream processor of the experiment ``external``, on a real broker: embedded, and beside a server that fails."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from experiments.external.measures import Stage, publish_backlog, speed, stage, swaps
from experiments.external.processor import OnFailure, Processor
from experiments.external.scorers import Embedded, NoAnswer
from model.features import Features, Values
from protobufs.model_descriptor_pb2 import ModelDescriptor
from tests.support.models import TimesAlcohol, times_alcohol
from tests.support.stream import model

RECORDS = 600
BATCH = 50


@contextmanager
def on_a_stage(broker: EmbeddedKafka, first: ModelDescriptor) -> Iterator[tuple[Stage, Embedded]]:
    here = stage(broker.bootstrap_servers, first)
    with closing(Embedded(first, here.bootstrap_servers, here.topics.models)) as scorer:
        yield here, scorer


def test_embedded_each_wine_is_scored_once_in_batches_of_any_size(broker: EmbeddedKafka) -> None:
    with on_a_stage(broker, model("twice", data=times_alcohol(2.0))) as (here, scorer):
        publish_backlog(here, RECORDS)
        for batch in (1, 100):
            found = speed(here, "embedded", scorer, batch, (RECORDS, 60.0))
            assert 0 < found.p50_ms <= found.p99_ms
            assert found.records_per_s > 0
        processor = Processor(here.bootstrap_servers, here.topics, here.group, scorer, BATCH)
        processor.run(threading.Event(), RECORDS)
    assert processor.done == RECORDS
    assert {each.model for each in processor.scored} == {"twice"}
    # The two measurements have scored all of them in groups of their own.
    assert here.findings().duplicates == 2 * RECORDS


def test_embedded_a_model_of_the_topic_takes_over_and_nothing_is_lost_or_doubled(broker: EmbeddedKafka) -> None:
    models = [model(f"times {factor}", data=times_alcohol(factor)) for factor in (1.0, 2.0, 3.0)]
    with on_a_stage(broker, models[0]) as (here, scorer):
        found, findings = swaps(here, "embedded", scorer, models, lambda _: None, (100, 400.0))
    assert (list(findings.faults), findings.duplicates, findings.unscored) == ([], 0, 0)
    assert len(found) == 2
    assert all(each.takeover_ms >= 0 and each.failures == 0 for each in found)


class AwayForAWhile:
    """A model server that does not answer its third to fifth request."""

    def __init__(self) -> None:
        self._requests = count(1)
        self.refused = 0  # records
        self._model = TimesAlcohol(2.0)

    def score(self, features: Features) -> tuple[Values, str]:
        if next(self._requests) in (3, 4, 5):
            self.refused += len(features)
            raise NoAnswer
        return self._model.score(features), "twice"

    def close(self) -> None:
        """Nothing to release."""


@pytest.mark.parametrize("on_failure", ["retry", "skip"])
def test_a_model_server_that_is_away_costs_records_only_if_they_are_left_out(
    broker: EmbeddedKafka, on_failure: OnFailure
) -> None:
    here = stage(broker.bootstrap_servers, model("twice", data=times_alcohol(2.0)))
    publish_backlog(here, RECORDS)
    server = AwayForAWhile()
    processor = Processor(here.bootstrap_servers, here.topics, here.group, server, BATCH, on_failure)
    processor.run(threading.Event(), RECORDS)
    found = here.findings()
    assert processor.failures == 3
    assert found.duplicates == 0
    assert found.unscored == (server.refused if on_failure == "skip" else 0)
    assert {each.kind for each in found.faults} == ({"lost"} if on_failure == "skip" else set())


def test_what_has_no_score_yet_is_not_committed(broker: EmbeddedKafka) -> None:
    class Away(AwayForAWhile):
        def score(self, features: Features) -> tuple[Values, str]:
            stop.set()
            self.refused += len(features)
            raise NoAnswer

    here = stage(broker.bootstrap_servers, model("twice", data=times_alcohol(2.0)))
    publish_backlog(here, RECORDS)
    stop = threading.Event()
    Processor(here.bootstrap_servers, here.topics, here.group, Away(), BATCH).run(stop)
    Processor(here.bootstrap_servers, here.topics, here.group, AwayForAWhile(), BATCH).run(threading.Event(), RECORDS)
    found = here.findings()
    assert (list(found.faults), found.unscored, found.duplicates) == ([], 0, 0)
