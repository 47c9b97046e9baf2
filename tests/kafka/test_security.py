"""Every program of ours over TLS, with a password, a certificate or neither: in, and kept out."""

import asyncio
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer
from pydantic import SecretStr

from client.broker.ports import free_port
from client.topics import create_topics
from experiments.variants import VARIANTS
from protobufs.wine_record_pb2 import WineRecord
from serving.errors import CertificateRefused
from serving.kafka.login import check_login
from serving.settings.security import KafkaSecurity, Login, Tls
from serving.settings.topics import Topics
from tests.support.models import times_alcohol
from tests.support.process import DEADLINE_S, ROOT, Process
from tests.support.secured_kafka import PASSWORD, PLAIN_PASSWORD, USER, SecuredKafka, secured_kafka
from tests.support.server_process import ServerProcess
from tests.support.stream import ALCOHOL, Stream, model

SERVER = ("-m", "custom_stage.server", "--port", str(free_port()))
READER = ("-m", "client.reader", "--topic", "data", "--from", "beginning", "--count", "1")
PROVIDER = ("-m", "client.provider", "--records", "3", "--data-interval", "0", "--topic-prefix", "provided")
FAUST = "streams_customstore"  # the other two over faust come with a password
NOT_LET_IN = f"rejected the login of user {USER} (Authentication failed"
NO_CERTIFICATE = "does not take our certificate, or wants one ("
UNTRUSTED = "no TLS with the broker at"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as kafka:
        yield kafka


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name != FAUST])
def test_a_server_scores_over_tls_with_a_password(secured: SecuredKafka, variant: str, tmp_path: Path) -> None:
    scores_over_tls(secured, variant, secured.environment(), tmp_path)


@pytest.mark.parametrize("variant", ["custom_stage", "actors_persistent", FAUST])
def test_a_server_of_each_client_library_scores_over_tls_with_a_certificate(
    secured: SecuredKafka, variant: str, tmp_path: Path
) -> None:
    scores_over_tls(secured, variant, secured.certificate_environment(), tmp_path)


def scores_over_tls(secured: SecuredKafka, variant: str, environment: Mapping[str, str], tmp_path: Path) -> None:
    plain = Stream(secured.broker.bootstrap_servers, Topics.prefixed(tmp_path.name))
    create_topics(plain.bootstrap_servers, plain.topics, 3)
    plain.publish_model(model("times 2", data=times_alcohol(2.0)))
    log = tmp_path / "server.log"
    servers = environment["KAFKA_BOOTSTRAP_SERVERS"]
    with ServerProcess(variant, servers, plain.prefix, log, environment=environment) as server:
        server.wait_until_ready()
        if variant == "streams_inmemory":  # it only knows the models of its own lifetime
            plain.publish_model(model("times 2", data=times_alcohol(2.0)))
            server.wait_until_said("Model serving - times 2")
        ids = [f"wine-{number}" for number in range(30)]
        plain.publish_wines(ids)
        assert [score.value for score in plain.scores_of(ids)] == pytest.approx([2.0 * ALCOHOL] * len(ids))
        assert server.stop() == 0
        assert PASSWORD not in server.said


