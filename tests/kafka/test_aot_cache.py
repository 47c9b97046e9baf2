"""Java's AOT cache for the broker, made once for all of these tests, by two processes at once."""

import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from client.broker.aot import SCRATCH, fits
from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.files import DATA, LOG, aot_cache, java_command
from client.broker.jars import DIRECTORY_VARIABLE, kafka_jars
from tests.support.process import Process, brokers_in

pytestmark = pytest.mark.thorough

TRAINING = ("-m", "client.broker.aot")
TRAINING_S = 180.0  # on a machine with much else to do
PREPARING = "preparing Kafka for quick starts, once: approximately 15 s\n"


def copied_jars(directory: Path) -> list[Path]:
    """Kafka's jars without anything else in the user's cache, above all without an AOT cache."""
    directory.mkdir()
    for jar in kafka_jars():
        shutil.copy2(jar, directory)
    return kafka_jars(directory)


def said_besides(options: str, log: Path) -> list[str]:
    return [line for line in log.read_text().splitlines() if line != f"NOTE: Picked up JDK_JAVA_OPTIONS: {options}"]


@pytest.fixture(scope="module")
def jars(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """Kafka's jars with a cache beside them."""
    directory = tmp_path_factory.mktemp("trained") / "jars"
    copied = copied_jars(directory)
    logs = [directory.with_name(f"{number}.log") for number in (1, 2)]
    with (
        Process(logs[0], *TRAINING, KAFKA_JARS_DIR=str(directory)) as first,
        Process(logs[1], *TRAINING, KAFKA_JARS_DIR=str(directory)) as second,
    ):
        assert [first.wait(TRAINING_S), second.wait(TRAINING_S)] == [0, 0]
    assert sorted(log.read_text() for log in logs) == ["", PREPARING]
    assert {path.name for path in directory.iterdir()} == {
        ".lock",
        aot_cache(copied).name,
        *(jar.name for jar in copied),
    }
    return copied


def test_a_broker_starts_with_the_cache_that_training_has_made(
    jars: Sequence[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Java ends at once with AOTMode=on if it cannot use the cache.
    options = "-XX:TieredStopAtLevel=1 -XX:AOTMode=on"
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(jars[0].parent))
    monkeypatch.setenv("JDK_JAVA_OPTIONS", options)
    with EmbeddedKafka(None, tmp_path):
        assert said_besides(options, tmp_path / LOG) == []


def test_the_cache_fits_without_the_option_that_tests_give_to_java(
    jars: Sequence[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JDK_JAVA_OPTIONS")
    assert fits(aot_cache(jars), jars)


def test_a_cache_made_from_other_jars_does_not_fit(jars: Sequence[Path], tmp_path: Path) -> None:
    other = Path(shutil.copy2(jars[0], tmp_path))
    with other.open("ab") as file:
        file.write(b"longer")
    assert not fits(aot_cache(jars), [other, *jars[1:]])


def test_without_a_cache_java_hears_of_none(tmp_path: Path) -> None:
    command = java_command(tmp_path, [tmp_path / "a.jar"], "kafka.Kafka")
    assert [word for word in command if "aot" in word.lower()] == []


@pytest.mark.parametrize("damage", ["torn", "a page is zeros", "empty"])
def test_a_damaged_cache_is_noticed(jars: Sequence[Path], tmp_path: Path, damage: str) -> None:
    whole = aot_cache(jars).read_bytes()
    middle = len(whole) // 2
    damaged = {
        "torn": whole[:middle],
        "a page is zeros": whole[:middle] + bytes(4096) + whole[middle + 4096 :],
        "empty": b"",
    }
    cache = tmp_path / "damaged.aot"
    cache.write_bytes(damaged[damage])
    assert not fits(cache, jars)


def test_a_broker_starts_with_a_torn_cache_as_it_does_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = copied_jars(tmp_path / "jars")
    aot_cache(copied).write_bytes(b"torn")
    options = "-XX:TieredStopAtLevel=1"
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path / "jars"))
    monkeypatch.setenv("JDK_JAVA_OPTIONS", options)
    with EmbeddedKafka(None, tmp_path / "data"):
        assert said_besides(options, tmp_path / "data" / LOG) == []


def test_a_training_that_fails_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "jars"
    copied = copied_jars(directory)
    java = {"KAFKA_JARS_DIR": str(directory), "JDK_JAVA_OPTIONS": "-XX:NoSuchOption"}
    with Process(tmp_path / "log", *TRAINING, **java) as training:
        assert training.wait() == 0
        assert training.said.startswith(f"{PREPARING}Kafka's start could not be made faster (")
        assert len(training.said.splitlines()) == 2
    assert {path.name for path in directory.iterdir()} == {".lock", *(jar.name for jar in copied)}


def test_a_training_that_is_interrupted_ends_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "jars"
    copied = copied_jars(directory)
    with Process(tmp_path / "log", *TRAINING, KAFKA_JARS_DIR=str(directory)) as training:
        training.wait_until(lambda: any(directory.glob(f"{SCRATCH}*/{DATA}/.lock")), "a broker is starting")
        (scratch,) = directory.glob(f"{SCRATCH}*")
        training.process.send_signal(signal.SIGINT)
        assert training.wait(5.0) == 0  # such a broker would write a cache first
        assert training.said == PREPARING
    assert brokers_in(scratch) == []
    assert {path.name for path in directory.iterdir()} == {".lock", *(jar.name for jar in copied)}
