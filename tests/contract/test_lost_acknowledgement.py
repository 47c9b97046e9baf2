"""The broker has the scores, and its acknowledgement is lost: they are sent again, and are there once all the same."""

from pathlib import Path

from notebooks.kit.proxy import LossyProxy
from serving.engine import Guarantees
from tests.contract.accounts import nothing_is_lost, redelivered
from tests.contract.conftest import put_in_force
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream

RECORDS = 30
RESENT = 2


def test_scores_whose_acknowledgement_is_lost_are_sent_again_and_stored_once(
    variant: str, stream: Stream, promised: Guarantees, tmp_path: Path
) -> None:
    ids = [f"wine-{number}" for number in range(RECORDS)]
    with LossyProxy(stream.bootstrap_servers, stream.topics.scores) as proxy:
        log = tmp_path / "log"
        with ServerProcess(variant, proxy.bootstrap_servers, stream.prefix, log) as server:
            put_in_force(server.wait_until_ready(), stream, 1.0)
            stream.publish_wines(ids, partition=0)
            scores = nothing_is_lost(stream, server, ids, promised)
            assert proxy.produce_requests >= RESENT, "no acknowledgement was lost"
            assert redelivered(scores) == 0
            assert server.stop() == 0
