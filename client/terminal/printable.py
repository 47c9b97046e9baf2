"""What terminals show: text from strangers made harmless, and numbers in few characters."""

NOTHING = "-"


def printable(text: str) -> str:
    """The text on one line; a character that a terminal might obey (ids and names may hold any) shows as U+FFFD."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def rate(records_per_s: float | None) -> str:
    """``9.8``, ``1,234``."""
    if records_per_s is None:
        return NOTHING
    return f"{records_per_s:.1f}" if records_per_s < 100 else f"{records_per_s:,.0f}"


def duration(ms: float | None) -> str:
    """``4.2 ms``, ``42 ms``, ``12.3 s``."""
    if ms is None:
        return NOTHING
    if ms >= 9999.5:
        return f"{ms / 1000:,.1f} s"
    return f"{ms:.1f} ms" if ms < 9.95 else f"{ms:.0f} ms"


def age(seconds: float) -> str:
    """``42 s``, ``3 min``, ``5 h``."""
    if seconds < 60:
        return f"{int(seconds)} s"
    return f"{int(seconds / 60)} min" if seconds < 3600 else f"{int(seconds / 3600)} h"
