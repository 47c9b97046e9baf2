"""What the demo draws fits the terminal, says what the snapshot says, and obeys no stranger's control characters."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from client.demo.charts import Curve, Histogram, bar_of
from client.demo.display import LineDisplay
from client.demo.one.view import PALETTE, DemoView, ModelColours
from client.terminal.printable import age, duration, printable, rate
from serving.telemetry.live_snapshot import LiveHistogram, LiveSnapshot
from serving.telemetry.live_view import LiveView
from serving.telemetry.live_windows import EDGES

START_S = 1000.0


def scored(*names: str, record_id: str = "wine-7") -> LiveSnapshot:
    """Each of these models has scored ten records, 20 s after the one before it."""
    view, values = LiveView(), np.linspace(3, 8, 10)
    for number, name in enumerate(names):
        now_s = START_S + number * 20
        view.observe(name, [record_id] * 10, values, values, now_s=now_s, data_type="wine")
    return view.snapshot(START_S + len(names) * 20)


def drawn(snapshot: LiveSnapshot, columns: int = 80, rows: int = 24) -> list[str]:
    """The lines of the picture, without colours."""
    console = Console(file=io.StringIO(), width=columns, height=rows, force_terminal=True, color_system=None)
    picture = DemoView("custom_stage", "http://127.0.0.1:5500/").picture(snapshot, "Ctrl-C stops", rows)
    return ["".join(part.text for part in line) for line in console.render_lines(picture)]


def histogram(**counts: int) -> LiveHistogram:
    """A histogram with counts in these bins: ``b11=3`` are three scores in [5.5, 6)."""
    return LiveHistogram(EDGES, tuple(counts.get(f"b{number}", 0) for number in range(20)), below=0, above=0)


def bars(shown: LiveHistogram, columns: int, rows: int) -> list[str]:
    """The lines of a histogram in so much room."""
    console = Console(file=io.StringIO(), width=columns, height=rows, color_system=None)
    options = console.options.update_dimensions(columns, rows)
    lines = console.render_lines(Histogram(shown, "magenta"), options)
    return ["".join(part.text for part in line).rstrip() for line in lines]


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40), (200, 60), (60, 14)])
def test_the_picture_fills_the_terminal_and_no_more(columns: int, rows: int) -> None:
    lines = drawn(scored("linear", "forest" * 50, "boosted", record_id="id" * 200), columns, rows)
    assert len(lines) == rows
    assert {cell_len(line) for line in lines} == {columns}


def test_the_smallest_supported_terminal_shows_everything() -> None:
    text = "\n".join(drawn(scored("linear", "forest")))
    for part in ("custom_stage", "http://127.0.0.1:5500/", "20 scored", "Ctrl-C stops", "■ forest", "wine · for 20 s"):
        assert part in text
    for part in ("p50", "p99", "8.00 wine-7", "Swaps · 1", "■ linear", "→ ■ forest", "20 s ago"):
        assert part in text
    assert [f"{quality:4.1f} " in text for quality in np.arange(3, 8.5, 0.5)] == [True] * 11


def test_before_the_first_score_the_picture_says_so() -> None:
    text = "\n".join(drawn(LiveView().snapshot(START_S)))
    assert "No score yet" in text
    assert "None yet" in text


def test_models_of_several_data_types_are_all_shown() -> None:
    models = scored("forest").models
    text = "\n".join(
        drawn(replace(scored("forest"), models=(*models, replace(models[0], data_type="cider", name="dry"))))
    )
    assert "cider ■ dry" in text
    assert "wine  ■ forest" in text


def test_markup_and_control_characters_of_strangers_are_shown_not_obeyed() -> None:
    evil = "\x1b[2J[red]\r\n\x07"
    shown = drawn(scored("linear", evil, record_id=evil))
    assert not [line for line in shown if not line.isprintable()]
    assert "\N{REPLACEMENT CHARACTER}[2J[red]" in "\n".join(shown)


@given(st.text())
def test_printable_text_is_one_printable_line_as_long_as_before(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)
    assert not text.isprintable() or printable(text) == text


def test_a_bar_is_as_long_as_its_share() -> None:
    assert bars(histogram(b10=1, b11=4, b12=2), columns=50, rows=11)[4:7] == [
        " 5.0 " + "█" * 10 + " 14%",  # 40 cells are left for the largest of 7
        " 5.5 " + "█" * 40 + " 57%",
        " 6.0 " + "█" * 20 + " 29%",
    ]


@given(st.floats(0, 1), st.integers(1, 200))
def test_a_bar_never_outgrows_its_cells_nor_vanishes(share: float, cells: int) -> None:
    assert len(bar_of(cells, share)) <= cells
    assert (bar_of(cells, share) == "") == (share == 0)


def test_bins_share_a_row_where_there_are_too_few() -> None:
    assert [line.split()[0] for line in bars(histogram(b11=1), 40, 6)] == ["3.0", "4.0", "5.0", "6.0", "7.0", "8.0"]
    assert [line.split()[0] for line in bars(histogram(b0=1, b19=1), 40, 5)] == ["0.0", "2.0", "4.0", "6.0", "8.0"]


@given(st.lists(st.integers(0, 10**6)), st.integers(1, 80))
def test_a_curve_shows_the_last_numbers_as_heights(numbers: list[int], cells: int) -> None:
    console = Console(file=io.StringIO(), width=cells, color_system=None)
    (line,) = console.render_lines(Curve(numbers, "magenta"), pad=False)
    curve = "".join(part.text for part in line)
    shown = numbers[-cells:]
    assert len(curve) == len(shown)
    assert not any(shown) or curve[shown.index(max(shown))] == "█"
    by_height = [block for _, block in sorted(zip(shown, curve, strict=True))]
    assert by_height == sorted(curve)  # the blocks' code points grow with their heights


def test_numbers_take_few_characters() -> None:
    assert [rate(it) for it in (None, 0.0, 9.84, 99.96, 173958.4)] == ["-", "0.0", "9.8", "100.0", "173,958"]
    assert [duration(it) for it in (None, 4.23, 9.96, 850.0, 12_345.0)] == ["-", "4.2 ms", "10 ms", "850 ms", "12.3 s"]
    assert [age(it) for it in (0.9, 59.9, 60.0, 3599.0, 7200.0)] == ["0 s", "59 s", "1 min", "59 min", "2 h"]


def test_without_a_terminal_each_swap_and_each_moment_is_a_line() -> None:
    output = io.StringIO()
    lines = LineDisplay(Console(file=output, width=40))
    for names in ((), ("linear",), ("linear", "forest"), ("linear", "forest", "evil\x1b[2J[red]")):
        lines.show(scored(*names), None)
    said = output.getvalue().splitlines()
    assert said[0] == "no score yet"
    assert said[1].endswith("linear  wine-7: 8.00")
    assert said[2] == "swap: linear -> forest"
    assert said[4] == "swap: forest -> evil\N{REPLACEMENT CHARACTER}[2J[red]"
    assert len(said) == 6


def test_a_model_keeps_its_colour_and_of_ever_new_models_only_the_newest_hundred_have_one() -> None:
    colours = ModelColours()
    first = [colours.of(f"m{number}") for number in range(7)]
    assert first == [*PALETTE, PALETTE[0]]
    assert [colours.of(f"m{number}") for number in range(7)] == first
    for number in range(7, 10_000):
        colours.of(f"m{number}")
    assert list(colours.colours) == [f"m{number}" for number in range(9_900, 10_000)]
