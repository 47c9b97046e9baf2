"""What the experiment on duplicates says of what the checker found."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.checker.faults import Fault, Findings, check
from experiments.checker.run import Commit, Outcome, Published, Run, Sent
from experiments.duplicates.__main__ import DuplicatesSettings, plans
from experiments.duplicates.page import HEAD, PEERS_HEAD, page
from experiments.duplicates.rounds import Frozen, Plan, Round, without_late
from experiments.errors import PeerNotInstalled
from experiments.markdown import table_rows
from experiments.peers import known
from experiments.peers.known import check_peers

LOST = Fault("lost", "3 records have no outcome")
DOUBLED = Fault("doubled", "(0, 7) has 3 scores")
OURS = Plan("custom_stage", "at-least-once", "killed", 1000, 500.0)
PEER = Plan("experiments.peers.plain_faust", "at-least-once", "frozen", 1000, 200.0, is_peer=True)


def played(plan: Plan, faults: Sequence[Fault] = (), duplicates: int = 0, ended_by: str | None = None) -> Round:
    return Round(plan, 1004, Findings(faults, [], duplicates, duplicates // 2, 3), 0, ended_by)


def test_every_fault_of_a_variant_is_a_broken_promise_and_none_of_a_peer_is() -> None:
    assert played(OURS, [LOST, DOUBLED]).broken == [
        "custom_stage, at-least-once, killed: 3 records have no outcome",
        "custom_stage, at-least-once, killed: (0, 7) has 3 scores",
    ]
    assert played(PEER, [LOST, DOUBLED], 9).broken == []


def test_a_variant_that_knows_no_model_from_before_its_start_may_skip_and_no_more() -> None:
    in_memory = replace(OURS, server="streams_inmemory")
    assert played(in_memory, [LOST, DOUBLED]).broken == [
        f"streams_inmemory, {OURS.delivery}, {OURS.leaving}: {DOUBLED.text}"
    ]


def test_the_records_are_shared_out_over_all_modes_and_ways_to_leave() -> None:
    ours = ["--records", "12000", "--variants", "custom_stage,streams_kvstore"]
    settings = DuplicatesSettings.read("duplicates", [*ours, "--peer-records", "600", "--peers", "plain_faust"])
    found = plans(settings)
    assert [(plan.records, plan.is_peer) for plan in found] == [(1000, False)] * 12 + [(200, True)] * 3
    assert {plan.delivery for plan in found if plan.server == "custom_stage"} == {
        "at-least-once",
        "at-most-once",
        "exactly-once",
    }
    assert not [plan for plan in plans(settings.model_copy(update={"peer_records": 0})) if plan.is_peer]


def test_the_page_has_a_row_per_round_with_a_peers_findings_in_words() -> None:
    text = page([played(OURS, duplicates=50), played(PEER, [LOST, DOUBLED, DOUBLED], 50, "it has ended")], "a machine")
    ((ours,), (peer,)) = (table_rows(text, head) for head in (HEAD, PEERS_HEAD))
    assert (ours["scored twice"], ours["by a hand-over"], ours["no score"], ours["records"]) == (
        *("50", "25", "3"),
        "1,004",
    )
    assert (peer["that is, of the load, s"], peer["no score"]) == ("0.2", "3")
    assert peer["other findings"] == "doubled: 2; it has ended"


def test_a_peer_whose_environment_is_missing_is_one_line_that_says_how_to_make_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    missing = replace(known.PEERS["quixstreams"], python=Path("nowhere/bin/python"))
    monkeypatch.setattr(known, "PEERS", {"quixstreams": missing})
    with pytest.raises(PeerNotInstalled, match=r"quixstreams is not installed: make nowhere/installed, .*--peers"):
        check_peers(["quixstreams"])


FROZEN = Frozen(from_ms=10_000, to_ms=20_000)
OFFSETS = 30


def frozen_run(late: Sequence[tuple[int, int]]) -> Run:
    """The frozen instance committed 10 and scored up to 15; the next owner began at 10; ``late``: offset and time."""
    before = [(offset, 9_000) for offset in range(15)]
    after = [(offset, 12_000 + offset) for offset in range(10, OFFSETS)]
    scores = [
        Outcome("score", 0, 0, offset, f"wine-{offset}", at_ms, "linear") for offset, at_ms in [*before, *after, *late]
    ]
    sent = [Sent(0, offset, f"wine-{offset}") for offset in range(OFFSETS)]
    commits = [Commit(0, 10, 9_500), Commit(0, OFFSETS, 19_000)]
    return Run(sent, scores, [Published("linear", 0)], commits, committed={0: OFFSETS}, log_ends={0: OFFSETS})


def test_what_a_frozen_instance_sent_when_it_went_on_is_late_and_the_next_owners_scores_are_a_hand_over() -> None:
    run = frozen_run(late=[(15, 20_001), (16, 9_999)])
    in_time = without_late(run, FROZEN)
    assert run.outcomes[:-2] == in_time.outcomes
    found = check(in_time)
    assert (found.duplicates, found.explained, found.faults) == (5, 5, [])


@pytest.mark.parametrize(
    ("offset", "at_ms"),
    [(9, 20_001), (15, 19_000)],
    ids=["committed before it was frozen", "scored while it was frozen"],
)
def test_another_score_that_comes_behind_the_next_owners_stays_a_fault(offset: int, at_ms: int) -> None:
    run = frozen_run(late=[(offset, at_ms)])
    assert without_late(run, FROZEN) == run
    assert {fault.kind for fault in check(run).faults} == {"out of order", "doubled"}


def test_what_is_scored_again_from_a_commit_that_went_back_is_a_hand_over_and_not_late() -> None:
    again = [(offset, 21_000) for offset in range(12, OFFSETS)]
    run = frozen_run(late=again)
    gone_back = replace(run, commits=[*run.commits, Commit(0, 12, 20_500), Commit(0, OFFSETS, 22_000)])
    assert without_late(gone_back, FROZEN) == gone_back
    found = check(gone_back)
    assert (found.duplicates, found.explained, found.faults) == (5 + len(again), 5 + len(again), [])
