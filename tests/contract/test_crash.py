"""An engine that fails in a way nobody has thought of: the process ends, and does not live on as if it served."""

from pathlib import Path

from serving.scoring import outcomes
from tests.contract.conftest import put_in_force
from tests.support.server_process import ServerProcess
from tests.support.stream import Stream

A_BUG = f"""
import runpy, sys
from serving.scoring import outcomes

def broken(*_):
    raise ZeroDivisionError("a bug")

outcomes.{outcomes.score_batch.__name__} = broken
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


def test_a_crashed_engine_ends_the_process_with_1_and_one_line(variant: str, stream: Stream, tmp_path: Path) -> None:
    with ServerProcess(variant, stream.bootstrap_servers, stream.prefix, tmp_path / "log", program=A_BUG) as server:
        put_in_force(server.wait_until_ready(), stream, 1.0)
        stream.publish_wines(["one"])
        assert server.wait() == 1
        (line,) = server.errors
        assert "a bug" in line
    assert not stream.all_committed(server.group)