def test_provider_and_reader_work_over_tls_with_a_password_from_a_file(secured: SecuredKafka, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n")
    environment = secured.environment(KAFKA_SASL_MECHANISM="SCRAM-SHA-256", KAFKA_SASL_PASSWORD="")
    flags = ("--sasl-password-file", str(secret))
    with Process(tmp_path / "provider", *PROVIDER, *flags, **environment) as provider:
        assert provider.wait() == 0
    with Process(tmp_path / "reader", *READER, *flags, "--topic-prefix", "provided", **environment) as reader:
        assert reader.wait() == 0
        assert "read 1 messages" in reader.said
    provided = Stream(secured.broker.bootstrap_servers, Topics.prefixed("provided"))
    wines = [WineRecord.FromString(each.value() or b"") for each in provided.reading.all_of(provided.topics.data)]
    assert [wine.dataType for wine in wines] == ["wine"] * 3


def test_both_client_libraries_come_in_with_tls_alone_and_with_plain(secured: SecuredKafka) -> None:
    topics = Topics.prefixed("both-libraries")
    create_topics(secured.broker.bootstrap_servers, topics, 1)
    tls = Tls(secured.ca_file)
    for servers, security in (
        (secured.tls_servers, KafkaSecurity(tls)),
        (secured.secure_servers, KafkaSecurity(tls, Login("PLAIN", USER, SecretStr(PLAIN_PASSWORD)))),
    ):
        producer = Producer({"bootstrap.servers": servers, **security.for_librdkafka(), "log_level": 0})
        producer.produce(topics.data, b"librdkafka")
        assert producer.flush(DEADLINE_S) == 0
        asyncio.run(sent(servers, security, topics.data, b"aiokafka"))
    messages = Stream(secured.broker.bootstrap_servers, topics).reading.all_of(topics.data)
    assert [message.value() for message in messages] == [b"librdkafka", b"aiokafka"] * 2


async def sent(servers: str, security: KafkaSecurity, topic: str, value: bytes) -> None:
    """By aiokafka, and acknowledged."""
    async with AIOKafkaProducer(bootstrap_servers=servers, **security.for_aiokafka()) as producer:
        await producer.send_and_wait(topic, value)


@pytest.mark.parametrize("program", [SERVER, PROVIDER, READER], ids=["server", "provider", "reader"])
def test_a_wrong_password_and_a_broker_that_is_not_trusted_are_one_line_each(
    secured: SecuredKafka, program: tuple[str, ...], tmp_path: Path
) -> None:
    wrong_password = secured.environment(KAFKA_SASL_PASSWORD="guessed")
    wrong_ca = secured.environment(KAFKA_SSL_CA_FILE=str(secured.other_ca_file))
    assert "guessed" not in kept_out(tmp_path / "log", program, wrong_password, NOT_LET_IN)
    kept_out(tmp_path / "log", program, wrong_ca, UNTRUSTED)


@pytest.mark.parametrize("program", [SERVER, READER], ids=["server", "reader"])
def test_no_certificate_and_a_wrong_password_in_plain_are_one_line_each(
    secured: SecuredKafka, program: tuple[str, ...], tmp_path: Path
) -> None:
    uncertified = {**secured.tls_environment(), "KAFKA_BOOTSTRAP_SERVERS": secured.certificate_servers}
    kept_out(tmp_path / "log", program, uncertified, NO_CERTIFICATE)
    wrong_password = secured.environment(KAFKA_SASL_MECHANISM="PLAIN", KAFKA_SASL_PASSWORD="guessed")
    assert "guessed" not in kept_out(tmp_path / "log", program, wrong_password, NOT_LET_IN)


def test_a_certificate_that_the_broker_does_not_trust_is_refused(secured: SecuredKafka) -> None:
    tls = Tls(secured.ca_file, *secured.untrusted_files)
    with pytest.raises(CertificateRefused, match="--ssl-certificate-file"):
        asyncio.run(check_login(secured.certificate_servers, KafkaSecurity(tls)))


def kept_out(log: Path, program: tuple[str, ...], environment: Mapping[str, str], said: str) -> str:
    """The one line with which a program ended."""
    with Process(log, *program, **environment) as process:
        assert process.wait() == 1
        (line,) = process.errors
        assert len(process.said.splitlines()) <= 2  # a server tells its page first
        assert line.startswith("error: ")
        assert said in line
        return line


def test_the_commands_of_the_production_guide_run(secured: SecuredKafka, tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "production.md").read_text("utf-8")
    (commands,) = re.findall(r"```bash\n(.*?)\n```", guide, re.DOTALL)
    servers = re.search(r"KAFKA_BOOTSTRAP_SERVERS=(\S+)", commands)
    assert servers is not None
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    here = {
        servers[1]: secured.secure_servers,
        "=serving": f"={USER}",
        "secrets/password": str(password),
        "secrets/ca.pem": str(secured.ca_file),
        "python ": f"{shlex.quote(sys.executable)} ",
    }
    for written, meant in here.items():
        assert written in commands
        commands = commands.replace(written, meant)
    ended = subprocess.run(
        ["bash", "-euc", commands], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "published 3 wines" in ended.stdout
    assert "read 3 messages" in ended.stderr


def test_a_provider_that_would_bring_its_own_plain_broker_says_so(tmp_path: Path) -> None:
    environment = {"KAFKA_SECURITY_PROTOCOL": "SSL", "PROVIDER_PORT": str(free_port())}
    with Process(tmp_path / "log", "-m", "client.provider", **environment) as provider:
        assert provider.wait() == 2
        (line,) = provider.said.splitlines()
        assert "the embedded one is plain: name yours with --bootstrap-servers" in line
