"""The directory in which a server keeps its state."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from serving.errors import StateDirectoryInUse, StateDirectoryUnusable
from serving.kernel import Kernel, claim_directory
from serving.settings.server import Settings


def kernel(top: Path, **settings: Any) -> Kernel:
    broker: Any = SimpleNamespace(cluster_id="cluster/one")
    unused: Any = None
    return Kernel("a_variant", 5500, Settings(data_dir=top, **settings), unused, broker, unused)


def test_a_second_server_is_refused_while_the_first_runs_and_admitted_when_it_was_killed(tmp_path: Path) -> None:
    claim = f"claim_directory(Path({str(tmp_path)!r}))"
    holds = f"from serving.kernel import claim_directory; from pathlib import Path; {claim}"
    first = subprocess.Popen(
        [sys.executable, "-c", f"{holds}; print('has it', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with first:
        assert first.stdout is not None
        assert first.stdout.readline() == "has it\n"
        with pytest.raises(StateDirectoryInUse, match="--data-dir"):
            claim_directory(tmp_path)
        first.kill()
    assert claim_directory(tmp_path) == tmp_path


def test_a_directory_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StateDirectoryUnusable, match="--data-dir"):
        claim_directory(tmp_path / "file" / "state")


@pytest.mark.parametrize("group", ["../../elsewhere", "..", "/etc", "a/b"])
def test_no_group_and_no_cluster_leads_out_of_it(tmp_path: Path, group: str) -> None:
    directory = kernel(tmp_path, group=group).state_directory()
    assert directory.resolve().parents[2] == tmp_path.resolve()


def test_each_cluster_group_and_prefix_has_its_own(tmp_path: Path) -> None:
    made = {
        kernel(tmp_path / str(number), **settings).state_directory().relative_to(tmp_path / str(number))
        for number, settings in enumerate([{}, {"group": "another"}, {"topic_prefix": "another"}])
    }
    assert len(made) == 3
