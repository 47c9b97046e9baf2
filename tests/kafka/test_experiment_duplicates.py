"""One round of the duplicates, as the experiment plays them; and how a peer scores."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.plan import HOST
from client.broker.ports import free_port
from client.http_get import http_get
from client.provider.shipped_models import shipped_model
from client.wines.source import Wines, wine_records
from experiments.duplicates.rounds import Plan, measure
from experiments.observer import Observer
from experiments.peers.scorer import Scorer
from protobufs.serving_result_pb2 import ServingResult
from serving.settings.server import Settings
from serving.settings.topics import Topics
from tests.support.process import ROOT, eventually
from tests.support.stream import Stream

EXPECTED = json.loads((ROOT / "data/models/expected_scores.json").read_text())
RECORDS = 2000
PARTITIONS = 3


def test_what_a_killed_instance_left_uncommitted_is_scored_twice_and_all_of_it_explained(
    broker: EmbeddedKafka, tmp_path: Path
) -> None:
    prefix = f"killed-{os.getpid()}-{time.time_ns()}"
    seldom = ("--commit-interval-ms", "2000")
    plan = Plan("custom_stage", "at-least-once", "killed", RECORDS, 1000, seldom)
    played = measure(plan, broker.bootstrap_servers, tmp_path, prefix, shipped_model("linear-onnx"))
    assert played.records >= RECORDS
    assert played.broken == []
    counted = Observer(broker.bootstrap_servers, Topics.prefixed(prefix), PARTITIONS).scored_since(
        dict.fromkeys(range(PARTITIONS), 0)
    )
    assert len(counted) == played.records, "every record has a score"
    assert (played.found.explained, played.late) == (counted.total() - len(counted), 0)


@pytest.fixture
def stream(broker: EmbeddedKafka, topics: Topics) -> Stream:
    return Stream(broker.bootstrap_servers, topics)


def peer_settings(stream: Stream) -> Settings:
    where = ("--bootstrap-servers", stream.bootstrap_servers, "--topic-prefix", stream.prefix)
    return Settings.read("a peer", [*where, "--port", str(free_port())])


def test_a_peer_scores_with_the_newest_model_and_has_it_from_its_start(stream: Stream) -> None:
    wines = wine_records(Wines(np.array(EXPECTED["features"]), None), "wine", 1_700_000_000_000)
    settings = peer_settings(stream)
    with Scorer(settings) as early:
        assert early.score(b"too early", wines[0], 0, 0) is None
        for name in ("linear-onnx", "forest-onnx"):
            stream.publish_model(shipped_model(name))
            eventually(lambda named=name: scored_by(early, wines[0]) == named, f"{name} was active")  # type: ignore[misc]
            values = [ServingResult.FromString(early.score(b"", wine, 0, 0) or b"").value for wine in wines]
            assert values == pytest.approx(EXPECTED["scores"][name], rel=1e-5)
        assert b"serving_models_accepted_total 2.0" in (http_get(HOST, settings.port or 0, "/metrics") or b"")
    with Scorer(peer_settings(stream)) as late:
        score = ServingResult.FromString(late.score(b"a wine", wines[0], 2, 7) or b"")
    assert (score.model_name, score.record_id) == ("forest-onnx", "a wine")
    assert (score.source_partition, score.source_offset, score.record_ts) == (2, 7, 1_700_000_000_000)


def scored_by(scorer: Scorer, wine: bytes) -> str:
    return ServingResult.FromString(scorer.score(b"", wine, 0, 0) or b"").model_name
