"""``python -m custom_stage.server``: see ``README.md``, or ``--help`` for the settings."""

from custom_stage import VARIANT
from serving.lifecycle import run

if __name__ == "__main__":
    run(VARIANT)
