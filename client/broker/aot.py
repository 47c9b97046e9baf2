"""Make Java's AOT cache for the embedded broker, once: ``python -m client.broker.aot``, which ``make`` does.

Java records what a real broker loads, and writes the cache when that broker ends. Brokers in use do not write it: their
Ctrl-C would take 8 seconds.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer

from client.broker.embedded_kafka import start_kafka, wait_until_answered
from client.broker.files import (
    LOG,
    aot_cache,
    aot_options,
    aot_training_options,
    java_command,
    java_environment,
    kafka_command,
    prepare_node,
)
from client.broker.jars import kafka_jars
from client.broker.plan import HOST, new_cluster
from client.broker.ports import free_port
from client.broker.watchdog import KILL
from client.terminal.command import command
from client.topics import create_topics
from model.errors import ServingError
from model.maven_jars import exclusive
from serving.settings.topics import Topics

SCRATCH = ".training-"
ANSWER_S = 30.0
WRITING_S = 120.0  # how long the broker may take to end; on an idle machine it writes the cache in 8 s


class TrainingFailed(ServingError):
    """Java has not made an AOT cache for Kafka; Kafka runs without."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Kafka's start could not be made faster ({reason}); it starts as well, in twice the time")


def fits(cache: Path, jars: Sequence[Path]) -> bool:
    """Whether Java accepts this cache for the command that runs the broker."""
    command = java_command(cache.parent, jars, "-version", aot=["-XX:AOTMode=on", *aot_options(cache)])
    return cache.exists() and subprocess.run(command, env=java_environment(), capture_output=True).returncode == 0


def train(jars: Sequence[Path]) -> None:
    """Make the cache for these jars, in their directory, unless a valid one is there (15 s).

    Raises:
        TrainingFailed: no room, no right to write there, or a broker that does not run; nothing is left behind.
    """
    cache = aot_cache(jars)
    try:
        if not fits(cache, jars):
            with exclusive(cache.parent):
                if not fits(cache, jars):  # another process may have made it meanwhile
                    sys.stderr.write("preparing Kafka for quick starts, once: approximately 15 s\n")
                    _make(cache, jars)
    except TrainingFailed:
        raise
    except (OSError, KafkaException, ServingError, subprocess.TimeoutExpired) as error:
        raise TrainingFailed(str(error).splitlines()[-1].strip()) from None  # the broker's last line, if it has died


def _make(cache: Path, jars: Sequence[Path]) -> None:
    for left in cache.parent.glob(f"{SCRATCH}*"):  # by a killed process
        shutil.rmtree(left, ignore_errors=True)
    # Not in the system's directory for temporary files, which may be small.
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=cache.parent, ignore_cleanup_errors=True) as scratch:
        made = Path(scratch) / cache.name
        with _training_broker(Path(scratch), jars, made) as bootstrap_servers:
            _use(bootstrap_servers)
        if not fits(made, jars):
            raise TrainingFailed("Java has written none that it takes")
        with made.open("rb") as file:
            os.fsync(file.fileno())
        made.replace(cache)


@contextlib.contextmanager
def _training_broker(directory: Path, jars: Sequence[Path], cache: Path) -> Iterator[str]:
    """A broker that writes the cache when it ends; yields its address. An exception in the block kills it."""
    cluster = new_cluster([free_port()], [free_port()])
    (node,) = cluster.nodes
    prepare_node(directory, jars, node, cluster, None)
    broker = start_kafka(directory, kafka_command(directory, jars, cluster, aot_training_options(cache)), WRITING_S)
    with broker:
        try:
            address = f"{HOST}:{node.port}"
            wait_until_answered(address, broker, directory / LOG)
            yield address
            broker.terminate()
            broker.wait(WRITING_S)
        except BaseException:
            broker.send_signal(KILL)
            broker.wait(WRITING_S)  # Popen's own exit does not wait for the end after a KeyboardInterrupt
            raise


def _use(bootstrap_servers: str) -> None:
    """Use what the brokers here are used for: topics, transactions and a consumer group (saves each 0.4 s)."""
    topics = Topics.prefixed("training")
    create_topics(bootstrap_servers, topics, 1)
    connection = {"bootstrap.servers": bootstrap_servers, "log_level": 0}
    producer = Producer({**connection, "transactional.id": "training"})
    consumer = Consumer({**connection, "group.id": "training", "auto.offset.reset": "earliest"})
    consumer.subscribe([topics.data])
    try:
        producer.init_transactions(ANSWER_S)
        producer.begin_transaction()
        producer.produce(topics.data, b"a record")
        producer.commit_transaction(ANSWER_S)
        consumer.poll(ANSWER_S)
        producer.begin_transaction()
        producer.send_offsets_to_transaction(
            consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), ANSWER_S
        )
        producer.commit_transaction(ANSWER_S)
    finally:
        consumer.close()


@command()
def main() -> None:
    """Fetch Kafka's jars and make the cache; Kafka also runs without the cache."""
    try:
        train(kafka_jars())
    except TrainingFailed as error:
        print(error)


if __name__ == "__main__":
    main()
