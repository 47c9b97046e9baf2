"""``python -m experiments.second_instance.plain.server``: see the package."""

from experiments.second_instance.plain import VARIANT
from serving.lifecycle import run

if __name__ == "__main__":
    run(VARIANT)
