"""docs/experiments/README.md: it names every page, and its answers are what the pages say."""

import re

from experiments.markdown import table_rows
from experiments.survival.page import IN_WORDS, LONG_HEAD
from experiments.throughput.contenders import FASTEST
from experiments.throughput.page import HEAD
from tests.support.process import ROOT

PAGES = ROOT / "docs/experiments"
README = (PAGES / "README.md").read_text("utf-8")
ENGINE = {"`streams_inmemory`", "`streams_kvstore`", "`streams_customstore`"}


def test_every_page_is_listed_once_with_a_command_that_exists() -> None:
    rows = table_rows(README, ("question", "answer", "page", "written by"))
    listed = [re.fullmatch(r"\[\w+\]\((\w+\.md)\)", row["page"]) for row in rows]
    assert sorted(link[1] for link in listed if link) == sorted(
        {each.name for each in PAGES.glob("*.md")} - {"README.md"}
    )
    makefile = (ROOT / "Makefile").read_text("utf-8")
    commands = [row["written by"].strip("`") for row in rows]
    assert not [each for each in commands if f"\n{each.removeprefix('make ')}:" not in makefile]


def test_a_loop_of_our_own_is_at_least_three_times_as_fast_as_the_engine() -> None:
    rows = table_rows((PAGES / "throughput.md").read_text("utf-8"), HEAD)
    speed = {
        row["variant"]: int(row["records/s"].replace(",", ""))
        for row in rows
        if (row["delivery"], row["model"]) == ("at-least-once", FASTEST)
    }
    fastest = max(speed[name] for name in ENGINE)
    assert min(speed[name] for name in speed.keys() - ENGINE) >= 3 * fastest
    state = fastest - min(speed[name] for name in ENGINE)
    assert state < 0.1 * min(speed[name] for name in speed.keys() - ENGINE)


def test_records_are_skipped_only_where_the_model_is_gone_and_two_count_exactly_without_their_disk() -> None:
    rows = table_rows((PAGES / "survival.md").read_text("utf-8"), LONG_HEAD)
    assert not [row for row in rows if (row["records skipped"] == "0") != bool(row["first score after"])]
    exact = [
        row["variant"] for row in rows if row["circumstance"] == IN_WORDS["disk_wiped"] and row["counters"] == "exact"
    ]
    assert exact == ["`streams_kvstore`", "`streams_customstore`"]
