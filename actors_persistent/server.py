"""``python -m actors_persistent.server``: see ``README.md``, or ``--help`` for the settings."""

from actors_persistent import VARIANT
from serving.lifecycle import run

if __name__ == "__main__":
    run(VARIANT)
