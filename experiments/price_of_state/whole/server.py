"""``python -m experiments.price_of_state.whole.server``: see the package."""

from experiments.price_of_state.whole import VARIANT
from serving.lifecycle import run

if __name__ == "__main__":
    run(VARIANT)
