"""Grades al-2: bad models on purpose, and what became of them."""

import random
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from exercises.answers import Answer
from exercises.grading import expect
from model.errors import LocalFailure, ModelRejected

SEED = 7
NAMES = ("cut", "swapped", "gone")
Load = Callable[[bytes], None]


def played_fault(name: str) -> Callable[[bytes, Random], bytes]:
    """Says its name and what it drew."""
    return lambda message, drawn_from: f"{name} {message.decode()} {drawn_from.random()}".encode()


class Rehearsal:
    """The answer's, with faults that show what they were given; ``sent`` is what came to be loaded."""

    def __init__(self, module: Any) -> None:
        vars(module)["FAULTS"] = {name: played_fault(name) for name in NAMES}
        self._module = module
        self.sent: list[bytes] = []

    def outcomes(
        self, offsets: Sequence[int], share: float, seed: int = SEED, load: Load = lambda _: None
    ) -> list[tuple[int, str | None, str | None]]:
        """Of messages with these offsets: offset, fault, reason."""

        def noted(message: bytes) -> None:
            self.sent.append(message)
            load(message)

        self.sent = []
        messages = ((offset, f"m{offset}".encode()) for offset in offsets)
        found = self._module.rehearse(messages, noted, seed, share)
        return [(each.offset, each.fault, each.reason) for each in found]


@pytest.fixture
def rehearsal(answer: Answer) -> Rehearsal:
    """See there."""
    return Rehearsal(answer.load())


def test_without_faults_every_message_is_loaded_as_it_came(rehearsal: Rehearsal) -> None:
    outcomes = rehearsal.outcomes([3, 4, 9], share=0.0)
    expect(
        rehearsal.sent == [b"m3", b"m4", b"m9"] and outcomes == [(each, None, None) for each in (3, 4, 9)],
        "With a share of 0 the messages are not all loaded as they came, with an outcome each.",
        expected="m3, m4 and m9 are loaded; each has an outcome without a fault and without a reason",
        happened=f"loaded {rehearsal.sent}; outcomes {outcomes}",
        means="without a run that damages nothing, nobody knows what the faults are to blame for",
    )


def test_a_share_of_one_damages_every_message_by_the_fault_that_is_noted(rehearsal: Rehearsal) -> None:
    outcomes = rehearsal.outcomes(range(60), share=1.0)
    sent = [message.decode().split()[:2] for message in rehearsal.sent]
    noted = [[fault, f"m{offset}"] for offset, fault, _ in outcomes]
    expect(
        len(sent) == 60 and sent == noted,
        "With a share of 1 not every message is loaded with the damage that its outcome names.",
        expected="60 messages, each damaged by the fault of its outcome before it is loaded",
        happened=f"loaded {sent[:3]}; outcomes {noted[:3]}",
        means="the account does not tell what the server really got",
    )
    missing = set(NAMES) - {fault for _, fault, _ in outcomes if fault is not None}
    expect(
        not missing,
        "Some of the faults are never drawn.",
        expected=f"each of {NAMES} among 60 damaged messages",
        happened=f"never: {', '.join(sorted(missing))}",
        means="a kind of damage that is never tried is one that nobody knows about",
    )


def test_the_share_is_kept(rehearsal: Rehearsal) -> None:
    damaged = sum(fault is not None for _, fault, _ in rehearsal.outcomes(range(400), share=0.25))
    expect(
        60 <= damaged <= 140,
        "Of 400 messages a share of 0.25 does not damage about a quarter.",
        expected="about 100 of 400",
        happened=damaged,
        means="the stream is nearly all damaged, or hardly at all, and shows nothing about a real one",
    )


