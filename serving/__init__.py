"""What every server shares, and nothing that one variant alone needs."""

from serving.environment import check_environment

check_environment()
