import io
import re

import pytest
from rich.console import Console

from client.terminal.display import LiveDisplay, PlainDisplay


class Clock:
    """Shows the time that it is set to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_without_a_terminal_the_state_is_one_line_every_ten_seconds() -> None:
    clock, out = Clock(), io.StringIO()
    with PlainDisplay(out, clock) as display:
        for clock.now_s in range(31):
            display.show({"wines": "7"}, f"wines: {clock.now_s:g}")
    assert [line.split(maxsplit=1)[1] for line in out.getvalue().splitlines()] == [
        "wines: 10",
        "wines: 20",
        "wines: 30",
    ]


def test_without_a_terminal_what_is_said_has_the_time_and_what_is_written_has_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    beside = io.StringIO()
    with PlainDisplay(beside) as display:
        display.log("the broker is back")
        display.write("7.4 0.7")
    assert re.fullmatch(r"\d\d:\d\d:\d\d the broker is back\n", beside.getvalue())
    assert capsys.readouterr().out == "7.4 0.7\n"


def test_the_panel_leaves_room_for_the_echo_of_ctrl_c() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=24, color_system=None)
    with LiveDisplay("provider", console) as display:
        display.show({"wines": "7 published", "model": "m" * 200}, "")
    lines = [
        line
        for line in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue()).splitlines()
        if "│" in line or "─" in line
    ]
    assert {len(line.strip()) for line in lines} == {78}
    assert "wines  7 published" in lines[1]


def test_markup_in_a_name_is_shown_as_it_is() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=24, color_system=None)
    with LiveDisplay("reader", console) as display:
        display.write("model [bold]forest[/bold] :smile:")
        display.show({"model": "[red]forest"}, "")
    assert "model [bold]forest[/bold] :smile:" in out.getvalue()
    assert "[red]forest" in out.getvalue()
