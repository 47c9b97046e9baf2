"""What is counted of a second instance, on runs written by hand."""

from experiments.checker.run import Outcome, Published, Run, Sent
from experiments.second_instance.__main__ import broken_promises
from experiments.second_instance.measuring import Round, Share, share
from experiments.second_instance.plain.settings import Reading

SWAP_MS = 1000
TAKEOVER_MS = 100


def sent(partition: int, n: int) -> list[Sent]:
    return [Sent(partition, offset, f"{partition}-{offset}") for offset in range(n)]


def score(partition: int, offset: int, at_ms: int, model: str) -> Outcome:
    return Outcome("score", partition, partition, offset, f"{partition}-{offset}", at_ms, model)


def run(*scores: Outcome) -> Run:
    return Run([*sent(0, 4), *sent(1, 4)], scores, [Published("old", 0), Published("new", SWAP_MS)], [])


FRESH = [score(0, offset, SWAP_MS + 50 * offset, "new") for offset in range(4)]
STALE = [score(1, offset, SWAP_MS + 60 * offset, "old") for offset in range(4)]  # the last two come after the takeover


def test_a_replaced_model_is_wrong_once_the_takeover_is_over() -> None:
    assert share(run(*FRESH, *STALE), [0], {}, TAKEOVER_MS) == Share([0], 4, wrong=0, skipped=0)
    stale = share(run(*FRESH, *STALE), [1], {}, TAKEOVER_MS)
    assert (stale, stale.right) == (Share([1], 4, wrong=2, skipped=0), 2)


def test_a_record_without_a_score_was_skipped_and_one_scored_twice_counts_once_as_it_was_scored_last() -> None:
    again = score(1, 3, SWAP_MS + 500, "new")
    found = share(run(*STALE[2:], again), [1], {}, TAKEOVER_MS)
    assert (found, found.right) == (Share([1], 4, wrong=1, skipped=2), 1)


def test_records_sent_before_both_instances_had_their_partitions_do_not_count() -> None:
    assert share(run(*STALE), [1], {1: 3}, TAKEOVER_MS) == Share([1], 1, wrong=1, skipped=0)


def test_outside_the_group_no_instance_may_lack_a_model_and_inside_one_must() -> None:
    def broken(reading: Reading, *scores: Outcome) -> int:
        # a takeover of 100 ms: the slack is 250 ms
        return len(broken_promises([Round(reading, run(*scores), [[0], [1]], {}, (0, 9), -0.15)]))

    fresh_too = [score(1, offset, SWAP_MS + 50 * offset, "new") for offset in range(4)]
    assert broken("outside", *FRESH, *fresh_too) == 0
    assert broken("outside", *FRESH, *STALE) == broken("outside", *FRESH, *fresh_too[1:]) == 1
    assert broken("in-group", *FRESH, *STALE) == 0
    assert broken("in-group", *FRESH, *fresh_too) == 1
