"""How many examples a property test takes."""

from hypothesis import settings

USUAL = 100  # hypothesis' own number


def examples(usual: int) -> int:
    """``usual`` of them; with the profile "explore" as many times more as that asks for."""
    return usual * settings.default.max_examples // USUAL  # type: ignore[union-attr]  # None only while it is imported
