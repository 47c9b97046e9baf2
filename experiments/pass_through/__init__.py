"""The limit: a server that consumes records and produces the same bytes, in the client's best batch way, and no more.

It decodes nothing and scores nothing, but reads in batches, sends in batches, waits for the acknowledgements and
commits as the others do, with the same client. What a variant needs beyond this is the price of its work.
"""

from custom_stage.settings import StageSettings
from experiments.pass_through.topology import Engine
from serving.engine import Guarantees, Survives
from serving.kernel import Variant

NOTHING = Survives(killed=False, disk_wiped=False, model_topic_emptied=False)


VARIANT = Variant(
    name="pass_through",
    summary="Passes records through unread: the limit that the others are measured against.",
    state_lives_in="nowhere",
    default_port=5500,
    guarantees=Guarantees(("at-least-once",), NOTHING, NOTHING, ()),
    build=Engine,
    settings=StageSettings,
)
