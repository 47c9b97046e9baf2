"""Models in PMML format: compiled to numpy where every part of the document is known, else scored by PMML4S on Java.

``load.py`` decides. ``document.py`` stands in front of both: whether the bytes are a PMML document, and safe to parse.
``compiler.py`` and what it imports make arrays of a document; ``java_model.py`` alone knows Java, which is started with
the first model that needs it.
"""
