"""Each grader, proven: by the skeleton, the solution, right answers and wrong ones, each with its own sentence."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from exercises.catalogue import Exercise, read_catalogue
from exercises.grading import Graders
from exercises.proofs import Proof, proofs_of, sentences


@pytest.fixture(scope="session")
def graders(request: pytest.FixtureRequest) -> Graders:
    def address() -> str:  # the broker that all tests share, started when the first exercise asks for one
        broker: EmbeddedKafka = request.getfixturevalue("broker")
        return broker.bootstrap_servers

    return Graders(address)


def all_proofs() -> Iterator[Proof]:
    for exercise in read_catalogue():
        yield from proofs_of(exercise)


@pytest.mark.parametrize("proof", list(all_proofs()), ids=lambda proof: f"{proof.exercise.name} {proof.name}")
def test_each_answer_gets_the_verdict_it_deserves(proof: Proof, graders: Graders, tmp_path: Path) -> None:
    fault = proof.fault(proof.given(graders, tmp_path), sentences(proof.exercise))
    assert not fault, fault


@pytest.mark.parametrize("exercise", read_catalogue(), ids=lambda exercise: exercise.name)
def test_each_exercise_has_answers_enough_to_prove_its_grader(exercise: Exercise) -> None:
    assert len(exercise.answers("wrong")) >= 5
    assert len(exercise.answers("right")) >= 2
