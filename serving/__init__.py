"""The kernel that every server shares: all that is not the engine's own idiom."""

from serving.environment import check_environment

check_environment()
