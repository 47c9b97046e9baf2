"""A server that stood still, was given up by its group, and wakes up when others have its partitions.

It stops itself (SIGSTOP) at the worst moments: right before each thing that it says to Kafka for a batch. Meanwhile
another instance takes its partitions and scores their records; then it is continued.
"""

import signal
from pathlib import Path

import psutil
import pytest

from tests.contract.accounts import SCORED, distinct, redelivered, settled
from tests.contract.conftest import VARIANTS, data_dir, delivery_flags, package
from tests.support.models import times_alcohol
from tests.support.process import eventually
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

MOMENTS = {
    "exactly-once": (
        "AIOKafkaProducer.begin_transaction",
        "AIOKafkaProducer.send_offsets_to_transaction",
        "AIOKafkaProducer.commit_transaction",
    ),
    "at-most-once": ("GroupCoordinator._do_commit_offsets",),
}
OFFERED = [(name, mode) for name in VARIANTS for mode in MOMENTS if mode in package(name).guarantees.delivery]
FLAGS = ("--session-timeout-ms", "1000")
EACH = 10  # records per partition and moment
UNDECIDED = "still undecided"
ALL_THREE = "Partitions assigned - [0, 1, 2]"

STANDING_STILL = """
import os, pathlib, runpy, signal, sys
import aiokafka
from aiokafka.consumer.group_coordinator import GroupCoordinator

still = pathlib.Path(os.environ["STAND_STILL_BEFORE"])

def wrap(kind, name):
    stock = getattr(kind, name)
    async def first_stop(self, *words, **more):
        if still.exists() and still.read_text() == f"{kind.__name__}.{name}":
            still.unlink()
            os.kill(os.getpid(), signal.SIGSTOP)
        return await stock(self, *words, **more)
    setattr(kind, name, first_stop)

for name in ("begin_transaction", "send_offsets_to_transaction", "commit_transaction"):
    wrap(aiokafka.AIOKafkaProducer, name)
wrap(GroupCoordinator, "_do_commit_offsets")
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


def stands_still(server: ServerProcess) -> bool:
    """Whether the process was stopped, and not continued yet."""
    return bool(psutil.Process(server.process.pid).status() == psutil.STATUS_STOPPED)


@pytest.mark.parametrize(("variant", "mode"), OFFERED, ids=[f"{name}-{mode}" for name, mode in OFFERED])
def test_a_server_that_was_given_up_and_wakes_up_loses_and_doubles_nothing(
    variant: str, mode: str, stream: Stream, tmp_path: Path
) -> None:
    still = tmp_path / "still"
    ids: list[str] = []
    stream.publish_model(model("times 1", data=times_alcohol(1.0)))
    words = (variant, stream.bootstrap_servers, stream.prefix)
    flags = (*delivery_flags(mode), *FLAGS)
    with (
        ServerProcess(
            *words, tmp_path / "first.log", *flags, data_dir=data_dir(tmp_path, "first"),
            program=STANDING_STILL, environment={"STAND_STILL_BEFORE": str(still)},
        ) as first,
        ServerProcess(*words, tmp_path / "second.log", *flags, data_dir=data_dir(tmp_path, "second")) as second,
    ):  # fmt: skip
        for server in (first, second):
            server.wait_until_ready()
            server.wait_until_said("Partitions assigned")
        for moment in MOMENTS[mode]:
            first.wait_until(lambda: shared_out(first, second), "both had partitions")
            ids += taken_over(first, second, stream, still, moment)
        settled(stream, second)
        assert [first.stop(), second.stop()] == [0, 0]
        assert "records in flight" not in first.said, "it dropped at once what others had"
    scores = stream.all_scores()
    assert distinct(scores) == set(ids)
    assert redelivered(scores) == 0


def taken_over(first: ServerProcess, second: ServerProcess, stream: Stream, still: Path, moment: str) -> list[str]:
    """The first stands still at this moment, wakes up when the second has its partitions; the records published."""
    assigned, undecided = second.said.count(ALL_THREE), second.said.count(UNDECIDED)
    scored = second.metric(SCORED) + 3 * EACH
    still.write_text(moment)
    ids = []
    for partition in range(3):
        more = [f"{moment}-{partition}-{number}" for number in range(EACH)]
        stream.publish_wines(more, partition=partition)
        ids += more
    eventually(lambda: stands_still(first), "the first stood still")
    second.wait_until(lambda: second.said.count(ALL_THREE) > assigned, "the second had all partitions")
    second.wait_until(
        lambda: second.metric(SCORED) >= scored or second.said.count(UNDECIDED) > undecided,
        "it scored all records, or waited for the transaction that the first left undecided",
    )
    first.process.send_signal(signal.SIGCONT)
    return ids


def shared_out(*servers: ServerProcess) -> bool:
    """Whether the last that each said of its partitions is that it has some, and not all."""
    last = [[line for line in server.said.splitlines() if "Partitions assigned" in line][-1] for server in servers]
    return all(not line.endswith((ALL_THREE, "[]")) for line in last)
