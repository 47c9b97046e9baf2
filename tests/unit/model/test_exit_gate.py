"""The gate that holds the end of a process until nobody is inside a library."""

import threading

import pytest

from model.exit_gate import ExitGate

LONG_S = 30.0


def test_closing_waits_for_all_who_are_inside_and_they_do_not_wait_for_each_other() -> None:
    gate, inside, leave = ExitGate(LONG_S), threading.Barrier(3), threading.Event()
    left: list[int] = []

    def visit(number: int) -> None:
        with gate:
            inside.wait(LONG_S)  # passes only when both visitors are inside at the same time
            leave.wait(LONG_S)
            left.append(number)

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(2)]
    for visitor in visitors:
        visitor.start()
    inside.wait(LONG_S)
    closing = threading.Thread(target=gate.close)
    closing.start()
    assert closing.is_alive() and not left
    leave.set()
    closing.join(LONG_S)
    assert sorted(left) == [0, 1]
    assert not closing.is_alive()


def test_a_closed_gate_lets_nobody_in() -> None:
    gate = ExitGate(LONG_S)
    gate.close()
    with pytest.raises(RuntimeError, match="this process is ending"), gate:
        pass


def test_who_fails_inside_has_left() -> None:
    gate = ExitGate(wait_s=LONG_S)
    with pytest.raises(KeyError), gate:
        raise KeyError
    closing = threading.Thread(target=gate.close, daemon=True)
    closing.start()
    closing.join(LONG_S / 3)
    assert not closing.is_alive()


def test_closing_gives_up_on_who_stays_inside_for_ever() -> None:
    gate = ExitGate(wait_s=0.05)
    with gate:
        closing = threading.Thread(target=gate.close, daemon=True)
        closing.start()
        closing.join(LONG_S)
        assert not closing.is_alive()
