"""The page of the scaling experiment, from figures that can be checked by hand."""

from collections.abc import Sequence

import pytest

from experiments.checker.faults import Fault, Findings
from experiments.markdown import table_rows
from experiments.scaling.cells import Cost, Series, Stored
from experiments.scaling.page import HEAD, cells, page, smallest

RECORDS = 1_000_000  # so that as many seconds of processor time are as many µs/record


def series(partitions: int, costs: Sequence[tuple[int, float]], idle_cpu: float = 0.0) -> Series:
    measured = [Cost(instances, RECORDS, RECORDS, cpu_s, seconds=10.0, batches=500) for instances, cpu_s in costs]
    return Series("custom_stage", partitions, measured, idle_cpu, Stored(140, 105, 0), Findings([], [], 0, 0, 0))


def written(found: Sequence[Series]) -> str:
    return page(found, "linear-onnx", 10, "scaling.png", "")


def test_a_cell_is_the_mean_of_both_backlogs_and_compared_with_one_instance_on_the_fewest_partitions() -> None:
    found = [series(3, [(1, 4.0), (2, 4.2), (2, 4.6), (1, 4.0)]), series(6, [(1, 3.6), (1, 3.6)])]
    rows = table_rows(written(found), HEAD)
    assert [row["CPU, µs/record"] for row in rows] == ["4.00", "4.40", "3.60"]
    assert [row["of the smallest cell's"] for row in rows] == ["1.00", "1.10", "0.90"]
    assert rows[1]["going up, coming down"] == "4.20, 4.60"
    assert rows[1]["records in a batch"] == "2,000"
    assert list(smallest(cells(found))) == ["custom_stage"]


def test_idle_time_is_that_of_all_instances_for_as_long_as_the_backlog_took() -> None:
    # Two instances, 10 s, 0.05 s each second: 1 s of 5.
    (_, two) = cells([series(3, [(1, 4.5), (2, 5.0), (2, 5.0), (1, 4.5)], idle_cpu=0.05)])
    assert two.idle == pytest.approx(1.0)
    assert two.busy == pytest.approx(4.0)


@pytest.mark.parametrize(("dearest", "flat"), [(4.59, True), (4.61, False)])
def test_the_page_says_whether_it_is_flat_within_15_percent(dearest: float, flat: bool) -> None:
    text = written([series(3, [(1, 4.0), (2, dearest), (2, dearest), (1, 4.0)])])
    assert ("`custom_stage`: flat within 15%" in text) == flat
    assert ("**not** flat" in text) != flat


def test_a_doubled_score_and_every_fault_of_the_checker_break_the_promise() -> None:
    good = series(3, [(1, 4.0), (1, 4.0)])
    assert good.broken == []
    doubled = Cost(2, RECORDS, RECORDS + 1, 4.0, 10.0, 500)
    found = Findings([Fault("lost", "one")], [], 0, 0, 1)
    bad = Series("custom_stage", 3, [doubled], 0.0, Stored(140, 105, 0), found)
    assert bad.broken == [
        "custom_stage, 3 partitions, 2 instances: 1000001 scores of 1000000 records",
        "custom_stage, 3 partitions: one",
    ]
