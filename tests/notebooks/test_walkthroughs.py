"""The walkthroughs, executed: each "try this" in place, and the same outputs as in the committed notebooks.

``make test`` executes three of the nine, always the same: ``model_on_a_stream`` (our formats, a server as a process,
swaps), ``streams_and_tables`` (compaction, tables, changelogs) and ``effectively_once`` (transactions, a proxy in
between). Together they use most of what the others use one by one. ``make test-all`` executes all, each alone, and all
nine three at a time in an order that differs from run to run.
"""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from model.errors import ServingError
from notebooks.kit.build import text_of
from notebooks.kit.catalogue import names, notebook_of, source_of
from notebooks.kit.execution import MEASURED, TRY_THIS, execute, read_source, tags_of
from notebooks.kit.walk import BROKER

ALWAYS = ("model_on_a_stream", "streams_and_tables", "effectively_once")
CASES = [pytest.param(name, marks=() if name in ALWAYS else pytest.mark.thorough) for name in names()]
SEED = "NOTEBOOKS_SEED"
"""The variable with the number of an order that is to be run again."""


def execute_and_compare(name: str) -> None:
    notebook = read_source(source_of(name), with_tries=True)
    execute(source_of(name), notebook)
    published = nbformat.read(notebook_of(name), as_version=nbformat.NO_CONVERT)
    seen = [cell for cell in notebook.cells if TRY_THIS not in tags_of(cell)]
    for cell, before in zip(seen, published.cells, strict=True):
        if MEASURED not in tags_of(cell):
            assert [text_of(output) for output in cell.get("outputs", [])] == [
                text_of(output) for output in before.get("outputs", [])
            ], f"{cell.id}: make notebooks NAMES={name}"


@pytest.mark.parametrize("name", CASES)
def test_it_shows_what_is_published_and_its_tries_come_out_as_said(
    name: str, broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROKER, broker.bootstrap_servers)
    execute_and_compare(name)


@pytest.mark.thorough
def test_three_at_a_time_in_random_order_each_shows_what_it_shows_alone(
    broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROKER, broker.bootstrap_servers)
    seed = int(os.environ.get(SEED) or random.randrange(2**32))
    order = random.Random(seed).sample(names(), len(names()))
    print(f"{SEED}={seed}: {', '.join(order)}")

    def outcome(name: str) -> Exception | None:
        began_s = time.monotonic()
        try:
            execute_and_compare(name)
        except (AssertionError, ServingError) as error:  # reported below, with those of the others
            return error
        finally:
            print(f"{name}: {time.monotonic() - began_s:.0f} s")
        return None

    with ThreadPoolExecutor(3) as at_once:
        outcomes = dict(zip(order, at_once.map(outcome, order), strict=True))
    assert {name: str(error) for name, error in outcomes.items() if error is not None} == {}
