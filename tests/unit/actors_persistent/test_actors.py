"""The actors and their supervisor, asked from outside; each test's actors live from a directory of their own."""

import re
import threading
from pathlib import Path

import pytest

from actors_persistent.errors import DataTypeCorrupt, KeptModelUnusable
from actors_persistent.state import MAX_DATA_TYPES_WITHOUT_MODEL
from model import registry
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.engine import FeedPosition
from tests.support.sqlite_program import typed
from tests.unit.actors_persistent.conftest import (
    MODELS_TOPIC_ID,
    Live,
    Models,
    changed,
    rows,
    state_of,
    wait_until_stopped,
    wines,
)


def test_a_model_scores_and_everything_is_there_again_in_the_next_life(live: Live, models: Models) -> None:
    actors = live()
    actors.score(wines(0, 1))
    actors.accept(models.arrived(5.0, 7))
    scores = actors.score(wines(2, 3, 4))
    assert scores.values is not None
    assert (scores.values.tolist(), scores.model_name) == ([5.0] * 3, "always 5.0")
    before = state_of(actors)
    actors.close()
    after = state_of(live())
    assert (before.usage, before.skipped) == (3, 2)
    assert after.model is not None
    assert after.model.name == "always 5.0"
    numbers = ("usage", "duration_ms", "min_ms", "max_ms", "skipped", "dead_letters", "since_ms")
    assert [getattr(after, name) for name in numbers] == [getattr(before, name) for name in numbers]


def test_a_batch_that_comes_again_in_the_next_life_is_scored_and_not_counted(live: Live, models: Models) -> None:
    actors = live()
    actors.accept(models.arrived(5.0, 7))
    actors.score(wines(0, 1, 2))
    actors.close()
    again = live()
    scores = again.score(wines(1, 2, 3))
    assert scores.values is not None
    assert len(scores.values) == 3
    assert state_of(again).usage == 4


def test_every_model_is_closed_exactly_once_also_one_that_is_in_force_already(live: Live, models: Models) -> None:
    actors = live()
    assert actors.accept(models.arrived(5.0, 7))
    assert not actors.accept(models.arrived(5.0, 7)), "it was not activated"
    assert models.closed == [0, 1]
    since_ms = state_of(actors).since_ms
    actors.score(wines(0))
    actors.accept(models.arrived(6.0, 8))
    assert models.closed == [1, 1, 0]
    actors.accept(models.arrived(3.0, 9, "beer"))
    actors.close()
    live().close()
    wait_until_stopped()
    assert models.closed == [1, 1, 1, 1, 1, 1]
    assert since_ms is not None


def test_a_slow_model_of_one_data_type_does_not_hold_up_another(live: Live, models: Models) -> None:
    actors = live()
    actors.accept(models.arrived(5.0, 7))
    actors.accept(models.arrived(3.0, 8, "beer"))
    in_hand, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        in_hand.set()
        go_on.wait(5)

    models.before.append(slowly)
    wine = threading.Thread(target=actors.score, args=[wines(0)])
    wine.start()
    assert in_hand.wait(5)
    actors.score(wines(0, 1, data_type="beer"))
    assert {state.data_type: state.usage for state in actors.states()} == {"wine": 0, "beer": 2}
    go_on.set()
    wine.join()
    assert state_of(actors).usage == 1


def test_strange_data_types_fill_neither_memory_nor_disk_and_do_not_keep_models_out(live: Live, models: Models) -> None:
    actors = live()
    for number in range(MAX_DATA_TYPES_WITHOUT_MODEL + 20):
        assert actors.score(wines(0, data_type=f"strange {number}")).values is None
    assert len(actors.states()) == MAX_DATA_TYPES_WITHOUT_MODEL
    assert rows(live, "SELECT count(*) FROM snapshots") == [(MAX_DATA_TYPES_WITHOUT_MODEL,)]
    actors.accept(models.arrived(5.0, 7))
    assert actors.score(wines(0)).model_name == "always 5.0"
    actors.close()
    again = live()
    assert actors is not again
    assert again.score(wines(0, data_type="one more")).values is None
    assert len(again.states()) == MAX_DATA_TYPES_WITHOUT_MODEL + 1


def test_a_kept_model_that_cannot_be_loaded_any_more_is_an_error_that_names_it(
    live: Live, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors = live()
    actors.accept(models.arrived(5.0, 7))
    actors.close()

    def gone(_: bytes) -> None:
        raise ImportError("no module named onnxruntime")

    monkeypatch.setitem(registry.FORMATS, ModelDescriptor.ONNX, gone)
    with pytest.raises(KeptModelUnusable, match=r"model 'always 5.0'.*no module named onnxruntime.*sqlite3 .*'wine'"):
        live()


def test_a_damaged_memory_is_an_error_at_the_start_that_gives_up_one_data_type_alone(
    live: Live, models: Models, tmp_path: Path
) -> None:
    actors = live()
    actors.accept(models.arrived(5.0, 7))
    actors.accept(models.arrived(3.0, 8, "beer"))
    actors.score(wines(0, 1))
    actors.score(wines(0, data_type="beer"))
    actors.keep_position(FeedPosition(MODELS_TOPIC_ID, 9))
    actors.close()
    changed(live, "UPDATE events SET scored = scored + 1 WHERE data_type = 'wine' AND kind = 'batch_scored'")
    with pytest.raises(DataTypeCorrupt, match=r"data type 'wine'.*checksum") as error:
        live()
    remedy = re.search(r"alone: (sqlite3 .*\")", str(error.value))
    assert remedy is not None
    typed(remedy[1], tmp_path)
    again = live.unrestored(timeout_s=5.0)
    assert again.restore() is None, "the wine's model is to be found again in its topic"
    assert [state.data_type for state in again.states()] == ["beer"]
    assert state_of(again, "beer").usage == 1


def test_a_newer_model_stays_when_an_older_one_of_its_topic_arrives_and_any_of_another_topic_wins(
    live: Live, models: Models
) -> None:
    actors = live()
    assert actors.accept(models.arrived(5.0, 7))
    assert not actors.accept(models.arrived(4.0, 6)), "it was not activated"
    assert models.closed == [0, 1]
    assert actors.score(wines(0)).model_name == "always 5.0"
    assert actors.accept(models.arrived(3.0, 0, topic_id="created again"))
    assert actors.score(wines(1)).model_name == "always 3.0"
    actors.close()
    assert live().score(wines(2)).model_name == "always 3.0"


def test_of_a_data_topic_that_was_created_again_every_record_counts_also_in_the_next_life(
    live: Live, models: Models
) -> None:
    actors = live()
    actors.accept(models.arrived(5.0, 7))
    actors.score(wines(0, 1, 2))
    actors.score(wines(1, 2, 3), "created again")
    actors.score(wines(2, 3, 4), "created again")
    assert state_of(actors).usage == 3 + 3 + 1
    actors.close()
    again = live()
    again.score(wines(4, 5), "created again")
    assert state_of(again).usage == 3 + 3 + 1 + 1
    again.score(wines(0), "and again")
    assert state_of(again).usage == 3 + 3 + 1 + 1 + 1
