"""A program with an answer in it: ``python -m exercises.run kv-2 ROOT streams_kvstore.server --port 8888``.

For graders that need a real server, and for learners who want to see theirs at work.
"""

import runpy
import sys
from pathlib import Path

from exercises.answers import Answer
from exercises.catalogue import find_exercise
from exercises.errors import ExerciseError


def main() -> None:
    """Run the module that the third word names, with the words behind it."""
    name, root, module, *words = sys.argv[1:]
    try:
        Answer(find_exercise(name), Path(root)).install()
    except ExerciseError as error:
        sys.exit(f"error: {error}")
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
