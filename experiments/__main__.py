"""``python -m experiments NAME``: each experiment answers one question; without a name, the list of them."""

import runpy
import sys
from collections.abc import Mapping
from types import MappingProxyType

from experiments.errors import UnknownExperiment
from serving.settings.command_line import stop_with

QUESTIONS: Mapping[str, str] = MappingProxyType(
    {
        "throughput": "How fast is each variant?",
        "survival": "What does a kill -9 cost?",
        "duplicates": "How many records are scored twice when an instance leaves?",
        "rebalance": "What happens in a rebalance, and for how long is nothing scored?",
        "price_of_state": "What does state cost in the changelog, and in processor time?",
        "second_instance": "What does a second instance change?",
        "external": "Score inside the stream processor, or in a model server beside it?",
        "drift": "Is a bad model found by its labels, and taken back?",
        "scaling": "What does a record cost with more instances and partitions?",
        "peers": "How fast are a plain faust agent and Quix Streams on the same backlog?",
    }
)
"""By the name of the module that answers it, and of its page in ``docs/experiments``."""


def listed() -> str:
    """All experiments, a line each."""
    width = max(map(len, QUESTIONS))
    lines = [f"  {name:{width}}  {question}" for name, question in QUESTIONS.items()]
    return "\n".join(["python -m experiments NAME [--help], where NAME is one of", *lines])


def module(name: str) -> str:
    """The module of an experiment; its name may be written with hyphens, too."""
    return name.replace("-", "_")


def main() -> None:
    """Run the experiment that the first word names, with the other words."""
    match sys.argv[1:]:
        case [] | ["-h" | "--help"]:
            print(listed())
        case [name, *_] if module(name) not in QUESTIONS:
            stop_with(UnknownExperiment(name, list(QUESTIONS)))
        case [name, *words]:
            sys.argv[1:] = words
            runpy.run_module(f"experiments.{module(name)}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
