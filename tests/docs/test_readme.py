"""The README's words, typed as they stand: each command block is run, and says what stands below it."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from client.broker.ports import free_port
from experiments.survival.table import with_table
from tests.support.process import ROOT, eventually

README = (ROOT / "README.md").read_text("utf-8")
DEADLINE_S = 90.0
DEMO_S = 15
BY_CI = "make test"  # make test-all contains it, which .ci/run runs, and with it this very test


def blocks() -> dict[str, list[str]]:
    """Each command block of the README, with the lines that it is said to print."""
    found: dict[str, list[str]] = {}
    for part in README.split("```bash\n")[1:]:
        command, _, rest = part.partition("\n```")
        expected = re.search(r"```text\n(.*?)\n```", rest, re.DOTALL)
        found[command] = expected[1].splitlines() if expected else []
    return found


def said_by(line: str) -> str:
    """A pattern for a line of output; an ellipsis stands for what is different each time."""
    return re.escape(line.strip()).replace("…", ".*")


class Participant:
    """Somebody with a terminal per command, whose ports are free ones and whose data is elsewhere."""

    def __init__(self, home: Path, terminals: ExitStack) -> None:
        self._home = home
        self._terminals = terminals
        self._kafka = free_port()
        self._http = free_port()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KAFKA_")},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "PROVIDER_PORT": str(self._kafka),
            "PROVIDER_DATA_DIR": str(home / "kafka"),
            "PROVIDER_DATA_INTERVAL": "0.1",  # so that a score per second of the README is ten here
            "SERVING_PORT": str(self._http),
        }

    def types(self, command: str, expected: list[str]) -> None:
        """Type a command, and wait until it has printed all that is expected of it."""
        words = command.replace("5500", str(self._http))
        log = self._home / f"{re.sub('[^a-z]+', '-', command)[:40]}.log"
        with log.open("wb") as output:
            terminal = subprocess.Popen(
                ["bash", "-c", words],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._terminals.callback(_close, terminal)

        def missing() -> list[str]:
            said = log.read_text(errors="replace")
            return [line for line in expected if not re.search(said_by(line), said)]

        eventually(lambda: terminal.poll() is not None or not missing(), f"{command} printed {expected}", DEADLINE_S)
        assert not missing(), f"{missing()} not in: {log.read_text(errors='replace')}"
        if "client.provider" in command:  # from now on there is a broker
            self._environment["KAFKA_BOOTSTRAP_SERVERS"] = f"localhost:{self._kafka}"


def _close(terminal: "subprocess.Popen[bytes]") -> None:
    if terminal.poll() is None:
        os.killpg(terminal.pid, signal.SIGINT)
    terminal.wait(20)


@pytest.fixture
def participant(tmp_path: Path) -> Iterator[Participant]:
    with ExitStack() as terminals:
        yield Participant(tmp_path, terminals)


def test_the_pieces_by_hand_print_what_the_readme_says(participant: Participant) -> None:
    by_hand = {command: expected for command, expected in blocks().items() if not command.startswith("make")}
    assert len(by_hand) == 5
    for command, expected in by_hand.items():
        if command.startswith("source") and not (ROOT / ".venv").exists():
            continue  # run by the interpreter of another environment, which stands first on the PATH
        participant.types(command, expected)


def test_make_demo_prints_what_the_readme_says() -> None:
    if not (ROOT / ".venv" / "installed").exists():
        pytest.skip("there is no .venv here: these tests are not run by make test")
    ports = {"DEMO_PORT": str(free_port()), "DEMO_HTTP_PORT": str(free_port()), "DEMO_SECONDS": str(DEMO_S)}
    command = ["make", "demo"]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | ports, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for line in blocks()["make demo"]:
        assert re.search(said_by(line), ended.stdout), f"{line} not in: {ended.stdout}"


def test_every_command_block_is_run_by_one_of_these_tests() -> None:
    made = [command for command in blocks() if command.startswith("make")]
    assert made == ["make demo", BY_CI]
    assert BY_CI in (ROOT / ".ci" / "run").read_text()


def test_the_table_of_what_survives_is_what_the_variants_promise() -> None:
    assert with_table(README) == README, "make generate"


def test_links_to_files_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target


def test_the_screenshot_is_small_and_of_the_page_as_it_is_now() -> None:
    picture = (ROOT / "docs" / "demo-all.png").read_bytes()
    assert "](docs/demo-all.png)" in README
    assert len(picture) < 150_000
    assert picture.startswith(b"\x89PNG")
    page = (ROOT / "client" / "demo" / "all" / "page.html").read_bytes()
    assert hashlib.sha256(page).hexdigest().encode() in picture, "make screenshot"


def test_each_folder_is_in_the_table_of_folders() -> None:
    (table,) = re.findall(r"\| folder \| what is in it \|\n(.*?)\n\n", README, re.DOTALL)
    patterns = re.findall(r"`([\w*]+)/`", table)
    named = {folder.name for pattern in patterns for folder in ROOT.glob(pattern)}
    here = {folder.name for folder in ROOT.iterdir() if folder.is_dir() and folder.name.isidentifier()}
    assert here - named - {"build"} == set()
