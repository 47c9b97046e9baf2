"""Where a variant offers several delivery modes: what each of them loses, and what it doubles, by record id."""

import pytest

from serving.engine import DeliveryMode
from tests.contract.accounts import distinct, redelivered, scored_some, settled, unkept
from tests.contract.conftest import VARIANTS, Start, delivery_flags, package, put_in_force
from tests.support.models import slow
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model, wine

MODES = [
    (name, mode)
    for name in VARIANTS
    if len(package(name).guarantees.delivery) > 1
    for mode in package(name).guarantees.delivery
]
KILLS = (5, pytest.param(10, marks=pytest.mark.thorough))
ROUNDS = (3, pytest.param(10, marks=pytest.mark.thorough))
MAX_BATCH = 200
FLAGS = ("--max-batch", str(MAX_BATCH), "--session-timeout-ms", "1000")

in_each_mode = pytest.mark.parametrize(("variant", "mode"), MODES, ids=[f"{name}-{mode}" for name, mode in MODES])
often_in_each_mode = pytest.mark.parametrize(
    ("variant", "mode"),
    [  # at-least-once, every variant's: test_nothing_is_lost, less often
        pytest.param(*each, marks=pytest.mark.thorough if each[1] == "at-least-once" else (), id="-".join(each))
        for each in MODES
    ],
)


def account(stream: Stream, server: ServerProcess, mode: DeliveryMode, ids: list[str]) -> tuple[int, int]:
    """How many records have no score, and how many scores are too many, for who reads what is committed.

    Everything is committed by then, and what was in flight is sent: the server is stopped in good order. Each loss and
    each duplicate has the explanation that its mode allows.
    """
    settled(stream, server)
    assert server.stop() == 0
    faults = unkept(stream, server, mode)
    assert not faults, f"{len(faults)} faults, such as {faults[:5]}"
    scores = stream.all_scores()
    assert distinct(scores) <= set(ids)
    return len(set(ids) - distinct(scores)), redelivered(scores)


@often_in_each_mode
@pytest.mark.parametrize("kills", KILLS)
def test_killed_many_times_under_load_it_loses_and_doubles_what_its_mode_says(
    variant: str, mode: DeliveryMode, kills: int, start: Start, stream: Stream
) -> None:
    # Its own id, as on a port of its own: the next one ends at once what the last one left undecided.
    flags = (*delivery_flags(mode, f"one-{stream.prefix}" if mode == "exactly-once" else ""), *FLAGS)
    stream.publish_model(model("times 1.0", data=slow(1.0)))  # so that a kill nearly always finds a batch in flight
    with stream.background_load() as load:
        for _ in range(kills):
            server = start(*flags).wait_until_ready()
            scored_some(server, MAX_BATCH)
            server.kill()
    last = start(*flags).wait_until_ready()
    lost, doubled = account(stream, last, mode, load.ids)
    assert (lost > 0) == (mode == "at-most-once"), f"{lost} lost"
    assert (doubled > 0) == (mode == "at-least-once"), f"{doubled} doubled"
    assert lost <= kills * 2 * MAX_BATCH, "the batches in flight, and no more"


@often_in_each_mode
@pytest.mark.parametrize("rounds", ROUNDS)
def test_instances_that_join_and_leave_many_times_lose_and_double_nothing(
    variant: str, mode: DeliveryMode, rounds: int, start: Start, stream: Stream
) -> None:
    flags = (*delivery_flags(mode), "--max-batch", str(MAX_BATCH), "--session-timeout-ms", "6000")
    first = start(*flags, instance="first").wait_until_ready()
    put_in_force(first, stream, 1.0)
    with stream.background_load() as load:
        for _ in range(rounds):
            second = start(*flags, instance="second").wait_until_ready()
            scored_some(second, MAX_BATCH)
            assert second.stop() == 0
            scored_some(first, MAX_BATCH)
    assert account(stream, first, mode, load.ids) == (0, 0)


FENCED = [(name, "exactly-once") for name, mode in MODES if mode == "exactly-once"]


@pytest.mark.parametrize(("variant", "mode"), FENCED)
def test_a_second_copy_of_an_instance_ends_the_first_and_doubles_nothing(
    variant: str, mode: DeliveryMode, start: Start, stream: Stream
) -> None:
    flags = (*delivery_flags(mode, f"one-{stream.prefix}" if mode == "exactly-once" else ""), *FLAGS)
    first = start(*flags, instance="first").wait_until_ready()
    put_in_force(first, stream, 1.0)
    with stream.background_load() as load:
        scored_some(first)
        second = start(*flags, instance="second")
        assert first.wait() == 1
        (line,) = first.errors
        assert "--transactional-id" in line
        scored_some(second.wait_until_ready())
    assert account(stream, second, mode, load.ids) == (0, 0)


@in_each_mode
def test_a_bad_record_is_a_dead_letter_in_every_mode(
    variant: str, mode: DeliveryMode, start: Start, stream: Stream
) -> None:
    server = start(*delivery_flags(mode), *FLAGS).wait_until_ready()
    put_in_force(server, stream, 1.0)
    stream.publish(stream.topics.data, b"\xff", b"bad", partition=0)
    stream.publish(stream.topics.data, wine(), b"good", partition=0)
    stream.flush()
    assert account(stream, server, mode, ["good"]) == (0, 0)
    assert stream.dead_letter(b"bad").value() == b"\xff"


def test_a_mode_that_a_variant_does_not_offer_is_one_line(variant: str, start: Start) -> None:
    offered = package(variant).guarantees.delivery
    if "exactly-once" in offered:
        assert start("--delivery", "exactly-once").wait_until_ready().stop() == 0
        return
    server = start("--delivery", "exactly-once")
    assert server.wait() == 2
    (line,) = server.errors
    assert "--delivery" in line and "--help" in line
