"""A server that ends, or is killed, in the middle of a trial: neither the model's file nor its process is left."""

import os
import signal
from pathlib import Path

from client.broker.embedded_kafka import EmbeddedKafka
from model.scratch import PREFIX
from model.trial import MODEL
from serving.settings.topics import Topics
from tests.support.hostile_models import never_ending
from tests.support.process import eventually, runs
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream, model
from tests.support.trials import IN_A_TRIAL, processes_of_trials


def test_a_trial_leaves_nothing_behind_however_its_server_ends(
    broker: EmbeddedKafka, topics: Topics, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    Stream(broker.bootstrap_servers, topics).publish_model(model("never ends", data=never_ending()))

    def left() -> list[Path]:
        return list(temporary.glob(f"{PREFIX}*"))

    def started(log: str) -> tuple[ServerProcess, list[int]]:
        prefix = topics.models.removesuffix("_models")
        server = ServerProcess(
            "custom_stage", broker.bootstrap_servers, prefix, tmp_path / log, environment={"TMPDIR": str(temporary)}
        )
        server.wait_until(lambda: bool(list(temporary.glob(f"{PREFIX}*/{MODEL}"))), "it tries the model")
        server.wait_until(lambda: len(processes_of_trials(server.process.pid)) == IN_A_TRIAL, "the trial runs")
        return server, processes_of_trials(server.process.pid)

    server, trial = started("stopped")
    with server:
        assert server.stop() == 0
        assert left() == []
        eventually(lambda: not any(map(runs, trial)), "the trial's processes ended")
    server, trial = started("killed")
    with server:
        server.kill()
        eventually(lambda: not any(map(runs, trial)), "the trial's processes ended")
        assert left() == []
    server, trial = started("both killed")
    with server:
        for pid in trial:
            os.kill(pid, signal.SIGSTOP)
        server.kill()
        for pid in trial:
            os.kill(pid, signal.SIGKILL)
        assert len(old := left()) == 1
    server, _ = started("started again")
    with server:
        assert old[0] not in left()
        assert server.stop() == 0
    assert left() == []
