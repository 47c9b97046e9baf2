"""The model in a Python object beside a faust agent: a restart forgets it, and skips until the next model.

Idea: the fewest lines that score a stream with faust. An agent takes what a fetch brought and asks an object of its own
process for the scores. Each model that arrives from now on replaces the one in that object.

Picture::

    models_models --> model feed --.   (from now on only)
                                   v
    models_data ----> agent --> object --> sink --> models_scores
                                   ^
                                   '--- /state/value, of all instances

Survives: nothing. After a ``kill -9`` records are skipped until the next model arrives, and the counters begin at zero.

Costs: nothing on disk, nothing in Kafka but the offsets; what faust costs is in the README.

Read next: ``state.py`` (the object), ``topology.py`` (the agent), then ``streams_kvstore`` for what to do about it.
"""

import serving as serving  # first, for its check of the environment
from serving.engine import Guarantees, Survives
from serving.kernel import Variant
from streams_inmemory.topology import Engine

VARIANT = Variant(
    name="streams_inmemory",
    summary="A faust agent scores wines with the model in an object beside it.",
    state_lives_in="a Python object beside a faust agent",
    default_port=8888,
    guarantees=Guarantees(
        delivery=("at-least-once",),
        model_survives=Survives(killed=False, disk_wiped=False, model_topic_emptied=False),
        counters_survive=Survives(killed=False, disk_wiped=False, model_topic_emptied=False),
        queryable=("/state/instances", "/state/value"),
    ),
    build=Engine,
)
