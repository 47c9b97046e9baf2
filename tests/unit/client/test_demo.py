"""What the demo checks before it starts anything, and how it judges what it has seen."""

import socket
from pathlib import Path

import pytest
from rich.console import Console

from client.demo import Demo
from client.demo_errors import DemoPortInUse, TooFewModels, UnknownVariant
from client.demo_scores import Summary
from client.demo_settings import DemoSettings
from client.errors import DataDirectoryUnusable
from client.ports import free_port
from serving.command_line import BadSetting


def settings(tmp_path: Path, *flags: str) -> DemoSettings:
    """Free ports and a directory of its own, unless the flags say otherwise."""
    usual = {"--port": str(free_port()), "--http-port": str(free_port()), "--data-dir": str(tmp_path / "demo")}
    usual |= dict(zip(flags[::2], flags[1::2], strict=True))
    return DemoSettings.read("demo", [word for pair in usual.items() for word in pair])


def test_the_time_comes_from_a_flag_or_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(tmp_path).seconds is None
    monkeypatch.setenv("DEMO_SECONDS", "20")
    assert settings(tmp_path).seconds == 20
    assert settings(tmp_path, "--seconds", "5").seconds == 5
    monkeypatch.setenv("DEMO_SECONDS", "soon")
    with pytest.raises(BadSetting, match=r"^--seconds \(or DEMO_SECONDS\): 'soon' should be a valid number"):
        settings(tmp_path)


@pytest.mark.parametrize(("flag", "variable"), [("--port", "DEMO_PORT"), ("--http-port", "DEMO_HTTP_PORT")])
def test_a_port_in_use_is_said_with_the_flag_that_helps(tmp_path: Path, flag: str, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            DemoPortInUse,
            match=rf"^port {port} is in use.* choose another with {flag} \(make: {variable}=\d+ make demo\)$",
        ):
            Demo(settings(tmp_path, flag, str(port)), Console())


@pytest.mark.parametrize("variant", ["no_such_package", "protobufs", "json"])
def test_a_variant_without_a_server_is_refused(tmp_path: Path, variant: str) -> None:
    with pytest.raises(UnknownVariant, match=f"^there is no {variant}/server.py here: .*--variant$"):
        Demo(settings(tmp_path, "--variant", variant), Console())


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataDirectoryUnusable, match=r"Not a directory.*--data-dir$"):
        Demo(settings(tmp_path, "--data-dir", str(tmp_path / "file")), Console())


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        (Summary(0, (), 0, None, None), "^no record scored"),
        (Summary(90, ("linear",), 0, 5, 9), "^90 records by 1 model"),
    ],
)
def test_fewer_than_two_models_are_a_failure_that_quotes_the_children(
    tmp_path: Path, summary: Summary, said: str
) -> None:
    wanted = settings(tmp_path, "--seconds", "20")
    demo = Demo(wanted, Console())
    for name in ("provider", "server"):
        (tmp_path / "demo" / str(wanted.port) / f"{name}.log").write_text(f"first\nlast of the {name} \x1b[2J\n")
    with pytest.raises(TooFewModels, match=said) as failure:
        demo.judge(summary)
    for name in ("provider", "server"):
        assert f"\n  {name}: first\n  {name}: last of the {name} \N{REPLACEMENT CHARACTER}[2J" in str(failure.value)
