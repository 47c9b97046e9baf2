"""PMML documents as numpy, a module per idea, each on those before it.

``values`` (columns, types, what is missing or invalid), ``functions``, ``scope`` (what a name means), ``expressions``,
``fields``, ``predicates``; then the models: ``regression``, ``trees`` and ``forest``, ``network``, ``segments``, and
``models`` for what all have; ``compiler`` puts them together.
"""
