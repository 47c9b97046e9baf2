"""The learner's tool: ``python -m exercises``.

Read next: ``commands`` (what can be typed), ``session`` (one learner at work), ``regrading`` (a verdict at every save),
``terminal`` and ``lines`` (the two ways to show it).
"""
