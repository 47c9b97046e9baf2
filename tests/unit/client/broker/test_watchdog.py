import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from client.broker.watchdog import watchdog_command
from tests.support.process import eventually

STUBBORN = "trap '' TERM; echo $$ > {pid}; while :; do sleep 0.05; done"


def started(*command: str, grace_s: float = 3.0) -> subprocess.Popen[bytes]:
    return subprocess.Popen(watchdog_command(command, grace_s), stdin=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, said = process.communicate(timeout=10)
    return process.returncode, said.decode()


def wait_for_pid(file: Path) -> int:
    eventually(lambda: file.exists() and file.read_text().strip() != "", f"a number in {file}")
    return int(file.read_text())


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM)])
def test_the_exit_code_of_the_command_is_passed_on(script: str, code: int) -> None:
    process = started("/bin/sh", "-c", script)
    assert process.wait(10) == code
    assert ended(process) == (code, "")


def test_the_end_of_standard_input_ends_the_command() -> None:
    process = started("/bin/sleep", "60")
    assert ended(process) == (128 + signal.SIGTERM, "")  # communicate closes standard input


def test_sigterm_ends_the_command_too(tmp_path: Path) -> None:
    process = started("/bin/sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 60")
    pid = wait_for_pid(tmp_path / "pid")
    process.terminate()
    assert process.wait(10) == 128 + signal.SIGTERM
    assert not psutil.pid_exists(pid)
    ended(process)


def test_ctrl_c_is_left_to_the_parent(tmp_path: Path) -> None:
    ready, done = tmp_path / "pid", tmp_path / "done"
    script = f"trap 'exit 3' TERM INT; echo $$ > {ready}; until [ -e {done} ]; do sleep 0.05; done; exit 5"
    process = started("/bin/sh", "-c", script)
    wait_for_pid(ready)
    process.send_signal(signal.SIGINT)
    done.touch()
    assert process.wait(10) == 5  # it has ended by itself, and not by a signal
    ended(process)


def test_a_command_that_ignores_sigterm_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    process = started("/bin/sh", "-c", STUBBORN.format(pid=tmp_path / "pid"), grace_s=0.3)
    pid = wait_for_pid(tmp_path / "pid")
    began_s = time.monotonic()
    assert ended(process)[0] == 128 + signal.SIGKILL
    assert 0.3 <= time.monotonic() - began_s < 3.0
    assert not psutil.pid_exists(pid)


def test_sigusr1_kills_the_command_at_once(tmp_path: Path) -> None:
    script = f"trap 'touch {tmp_path}/asked' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done"
    process = started("/bin/sh", "-c", script)
    pid = wait_for_pid(tmp_path / "pid")
    process.send_signal(signal.SIGUSR1)
    assert process.wait(10) == 128 + signal.SIGKILL
    assert not psutil.pid_exists(pid)
    assert not (tmp_path / "asked").exists(), "it was killed, and not asked to end"
    ended(process)


def test_the_command_ends_when_the_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys\nprocess = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)\nprocess.wait()\n",
            *watchdog_command(["/bin/sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 60"]),
        ]
    )
    pid = wait_for_pid(tmp_path / "pid")
    parent.kill()
    parent.wait()
    eventually(lambda: not psutil.pid_exists(pid), "the command is gone", 5.0)
    assert parent.returncode == -signal.SIGKILL, "and it was killed, not stopped"


def test_a_file_that_the_parent_hands_over_reaches_the_command(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    command = [sys.executable, "-c", f"import os; os.write({writing}, b'handed over')"]
    process = subprocess.Popen(watchdog_command(command), stdin=subprocess.PIPE, pass_fds=[writing])
    os.close(writing)
    with os.fdopen(reading) as handed:
        assert handed.read() == "handed over"
    process.communicate(timeout=10)


@pytest.mark.parametrize("words", [[], ["--grace"], ["--grace", "soon", "true"], ["--unknown", "true"]])
def test_a_wrong_call_gets_the_usage(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "client.broker.watchdog", *words], capture_output=True, text=True, timeout=10
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage: python -m client.broker.watchdog")


def test_a_command_that_does_not_exist_is_one_line() -> None:
    assert ended(started("/nonexistent/command")) == (127, "error: /nonexistent/command: No such file or directory\n")
