"""The experiment ``external``: from what was measured to the figures of its page."""

from pathlib import Path

import numpy as np
import pytest

from experiments.checker.faults import Findings
from experiments.external.measures import Outage, Speed, Swap, median, swap_of
from experiments.external.model_server import VERSION, model_of
from experiments.external.page import HOP_HEAD, OUTAGE_HEAD, SPEED_HEAD, SWAP_HEAD, write
from experiments.external.processor import Scored
from experiments.external.ways import EMBEDDED, GRPC, REST, WAYS
from experiments.markdown import table_rows

SPEEDS = [
    *(Speed(EMBEDDED, batch, per_s, 0.25, 0.5) for batch, per_s in ((1, 3000.0), (1000, 90_000.0))),
    *(Speed(REST, batch, per_s, 2.0, 4.0) for batch, per_s in ((1, 500.0), (1000, 30_000.0))),
    *(Speed(GRPC, batch, per_s, 1.0, 3.0) for batch, per_s in ((1, 1000.0), (1000, 60_000.0))),
]
LOST = Findings([], [], duplicates=0, explained=0, unscored=1234)
KNOWN: dict[str, object] = {"model": "forest-onnx", "facts": "on paper", "records": 9, "seconds": 1.0, "rounds": 1} | {
    "per_s": 500.0,
    "live": 100,
    "swap_count": 2,
}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("external") / "external.md"
    outages = [Outage(REST, "skip", 5000, 70, 2.5, 3100.0, LOST)]
    swaps = [Swap(way, takeover_ms, 3, 1, 20.0, 90.0) for way in WAYS for takeover_ms in (40.0, 60.0)]
    write(output, SPEEDS, outages, swaps, KNOWN)
    return output


def test_the_page_compares_the_ways_with_each_size(page: Path) -> None:
    single, many = table_rows(page.read_text("utf-8"), SPEED_HEAD)
    assert list(single.values()) == ["1", "3,000", "500", "1,000", "6.0", "3.0"]
    assert list(many.values()) == ["1,000", "90,000", "30,000", "60,000", "3.0", "1.5"]
    hop = table_rows(page.read_text("utf-8"), HOP_HEAD)[0]
    assert [hop[each] for each in ("price of the hop, REST, ms", "price of the hop, gRPC, ms")] == ["1.75", "0.75"]


def test_the_page_says_what_was_lost_and_the_worst_of_the_swaps(page: Path) -> None:
    (outage,) = table_rows(page.read_text("utf-8"), OUTAGE_HEAD)
    assert list(outage.values()) == [REST, "left out", "5,000", "70", "2.5", "1,234", "0", "3.1"]
    swaps = table_rows(page.read_text("utf-8"), SWAP_HEAD)
    assert [each["way"] for each in swaps] == list(WAYS)
    assert list(swaps[0].values())[1:] == ["2", "60", "3", "1", "20", "90"]


def test_the_plot_is_beside_the_page(page: Path) -> None:
    assert f"({page.stem}.png)" in page.read_text("utf-8")
    assert page.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_of_several_rounds_each_figure_has_its_median() -> None:
    rounds = [
        Speed(REST, 10, per_s, p50, p99) for per_s, p50, p99 in ((1.0, 6.0, 7.0), (2.0, 5.0, 9.0), (3.0, 4.0, 8.0))
    ]
    assert median(rounds) == Speed(REST, 10, 2.0, 5.0, 8.0)


def test_a_swap_counts_what_was_submitted_after_it_was_asked_for_and_scored_by_the_former_model() -> None:
    scored = [
        Scored(990, "old", np.array([970, 980])),
        Scored(1010, "old", np.array([995, 1000, 1005])),
        Scored(1100, "new", np.array([1010, 1090])),
        Scored(1120, "new", np.array([1115])),
    ]
    assert swap_of(REST, 1000, "new", scored, failures=2) == Swap(
        REST, takeover_ms=100, by_the_old=2, failures=2, before_ms=20.0, longest_ms=90.0
    )


def test_versions_are_in_the_order_in_which_they_came_and_say_their_model() -> None:
    versions = [VERSION.format(number=number, model=name) for number, name in ((2, "b-c"), (9, "z"), (10, "a"))]
    assert versions == sorted(versions)
    assert [model_of(each) for each in versions] == ["b-c", "z", "a"]
