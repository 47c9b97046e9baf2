import pytest

from serving.settings.command_line import BadSetting
from serving.settings.kafka import KafkaSettings
from serving.settings.server import Settings


def test_flags_win_over_the_environment_and_the_environment_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVING_MAX_BATCH", "7")
    monkeypatch.setenv("SERVING_GROUP", "from-environment")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "broker:1")
    settings = Settings.read("program", ["--group", "from-flag"])
    assert (settings.max_batch, settings.group, settings.bootstrap_servers) == (7, "from-flag", "broker:1")
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--nope"], "unrecognized arguments: --nope"),
        (["--port"], "argument --port: expected one argument"),
        (["x"], "unrecognized arguments: x"),
        (["--max-batch", "0"], "--max-batch"),
        (["--port", "x"], "--port (or SERVING_PORT): 'x' should be a valid integer"),
        (["--port", "70000"], "--port (or SERVING_PORT): '70000' should be less than or equal to 65535"),
        (["--bootstrap-servers", ""], "--bootstrap-servers (or KAFKA_BOOTSTRAP_SERVERS): ''"),
        (["--log-format", "xml"], "--log-format"),
        (["--topic-prefix", "a b"], "--topic-prefix (or SERVING_TOPIC_PREFIX): 'a b'"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_flag(flags: list[str], said: str) -> None:
    with pytest.raises(BadSetting) as error:
        Settings.read("program", flags)
    assert said in str(error.value)
    assert "--help" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVING_PORT", "many")
    with pytest.raises(BadSetting, match=r"SERVING_PORT.*'many'"):
        Settings.read("program", [])


@pytest.mark.parametrize("name", ["SERVING_DELIVERY", "SERVING_FSYNC", "SERVING_BOOTSTRAP_SERVERS", "SERVING_MAXBATCH"])
def test_a_variable_that_no_setting_reads_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "exactly-once")
    with pytest.raises(BadSetting, match=rf"^{name} is no setting of a server"):
        Settings.read("a server", [])


def test_what_kubernetes_sets_for_a_service_called_serving_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVING_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("SERVING_PORT_5500_TCP_ADDR", "10.0.0.1")
    assert Settings.read("a server", []).port is None


def test_help_lists_every_setting_with_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        Settings.read("python -m custom_stage.server", ["--help"])
    assert stopped.value.code == 0
    said = "".join(capsys.readouterr().out.split())
    assert "python-mcustom_stage.server" in said
    of_kafka = {"bootstrap_servers", *KafkaSettings.model_fields}
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in said
        assert f"{'KAFKA' if name in of_kafka else 'SERVING'}_{name.upper()}" in said
    assert "KAFKA_BOOTSTRAP_SERVERS" in said
