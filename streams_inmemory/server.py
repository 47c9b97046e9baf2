"""``python -m streams_inmemory.server``: see ``README.md``, or ``--help`` for the settings."""

from serving.lifecycle import run
from streams_inmemory import VARIANT

if __name__ == "__main__":
    run(VARIANT)
