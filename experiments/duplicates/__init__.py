"""How many records are scored twice when an instance leaves the group, and why each of them is.

One instance scores, a second one joins, and leaves again under load: it is stopped, or frozen until the group has given
its partitions away, or killed. Afterwards the checker explains every duplicate by the hand-over that it comes of, or
finds a fault; with at-most-once it counts what was lost instead. Peers play the same rounds: what the checker finds of
them is reported, and ends nothing.
"""
