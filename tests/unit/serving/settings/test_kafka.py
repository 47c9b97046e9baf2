"""What the settings for a secured cluster become, and what is said of those that do not go together."""

from pathlib import Path

import pytest
import trustme

from serving.settings.command_line import BadSetting
from serving.settings.kafka import KafkaSettings
from serving.settings.security import PLAINTEXT

USER = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "alice"}
SECRET = "hunter2"


def read(monkeypatch: pytest.MonkeyPatch, *flags: str, **environment: str) -> KafkaSettings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return KafkaSettings.read("a program", list(flags))


def test_without_any_setting_nothing_is_encrypted_and_nobody_logs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    security = read(monkeypatch).security
    assert security == PLAINTEXT
    assert security.for_librdkafka() == {"security.protocol": "PLAINTEXT"}
    assert security.for_aiokafka() == {"security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_a_user_is_told_to_each_library_in_its_own_words(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    flags = ("--security-protocol", protocol, "--sasl-mechanism", "SCRAM-SHA-256", "--sasl-username", "alice")
    security = read(monkeypatch, *flags, KAFKA_SASL_PASSWORD=SECRET).security
    assert security.protocol == protocol
    assert security.for_librdkafka() == {
        "security.protocol": protocol,
        "sasl.mechanisms": "SCRAM-SHA-256",
        "sasl.username": "alice",
        "sasl.password": SECRET,
    }
    for_aiokafka = security.for_aiokafka()
    assert (for_aiokafka.pop("ssl_context", None) is not None) == (protocol == "SASL_SSL")
    assert for_aiokafka == {
        "security_protocol": protocol,
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "alice",
        "sasl_plain_password": SECRET,
    }


def test_the_password_file_wins_over_the_variable_and_its_first_line_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(" with blanks \nsecond line\n")
    settings = read(monkeypatch, "--sasl-password-file", str(tmp_path / "password"), **USER, KAFKA_SASL_PASSWORD=SECRET)
    assert settings.security.for_librdkafka()["sasl.password"] == " with blanks "


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r\nsecond line"])
@pytest.mark.parametrize("begin", ["", "\ufeff"])
def test_a_password_file_s_line_break_and_byte_order_mark_do_not_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begin: str, end: str
) -> None:
    (tmp_path / "password").write_bytes(f"{begin}{SECRET}{end}".encode())
    settings = read(monkeypatch, "--sasl-password-file", str(tmp_path / "password"), **USER)
    assert settings.security.for_librdkafka()["sasl.password"] == SECRET


def test_a_password_variable_may_end_with_a_line_break(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, **USER, KAFKA_SASL_PASSWORD=f"{SECRET}\r\n")
    assert settings.security.for_librdkafka()["sasl.password"] == SECRET


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"\nx", "is empty"), (b"\xff\xfea\0", "not a text in UTF-8")]
)
def test_a_password_file_of_no_use_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "password").write_bytes(content)
    with pytest.raises(BadSetting, match=r"^--sasl-password-file: .*password") as refused:
        read(monkeypatch, "--sasl-password-file", str(tmp_path / "password"), **USER, KAFKA_SASL_PASSWORD=SECRET)
    assert said in str(refused.value)


def test_a_password_is_not_shown_by_anything_that_shows_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, **USER, KAFKA_SASL_PASSWORD=SECRET)
    assert SECRET not in f"{settings!r} {settings.security!r} {settings.model_dump()}"


def test_a_password_is_no_flag_because_flags_show_in_ps(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSetting, match="--sasl-password"):
        read(monkeypatch, "--sasl-password", SECRET, **USER)


def test_certificates_are_told_to_each_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ca, paths = trustme.CA(), {name: str(tmp_path / name) for name in ("ca", "certificate", "key")}
    ours = ca.issue_cert("client.example")
    ca.cert_pem.write_to_path(paths["ca"])
    ours.cert_chain_pems[0].write_to_path(paths["certificate"])
    ours.private_key_pem.write_to_path(paths["key"])
    flags = ("--ssl-ca-file", paths["ca"], "--ssl-certificate-file", paths["certificate"])
    security = read(monkeypatch, *flags, KAFKA_SSL_KEY_FILE=paths["key"], KAFKA_SECURITY_PROTOCOL="SSL").security
    assert security.for_librdkafka() == {
        "security.protocol": "SSL",
        "ssl.ca.location": paths["ca"],
        "ssl.certificate.location": paths["certificate"],
        "ssl.key.location": paths["key"],
    }
    context = security.for_aiokafka()["ssl_context"]
    assert len(context.get_ca_certs()) == 1
    assert context.check_hostname


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--security-protocol", "SASL_SSL"], "SASL_SSL needs a user; give --sasl-username"),
        (
            ["--security-protocol", "SASL_PLAINTEXT", "--sasl-username", "a"],
            "a has no password; give it in the variable",
        ),
        (["--sasl-username", "a"], "a user is given and --security-protocol is PLAINTEXT"),
        (["--security-protocol", "SSL", "--sasl-username", "a"], "a user is given and --security-protocol is SSL"),
        (["--ssl-ca-file", "ca.pem"], "certificates are given and --security-protocol is PLAINTEXT"),
        (["--security-protocol", "SSL", "--ssl-ca-file", "/no/ca.pem"], "--ssl-ca-file: /no/ca.pem cannot be read"),
        (["--security-protocol", "SSL", "--ssl-ca-file", __file__], f"TLS cannot use {__file__}"),
        (["--security-protocol", "SSL", "--ssl-key-file", __file__], "belong together; give both or none"),
        (["--security-protocol", "TLS"], "--security-protocol (or KAFKA_SECURITY_PROTOCOL): 'TLS'"),
        (["--security-protocol", "SASL_SSL", "--sasl-mechanism", "MD5"], "(or KAFKA_SASL_MECHANISM): 'MD5'"),
        (
            ["--security-protocol", "SASL_SSL", "--sasl-username", "a", "--sasl-password-file", "/no/file"],
            "--sasl-password-file: /no/file cannot be read",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_one_line(
    monkeypatch: pytest.MonkeyPatch, flags: list[str], said: str
) -> None:
    with pytest.raises(BadSetting) as refused:
        read(monkeypatch, *flags)
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_what_is_said_of_settings_never_quotes_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadSetting) as refused:
        read(monkeypatch, KAFKA_SASL_PASSWORD=SECRET, KAFKA_SECURITY_PROTOCOL="SASL_SSL")
    assert SECRET not in str(refused.value)
