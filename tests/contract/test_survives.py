"""What survives: every cell of the table, as promised - a variant that keeps more than it says fails like any other."""

import math
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from protobufs.serving_result_pb2 import ServingResult
from serving.engine import Guarantees, Survives
from tests.contract.accounts import distinct, scored_some, settled
from tests.contract.conftest import SOON_MISSED, Start, data_dir, new_stream, put_in_force
from tests.support.server_process import ServerProcess
from tests.support.stream import ALCOHOL, Stream, model, wine

CIRCUMSTANCES = [field.name for field in fields(Survives)]
NOTHING = {"name": None, "usage": 0, "skipped": 0, "dead_letters": 0}
DATA_TYPES = ("wine", "cider", "beer")  # no model ever comes for beer


@dataclass(frozen=True)
class Aftermath:
    """A server was killed, something more was removed, and it was started again."""

    circumstance: str
    before: dict[str, Any]  # the states by data type, when the server was killed
    after: dict[str, Any]  # likewise, when the restarted one had dealt with what was published in between
    scores: dict[str, ServingResult]  # by record id
    server: ServerProcess
    stream: Stream


def taken_away(circumstance: str, stream: Stream, directory: Path) -> None:
    if circumstance == "disk_wiped" and directory.exists():
        shutil.rmtree(directory)
    if circumstance == "model_topic_emptied":
        stream.reading.empty(stream.topics.models)


def states_of(server: ServerProcess) -> dict[str, Any]:
    answers = {data_type: server.ask(data_type) for data_type in DATA_TYPES}
    return {data_type: answer if status == 200 else NOTHING for data_type, (status, answer) in answers.items()}


def published(stream: Stream, value: bytes, name: str, records: int) -> None:
    for number in range(records):
        stream.publish(stream.topics.data, value, f"{name}-{number}".encode(), partition=number % 3)
    stream.flush()


def first_life(server: ServerProcess, stream: Stream) -> None:
    put_in_force(server, stream, 1.0)
    put_in_force(server, stream, 2.0)
    put_in_force(server, stream, 3.0, "cider")
    published(stream, wine(), "wine", 30)
    published(stream, wine(alcohol=math.nan), "nan", 3)
    published(stream, wine("cider"), "cider", 6)
    published(stream, wine("beer"), "beer", 6)
    stream.publish_model(model("broken", data=b"no model"))
    stream.dead_letter(b"wine")
    settled(stream, server)


@pytest.fixture(scope="module", params=CIRCUMSTANCES)
def aftermath(
    request: pytest.FixtureRequest, variant: str, broker: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Aftermath]:
    stream = new_stream(broker, f"killed-{variant}")
    directory = tmp_path_factory.mktemp("killed")
    state = directory / "state"
    words = (variant, stream.bootstrap_servers, stream.prefix)
    with ExitStack() as running:
        log = directory / f"{variant}-{request.param}"
        first = ServerProcess(*words, log.with_suffix(".first"), *SOON_MISSED, data_dir=state)
        running.enter_context(first).wait_until_ready()
        first_life(first, stream)
        before = states_of(first)
        first.kill()
        taken_away(request.param, stream, state)
        published(stream, wine(), "wine, while it was down", 9)
        published(stream, wine("cider"), "cider, while it was down", 3)
        second = ServerProcess(*words, log.with_suffix(".second"), *SOON_MISSED, data_dir=state)
        running.enter_context(second).wait_until_ready()
        settled(stream, second)
        scores = {score.record_id: score for score in stream.all_scores()}
        yield Aftermath(request.param, before, states_of(second), scores, second, stream)


def test_the_model_serves_at_once_or_not_before_the_next_one_as_promised(
    aftermath: Aftermath, promised: Guarantees
) -> None:
    survives = getattr(promised.model_survives, aftermath.circumstance)
    served = {
        (record_id.split("-")[0], score.model_name, round(score.value, 4))
        for record_id, score in aftermath.scores.items()
        if "while it was down" in record_id
    }
    wines = ("wine, while it was down", "times 2.0", round(2 * ALCOHOL, 4))
    ciders = ("cider, while it was down", "times 3.0", round(3 * ALCOHOL, 4))
    assert served == ({wines, ciders} if survives else set())
    names = {data_type: state["name"] for data_type, state in aftermath.after.items()}
    assert names == (
        {"wine": "times 2.0", "cider": "times 3.0", "beer": None} if survives else dict.fromkeys(DATA_TYPES)
    )


def test_the_counters_are_exact_or_begin_at_zero_as_promised(aftermath: Aftermath, promised: Guarantees) -> None:
    served = getattr(promised.model_survives, aftermath.circumstance)
    exact = getattr(promised.counters_survive, aftermath.circumstance)

    def counted(data_type: str, scored: int, down: int, skipped: int = 0, dead_letters: int = 0) -> None:
        before, after = aftermath.before[data_type], aftermath.after[data_type]
        assert (before["usage"], before["skipped"], before["dead_letters"]) == (scored, skipped, dead_letters)
        kept = (scored, skipped, dead_letters) if exact else (0, 0, 0)
        usage, skips = (down, 0) if served else (0, down)
        assert (after["usage"], after["skipped"], after["dead_letters"]) == (kept[0] + usage, kept[1] + skips, kept[2])
        if exact and served:
            assert after["since"] == before["since"]
            assert after["duration"] > before["duration"] or not down

    counted("wine", scored=30, down=9, dead_letters=3)
    counted("cider", scored=6, down=3)
    counted("beer", scored=0, down=0, skipped=6)


def test_the_next_model_takes_over(aftermath: Aftermath) -> None:
    server, stream = aftermath.server, aftermath.stream
    name = put_in_force(server, stream, 4.0)
    stream.publish_wines(["next"])
    assert stream.scores_of(["next"])[-1].model_name == name
    assert server.wait_until_state(lambda state: state["usage"] > 0)["usage"] == 1, "usage belongs to the model"


@pytest.mark.parametrize(
    "circumstance",
    [pytest.param(name, marks=() if name == "killed" else pytest.mark.thorough) for name in CIRCUMSTANCES],
)
def test_killed_under_load_the_counters_are_exact_or_of_this_life_though_records_come_again(
    start: Start, stream: Stream, promised: Guarantees, tmp_path: Path, circumstance: str
) -> None:
    first = start("--commit-interval-ms", "60000", *SOON_MISSED).wait_until_ready()
    put_in_force(first, stream, 1.0)
    with stream.background_load() as load:
        scored_some(first, 1000)
        first.kill()
    committed = sum(stream.committed(first.group).values())
    taken_away(circumstance, stream, data_dir(tmp_path))
    restarted_ms = time.time_ns() // 1_000_000
    second = start(*SOON_MISSED).wait_until_ready()
    settled(stream, second)
    scored_before = distinct([score for score in stream.all_scores() if score.scored_ts < restarted_ms])
    assert committed < len(scored_before), "records come again"
    state = second.state()
    exact = getattr(promised.counters_survive, circumstance)
    assert state["usage"] + state["skipped"] == (len(load.ids) if exact else len(load.ids) - committed)
    assert (state["skipped"] == 0) == getattr(promised.model_survives, circumstance)
    assert state["dead_letters"] == 0
