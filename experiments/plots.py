"""How all plots look: one palette, legible in print, in a light page and in a dark one."""

from typing import Any

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, which those who are colour-blind can tell apart (Color Universal Design, 2008)."""
STYLE: dict[str, Any] = {
    "figure.figsize": (7.5, 3.2),
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.alpha": 0.3,
    "font.size": 11,
    "legend.frameon": False,
}


def figure(title: str, x: str, y: str) -> tuple[Any, Any]:
    """An empty figure and its axes, labelled."""
    from cycler import cycler
    from matplotlib import pyplot

    pyplot.style.use(STYLE | {"axes.prop_cycle": cycler(color=PALETTE)})
    drawn, axes = pyplot.subplots(layout="constrained")
    axes.set(title=title, xlabel=x, ylabel=y)
    return drawn, axes
