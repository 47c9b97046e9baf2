"""The ideas of streams and models, seen on a real broker: a walkthrough each.

A walkthrough is a Python script in Jupytext's percent format; the notebook beside it is made from it, executed
(``make notebooks``), and opened by ``make lab``.
"""
