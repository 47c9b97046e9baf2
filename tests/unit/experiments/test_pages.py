"""The tables that the experiments write."""

import platform

import pytest

from client.demo.circumstances import Circumstance
from experiments.errors import MarkerMissing, TableMissing
from experiments.machine import facts
from experiments.markdown import insert_table, table, table_rows
from experiments.survival.kill_round import Outcome
from experiments.survival.life import CIRCUMSTANCES, Life, broken_promises
from experiments.survival.page import Conditions, summary
from experiments.survival.page import page as survival_page
from experiments.throughput.backlog import Speed
from experiments.throughput.contenders import LIMIT
from experiments.throughput.latency import Latency
from experiments.throughput.page import page as throughput_page
from experiments.variants import STATE_PATHS, VARIANTS, variant
from tests.support.process import ROOT


def outcome(circumstance: Circumstance, first_score_s: float = 2.0, **changes: bool | int | None) -> Outcome:
    known = {"serves_at_once": True, "skipped": 0, "scored_twice": 0, "counters_off": None, **changes}
    return Outcome(circumstance, first_score_s=first_score_s, **known)  # type: ignore[arg-type]  # ints and bools


def custom_stage(*outcomes: Outcome) -> Life:
    return Life("custom_stage", outcomes, records=1000, disk_bytes=0, changelog_bytes=0)


def test_a_table_has_a_rule_below_its_head_that_sets_figures_to_the_right() -> None:
    assert table(("name", "s:"), [("a", "1"), ("b", "22")]) == "| name | s |\n| --- | ---: |\n| a | 1 |\n| b | 22 |\n"


def test_a_table_takes_the_place_of_the_one_below_its_marker_and_of_nothing_else() -> None:
    before = "x\n<!-- mark -->\n| old |\n| --- |\n\n| another |\n"
    assert insert_table(before, "mark", "| new |\n") == "x\n<!-- mark -->\n| new |\n\n| another |\n"


def test_the_first_table_goes_below_the_marker() -> None:
    assert insert_table("<!-- mark -->\n\ny", "mark", "| new |\n") == "<!-- mark -->\n| new |\n\ny"


def test_a_page_without_the_marker_is_refused() -> None:
    with pytest.raises(MarkerMissing, match="<!-- mark -->"):
        insert_table("text", "mark", "| new |\n")


def test_a_table_is_read_from_a_page_as_it_was_written_empty_cells_included() -> None:
    page = (
        f"text\n\n{table(('name', 's:'), [('another', '1')])}\n{table(('name', 'n:'), [('a', ''), ('', '2')])}- text\n"
    )
    assert table_rows(page, ("name", "n:")) == [{"name": "a", "n": ""}, {"name": "", "n": "2"}]


def test_a_page_without_the_table_is_refused_with_its_head() -> None:
    with pytest.raises(TableMissing, match=r"no table 'name \| n'"):
        table_rows(table(("name", "s:"), []), ("name", "n:"))


def test_a_speed_is_compared_with_the_limit_and_with_custom_stages_for_the_same_model() -> None:
    limit = Speed(LIMIT, "at-least-once", "linear", 8000.0, 1.0, 1 << 20, redelivered=1)
    speeds = [
        Speed("custom_stage", "at-least-once", "forest", 1000.0, 5.0, 1 << 20),
        Speed("custom_stage", "at-least-once", "linear", 4000.0, 5.0, 1 << 20, redelivered=7000),
        Speed("streams_kvstore", "at-least-once", "linear", 1000.0, 20.0, 3 << 20, redelivered=12),
    ]
    text = throughput_page([limit, *speeds], [Latency("custom_stage", 3, 1.0, 2.0, 3.0, 4.04)], 30_000, "")
    assert "| `pass_through` | at-least-once |  | 8,000 | 1.00 |  | 1.0 | 1 |  |" in text
    assert "| `streams_kvstore` | at-least-once | linear | 1,000 | 0.12 | 0.25 | 20.0 | 3 | 12 |" in text
    assert "| `custom_stage` | 3 | 1.0 | 2.0 | 3.0 | 4.0 |" in text


def test_pages_name_no_machine_and_no_path() -> None:
    life = custom_stage(*(outcome(each) for each in CIRCUMSTANCES))
    pages = [
        throughput_page([Speed("custom_stage", "at-least-once", "forest", 1.0, 1.0, 1)], [], 30_000, facts()),
        survival_page([life], Conditions(1, 500, 9, facts())),
    ]
    for page in pages:
        assert platform.python_version() in page
        assert platform.node() not in page
        assert str(ROOT) not in page
        assert max(map(len, page.splitlines())) < 300


def test_the_readmes_row_has_medians_and_says_what_a_skipping_server_skipped() -> None:
    life = custom_stage(
        outcome("killed", 1.0, scored_twice=10),
        outcome("killed", 9.0, scored_twice=30),
        outcome("killed", 2.0, scored_twice=20),
        outcome("disk_wiped", 3.0, counters_off=0),
        outcome("model_topic_emptied", 0.1, serves_at_once=False, skipped=1500, counters_off=3),
    )
    row = summary([life]).splitlines()[-1]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:4] == ["scores after 2.0 s", "scores after 3.0 s", "skips 1,500, until a model comes"]
    assert cells[4:] == ["10", "from zero / exact / off by up to 3", "nothing", "nothing"]


def test_the_long_table_has_a_row_for_each_circumstance_with_the_spread() -> None:
    life = custom_stage(outcome("killed", 1.0), outcome("killed", 3.0), *(outcome(each) for each in CIRCUMSTANCES[1:]))
    rows = [
        line
        for line in survival_page([life], Conditions(2, 500, 9, "")).splitlines()
        if line.startswith("| `custom_stage`")
    ]
    assert rows[0] == "| `custom_stage` | killed | 2.0 (1.0 - 3.0) s |  | 0 | 0 | from zero |"
    assert len(rows) == len(CIRCUMSTANCES) + 1  # and one for what is on disk


def test_what_was_measured_otherwise_than_promised_is_named() -> None:
    kept = custom_stage(
        *(outcome("killed"), outcome("disk_wiped"), outcome("model_topic_emptied", serves_at_once=False))
    )
    assert broken_promises(kept) == []
    more = custom_stage(outcome("model_topic_emptied"))
    less = custom_stage(outcome("killed", serves_at_once=False), outcome("killed", counters_off=2))
    assert broken_promises(more) == ["custom_stage served at once (model_topic_emptied)"]
    assert broken_promises(less) == [
        "custom_stage skipped records (killed)",
        "custom_stage's counters are off by 2 (killed)",
    ]


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_is_asked_for_its_state_where_it_promises_to_answer(name: str) -> None:
    asked = STATE_PATHS[name].partition("?")[0]
    assert asked in {path.replace("{data_type}", "wine") for path in variant(name).guarantees.queryable}
