"""Everything that is measured: each experiment is a program that writes its table into ``docs/experiments``."""
