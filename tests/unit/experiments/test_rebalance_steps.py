"""The steps of a rebalance, from lines that were written by hand: what lies end to end, and what cannot be."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from experiments.errors import StepMissing
from experiments.rebalance.member_log import Line, LogReader, LogWriter
from experiments.rebalance.protocols import PROTOCOLS
from experiments.rebalance.steps import STEPS, BrokerLine, Change, Score, broker_lines, longest_gaps, moves

# Partition 2 goes from "first", which has scored offset 40 last, to "second"; partition 0 stays.
JOINED = Change("classic", "g", "joins", 1000, 2000)
FIRST = (
    Line(900, "handed", {0: 9, 2: 39}),
    Line(905, "acknowledged", {0: 9, 2: 39}, acknowledged_ms={0: (904, 904), 2: (904, 904)}),
    Line(1050, "handed", {0: 10, 2: 40}),
    Line(1056, "acknowledged", {0: 10, 2: 40}, acknowledged_ms={0: (1052, 1052), 2: (1053, 1055)}),
    Line(1060, "revoked", {0: 11, 2: 41}),
    Line(1064, "committed", {0: -1, 2: -1}),
    Line(1080, "assigned", {0: -1001}, "first-id"),
)
SECOND = (
    Line(1071, "assigned", {2: -1001}, "second-id"),
    Line(1073, "positioned", {2: 41}),
    Line(1080, "fetched", {2: 42}),
    Line(1082, "handed", {2: 42}),
    Line(1086, "acknowledged", {2: 42}, acknowledged_ms={2: (1084, 1085)}),
)
BROKER = (
    BrokerLine(1010, "[GroupCoordinator id=1] Preparing to rebalance group g in state PreparingRebalance"),
    BrokerLine(1067, "[GroupCoordinator id=1] Stabilized group g generation 2 with 2 members."),
    BrokerLine(1068, "[GroupCoordinator id=1] Stabilized group another generation 2 with 2 members."),
    BrokerLine(1500, "[GroupCoordinator id=1] Stabilized group g generation 3 with 2 members."),
)
SCORES = (
    Score(0, 9, "first", 903),
    Score(0, 10, "first", 1051),
    Score(0, 11, "first", 1131),
    Score(2, 39, "first", 903),
    Score(2, 40, "first", 1054),
    Score(2, 41, "second", 1083),
    Score(2, 42, "second", 1084),
)


def logs(first: Sequence[Line] = FIRST) -> Mapping[str, Sequence[Line]]:
    return {"first": first, "second": SECOND}


def test_the_steps_lie_end_to_end_from_the_last_score_before_to_the_first_one_after() -> None:
    (move,) = moves(JOINED, SCORES, logs(), BROKER)
    assert (move.partition, move.former, move.successor, move.asked_ms) == (2, "first", "second", 1010)
    assert dict(zip(STEPS, move.steps_ms, strict=True)) == {
        "notice": 1060 - 1055,
        "commit": 1064 - 1060,
        "regroup": 1067 - 1064,
        "assign": 1071 - 1067,
        "position": 1073 - 1071,
        "fetch": 1080 - 1073,
        "score": 1084 - 1080,
    }
    assert move.hole_ms == 1083 - 1054
    assert move.difference_ms == (1084 - 1055) - (1083 - 1054)
    assert move.broken == []


def test_of_a_killed_owner_the_coordinator_tells_and_nobody_commits() -> None:
    killed = replace(JOINED, kind="killed")
    given_up = BrokerLine(1065, "Member first-id in group g has failed, removing it from the group.")
    until_killed = (*FIRST[:2], Line(1050, "handed", {0: 10, 2: 40}))
    (move,) = moves(killed, SCORES, logs(until_killed), (*BROKER, given_up))
    assert list(move.steps_ms[:3]) == [1065 - 1050, 0, 1067 - 1065]
    assert move.broken == [], "it handed the score over, and was killed before it heard more"


def test_with_kip_848_the_coordinator_decides_for_each_member_and_partition() -> None:
    state = "[GroupId g] Member {} new assignment state: epoch=3, state=STABLE, assignedPartitions=[{}]"
    revoked = " and revokedPartitions=[x-2@2]."
    broker = (
        BrokerLine(1010, "[GroupId g] Bumped group epoch to 3 with metadata hash 1."),
        BrokerLine(1065, state.format("first-id", "x-2@2") + revoked),
        BrokerLine(1069, state.format("second-id", "x-3@3, x-2@3") + " and revokedPartitions=[]."),
        BrokerLine(1070, state.format("second-id", "x-3@3") + revoked),
    )
    (move,) = moves(replace(JOINED, protocol="consumer"), SCORES, logs(), broker)
    assert move.moments_ms[3] == 1069


def test_a_step_that_nobody_tells_of_is_an_error_that_names_it() -> None:
    with pytest.raises(StepMissing, match="'regroup'"):
        moves(JOINED, SCORES, logs(), BROKER[:1])
    with pytest.raises(StepMissing, match="'revoked'"):
        moves(JOINED, SCORES, logs(FIRST[:4]), BROKER)


def test_clocks_that_contradict_each_other_are_told() -> None:
    late = replace(FIRST[3], acknowledged_ms={0: (1052, 1052), 2: (1053, 1053)})  # before the broker appended it
    (move,) = moves(JOINED, SCORES, logs((*FIRST[:3], late, *FIRST[4:])), BROKER)
    (broken,) = move.broken
    assert "contradict" in broken


def test_a_step_that_ends_before_it_begins_is_told() -> None:
    early = replace(FIRST[4], at_ms=1054)
    (move,) = moves(JOINED, SCORES, logs((*FIRST[:4], early, *FIRST[5:])), BROKER)
    assert ["step notice took -1 ms" in text for text in move.broken] == [True]


def test_what_did_not_move_shows_its_own_longest_gap() -> None:
    assert longest_gaps(JOINED, SCORES)[0] == 1051 - 903
    assert longest_gaps(replace(JOINED, began_ms=1100), SCORES) == {0: 1131 - 1051}


def test_the_brokers_lines_have_the_time_of_this_machine() -> None:
    log = "2026-11-26 14:51:49.885 INFO [GroupCoordinator id=1] Starting up.\n\tat a.stack.trace\nno time\n"
    (line,) = broker_lines(log)
    assert line.text == "[GroupCoordinator id=1] Starting up."
    assert datetime.fromtimestamp(line.at_ms / 1000) == datetime(2026, 11, 26, 14, 51, 49, 885_000)


def test_a_members_lines_are_read_while_more_are_written(tmp_path: Path) -> None:
    reader, writer = LogReader(tmp_path / "log"), LogWriter(tmp_path / "log")
    assert reader.lines() == []
    writer.write("assigned", {2: 41}, "id")
    writer.write("acknowledged", {2: 42}, acknowledged_ms={2: (5, 7)})
    with (tmp_path / "log").open("a") as file:
        file.write('[17, "re')
    told = [(line.event, line.offsets, line.member_id, line.acknowledged_ms) for line in reader.lines()]
    assert told == [("assigned", {2: 41}, "id", {}), ("acknowledged", {2: 42}, "", {2: (5, 7)})]
    with (tmp_path / "log").open("a") as file:
        file.write('voked", {}, "", {}]\n')
    assert reader.lines()[-1] == Line(17, "revoked", {})
    reader.close()
    writer.close()


def test_a_group_whose_times_the_broker_tells_is_configured_without_its_own() -> None:
    client = {"group.id": "g", "session.timeout.ms": 6000, "heartbeat.interval.ms": 1200}
    classic = PROTOCOLS["classic"].configured(client, "first")
    assert classic == {**client, "group.protocol": "classic", "client.id": "first"}
    consumer = PROTOCOLS["consumer"].configured(client, "first")
    assert consumer == {"group.id": "g", "group.protocol": "consumer", "client.id": "first"}
