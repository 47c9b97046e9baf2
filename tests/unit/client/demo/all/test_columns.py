"""What the demo of all servers makes of a server's answers, above all around a ``kill -9``."""

from dataclasses import replace

import pytest

from client.demo.all.columns import Counters, Recovery, counters_kept
from client.demo.all.columns_words import cells, models_words
from client.demo.all.models import ModelPace
from client.demo.all.watched import Watched
from client.demo.circumstances import Circumstance, Offsets
from tests.support.columns import answer

URL = "http://127.0.0.1:5501/"


@pytest.fixture
def watched() -> Watched:
    """A server that was started at 100 s."""
    server = Watched(1, "custom_stage", URL, 100.0)
    server.started(100.0)
    return server


def test_a_server_starts_until_its_first_score(watched: Watched) -> None:
    assert (watched.column(102.5).phase, watched.column(102.5).phase_s) == ("starting", 2.5)
    watched.answered(answer(0, model=None), 103.0)
    assert watched.column(103.0).phase == "starting"
    watched.answered(answer(5, usage=5), 104.0)
    column = watched.column(104.5)
    assert (column.phase, column.phase_s, column.scored, column.counters.model) == ("serving", 0.5, 5, "linear")
    assert column.guarantees is not None
    assert column.guarantees.model_survives.killed


def test_without_a_model_it_is_said_to_skip_and_a_model_ends_that(watched: Watched) -> None:
    watched.answered(answer(0, model=None, skipped=7), 101.0)
    assert (watched.column(101.0).phase, watched.column(101.0).counters.skipped) == ("skipping", 7)
    watched.answered(answer(3, usage=3, skipped=7), 102.0)
    assert watched.column(102.0).phase == "serving"


@pytest.mark.parametrize(("knows_others", "did"), [(True, False), (False, True)])
def test_one_that_skips_did_its_part_only_where_it_promises_to_know_no_older_model(
    watched: Watched, knows_others: bool, did: bool
) -> None:
    answered = answer(0, model=None, skipped=7)
    promised = replace(answered.guarantees.model_survives, killed=knows_others)
    watched.answered(
        answered.model_copy(update={"guarantees": replace(answered.guarantees, model_survives=promised)}), 101.0
    )
    assert watched.column(101.0).did_its_part == did
    watched.answered(answer(3, usage=3), 102.0)
    assert watched.column(102.0).did_its_part


def test_each_second_of_the_curve_holds_what_was_scored_in_it_over_all_processes(watched: Watched) -> None:
    for now_s, total in ((100.5, 4), (101.2, 10), (101.9, 15)):
        watched.answered(answer(total, usage=total), now_s)
    watched.killed("killed", 102.0)
    watched.started(102.1)
    watched.passed(103.5)
    watched.answered(answer(30, usage=30), 104.5)
    watched.passed(105.0)
    assert watched.column(105.0).per_second == (4, 11, 0, 0, 30)
    assert watched.column(105.0).scored == 45


def test_a_kill_shows_when_it_is_back_and_that_the_counters_are_from_zero(watched: Watched) -> None:
    watched.answered(answer(50, usage=50), 105.0)
    watched.killed("killed", 106.0)
    watched.started(106.2)
    down = watched.column(107.5)
    assert (down.phase, down.phase_s, down.kills, down.records_per_s) == ("down", 1.5, 1, None)
    watched.answered(answer(0, usage=0), 108.0)
    assert watched.column(108.0).phase == "down", "it has its model, but not its partitions"
    assert watched.column(108.0).counters.usage == 50, "what it will know is not yet known"
    watched.answered(answer(30, usage=30), 109.0)
    watched.answered(answer(40, usage=40), 110.0)
    column = watched.column(111.0)
    assert column.phase == "serving"
    assert column.recovery is not None
    assert (column.recovery.ago_s, column.recovery.back_s, column.recovery.skipped) == (5.0, 3.0, 0)
    assert column.recovery.counters_kept is False


def test_a_kill_that_loses_nothing_says_so_also_to_who_had_skipped_before(watched: Watched) -> None:
    watched.answered(answer(50, usage=50, skipped=9), 105.0)
    watched.killed("killed", 106.0)
    watched.started(106.2)
    watched.answered(answer(30, usage=80, skipped=9), 109.0)
    watched.answered(answer(40, usage=90, skipped=9), 110.0)
    recovery = watched.column(110.0).recovery
    assert recovery is not None
    assert (recovery.back_s, recovery.skipped, recovery.counters_kept) == (3.0, 0, True)


