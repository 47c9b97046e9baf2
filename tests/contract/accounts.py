"""What became of the records, by their ids."""

from collections import Counter
from collections.abc import Sequence

from experiments.checker.faults import Fault, check
from experiments.checker.topics import read_run
from protobufs.serving_result_pb2 import ServingResult
from serving.engine import DeliveryMode, Guarantees
from tests.support.models import times_alcohol
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model

SCORED = "serving_records_scored_total"
SKIPPED = "serving_records_skipped_total"
TAKEOVER_MS = 60_000  # a machine with much else to do


def scored_some(server: ServerProcess, records: int = 500) -> None:
    """Wait until this process has scored so many more."""
    enough = server.metric(SCORED) + records
    server.wait_until(lambda: server.metric(SCORED) >= enough, f"it scored {records} records")


def settled(stream: Stream, server: ServerProcess) -> None:
    """Wait until its group has committed every record: what became of each is in Kafka."""
    server.wait_until(lambda: stream.all_committed(server.group), "its group committed every record")


def taught(server: ServerProcess, stream: Stream, promised: Guarantees, data: bytes = b"") -> None:
    """See that a server which starts beside or after others knows the active model, ``times 1.0``.

    One that is ready knows it, unless it knows only the models of its own lifetime. That one is sent the model again;
    what it read until then it skipped.
    """
    if not promised.model_survives.killed:
        stream.publish_model(model("times 1.0", data=data or times_alcohol(1.0)))
        server.wait_until_said("Model serving - times 1.0")


def distinct(scores: Sequence[ServingResult]) -> set[str]:
    """The ids of the records that have a score."""
    return {score.record_id for score in scores}


def redelivered(scores: Sequence[ServingResult]) -> int:
    """How many scores are of a record that had one already."""
    return sum(count - 1 for count in Counter(score.record_id for score in scores).values())


def nothing_is_lost(
    stream: Stream, server: ServerProcess, ids: Sequence[str], promised: Guarantees, skipped_before: float = 0
) -> list[ServingResult]:
    """Every record has a score, or its server, knowing no model yet, said that it skipped it; all scores.

    Args:
        server: of the group that reads the records; it runs.
        skipped_before: by the other processes of the group, while they lived.
    """
    settled(stream, server)
    skipped = skipped_before + server.metric(SKIPPED)
    assert skipped == 0 or not promised.model_survives.killed, f"{skipped} skipped by a variant that knows the model"
    scores = stream.all_scores()
    missing = set(ids) - distinct(scores)
    assert len(missing) <= skipped, f"{len(missing)} lost, such as {sorted(missing)[:5]}; {skipped} skipped"
    faults = unkept(stream, server)
    # A variant that knows no model after a restart skips what comes before the next one; how many, has been asked.
    faults = [fault for fault in faults if promised.model_survives.killed or fault.kind != "lost"]
    assert not faults, f"{len(faults)} faults, such as {faults[:5]}"
    return scores


def unkept(stream: Stream, server: ServerProcess, delivery: DeliveryMode = "at-least-once") -> list[Fault]:
    """What the checker finds when the group has committed every record."""
    run = read_run(stream.bootstrap_servers, stream.topics, server.group)
    return list(check(run, TAKEOVER_MS, delivery).faults)
