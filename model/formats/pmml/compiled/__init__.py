"""PMML documents as numpy, a module per idea, each on those before it.

``values`` (columns, types, what is missing or invalid), ``functions``, ``scope`` (what a name means), ``expressions``,
``fields``, ``predicates``, ``matrices``; then ``models``: in ``answers`` what all of them give, and ``regression``,
``trees`` and ``forest``, ``network``, ``segments``; ``compiler`` puts them together.
"""
