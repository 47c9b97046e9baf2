"""Model and counters in tables on a store of our own, to see what an engine asks of a store.

Idea: tables as in ``streams_kvstore``, and behind each, instead of RocksDB, some two hundred lines over a SQLite file
that answer what faust asks of every store: get, set, delete, iterate, which changelog offset is on the disk, take these
changelog records, these partitions come and go.

Picture::

    models_models --> model feed --.   (goes on from the offset in the table)
                                   v
                                models ---> changelog, one partition
                                   v
    models_data ----> agent --> counters -> sink --> models_scores
                                |  ^ |
             our SQLite files <-'  | '--> changelog, partitioned like the data
                                   '--- /state/value, of all instances

Survives: a ``kill -9``, a wiped disk, and an emptied model topic; the counters are exact in all three cases.

Costs: the disk holds every row, Kafka holds it again, and a start waits for what the disk lacks.

Read next: ``store/store.py`` (what an engine asks), ``store/database.py`` (the file),
``serving/streams/table_state.py`` (rows).
"""

import serving as serving  # first, for its check of the environment
from serving.engine import Guarantees, Survives
from serving.kernel import Variant
from streams_customstore.topology import Engine

VARIANT = Variant(
    name="streams_customstore",
    summary="A faust agent scores wines with the model in a table on a store of our own.",
    state_lives_in="a store of our own (SQLite) with a changelog",
    default_port=8888,
    guarantees=Guarantees(
        delivery=("at-least-once",),
        model_survives=Survives(killed=True, disk_wiped=True, model_topic_emptied=True),
        counters_survive=Survives(killed=True, disk_wiped=True, model_topic_emptied=True),
        queryable=("/state/instances", "/state/value"),
    ),
    build=Engine,
)
