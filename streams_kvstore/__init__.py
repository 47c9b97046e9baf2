"""Model and counters in RocksDB tables whose changelogs are in Kafka: what a stream library offers for state.

Idea: the counters are a table that is partitioned like the data. Each batch of records that a partition brings writes
the partition's rows; each write is also a record in the table's changelog. A partition that moves to another instance
takes its rows along. The models are a table that every instance has whole. A disk that is lost is written again from
the changelogs.

Picture::

    models_models --> model feed --.   (goes on from the offset in the table)
                                   v
                                models ---> changelog, one partition
                                   v
    models_data ----> agent --> counters -> sink --> models_scores
                                |  ^ |
                    RocksDB <---'  | '--> changelog, partitioned like the data
                                   '--- /state/value, of all instances

Survives: a ``kill -9``, a wiped disk, and an emptied model topic; the counters are exact in all three cases.

Costs: the disk holds every row, Kafka holds it again, and a start waits for what the disk lacks.

Read next: ``state.py`` (the tables), ``serving/streams/table_state.py`` (their rows), ``store/databases.py`` (what a
damaged database is), ``streams_customstore`` (what an engine asks of a store).
"""

import serving as serving  # first, for its check of the environment
from serving.engine import Guarantees, Survives
from serving.kernel import Variant
from streams_kvstore.topology import Engine

VARIANT = Variant(
    name="streams_kvstore",
    summary="A faust agent scores wines with the model in a RocksDB table that has a changelog.",
    state_lives_in="a RocksDB table with a changelog",
    default_port=8888,
    guarantees=Guarantees(
        delivery=("at-least-once",),
        model_survives=Survives(killed=True, disk_wiped=True, model_topic_emptied=True),
        counters_survive=Survives(killed=True, disk_wiped=True, model_topic_emptied=True),
        queryable=("/state/instances", "/state/value"),
    ),
    build=Engine,
)
