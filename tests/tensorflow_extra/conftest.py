"""Tests with the real TensorFlow; without it they are not collected: ``make test-tensorflow`` brings it."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("tensorflow") else ["test_*.py"]
