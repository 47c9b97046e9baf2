"""Everything that is measured: each experiment is a program that writes its table into ``docs/experiments``."""

import serving as serving  # first, for its check of the environment
