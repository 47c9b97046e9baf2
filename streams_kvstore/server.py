"""``python -m streams_kvstore.server``: see ``README.md``, or ``--help`` for the settings."""

from serving.lifecycle import run
from streams_kvstore import VARIANT

if __name__ == "__main__":
    run(VARIANT)
