"""What takes long to import, imported once, in the process that the graders' are forked from: no thread is started."""

import gc
import importlib

from _pytest.config import default_plugins

for _each in (
    *(f"_pytest.{plugin}" for plugin in default_plugins),
    "exercises.answers",
    "exercises.played.wines",
    "pdb",  # which pytest asks for at each start
    "custom_stage.server",
    "actors_persistent.server",
    "streams_inmemory.server",
    "streams_kvstore.server",
    "streams_customstore.server",
    "client.provider.publisher",
    "exercises.played.agents",
    "exercises.played.store",
    "exercises.played.streams",
    "_pytest.assertion.rewrite",
):
    importlib.import_module(_each)
gc.freeze()  # each fork collects garbage three times, and would look through, and copy, all of this
