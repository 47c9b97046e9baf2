"""Models in PMML format: compiled to numpy where every part of the document is known, else scored on Java.

``load.py`` decides. ``document.py`` stands in front of both: whether the bytes are a PMML document, and safe to parse.
``java_model.py`` (PMML4S) and ``jpmml_model.py`` alone know Java, which is started with the first model that needs it.
"""
