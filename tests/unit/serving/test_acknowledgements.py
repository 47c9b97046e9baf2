"""Producers of ours wait for all replicas in sync. The clients' is idempotent: librdkafka then takes nothing less."""

import asyncio
from pathlib import Path
from typing import Any

import faust

from serving.kafka.broker import Broker
from serving.kafka.sink import Sink
from serving.kernel import Kernel
from serving.settings.server import Settings
from serving.streams.faust_settings import lossless
from serving.telemetry.report import Report

ALL_IN_SYNC = -1  # Kafka documentation, "Producer Configs", acks: the same as "all"


def test_scores_dead_letters_and_table_rows_wait_for_all_replicas_in_sync(tmp_path: Path) -> None:
    async def acknowledgements() -> tuple[Any, Any]:
        settings = Settings.read("a server", ["--data-dir", str(tmp_path)])
        broker = Broker(settings, lambda _: None)
        sink = Sink(settings, "a variant", broker)
        try:
            kernel = Kernel("a variant", 1, settings, sink, broker, Report())
            app = faust.App(**lossless(kernel, "http://127.0.0.1:1"))
            return sink._options["acks"], app.conf.producer_acks
        finally:
            await sink.close()
            await broker.close()

    assert asyncio.run(acknowledgements()) == ("all", ALL_IN_SYNC)