def test_a_model_that_is_lost_shows_as_skipped_records_until_the_next_one(watched: Watched) -> None:
    watched.answered(answer(50, usage=50, skipped=20), 105.0)
    watched.killed("killed", 106.0)
    watched.started(106.2)
    watched.answered(answer(0, model=None, skipped=30), 109.0)
    watched.answered(answer(0, model=None, skipped=130), 119.0)
    column = watched.column(119.0)
    assert column.recovery is not None
    assert (column.phase, column.recovery.back_s, column.recovery.skipped) == ("skipping", None, 130)
    assert column.recovery.counters_kept is False
    watched.answered(answer(10, usage=10, skipped=140), 121.0)
    watched.answered(answer(20, usage=20, skipped=140), 122.0)
    recovery = watched.column(122.0).recovery
    assert recovery is not None
    assert (recovery.back_s, recovery.skipped, recovery.counters_kept) == (15.0, 140, False)


def test_a_server_killed_again_before_it_is_back_is_judged_by_what_it_knew_at_first(watched: Watched) -> None:
    watched.answered(answer(50, usage=50), 105.0)
    for killed_s in (106.0, 107.0):
        watched.killed("killed", killed_s)
        watched.started(killed_s + 0.1)
    watched.answered(answer(30, usage=80), 109.0)
    watched.answered(answer(30, usage=80), 110.0)
    recovery = watched.column(110.0).recovery
    assert recovery is not None
    assert (watched.column(110.0).kills, recovery.back_s, recovery.counters_kept) == (2, 2.0, True)


def test_a_server_that_does_not_answer_or_has_ended_is_said_so(watched: Watched) -> None:
    watched.answered(answer(50, usage=50), 105.0)
    assert watched.column(109.9).phase == "serving"
    assert (watched.column(111.0).phase, watched.column(111.0).phase_s) == ("silent", 6.0)
    watched.ended("error: no room", 112.0)
    watched.ended("error: no room", 113.0)
    column = watched.column(114.0)
    assert (column.phase, column.phase_s, column.last_words, column.kills) == ("ended", 2.0, "error: no room", 0)
    watched.started(115.0)
    assert (watched.column(116.0).phase, watched.column(114.0).last_words) == ("starting", "")


def test_a_model_that_was_kept_lost_or_overtaken_is_told_from_what_was_skipped_and_from_its_name(
    watched: Watched,
) -> None:
    watched.answered(answer(50, usage=50), 105.0)
    watched.killed("disk_wiped", 106.0)
    watched.started(106.1)
    watched.answered(answer(30, usage=80), 109.0)
    watched.answered(answer(40, usage=90), 111.0)
    watched.killed("model_topic_emptied", 112.0)
    watched.started(112.1)
    watched.answered(answer(0, model=None, skipped=30), 115.0)
    watched.answered(answer(10, model="forest", usage=10, skipped=70), 119.0)
    watched.answered(answer(20, model="forest", usage=20, skipped=70), 121.0)
    watched.killed("killed", 122.0)
    watched.started(122.1)
    watched.answered(answer(5, model="boosting", usage=5), 126.0)
    watched.answered(answer(25, model="boosting", usage=25), 128.0)
    recoveries = watched.column(130.0).recoveries
    kept, lost, overtaken = (recoveries[each] for each in ("disk_wiped", "model_topic_emptied", "killed"))
    assert (kept.model_kept, kept.skipped, kept.back_s, kept.ago_s) == (True, 0, 3.0, 24.0)
    assert (lost.model_kept, lost.skipped, lost.back_s, lost.ago_s) == (False, 70, 7.0, 18.0)
    assert (overtaken.model_kept, overtaken.undecided) == (None, "a new model was faster")
    assert watched.column(130.0).last_kill == "killed"


