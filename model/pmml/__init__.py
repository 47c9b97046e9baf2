"""Models in PMML format: compiled to numpy where every part of the document is known, else scored by PMML4S on Java.

``load.py`` decides. ``document.py`` stands in front of both: whether the bytes are a PMML document, and safe to parse.
``java_model.py`` alone knows Java, which is started with the first model that needs it.

``compiler.py`` makes arrays of a document, with a module per idea, each on those before it: ``values`` (columns, types,
what is missing or invalid), ``functions``, ``scope`` (what a name means), ``expressions``, ``fields``, ``predicates``;
then the models: ``regression``, ``trees`` and ``forest``, ``network``, ``segments``, and ``models`` for what all have.
"""
