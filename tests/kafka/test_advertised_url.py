"""Instances of a streams server on several addresses: they know each other by what they announce, and only by that."""

import json
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from client.broker.embedded_kafka import EmbeddedKafka
from client.broker.ports import free_port
from serving.settings.topics import Topics
from tests.support.models import times_alcohol
from tests.support.process import Process, eventually
from tests.support.stream import Stream, model

VARIANT = "streams_customstore"
TOKEN = "0123456789abcdef"
RECORDS = 60


def asked(url: str, path: str, token: str = TOKEN) -> Any:
    request = urllib.request.Request(f"{url}{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def told(url: str, path: str, is_whole: Callable[[Any], bool]) -> Any:
    """Its first answer that is whole: the instances give each other 1 s, and a busy machine may take longer."""
    answers: list[Any] = []

    def whole() -> bool:
        answers.append(asked(url, path))
        return is_whole(answers[-1])

    eventually(whole, f"{url} had an answer of each instance")
    return answers[-1]


def all_answer(instances: Any) -> bool:
    return all(each["answers"] for each in instances)


def nothing_is_missing(value: Any) -> bool:
    return bool(value["missing"] == value["partitions_missing"] == [])


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_instances_on_other_addresses_find_each_other_by_what_they_announce(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    stream = Stream(broker.bootstrap_servers, topics)
    port, other_port = free_port(), free_port()
    where: Mapping[str, tuple[str, ...]] = {
        # The same port: who takes the address from anywhere but the announcement asks the wrong one, or nobody.
        f"http://127.0.0.2:{port}": ("--host", "127.0.0.2", "--port", str(port)),
        f"http://127.0.0.3:{port}": ("--host", "127.0.0.3", "--port", str(port)),
        f"http://127.0.0.4:{other_port}": ("--host", "0.0.0.0", "--port", str(other_port)),
    }
    *_, everywhere = where
    stream.publish_model(model("times 1.0", data=times_alcohol(1.0)))
    with ExitStack() as running:
        for number, (url, flags) in enumerate(where.items()):
            announced = ("--advertised-url", f"{url}/") if url == everywhere else ()
            words = ("--bootstrap-servers", stream.bootstrap_servers, "--topic-prefix", stream.prefix)
            secret = tmp_path / f"token-{number}"
            secret.write_text(f"{TOKEN}\n")
            state = ("--data-dir", str(tmp_path / str(number)), "--http-token-file", str(secret))
            log = tmp_path / f"log-{number}"
            server = Process(
                log, "-m", f"{VARIANT}.server", *words, "--group", stream.prefix, *flags, *state, *announced
            )
            running.enter_context(server)
        eventually(lambda: all(map(is_ready, where)), "all three were ready")
        stream.publish_wines([f"wine-{number}" for number in range(RECORDS)])
        stream.scores_of([f"wine-{number}" for number in range(RECORDS)])

        def all_counted() -> bool:
            answer = asked(everywhere, "/state/value")
            return bool(answer["usage"] == RECORDS) and nothing_is_missing(answer)

        eventually(all_counted, "the three together counted every record")
        for url in where:
            instances = {each["url"]: each for each in told(url, "/state/instances", all_answer)}
            assert instances.keys() == where.keys()
            assert sorted(partition for each in instances.values() for partition in each["partitions"]) == [0, 1, 2]
            assert told(url, "/state/value", nothing_is_missing)["usage"] == RECORDS