def test_a_kill_in_another_circumstance_before_the_server_is_back_leaves_both_undecided(watched: Watched) -> None:
    watched.answered(answer(50, usage=50), 105.0)
    watched.killed("disk_wiped", 106.0)
    watched.started(106.1)
    watched.killed("killed", 107.0)
    watched.started(107.1)
    watched.answered(answer(30, usage=30), 110.0)
    watched.answered(answer(60, usage=60), 113.0)
    recoveries = watched.column(114.0).recoveries
    assert [recoveries[each].model_kept for each in ("disk_wiped", "killed")] == [None, None]
    assert [recoveries[each].undecided for each in ("disk_wiped", "killed")] == ["killed again too soon"] * 2
    assert recoveries["killed"].back_s == 3.0


def test_a_server_without_a_model_has_none_to_lose(watched: Watched) -> None:
    watched.answered(answer(0, model=None, skipped=20), 105.0)
    watched.killed("killed", 106.0)
    watched.started(106.1)
    watched.answered(answer(0, model=None, skipped=3), 109.0)
    recovery = watched.column(110.0).recovery
    assert recovery is not None
    assert (recovery.model_kept, recovery.undecided) == (None, "had no model to lose")


@pytest.mark.parametrize(
    ("seen", "words", "verdict"),
    [
        (None, (), "untried"),
        (Recovery(1.9), ("down for 2 s",), "pending"),
        (Recovery(5, 1.24, 0, True, False), ("skipped 0", "back in 1.2 s"), "kept"),
        (Recovery(5, 1.24, 0, True, None), ("skipped 0", "back in 1.2 s"), "kept"),
        (Recovery(5, 1.24, 0, True, True), ("skipped 0", "back in 1.2 s"), "broken"),  # it promises: from zero
        (Recovery(9, None, 1234, False, False), ("skipped 1,234", "so far"), "broken"),  # it promises: serves at once
        (Recovery(9, 4.0, 0, undecided="a new model was faster"), ("a new model was faster",), "undecided"),
    ],
)
def test_a_cell_holds_what_was_seen_against_what_is_promised(
    watched: Watched, seen: Recovery | None, words: tuple[str, ...], verdict: str
) -> None:
    watched.answered(answer(50, usage=50), 105.0)
    recoveries: dict[Circumstance, Recovery] = {} if seen is None else {"killed": seen}
    first, *others = cells(replace(watched.column(106.0), recoveries=recoveries))
    assert (first.circumstance, first.model, first.counters) == ("killed", "serves at once", "counters from zero")
    assert (first.seen, first.verdict) == (words, verdict)
    assert [(each.model, each.verdict) for each in others] == [
        ("serves at once", "untried"),
        ("skips until the next model", "untried"),
    ]


def test_the_next_model_is_due_one_interval_after_the_newest_and_an_emptied_topic_is_said_so() -> None:
    pace = ModelPace(30.0)
    assert models_words(pace.models(100.0)) == "model topic is empty"
    pace.observed(Offsets(0, 1), 101.0)
    pace.observed(Offsets(0, 1), 103.0)
    assert models_words(pace.models(111.0)) == "next model in 20 s"
    pace.observed(Offsets(1, 1), 112.0)
    assert models_words(pace.models(113.0)) == "model topic is empty, next model in 18 s"
    pace.observed(Offsets(1, 2), 131.0)
    assert models_words(pace.models(141.0)) == "next model in 20 s"


@pytest.mark.parametrize(
    ("before", "after", "scored_since", "kept"),
    [
        (Counters("linear", usage=50), Counters("linear", usage=50), 0, True),
        (Counters("linear", usage=50), Counters("linear", usage=55), 12, True),  # 7 of the 12 were counted before
        (Counters("linear", usage=50), Counters("linear", usage=60), 60, False),
        (Counters("linear", usage=50), Counters("linear", usage=60), 57, False),  # 3 are scored and not yet sent
        (Counters("linear", usage=50), Counters(), 0, False),
        (Counters("linear", usage=50), Counters("forest", usage=3), 9, None),  # a swap begins at zero by the rule
        (Counters("linear", usage=50, skipped=4), Counters("forest", usage=3, skipped=4), 9, True),
        (Counters("linear", usage=50, skipped=4), Counters("forest", usage=3), 9, False),
        (Counters("linear", usage=50, dead_letters=1), Counters("linear", usage=99), 9, False),
        (Counters(), Counters("linear", usage=3), 3, None),
    ],
)
def test_whether_counters_were_kept_is_told_from_both_sides_of_the_kill(
    before: Counters, after: Counters, scored_since: int, kept: bool | None
) -> None:
    assert counters_kept(before, after, scored_since) is kept
