"""The walkthroughs, executed: each "try this" in place, and the same outputs as in the committed notebooks.

``make test`` executes three of the nine, always the same: ``model_on_a_stream`` (our formats, a server as a process,
swaps), ``streams_and_tables`` (compaction, tables, changelogs) and ``effectively_once`` (transactions, a proxy in
between). Together they use most of what the others use one by one. ``make test-all`` executes all.
"""

import nbformat
import pytest

from client.broker.embedded_kafka import EmbeddedKafka
from notebooks.kit.build import text_of
from notebooks.kit.catalogue import names, notebook_of, source_of
from notebooks.kit.execution import MEASURED, TRY_THIS, execute, read_source, tags_of
from notebooks.kit.walk import BROKER

ALWAYS = ("model_on_a_stream", "streams_and_tables", "effectively_once")
CASES = [pytest.param(name, marks=() if name in ALWAYS else pytest.mark.thorough) for name in names()]


@pytest.mark.parametrize("name", CASES)
def test_it_shows_what_is_published_and_its_tries_come_out_as_said(
    name: str, broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROKER, broker.bootstrap_servers)
    notebook = read_source(source_of(name), with_tries=True)
    execute(source_of(name), notebook)
    published = nbformat.read(notebook_of(name), as_version=nbformat.NO_CONVERT)
    seen = [cell for cell in notebook.cells if TRY_THIS not in tags_of(cell)]
    for cell, before in zip(seen, published.cells, strict=True):
        if MEASURED not in tags_of(cell):
            assert [text_of(output) for output in cell.get("outputs", [])] == [
                text_of(output) for output in before.get("outputs", [])
            ], f"{cell.id}: make notebooks NAMES={name}"