def test_a_refusal_is_noted_with_its_reason_and_the_next_message_is_loaded(rehearsal: Rehearsal) -> None:
    def load(message: bytes) -> None:
        if message.startswith((b"m5", b"m7")):
            raise ModelRejected("forest", f"{message.decode()} is no model")

    outcomes = rehearsal.outcomes([4, 5, 6, 7, 8], share=0.0, load=load)
    expected = [(4, None, None), (5, None, "m5 is no model"), (6, None, None), (7, None, "m7 is no model")]
    expect(
        outcomes == [*expected, (8, None, None)],
        "A refusal is not noted with its own reason, once, at its own message.",
        expected=[*expected, (8, None, None)],
        happened=outcomes,
        means="the account says that a refused model was loaded, or names the reason of another one",
    )
    load_none = rehearsal.outcomes(range(20), share=1.0, load=_refuse)
    expect(
        all(fault and reason == "no model" for _, fault, reason in load_none) and len(load_none) == 20,
        "A damaged message that is refused has no outcome with both its fault and the reason.",
        expected="20 outcomes with a fault and the reason 'no model'",
        happened=load_none[:3],
        means="nobody can tell which damage a server notices",
    )


def _refuse(_: bytes) -> None:
    raise ModelRejected("forest", "no model")


def test_an_error_that_is_no_refusal_ends_the_rehearsal(rehearsal: Rehearsal) -> None:
    errors = (LocalFailure("no memory"), RuntimeError("a bug"), ValueError("a bug"))
    for error in errors:
        try:
            outcomes = rehearsal.outcomes([4, 5], share=0.5, load=_raising(error))
        except type(error):
            continue
        expect(
            False,
            "An error that is no refusal does not end the rehearsal.",
            expected=f"{error!r} is raised",
            happened=f"outcomes {outcomes}",
            means="the server would have ended, and the account says that all is well",
        )


def _raising(error: Exception) -> Load:
    def load(_: bytes) -> None:
        raise error

    return load


def test_the_same_seed_gives_the_same_faults(rehearsal: Rehearsal) -> None:
    first, sent = rehearsal.outcomes(range(100), share=0.5), rehearsal.sent
    second = rehearsal.outcomes(range(100), share=0.5)
    expect(
        first == second and sent == rehearsal.sent,
        "Two rehearsals with the same seed differ.",
        expected="the same messages damaged in the same way",
        happened=f"{sum(a != b for a, b in zip(sent, rehearsal.sent, strict=True))} of 100 messages differ",
        means="what was found cannot be shown again, so it will not be mended",
    )


def test_another_seed_gives_other_faults(rehearsal: Rehearsal) -> None:
    first = rehearsal.outcomes(range(100), share=0.5)
    second = rehearsal.outcomes(range(100), share=0.5, seed=SEED + 1)
    expect(
        first != second,
        "Two rehearsals with different seeds have the same faults.",
        expected="other messages damaged, or in another way",
        happened=f"seeds {SEED} and {SEED + 1} agree in all of 100 messages",
        means="a thousand nights of rehearsals try what the first one tried",
    )


def test_a_message_gets_its_faults_even_after_other_messages(rehearsal: Rehearsal) -> None:
    rehearsal.outcomes(range(100), share=0.5)
    late = rehearsal.sent[50:]
    rehearsal.outcomes(range(50, 100), share=0.5)
    expect(
        rehearsal.sent == late,
        "What is drawn for a message depends on the messages before it.",
        expected="offsets 50 to 99 get the same faults, whether reading begins at 0 or at 50",
        happened=f"{sum(a != b for a, b in zip(late, rehearsal.sent, strict=True))} of 50 messages differ",
        means="one message more in the topic, or a compaction, and every fault is another one",
    )


def test_the_global_generator_is_left_alone(rehearsal: Rehearsal) -> None:
    random.seed(SEED)
    before = random.getstate()
    rehearsal.outcomes(range(20), share=0.5)
    expect(
        random.getstate() == before,
        "The global generator of the module random has been used.",
        expected="generators of its own: Random(...)",
        happened="random.getstate() is another one than before",
        means="everything else in the process that draws at random changes with the rehearsal, and it with them",
    )
