"""The model in an actor, which writes down what happens before it tells anybody.

Idea: one actor per data type has the model and the counters to itself. It takes one message after the other - here is a
model; score this batch - and writes each into a journal before it answers. So its supervisor can make it again what it
was.

Picture::

    models_models --> model feed ---.           .--> ModelServer wine --> events, snapshot --.
                                    v           |                                           v
    models_data --> consumer --> ModelServingManager                              journal.sqlite3
                     thread ^       |           |                                           ^
                       |    |   published       '--> ModelServer beer --> events, snapshot --'
                       |    |       v
                       |    |    /models, /state/{data_type}
                       |    '--- acknowledged
                       '--> sink --> models_scores

Survives: a ``kill -9``, with exact counters, also when the model topic has been emptied. With its disk wiped it reads
the model topic again, and its counters begin at zero.

Costs: a transaction for each batch before its scores are sent, a model once on disk; a start reads the journal and
loads the models from it.

Read next: ``state.py`` (the actors), ``journal/`` (what they write down), ``topology.py`` (who waits for whom).
"""

import serving as serving  # first, for its check of the environment
from actors_persistent.settings import ActorSettings
from actors_persistent.topology import Engine
from serving.engine import Guarantees, Survives
from serving.kernel import Variant

VARIANT = Variant(
    name="actors_persistent",
    summary="Pykka actors over confluent-kafka score wines, each with its model and a journal.",
    state_lives_in="an actor per data type; journal and snapshots in one SQLite file",
    default_port=5500,
    guarantees=Guarantees(
        delivery=("at-least-once",),
        model_survives=Survives(killed=True, disk_wiped=True, model_topic_emptied=True),
        counters_survive=Survives(killed=True, disk_wiped=False, model_topic_emptied=True),
        queryable=("/models", "/state/{data_type}"),
    ),
    build=Engine,
    settings=ActorSettings,
)
