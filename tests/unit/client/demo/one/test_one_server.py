"""What the demo checks before it starts anything, and how it judges what it has seen."""

import socket
from importlib import import_module
from pathlib import Path

import pytest
from rich.console import Console

from client.broker.ports import free_port
from client.demo.errors import DemoPortInUse, TooFewModels
from client.demo.one.one_server import Demo
from client.demo.one.scores import Summary
from client.demo.settings import DEFAULT_PORTS, DemoSettings
from client.errors import DataDirectoryUnusable, UnknownVariant
from serving.settings.command_line import BadSetting
from tests.support.process import ROOT


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


@pytest.mark.parametrize("variant", ["no_such_package", "protobufs", ""])
def test_a_variant_that_does_not_exist_is_one_line_that_lists_the_five(tmp_path: Path, variant: str) -> None:
    with pytest.raises(UnknownVariant) as refused:
        Demo(settings(tmp_path, "--variant", variant), Console())
    assert str(refused.value) == (
        f"there is no variant {variant!r}; choose one of custom_stage, actors_persistent, streams_inmemory, "
        "streams_kvstore, streams_customstore with --variant"
    )


@pytest.mark.parametrize(("variant", "port"), [("actors_persistent", 5500), ("streams_kvstore", 8888)])
def test_a_servers_page_is_at_its_own_port_unless_told_otherwise(variant: str, port: int) -> None:
    # Source: the design's table of queryable state.
    assert DemoSettings.read("demo", ["--variant", variant]).page == f"http://127.0.0.1:{port}/"
    assert DemoSettings.read("demo", ["--variant", variant, "--http-port", "5501"]).page == "http://127.0.0.1:5501/"


def test_the_five_are_the_packages_that_have_a_server_with_their_own_ports() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/server.py")}
    assert set(DEFAULT_PORTS) == packages
    for name, port in DEFAULT_PORTS.items():
        variant = import_module(name).VARIANT
        assert (variant.name, variant.default_port) == (name, port)


def test_a_state_of_an_earlier_demo_is_gone_and_its_broker_data_is_left_to_the_broker(tmp_path: Path) -> None:
    wanted = settings(tmp_path)
    old = tmp_path / "demo" / str(wanted.port)
    for directory in ("state/custom_stage/old-cluster", "broker/data"):
        (old / directory).mkdir(parents=True)
    Demo(wanted, Console())
    assert [each.name for each in old.iterdir()] == ["broker"]
    command = wanted.server_command("custom_stage", 5500)
    assert f"--data-dir={old / 'state' / 'custom_stage'}" in command


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
