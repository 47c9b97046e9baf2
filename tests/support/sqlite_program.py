"""``sqlite3``, as a participant types it, also where that program is not installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SUBSTITUTE = """#!{python}
import sqlite3, sys
path, statement = [word for word in sys.argv[1:] if not word.startswith("-")]
with sqlite3.connect(path) as connection:
    for row in connection.execute(statement):
        print("".join(f"│ {{value}} " for value in row) + "│")
"""


def typed(command: str, directory: Path) -> str:
    """What a shell prints for this command."""
    environment = dict(os.environ)
    if shutil.which("sqlite3") is None:
        program = directory / "sqlite3"
        program.write_text(SUBSTITUTE.format(python=sys.executable))
        program.chmod(0o755)
        environment["PATH"] = f"{directory}{os.pathsep}{os.environ['PATH']}"
    ended = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
