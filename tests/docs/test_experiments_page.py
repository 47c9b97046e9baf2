"""docs/experiments/README.md: it names every page, and its answers are what the pages say."""

import re

from experiments.__main__ import QUESTIONS
from experiments.drift.page import ROLL_BACK_HEAD, SEEN_HEAD
from experiments.duplicates.page import HEAD as DUPLICATES_HEAD
from experiments.duplicates.page import PEERS_HEAD as PEERS_DUPLICATES_HEAD
from experiments.external.page import HOP_HEAD, OUTAGE_HEAD, SPEED_HEAD
from experiments.markdown import table_rows
from experiments.peers.known import PEERS
from experiments.peers.page import HEAD as PEERS_SPEED_HEAD
from experiments.price_of_state.page import EACH
from experiments.price_of_state.page import HEAD as PRICE_HEAD
from experiments.rebalance.page import HEAD as REBALANCE_HEAD
from experiments.rebalance.steps import STEPS
from experiments.scaling.page import HEAD as SCALING_HEAD
from experiments.second_instance.page import HEAD as INSTANCES_HEAD
from experiments.second_instance.page import READ
from experiments.survival.page import IN_WORDS, LONG_HEAD
from experiments.throughput.contenders import FASTEST
from experiments.throughput.page import HEAD
from tests.support.process import ROOT

PAGES = ROOT / "docs/experiments"
README = (PAGES / "README.md").read_text("utf-8")


def test_every_page_is_listed_once_with_a_command_that_exists() -> None:
    rows = table_rows(README, ("question", "answer", "page", "written by"))
    listed = [re.fullmatch(r"\[\w+\]\((\w+\.md)\)", row["page"]) for row in rows]
    assert sorted(link[1] for link in listed if link) == sorted(
        {each.name for each in PAGES.glob("*.md")} - {"README.md"}
    )
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in (row["written by"].strip("`") for row in rows):
        target, _, name = command.removeprefix("make ").partition(" NAME=")
        assert f"\n{target}:" in makefile, command
        assert (name in QUESTIONS) == (target == "experiment"), command


def test_the_engine_costs_less_than_a_changelog_and_nobody_is_half_as_fast_as_another() -> None:
    rows = table_rows((PAGES / "throughput.md").read_text("utf-8"), HEAD)
    speed = {
        row["variant"].strip("`"): int(row["records/s"].replace(",", ""))
        for row in rows
        if (row["delivery"], row["model"]) == ("at-least-once", FASTEST)
    }
    assert min(speed.values()) > max(speed.values()) / 2
    in_memory = speed["streams_inmemory"]
    assert in_memory > 0.9 * speed["custom_stage"]
    assert max(speed["streams_kvstore"], speed["streams_customstore"]) < in_memory


def test_records_are_skipped_only_where_the_model_is_gone_and_two_count_exactly_without_their_disk() -> None:
    rows = table_rows((PAGES / "survival.md").read_text("utf-8"), LONG_HEAD)
    assert not [row for row in rows if (row["records skipped"] == "0") != bool(row["first score after"])]
    exact = [
        row["variant"] for row in rows if row["circumstance"] == IN_WORDS["disk_wiped"] and row["counters"] == "exact"
    ]
    assert exact == ["`streams_kvstore`", "`streams_customstore`"]


def test_a_row_has_the_size_of_what_is_in_it_and_the_formula_is_right_to_the_byte() -> None:
    rows = table_rows((PAGES / "price_of_state.md").read_text("utf-8"), PRICE_HEAD)
    assert all(row["predicted, bytes"] == row["measured, bytes"] for row in rows)
    bytes_per_record = {
        (row["state"].strip("`"), row["model"], row["a write after"]): float(
            row["changelog, bytes/record"].replace(",", "")
        )
        for row in rows
    }
    for model in ("2 kB", "300 kB"):
        assert round(bytes_per_record["apart", model, EACH], -1) == 170
        assert bytes_per_record["none", model, EACH] == 0
        for state in ("apart", "whole"):
            each, batch = (bytes_per_record[state, model, after] for after in (EACH, "1,000 records"))
            assert batch < each / 900
    assert round(bytes_per_record["whole", "300 kB", EACH], -3) == 300_000


def test_only_inside_the_group_does_an_instance_go_on_with_an_old_model() -> None:
    rows = table_rows((PAGES / "second_instance.md").read_text("utf-8"), INSTANCES_HEAD)
    older = {(row["models are read"], row["instance"]): int(row["by an older model"].replace(",", "")) for row in rows}
    skipped = {(row["models are read"], row["instance"]): int(row["skipped"].replace(",", "")) for row in rows}
    inside, outside = READ["in-group"], READ["outside"]
    assert older[inside, "first"] > 0 == older[inside, "second"]
    assert skipped[inside, "second"] > 0 == skipped[inside, "first"]
    assert all(older[outside, each] == skipped[outside, each] == 0 for each in ("first", "second"))


