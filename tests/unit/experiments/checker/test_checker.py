"""The checker finds each fault that is planted, and raises no alarm where there is none."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from experiments.checker.faults import check
from experiments.checker.run import Commit, Outcome, Run
from serving.engine import DeliveryMode
from tests.unit.experiments.checker.played_group import PlayedGroup

CLEAN_RUNS = 100


def clean_run(seed: int, *, kills: bool = True, delivery: DeliveryMode = "at-least-once") -> Run:
    return PlayedGroup(random.Random(seed), kills, delivery).run()


@pytest.mark.parametrize("kills", [True, False], ids=["members are killed", "members leave"])
def test_no_alarm_in_100_clean_runs_and_every_duplicate_is_explained(kills: bool) -> None:
    found = [check(clean_run(seed, kills=kills)) for seed in range(CLEAN_RUNS)]
    assert [fault for findings in found for fault in findings.faults] == []
    assert all(findings.duplicates == findings.explained for findings in found)
    assert (sum(findings.duplicates for findings in found) > 0) == kills, (
        "kills leave duplicates, or they were not played"
    )


@pytest.mark.parametrize("delivery", ["at-most-once", "exactly-once"])
def test_no_alarm_in_100_clean_runs_of_the_other_modes_and_each_loss_is_explained(delivery: DeliveryMode) -> None:
    runs = [clean_run(seed, delivery=delivery) for seed in range(CLEAN_RUNS)]
    found = [check(run, delivery=delivery) for run in runs]
    assert [fault for findings in found for fault in findings.faults] == []
    assert [findings.duplicates for findings in found] == [0] * CLEAN_RUNS
    lost = [fault for run in runs for fault in check(run, delivery="exactly-once").faults if fault.kind == "lost"]
    assert bool(lost) == (delivery == "at-most-once"), "kills lose batches, or they were not played"


@pytest.mark.parametrize("delivery", ["at-most-once", "exactly-once"])
def test_what_a_hand_over_scores_again_is_a_fault_where_no_duplicate_was_promised(delivery: DeliveryMode) -> None:
    run = next(run for run in map(clean_run, range(CLEAN_RUNS)) if check(run).duplicates)
    findings = check(run, delivery=delivery)
    assert {"doubled", "out of order"} <= {fault.kind for fault in findings.faults}
    assert findings.explained == 0


def test_a_loss_that_does_not_end_where_a_commit_does_is_a_fault_with_at_most_once_too() -> None:
    run = clean_run(0, kills=False, delivery="at-most-once")
    commits = {(each.partition, each.offset) for each in run.commits}
    inside = next(
        each
        for each in run.outcomes[len(run.outcomes) // 2 :]
        if each.kind == "score" and (each.source_partition, each.source_offset + 1) not in commits
    )
    gone = replace(without(run, lambda each: each is inside), counted=None)
    (fault,) = check(gone, delivery="at-most-once").faults
    assert fault.kind == "lost" and inside.record_id in fault.text


def without(run: Run, gone: Callable[[Outcome], bool]) -> Run:
    return replace(run, outcomes=[each for each in run.outcomes if not gone(each)])


def changed(run: Run, number: int, **changes: object) -> Run:
    """The run with another outcome in place of one."""
    outcomes = list(run.outcomes)
    outcomes[number] = replace(outcomes[number], **changes)  # type: ignore[arg-type]
    return replace(run, outcomes=outcomes)


def a_score(run: Run, behind: int = 60) -> int:
    """The number of a score that is not among the first of its partition."""
    return next(n for n, each in enumerate(run.outcomes) if each.kind == "score" and each.source_offset >= behind)


def lost(run: Run) -> Run:
    at = run.outcomes[a_score(run)]
    return without(run, lambda each: each.record_id == at.record_id)


def lost_at_the_end(run: Run) -> Run:
    last = max(each.source_offset for each in run.outcomes)
    return without(run, lambda each: each.source_offset == last and each.source_partition == 0)


def scored_twice(run: Run) -> Run:
    number = a_score(run)
    outcomes = list(run.outcomes)
    return replace(run, outcomes=[*outcomes[: number + 1], outcomes[number], *outcomes[number + 1 :]])


def scored_again_at_the_end(run: Run) -> Run:
    return replace(run, outcomes=[*run.outcomes, replace(run.outcomes[a_score(run)], at_ms=run.outcomes[-1].at_ms)])


def a_batch_sent_twice_right_behind_a_commit(run: Run) -> Run:
    """What a producer without idempotence does when an acknowledgement is lost; the offsets look like a hand-over's."""
    numbers = [n for n, each in enumerate(run.outcomes) if each.kind == "score" and each.source_partition == 1][:5]
    again = [run.outcomes[n] for n in numbers]
    late = [replace(each, at_ms=again[-1].at_ms + 1) for each in run.commits if each.partition == 1]
    others = [each for each in run.commits if each.partition != 1]
    behind = numbers[-1] + 1
    outcomes = [*run.outcomes[:behind], *again, *run.outcomes[behind:]]
    return replace(run, outcomes=outcomes, commits=[*others, *late])


