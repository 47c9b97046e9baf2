"""``python -m experiments.pass_through.server``: see the package."""

from experiments.pass_through import VARIANT
from serving.lifecycle import run

if __name__ == "__main__":
    run(VARIANT)
