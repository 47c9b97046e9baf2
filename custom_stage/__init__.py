"""The model in a field of a stream operator that we write ourselves.

Idea: two streams meet in one operator. Each model that arrives on one of them replaces the field; each batch of records
that arrives on the other is scored with the model that it holds. The operator's handle answers queries while it runs.

Picture::

    models_models --> model feed --.
                                   v
    models_data --> fetch loop --> ServingStage --> sink --> models_scores
                        ^            | handle       |
                        |            v              |
                        |          /state           |
                        '------- a free slot -------'

Survives: a ``kill -9``, and a wiped disk, because the model topic is read again at each start. Not an emptied model
topic. The counters begin at zero.

Costs: nothing on disk; a start takes as long as reading the model topic.

Read next: ``state.py`` (the operator), ``topology.py`` (where demand comes from when a library only pushes).
"""

import serving as serving  # first, for its check of the environment
from custom_stage.settings import StageSettings
from custom_stage.topology import Engine
from serving.engine import Guarantees, Survives
from serving.kernel import Variant

VARIANT = Variant(
    name="custom_stage",
    summary="A reactivex operator over aiokafka scores wines with the model in its field.",
    state_lives_in="a field of a reactivex operator",
    default_port=5500,
    guarantees=Guarantees(
        delivery=("at-least-once", "at-most-once", "exactly-once"),
        model_survives=Survives(killed=True, disk_wiped=True, model_topic_emptied=False),
        counters_survive=Survives(killed=False, disk_wiped=False, model_topic_emptied=False),
        queryable=("/state",),
        overflow=("wait", "drop-oldest", "spill"),
    ),
    build=Engine,
    settings=StageSettings,
)
