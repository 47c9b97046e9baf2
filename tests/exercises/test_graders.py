"""Each grader, proven: by the skeleton, the solution, right answers and wrong ones, each with its own sentence."""

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from exercises.catalogue import ROOT, TASKS, Exercise, find_exercise, read_catalogue
from exercises.grading import Graders, Verdict
from exercises.proofs import Proof, proofs_of, sentences

NAMES = [exercise.name for exercise in read_catalogue()]
REPETITIONS = 20
STANDSTILLS, STANDSTILL_S = 8, 2.0


@pytest.fixture(scope="session")
def graders(request: pytest.FixtureRequest) -> Graders:
    def address() -> str:  # the broker that all tests share, started when the first exercise asks for one
        broker: EmbeddedKafka = request.getfixturevalue("broker")
        return broker.bootstrap_servers

    return Graders(address)


@pytest.mark.parametrize("name", NAMES)
def test_right_answers_pass_and_wrong_ones_get_their_sentence(name: str, graders: Graders, tmp_path: Path) -> None:
    """With three of the wrong answers; the next test takes all of them."""
    proofs = list(proofs_of(find_exercise(name)))
    wrong = [proof for proof in proofs if proof.name.startswith("wrong/")]
    see_that_each_gets_its_verdict([proof for proof in proofs if proof not in wrong[3:]], graders, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_each_answer_gets_the_verdict_it_deserves(name: str, graders: Graders, tmp_path: Path) -> None:
    see_that_each_gets_its_verdict(list(proofs_of(find_exercise(name))), graders, tmp_path)


def see_that_each_gets_its_verdict(proofs: Sequence[Proof], graders: Graders, directory: Path) -> None:
    exercise = proofs[0].exercise
    verdicts = [proof.given(graders, directory / str(number)) for number, proof in enumerate(proofs)]
    print(matrix(exercise, proofs, verdicts))
    said = sentences(exercise)
    faults = [proof.fault(verdict, said) for proof, verdict in zip(proofs, verdicts, strict=True)]
    assert not any(faults), "\n".join(filter(None, faults))


@pytest.mark.parametrize("name", NAMES)
def test_each_exercise_has_answers_enough_to_prove_its_grader(name: str) -> None:
    exercise = find_exercise(name)
    assert len(exercise.answers("wrong")) >= 5
    assert len(exercise.answers("right")) >= 2


@pytest.mark.thorough
@pytest.mark.parametrize("name", NAMES)
def test_a_grader_says_the_same_each_time(name: str, graders: Graders, tmp_path: Path) -> None:
    proofs = {proof.name: proof for proof in proofs_of(find_exercise(name))}
    first_wrong = next(proof for name, proof in proofs.items() if name.startswith("wrong/"))
    for proof in (proofs["solution"], first_wrong):
        verdicts = [proof.given(graders, tmp_path / proof.exercise.name) for _ in range(REPETITIONS)]
        assert len({(verdict.status, verdict.message.partition("\n")[0]) for verdict in verdicts}) == 1


@pytest.mark.thorough
@pytest.mark.parametrize("name", [each.name for each in read_catalogue() if not each.needs_broker])
def test_a_machine_that_stands_still_rejects_no_right_answer(name: str, tmp_path: Path) -> None:
    """Its clock goes on: each limit of a grader is larger than the standstill, or depends on no clock."""
    proofs = {proof.name: proof for proof in proofs_of(find_exercise(name))}
    usual_s = min(proofs["solution"].given(Graders(), tmp_path).duration_s for _ in range(3))  # the first imports
    for number in range(STANDSTILLS):
        grading = Graders().begin(proofs["solution"].exercise, tmp_path)
        time.sleep(usual_s * number / STANDSTILLS)
        pid = grading._process.pid
        assert pid is not None
        with suppress(ProcessLookupError):  # it has ended by then
            os.kill(pid, signal.SIGSTOP)
            time.sleep(STANDSTILL_S)
            os.kill(pid, signal.SIGCONT)
        verdict = grading.verdict(60.0)
        assert verdict.status == "passed", verdict.message


def test_there_are_exercises_and_wrong_answers_enough() -> None:
    assert len(NAMES) >= 28
    assert sum(len(exercise.answers("wrong")) for exercise in read_catalogue()) >= 140


def test_the_readme_says_how_many_there_are() -> None:
    readme = " ".join((ROOT / "exercises/README.md").read_text(encoding="utf-8").split())
    wrong, right = (sum(len(each.answers(kind)) for each in read_catalogue()) for kind in ("wrong", "right"))
    assert f"of {len(NAMES)} exercises are proven by {wrong} wrong answers" in readme
    assert f"and by {right} right ones" in readme


def test_every_folder_of_a_task_is_on_the_path() -> None:
    folders = {path.parent for path in TASKS.glob("*/task.md")}
    assert folders == {exercise.folder for exercise in read_catalogue()}


def matrix(exercise: Exercise, proofs: Sequence[Proof], verdicts: Sequence[Verdict]) -> str:
    """Wrong answers against sentences: which was told what."""
    said = sentences(exercise)
    lines = [f"{exercise.name}: {number} = {sentence}" for number, sentence in enumerate(said, 1)]
    for proof, verdict in zip(proofs, verdicts, strict=True):
        told = [str(number) for number, sentence in enumerate(said, 1) if sentence in verdict.message]
        lines.append(f"  {proof.name:30} {verdict.status:8} {' '.join(told)}")
    return "\n".join(lines)
