"""The picture of all servers fits its terminal, and says of each what is to be seen."""

import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from client.demo.all.columns import Column, Moment
from client.demo.all.columns_view import ColumnsView
from client.demo.all.columns_words import ColumnLines
from client.demo.all.models import Models
from client.demo.all.watched import Watched
from client.demo.circumstances import Circumstance
from client.demo.settings import DEFAULT_PORTS
from tests.support.columns import answer

NOW_S, EPOCH_S = 112.0, 60.0


def column(number: int, name: str, model: str = "boosting-onnx") -> Column:
    """A server that scores with this model; number 3 was killed, is back, and has lost its counters."""
    watched = Watched(number, name, f"http://127.0.0.1:550{number}/", 100.0)
    watched.started(100.0)
    watched.answered(answer(1234, model=model, usage=1234, skipped=7), 101.0)
    if number == 3:
        watched.killed("killed", 105.0)
        watched.started(105.1)
        watched.answered(answer(0, model=None, skipped=99), 108.0)
        watched.answered(answer(10, model=model, usage=10, skipped=120), 110.0)
    watched.answered(answer(2000 if number != 3 else 20, model=model, usage=1300, skipped=7), 111.0)
    return watched.column(NOW_S)


def columns(model: str = "boosting-onnx") -> list[Column]:
    """All five."""
    return [column(number, name, model) for number, name in enumerate(DEFAULT_PORTS, 1)]


def drawn(shown: list[Column], width: int, rows: int, armed: Circumstance | None = None) -> list[str]:
    """The lines of the picture, without colours."""
    console = Console(file=io.StringIO(), width=width, height=rows, force_terminal=True, color_system=None)
    view = ColumnsView("http://127.0.0.1:5500/", epoch_s=lambda: EPOCH_S)
    lines = console.render_lines(view.picture(Moment(shown, Models(False, 12.4), armed), "q ends", rows))
    return ["".join(part.text for part in line) for line in lines]


@pytest.mark.parametrize(("width", "rows"), [(80, 24), (120, 48), (115, 42), (200, 50), (120, 30), (60, 14)])
def test_the_picture_fills_the_terminal_and_no_more(width: int, rows: int) -> None:
    lines = drawn(columns("model" * 50), width, rows)
    assert len(lines) == rows
    assert {cell_len(line) for line in lines} == {width}


@pytest.mark.parametrize(("width", "rows"), [(80, 24), (120, 44)])
def test_both_sizes_show_all_of_each_server(width: int, rows: int) -> None:
    text = "\n".join(drawn(columns(), width, rows))
    for number, name in enumerate(DEFAULT_PORTS, 1):
        assert f" {number} " in text
        assert name in text
    assert text.count("serving") == text.count("■ boosting-onnx") == 5
    assert text.count("1,300") == text.count("p99") == text.count("42 ms") == text.count("+ topic") == 5
    for said in ("http://127.0.0.1:5500/", "next model in 12 s · q ends", "back in 5.0 s", "skipped 120"):
        assert said in text
    assert text.count("not killed yet" if width == 80 else "not tried yet") == (4 if width == 80 else 14)
    assert "counters from zero" in text
    assert re.search("1(-| to )5: kill -9 .* d.*5: .*wipe .* t.*5: .*empty .* q: end", text)
    assert "…" not in text, "nothing is cut off"
    assert re.search(r"\d x \d", text) is None, "no part of the layout is left to the library's placeholder"


@pytest.mark.parametrize(("width", "rows"), [(80, 24), (120, 44)])
def test_what_a_server_promises_is_seen(width: int, rows: int) -> None:
    lines = drawn(columns(), width, rows)
    if width == 120:
        kill, topic = (next(at for at, line in enumerate(lines) if label in line) for label in ("kill -9", "+ topic"))
        assert lines[kill + 1].count("serves at once") == 5
        assert lines[kill + 2].count("counters from zero") == 5
        assert lines[topic + 1].count("skips until the") == 5
    else:
        assert sum("kill -9 ✓✗   + disk ✓✗   + topic ✗✗" in line for line in lines) == 5


@pytest.mark.parametrize(("width", "rows"), [(80, 24), (120, 44)])
def test_an_armed_key_asks_for_the_server(width: int, rows: int) -> None:
    footer = drawn(columns(), width, rows, "model_topic_emptied")[-1]
    assert footer.rstrip() == " kill -9 + empty the model topic: which server, 1 to 5? Any other key: none"


def test_a_small_terminal_shows_when_the_next_model_comes_rather_than_when_the_demo_ends() -> None:
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, color_system=None)
    view = ColumnsView("http://127.0.0.1:5500/", epoch_s=lambda: EPOCH_S)
    picture = view.picture(Moment(columns(), Models(True, 86_400.0)), "86400 s left", 24)
    first = "".join(part.text for part in console.render_lines(picture)[0])
    assert "model topic is empty, next model in 86400 s " in first


def test_a_wide_terminal_names_each_circumstance_in_full() -> None:
    text = "\n".join(drawn(columns(), 200, 50))
    assert text.count("+ wipe its disk") == text.count("+ empty the model topic") == 5 + 1  # each column, and the keys
    assert text.count("skips until the next model") == 5


def test_a_server_that_skips_says_how_many_so_far() -> None:
    watched = Watched(3, "streams_inmemory", "http://127.0.0.1:5503/", 100.0)
    watched.answered(answer(50, usage=50), 105.0)
    watched.killed("model_topic_emptied", 106.0)
    watched.started(106.1)
    watched.answered(answer(0, model=None, skipped=30), 111.0)
    text = "\n".join(drawn([watched.column(112.0)], 80, 24))
    assert "topic emptied 6 s ago · skipped 30 so far · counters from zero" in text


def test_a_server_that_ended_says_its_last_words_and_which_key_starts_it() -> None:
    server = Watched(2, "actors_persistent", "http://127.0.0.1:5502/", 100.0)
    server.ended("error: evil\x1b[2J[red]", 101.0)
    text = "\n".join(drawn([server.column(102.0)], 80, 24))
    assert "ended: 2 starts it" in text
    assert "ended by itself · error: evil\N{REPLACEMENT CHARACTER}[2J[red]" in text


def test_without_a_terminal_each_change_of_phase_is_a_line_and_the_summary_names_all() -> None:
    output = io.StringIO()
    lines, shown = ColumnLines(Console(file=output, width=40)), columns()
    lines.show(Moment(shown, Models(False, None)), None)
    later = [replace(each, phase="down") if each.number == 3 else each for each in shown]
    lines.show(Moment(later, Models(False, None)), None)
    said = output.getvalue().splitlines()
    assert said[0] == "custom_stage: serving"
    assert said[2] == "streams_inmemory: serving: killed 7 s ago, skipped 120, back in 5.0 s, counters from zero"
    assert said[5].startswith("records/s  custom_stage 10.0  actors_persistent 10.0  ")
    assert said[6].startswith("streams_inmemory: down: ")
    assert len(said) == 8
    lines.summarise(shown)
    assert output.getvalue().splitlines()[8] == "custom_stage         scored 2,000, skipped 7"
