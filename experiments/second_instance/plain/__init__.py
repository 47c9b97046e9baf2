"""As little of a server as learns models and scores: one consumer, one loop. Only for the measurement.

``--models-read in-group``: its consumer subscribes to both topics, which is the first thing that comes to mind. Then
the group gives each partition of both topics to one instance, as with the JVM tutorial's servers. ``outside``: the
kernel's model feed brings the models, as to all variants.
"""

from experiments.second_instance.plain.settings import PlainSettings
from experiments.second_instance.plain.topology import Engine
from serving.engine import Guarantees, Survives
from serving.kernel import Variant

NOTHING = Survives(killed=False, disk_wiped=False, model_topic_emptied=False)


VARIANT = Variant(
    name="experiments.second_instance.plain",
    summary="One consumer and one loop: what a second instance changes is measured.",
    state_lives_in="a field",
    default_port=5500,
    guarantees=Guarantees(("at-least-once",), NOTHING, NOTHING, ("/assigned",)),
    build=Engine,
    settings=PlainSettings,
)
