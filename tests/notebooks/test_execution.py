"""How a source becomes a published notebook: real kernels, whatever Jupyter the user has."""

import contextlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat import NotebookNode

from client.broker.embedded_kafka import EmbeddedKafka
from model.scratch import PREFIX
from notebooks.kit import catalogue, execution
from notebooks.kit.build import build, first_picture, main, refuse_unfit, written
from notebooks.kit.catalogue import names
from notebooks.kit.errors import CellFailed, OutputUnfit
from notebooks.kit.execution import execute, read_source
from notebooks.kit.hint import HINT
from notebooks.kit.walk import BROKER, ORPHANED_S
from tests.support.hostile_jupyter import hostile_jupyter
from tests.support.process import ROOT, eventually, runs

SMALL = """\
# %% [markdown]
# # Small

# %%
import sys
from experiments.plots import figure
print("one")

# %% [markdown]
# **Try this**: print two.

# %% tags=["try-this"]
print("two")
assert "matplotlib.pyplot" not in sys.modules

# %% tags=["measured"]
import time
print(time.time_ns())

# %%
drawn, axes = figure("A line", "x", "y")
axes.plot([1, 2, 3])
print("here, and", file=sys.stdout)
{"a": 1}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    source = tmp_path / "small.py"
    source.write_text(SMALL)
    return source


def of_text(source: Path, text: str) -> NotebookNode:
    source.write_text(f"# %%\n{text}\n")
    return read_source(source, with_tries=True)


def test_two_builds_differ_in_measured_cells_alone_whatever_jupyter_the_user_has(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(small)
    for name, value in hostile_jupyter(tmp_path / "hostile").items():
        monkeypatch.setenv(name, value)
    second = build(small)
    assert [cell.id for cell in first.cells] == [f"small-{number}" for number in (1, 2, 3, 4, 5)]
    assert first.cells[2].source.startswith("**Try this**")
    assert "tags" in first.cells[3].metadata, "the cell with the try is left out, the measured one follows"
    assert first.cells[3].outputs != second.cells[3].outputs
    first.cells[3].outputs = second.cells[3].outputs = []
    assert written(first) == written(second)
    picture = first_picture(first)
    assert picture is not None and picture.startswith(b"\x89PNG")
    nbformat.validate(first)
    assert first.cells[1].outputs == [{"output_type": "stream", "name": "stdout", "text": "one\n"}]


def test_a_build_makes_the_directory_of_the_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "the_log.py").write_text(SMALL)
    monkeypatch.setattr(catalogue, "HERE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["build", "the_log"])
    main()
    assert (tmp_path / "pictures" / "the_log.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "the_log.ipynb").exists()
    assert capsys.readouterr().out == "notebooks/the_log.ipynb\n"


def test_a_try_is_executed_in_its_place(small: Path) -> None:
    notebook = read_source(small, with_tries=True)
    execute(small, notebook)
    assert [cell.id for cell in notebook.cells][2:5] == ["small-3", "small-3-try", "small-4"]
    assert notebook.cells[3].outputs[0].text == "two\n"


def test_a_cell_that_fails_is_one_line_that_names_it(tmp_path: Path) -> None:
    source = tmp_path / "wrong.py"
    source.write_text('# %%\na = 1\n\n# %%\n# says why\nraise KeyError("no such topic")\n')
    with pytest.raises(CellFailed) as caught:
        execute(source, read_source(source, with_tries=False))
    assert str(caught.value) == (
        "wrong.py, cell 2 (# says why): KeyError: 'no such topic'; its traceback: python notebooks/wrong.py"
    )


def test_a_cell_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "CELL_S", 1)
    source = tmp_path / "long.py"
    notebook = of_text(source, "import threading\nthreading.Event().wait()")
    with pytest.raises(CellFailed, match=r"^long.py, cell 1 \(import threading\): took longer than 1 s"):
        execute(source, notebook)


def test_a_cell_that_ends_its_kernel_is_one_line(tmp_path: Path) -> None:
    source = tmp_path / "dead.py"
    with pytest.raises(CellFailed, match="its kernel died"):
        execute(source, of_text(source, "import os\nos._exit(3)"))


@pytest.mark.parametrize(
    ("stream", "text", "problem"),
    [
        ("stderr", "a warning\n", "writes to standard error: a warning"),
        ("stdout", f"in {ROOT}/data\n", "prints a path of this machine"),
        ("stdout", "in /home/ada/project\n", "prints a path of this machine"),
        ("stdout", "<Consumer object at 0x7f12ab34cd56>\n", "prints an address in memory"),
    ],
)
def test_what_only_this_machine_or_this_run_has_is_refused(
    tmp_path: Path, stream: str, text: str, problem: str
) -> None:
    source = tmp_path / "unfit.py"
    notebook = of_text(source, "print()")
    notebook.cells[0].outputs = [nbformat.v4.new_output("stream", name=stream, text=text)]
    with pytest.raises(OutputUnfit, match=problem):
        refuse_unfit(source, notebook)
    notebook.cells[0].outputs[0].update(name="stdout", text="offset 0: /1/ 0x1f\n")
    refuse_unfit(source, notebook)


def test_an_unknown_notebook_is_one_line_with_those_that_there_are() -> None:
    command = [sys.executable, "-m", "notebooks.kit.build", "the_lok"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 1
    assert ended.stderr == f"error: there is no notebook 'the_lok'; there are {', '.join(names())}\n"


WITH_A_SERVER = """
import os, pathlib, threading
from notebooks.kit.walk import Walk
scene = Walk("killed").scene("custom_stage")
scene.server.start()
scene.server.wait_until_ready()
scene.server.freeze()
{marker}.write_text(str(os.getpid()))
threading.Event().wait()
"""


def test_a_kernel_that_is_killed_leaves_no_process_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel with a broker, and a server that does not hear SIGTERM: 2 s after ``kill -9`` neither runs.

    So it is on a quiet machine; another one is given some seconds more.
    """
    monkeypatch.delenv(BROKER, raising=False)
    source, marker = tmp_path / "killed.py", tmp_path / "running"
    notebook = of_text(source, WITH_A_SERVER.format(marker=f"pathlib.Path({str(marker)!r})"))
    with ThreadPoolExecutor(1) as pool:
        executed = pool.submit(execute, source, notebook)
        eventually(lambda: executed.done() or (marker.exists() and marker.read_text() != ""), "broker and server run")
        kernel = psutil.Process(int(marker.read_text()))
        started = kernel.children(recursive=True)
        assert len(started) >= 4, "a broker and a server, each with its watchdog"
        kernel.kill()
        eventually(lambda: not any(runs(each.pid) for each in started), "all of them have ended", ORPHANED_S + 5.0)
        with pytest.raises(CellFailed, match="its kernel died"):
            executed.result(60)


