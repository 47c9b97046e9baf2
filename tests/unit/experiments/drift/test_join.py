"""Scores and labels find each other, in any order, in bounded memory."""

from experiments.drift.join import Join, Joined, Score


def score(record_id: str, value: float = 5.5) -> Score:
    return Score(record_id, "wine", "linear", value, at_ms=1000)


def test_a_label_finds_the_score_that_came_before_it() -> None:
    join = Join(capacity=10)
    assert join.add_score(score("a")) is None
    assert join.add_score(score("b", 6.0)) is None
    assert join.add_label("b", 4.5) == Joined(score("b", 6.0), 4.5)
    assert join.waiting == 1


def test_a_label_that_comes_before_its_score_waits_for_it() -> None:
    join = Join(capacity=10)
    assert join.add_label("a", 7.0) is None
    assert join.add_score(score("a")) == Joined(score("a"), 7.0)
    assert join.waiting == 0


def test_the_error_is_absolute_and_in_points() -> None:
    assert Joined(score("a", 5.5), 7.0).error == Joined(score("a", 5.5), 4.0).error == 1.5


def test_scores_whose_label_never_comes_make_room_the_oldest_first_and_are_counted() -> None:
    join = Join(capacity=2)
    for record_id in "abcd":
        join.add_score(score(record_id))
    assert (join.waiting, join.unlabelled, join.unscored) == (2, 2, 0)
    assert [join.add_label(record_id, 5.0) is not None for record_id in "cd"] == [True, True]
    assert join.add_label("a", 5.0) is None


def test_labels_of_records_that_are_never_scored_make_room_and_are_counted() -> None:
    join = Join(capacity=2)
    for record_id in "abc":
        join.add_label(record_id, 5.0)
    assert (join.waiting, join.unlabelled, join.unscored) == (2, 0, 1)


def test_a_redelivered_score_replaces_the_first_one_and_is_joined_once() -> None:
    join = Join(capacity=2)
    join.add_score(score("a", 5.0))
    join.add_score(score("a", 6.0))
    assert join.add_label("a", 7.0) == Joined(score("a", 6.0), 7.0)
    assert join.add_label("a", 7.0) is None
