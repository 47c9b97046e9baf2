"""A small faust application with a table in memory, on the transport that its words name; a process of its own.

It leaves the acknowledging to faust.

Says ``restored`` when its table is, ``processed PARTITION OFFSET`` for each record, ``committed`` after a commit of
partitions that are not its own, and ``crashed`` when it has.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faust
from faust.types import TP

from serving.streams import transport
from serving.streams.batches import BatchSchema

RECORD_S = 0.001
SLOW_BROKER_S = 2.5  # longer than a fetch may wait, so that one begins meanwhile


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # faust has no event for either
        await asyncio.sleep(0.05)


def application(scheme: str, bootstrap_servers: str, group: str, directory: Path) -> faust.App:
    return faust.App(
        group,
        broker=f"{scheme}://{bootstrap_servers}",
        store="memory://",
        datadir=directory,  # default: below the working directory
        web_enabled=False,
        topic_partitions=1,
        key_serializer="raw",
        value_serializer="raw",
        stream_wait_empty=False,
        stream_recovery_delay=0,
        broker_session_timeout=2,
        broker_heartbeat_interval=0.4,
        broker_commit_interval=0.2,
        consumer_auto_offset_reset="earliest",
    )


async def run(scheme: str, bootstrap_servers: str, topic: str, group: str, directory: Path, what: str) -> None:
    transport.register()
    app = application(scheme, bootstrap_servers, group, directory)
    table = app.Table("rows", partitions=1, key_type=bytes, value_type=bytes)

    ours = scheme == transport.SCHEME  # one event is a batch; with the stock transport it is a record

    async def agent(stream: Any) -> None:
        async for event in stream.events():
            for record in event.value.records if ours else [event.message]:
                table[record.key] = record.value
                await asyncio.sleep(RECORD_S)  # the agent's work: records wait in its queue
                print("processed", record.partition, record.offset, flush=True)

    source: Any = {"schema": BatchSchema()} if ours else {"key_type": bytes, "value_type": bytes}
    app.agent(app.topic(topic, **source), name="agent")(agent)
    consumer: Any = app.consumer
    seek = consumer.seek_to_committed

    async def slow_seek() -> Any:
        # While the flow stands still it is the fetcher itself that seeks, and before its start nobody delivers.
        delivers = not ours and consumer.flow_active and app._fetcher.started
        committed = await seek()
        known = dict(consumer._read_offset)
        await asyncio.sleep(SLOW_BROKER_S)  # as if the broker took its time to answer
        if delivers:  # the hole of the stock transport: it shows when a record comes meanwhile
            await until(lambda: consumer._read_offset != known)
        return committed

    consumer.seek_to_committed = slow_seek
    await app.start()
    await until(lambda: bool(app.tables.actives_ready))
    print("restored", flush=True)
    if what == "commit revoked":
        await consumer._commit({TP(topic, 7): 1})
        print("committed", flush=True)
    await until(lambda: bool(app.crashed))
    print("crashed", flush=True)


if __name__ == "__main__":
    scheme, bootstrap_servers, topic, group, directory, what = sys.argv[1:]
    asyncio.run(run(scheme, bootstrap_servers, topic, group, Path(directory), what))