def test_notebooks_share_the_broker_that_is_named(
    tmp_path: Path, broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "sharing.py"
    notebook = of_text(source, "from notebooks.kit.walk import Walk\nprint(Walk('sharing').bootstrap_servers)")
    monkeypatch.setenv(BROKER, broker.bootstrap_servers)
    execute(source, notebook)
    assert notebook.cells[0].outputs[0].text == f"{broker.bootstrap_servers}\n"


TWICE = """
from notebooks.kit.walk import Walk
{again}walk = Walk("twice")

topic = walk.topic("words")
producer, consumer = walk.producer(), walk.consumer("readers")
producer.produce(topic, b"one")
producer.flush(30)
consumer.subscribe([topic])
print([record.value() for record in consumer.consume(1, timeout=30)], len(walk.read(topic)))
"""


@pytest.mark.parametrize("again", ["", "if 'walk' not in globals(): "], ids=["with its walk", "without"])
def test_a_cell_may_be_run_twice(
    again: str, tmp_path: Path, broker: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BROKER, broker.bootstrap_servers)
    source, cell = tmp_path / "twice.py", TWICE.format(again=again)
    source.write_text(f"# %%\n{cell}\n# %%\n{cell}")
    notebook = read_source(source, with_tries=True)
    execute(source, notebook)
    assert [each.outputs[0].text for each in notebook.cells] == ["[b'one'] 1\n"] * 2


def test_a_second_walk_ends_what_the_first_has_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BROKER, "127.0.0.1:1")  # where none is: a walk asks it for nothing by itself
    source = tmp_path / "two.py"
    notebook = of_text(source, "from notebooks.kit.walk import Walk\nfirst, second = Walk('two'), Walk('two')")
    notebook.cells[0].source += "\nprint(first.home.exists(), second.home.exists())"
    execute(source, notebook)
    assert notebook.cells[0].outputs[0].text == "False True\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [("scene.server.start()", [HINT]), ("raise KeyboardInterrupt", []), ("1 + 1", [])],
    ids=["failed", "interrupted", "neither"],
)
def test_below_an_error_it_says_what_helps_when_cells_were_run_in_another_order(
    code: str, said: list[str], tmp_path: Path
) -> None:
    source = tmp_path / "order.py"
    notebook = of_text(source, code)
    with contextlib.suppress(CellFailed):
        execute(source, notebook)
    outputs = notebook.cells[0].outputs
    assert [each.text.strip() for each in outputs if each.output_type == "stream"] == said
    assert len(outputs) == 1 + len(said), "the error or the value, and below it the hint"


def test_what_a_killed_kernel_has_left_on_the_disk_the_next_walk_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, source = tmp_path / "t", tmp_path / "killed.py"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv(BROKER, "127.0.0.1:1")  # where none is: a walk asks it for nothing by itself
    killed = (
        "import os\nfrom notebooks.kit.walk import Walk\n(Walk('killed').home / 'log').touch()\nos.kill(os.getpid(), 9)"
    )
    with pytest.raises(CellFailed, match="its kernel died"):
        execute(source, of_text(source, killed))
    assert len(list(temporary.glob(f"{PREFIX}*/log"))) == 1
    of_another = temporary / "another-program"
    of_another.mkdir()
    notebook = of_text(
        source, "import os\nfrom notebooks.kit.walk import Walk\nprint(len(os.listdir(Walk('next').home.parent)))"
    )
    execute(source, notebook)
    assert notebook.cells[0].outputs[0].text == "2\n", "its own directory, and the other program's"
    assert list(temporary.iterdir()) == [of_another]
