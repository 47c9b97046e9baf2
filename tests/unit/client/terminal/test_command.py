"""How a command ends: by a signal, by an error that was foreseen, by one that was not."""

import signal

import pytest

from client.terminal.command import command
from model.errors import ServingError
from serving.settings.command_line import BadSetting


def ended_by(error: BaseException) -> None:
    @command()
    def main() -> None:
        raise error

    main()


@pytest.mark.parametrize(
    ("error", "code"), [(ServingError("the cellar is locked; get the key"), 1), (BadSetting("--wine is red"), 2)]
)
def test_an_error_is_one_line_and_an_exit_code(
    error: ServingError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        ended_by(error)
    assert ended.value.code == code
    assert capsys.readouterr() == ("", f"error: {error}\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_quietly_and_what_it_began_is_closed(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = []

    @command()
    def main() -> None:
        try:
            signal.raise_signal(number)
            pytest.fail("it goes on")
        finally:
            closed.append(number)

    main()
    assert closed == [number]
    assert capsys.readouterr() == ("", "")


def test_what_nobody_foresaw_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        ended_by(ZeroDivisionError())
