"""``streams_kvstore`` with one difference: each row of its table has the whole state, the model as well.

That is what a store of states is by default, and what the JVM tutorial's store did: the state is one object, and each
change of it is one write. Only for the measurement.
"""

from dataclasses import replace

import streams_kvstore
from experiments.price_of_state.whole.topology import Engine

VARIANT = replace(
    streams_kvstore.VARIANT,
    name="experiments.price_of_state.whole",
    summary="Writes the model with the counters, each time: what that costs is measured.",
    build=Engine,
)
