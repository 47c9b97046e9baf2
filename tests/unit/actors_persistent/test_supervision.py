"""An actor that dies, hangs or is found dead has a successor, and nothing counts twice."""

import sqlite3
import sys
import threading

import pykka
import pytest

from actors_persistent.errors import ActorFailed
from actors_persistent.journal import journal, tables
from actors_persistent.journal.tables import EventRow
from actors_persistent.state import ModelServer
from tests.support.process import eventually
from tests.unit.actors_persistent.conftest import Live, Models, events_of, state_of, wait_until_stopped, wines


def test_an_actor_that_dies_in_the_middle_of_a_batch_is_replaced_and_the_batch_asked_again(
    live: Live, models: Models
) -> None:
    actors = live()
    actors.score(wines(0))
    actors.accept(models.arrived(5.0, 7))
    actors.score(wines(1, 2))
    (first,) = pykka.ActorRegistry.get_by_class(ModelServer)
    models.before.append(sys.exit)
    scores = actors.score(wines(3, 4, 5))
    assert scores.values is not None
    assert scores.values.tolist() == [5.0] * 3
    assert pykka.ActorRegistry.get_by_class(ModelServer) != [first], "another actor"
    assert len(models.loaded) == 2, "with a model of its own, loaded from what is on disk"
    state = state_of(actors)
    assert (state.usage, state.skipped) == (5, 1)
    actors.close()
    assert (state_of(live()).usage, state_of(live()).skipped) == (5, 1)


def test_an_actor_found_dead_is_replaced(live: Live, models: Models) -> None:
    actors = live()
    actors.accept(models.arrived(5.0, 7))
    actors.score(wines(0))
    (server,) = pykka.ActorRegistry.get_by_class(ModelServer)
    server.stop()
    actors.score(wines(1))
    assert state_of(actors).usage == 2


def test_an_actor_that_hangs_is_replaced_and_writes_no_more_when_it_wakes_up(live: Live, models: Models) -> None:
    actors = live(timeout_s=1.5)
    actors.accept(models.arrived(5.0, 7))
    wake_up = threading.Event()
    models.before.append(wake_up.wait)
    (hanging,) = pykka.ActorRegistry.get_by_class(ModelServer)
    actors.score(wines(0, 1))
    assert state_of(actors).usage == 2
    written = events_of(live)
    wake_up.set()
    assert hanging.actor_stopped.wait(5)
    assert events_of(live) == written
    actors.score(wines(2))
    actors.close()
    wait_until_stopped()
    assert state_of(live()).usage == 3
    assert models.closed[:2] == [1, 1]


def test_an_actor_that_hangs_while_it_recovers_does_not_tell_of_its_past_when_it_wakes_up(
    live: Live, models: Models
) -> None:
    actors = live()
    actors.accept(models.arrived(5.0, 7))
    actors.close()
    wait_until_stopped()
    again = live.unrestored(timeout_s=1.5)
    again._file.open()
    wake_up = threading.Event()
    models.before_load.append(wake_up.wait)
    again.score(wines(0, 1))
    wake_up.set()
    wait_for_one_server()
    assert state_of(again).usage == 2


def wait_for_one_server() -> None:
    """The one that was given up has ended."""
    eventually(
        lambda: sum(thread.name.startswith("ModelServer-") for thread in threading.enumerate()) == 1, "one server"
    )


def test_a_message_behind_the_one_that_failed_waits_for_the_successor(
    live: Live, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors = live()
    actors.accept(models.arrived(5.0, 7))
    (server,) = pykka.ActorRegistry.get_by_class(ModelServer)
    in_hand, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        in_hand.set()
        go_on.wait(5)

    models.before.append(slowly)
    scoring = threading.Thread(target=actors.score, args=[wines(0, 1)])
    scoring.start()
    assert in_hand.wait(5)
    accepting = threading.Thread(target=actors.accept, args=[models.arrived(6.0, 8)])
    accepting.start()
    eventually(lambda: not server.actor_inbox.empty(), "the model waits behind the batch")
    write_in_part(monkeypatch)
    go_on.set()
    scoring.join()
    accepting.join()
    actors.score(wines(2))
    actors.close()
    wait_until_stopped()
    served = state_of(live()).model
    assert served is not None
    assert served.name == "always 6.0"
    assert models.closed == [1] * (len(models.loaded) - 1) + [0]


def write_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk refuses to go on when the next event is in the open transaction; the others are whole."""
    really = tables.put
    left = [1]

    def in_part(connection: sqlite3.Connection, row: EventRow) -> None:
        really(connection, row)
        if left and left.pop():
            raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(journal, "put", in_part)


def test_a_second_failure_is_an_error_and_nothing_is_counted(live: Live, models: Models) -> None:
    actors = live()
    actors.accept(models.arrived(5.0, 7))
    models.before += [sys.exit, sys.exit]
    with pytest.raises(ActorFailed, match=r"failed twice on the same message \(SystemExit"):
        actors.score(wines(0))
    eventually(lambda: not pykka.ActorRegistry.get_by_class(ModelServer), "both have ended")
    actors.close()
    assert state_of(live()).usage == 0


def test_a_model_that_hangs_twice_is_an_error_that_says_what_to_do(live: Live, models: Models) -> None:
    actors = live(timeout_s=0.2)
    actors.accept(models.arrived(5.0, 7))
    wake_up = threading.Event()
    models.before += [wake_up.wait, wake_up.wait]
    with pytest.raises(ActorFailed, match=r"no answer within 0.2 s.*publish another model for 'wine'"):
        actors.score(wines(0))
    wake_up.set()


def test_an_event_that_the_disk_takes_only_in_part_is_written_again_by_the_successor(
    live: Live, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors = live()
    actors.accept(models.arrived(5.0, 7))
    write_in_part(monkeypatch)
    actors.score(wines(0, 1))
    actors.score(wines(2))
    actors.close()
    assert state_of(live()).usage == 3