def test_a_record_costs_a_group_of_six_what_it_costs_one_within_15_percent() -> None:
    rows = table_rows((PAGES / "scaling.md").read_text("utf-8"), SCALING_HEAD)
    sizes = {(int(row["partitions"]), int(row["instances"])) for row in rows}
    assert min(sizes) == (3, 1)
    assert max(sizes) == (12, 6)
    assert {row["variant"] for row in rows} >= {"`custom_stage`", "`streams_kvstore`"}
    one = {row["variant"]: float(row["CPU, µs/record"]) for row in reversed(rows)}
    assert [row for row in rows if abs(float(row["CPU, µs/record"]) / one[row["variant"]] - 1) > 0.15] == []


def test_the_steps_are_the_hole_and_joining_costs_less_than_stopping_and_that_less_than_a_kill() -> None:
    rows = table_rows((PAGES / "rebalance.md").read_text("utf-8"), REBALANCE_HEAD)
    holes: dict[str, dict[str, int]] = {}
    for row in rows:
        steps_ms = [int(row[step].replace(",", "")) for step in STEPS]
        hole_ms = int(row["hole"].replace(",", ""))
        assert sum(steps_ms) == int(row["sum"].replace(",", ""))
        assert abs(sum(steps_ms) - hole_ms) <= 5
        holes.setdefault(row["protocol"], {})[row["the second instance"]] = hole_ms
    session_ms, heartbeat_ms = 6000, 1200  # the default settings
    for protocol, hole_ms_when in holes.items():
        assert hole_ms_when["is killed"] > session_ms - heartbeat_ms > hole_ms_when["is stopped"], protocol
    joins_ms = {protocol: hole_ms_when["joins"] for protocol, hole_ms_when in holes.items()}
    assert joins_ms.pop("classic") < 100 < min(joins_ms.values())


def test_the_embedded_model_is_faster_and_a_model_server_that_is_waited_for_loses_nothing() -> None:
    page = (PAGES / "external.md").read_text("utf-8")
    for row in table_rows(page, SPEED_HEAD):
        embedded, *asked = (int(row[f"{way}, records/s"].replace(",", "")) for way in ("embedded", "REST", "gRPC"))
        assert embedded > max(asked)
    many = table_rows(page, HOP_HEAD)[-1]
    for way in ("REST", "gRPC"):
        assert float(many[f"price of the hop, {way}, ms"]) > float(many["embedded, p50 ms"])
    factors = [float(table_rows(page, SPEED_HEAD)[at]["embedded / REST"]) for at in (0, -1)]
    assert factors[0] > 4 > 2 > factors[1], "more than four times, and less than twice"
    outages = table_rows(page, OUTAGE_HEAD)
    assert {row["scored twice"] for row in outages} == {"0"}
    assert [row["without an answer"] for row in outages if row["lost"] == "0"] == ["asked again"] * 2
    assert len(outages) == 3


def test_a_model_a_point_worse_is_found_by_some_50_labels_and_taken_back_within_a_second() -> None:
    page = (PAGES / "drift.md").read_text("utf-8")
    seen = {row["what rises"]: row["labels until the alarm"] for row in table_rows(page, SEEN_HEAD)}
    assert 25 <= int(seen["scores + 1"]) <= 75
    taken_back = [float(row["after the alarm, s"]) for row in table_rows(page, ROLL_BACK_HEAD)]
    assert len(taken_back) == 3, "once on the canary, once on both"
    assert max(taken_back) <= 1
    assert "10 runs of 100,000 records, model and wines unchanged: **0 alarms**" in page


def test_every_duplicate_is_explained_none_comes_of_a_stop_and_only_at_most_once_loses_a_record() -> None:
    rows = table_rows((PAGES / "duplicates.md").read_text("utf-8"), DUPLICATES_HEAD)
    assert len(rows) == 9, "three modes, three ways to leave"
    for row in rows:
        delivery, leaving = row["delivery"], row["the second instance is"]
        twice, by_hand_over, late = (int(row[at].replace(",", "")) for at in ("scored twice", "by a hand-over", "late"))
        assert twice == by_hand_over + late
        assert late == 0 or leaving == "frozen"
        assert twice == 0 or (delivery == "at-least-once" and leaving != "stopped")
        assert row["no score"] == "0" or (delivery, leaving) == ("at-most-once", "killed")


def test_a_plain_faust_agent_scores_seconds_of_its_load_twice_when_an_instance_is_killed() -> None:
    rows = table_rows((PAGES / "duplicates.md").read_text("utf-8"), PEERS_DUPLICATES_HEAD)
    assert {row["peer"].strip("`") for row in rows} == set(PEERS)
    killed = {row["peer"]: row for row in rows if row["the second instance is"] == "killed"}
    assert float(killed["`plain_faust`"]["that is, of the load, s"]) > 1
    assert all(row["no score"] == "0" for row in rows)


def test_the_peers_have_less_than_a_tenth_of_the_pace() -> None:
    rows = table_rows((PAGES / "peers.md").read_text("utf-8"), PEERS_SPEED_HEAD)
    speed = {row["server"].strip("`"): int(row["records/s"].replace(",", "")) for row in rows}
    theirs = [speed.pop(peer) for peer in PEERS]
    assert min(speed.values()) > 10 * max(theirs)
