"""``python -m streams_customstore.server``: see ``README.md``, or ``--help`` for the settings."""

from serving.lifecycle import run
from streams_customstore import VARIANT

if __name__ == "__main__":
    run(VARIANT)