def two_change_places(run: Run) -> Run:
    first = a_score(run)
    partition = run.outcomes[first].source_partition
    second = next(
        n
        for n, each in enumerate(run.outcomes)
        if n > first and each.kind == "score" and each.source_partition == partition
    )
    outcomes = list(run.outcomes)
    outcomes[first], outcomes[second] = outcomes[second], outcomes[first]
    return replace(run, outcomes=outcomes)


def in_another_partition(run: Run) -> Run:
    number = a_score(run)
    return changed(run, number, partition=(run.outcomes[number].partition + 1) % 3)


def of_nobody_s_record(run: Run) -> Run:
    number = a_score(run)
    return replace(run, outcomes=[*run.outcomes, replace(run.outcomes[number], source_offset=9999, record_id="x")])


def with_another_record_s_id(run: Run) -> Run:
    return changed(run, a_score(run), record_id="0-0")


def by_a_model_that_comes_later(run: Run) -> Run:
    first = next(n for n, each in enumerate(run.outcomes) if each.kind == "score")
    return changed(run, first, model=run.published[-1].model)


def by_a_model_long_gone(run: Run) -> Run:
    number = next(n for n in reversed(range(len(run.outcomes))) if run.outcomes[n].kind == "score")
    return changed(run, number, model=run.published[0].model, at_ms=run.outcomes[-1].at_ms + 3_600_000)


def counted_one_too_many(run: Run) -> Run:
    assert run.counted is not None
    return replace(run, counted=replace(run.counted, scored=run.counted.scored + 1))


def a_skip_that_was_not_counted(run: Run) -> Run:
    assert run.counted is not None
    return replace(run, counted=replace(run.counted, skipped=run.counted.skipped - 1))


def scored_and_rejected(run: Run) -> Run:
    at = run.outcomes[a_score(run)]
    return replace(run, outcomes=[*run.outcomes, replace(at, kind="dead letter", model=None)])


def not_committed_to_the_end(run: Run) -> Run:
    return replace(run, committed={**run.committed, 1: run.committed[1] - 1})


def committed_beyond_the_end(run: Run) -> Run:
    return replace(run, commits=[*run.commits, Commit(2, 5000, run.commits[-1].at_ms)])


PLANTED = {
    lost: "lost",
    lost_at_the_end: "lost",
    scored_twice: "doubled",
    scored_again_at_the_end: "out of order",
    a_batch_sent_twice_right_behind_a_commit: "doubled",
    two_change_places: "out of order",
    in_another_partition: "wrong partition",
    of_nobody_s_record: "foreign",
    with_another_record_s_id: "foreign",
    by_a_model_that_comes_later: "wrong model",
    by_a_model_long_gone: "wrong model",
    counted_one_too_many: "counters",
    a_skip_that_was_not_counted: "counters",
    scored_and_rejected: "both",
    not_committed_to_the_end: "commits",
    committed_beyond_the_end: "commits",
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("plant", "kind"), PLANTED.items(), ids=[plant.__name__ for plant in PLANTED])
def test_each_planted_fault_is_found(plant: Callable[[Run], Run], kind: str, seed: int) -> None:
    # Without kills: the counters are whole, and no hand-over explains anything away.
    run = clean_run(seed, kills=False)
    assert check(run).faults == []
    assert kind in {fault.kind for fault in check(plant(run)).faults}


def test_a_duplicate_beyond_the_hand_over_is_not_explained_by_it() -> None:
    runs = (clean_run(seed) for seed in range(CLEAN_RUNS))
    run = next(each for each in runs if check(each).duplicates)
    (over, *_) = check(run).hand_overs
    again = next(
        n
        for n, each in enumerate(run.outcomes)
        if each.kind == "score" and each.source_partition == over.partition and each.source_offset >= over.reached
    )
    outcomes = list(run.outcomes)
    doubled = replace(run, outcomes=[*outcomes[: again + 1], outcomes[again], *outcomes[again + 1 :]])
    assert {"doubled", "out of order"} & {fault.kind for fault in check(doubled).faults}
