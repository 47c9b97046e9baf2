"""Whether a model gives a wine the same score alone, in company, in any order, and again."""

import functools

import numpy as np
from numpy.typing import NDArray

from model.errors import ModelUnfit
from model.features import Features, Values
from model.inputs import TYPICAL, trial_wines
from model.model import Model

TOLERANCE = 1e-6  # of the score, or of the usual score where that is larger: float32 has 7 digits
OTHER_SIZES = (7, 211)
"""Batches of fewer wines, and of more: primes, as the number of trial wines is."""

LAST_DIGIT = 2.0**-23  # of a float32
ROUNDINGS = 8  # what adds up while a score is calculated, in changes of each feature's last digit


def check(model: Model) -> None:
    """Score typical wines together, again, in another order, in smaller and larger batches, and one by one.

    Raises:
        ModelUnfit: it gives a typical wine no finite score, or a wine two scores; the text names the wine.
        Exception: what the model raises about the first batch.
    """
    wines = trial_wines()
    together = _scores(model, wines)
    if not np.isfinite(together[: len(TYPICAL)]).all():
        raise ModelUnfit(
            f"scores typical wines as {together[: len(TYPICAL)].tolist()}",
            "one finite number for each is needed: train it on wines such as these",
        )
    count = len(wines)
    expected = _Expected(model, wines, together)
    expected.compare("a second time", _scores(model, wines), wines)
    backwards = _in_parts(model, wines[::-1], count, f"{count} in another order")[::-1]
    expected.compare(f"among {count} in another order", backwards, wines, rounded=True)
    for size in (1, *OTHER_SIZES):
        many = np.resize(wines, (max(size, count), wines.shape[1]))
        how = "alone" if size == 1 else f"in a batch of {size}"
        expected.compare(how, _in_parts(model, many, size, how), many, rounded=True)


class _Expected:
    """The scores of the wines together, and how far others may be from them, by wine."""

    def __init__(self, model: Model, wines: Features, together: Values) -> None:
        self._model = model
        self._wines = wines
        self._together = together
        self._margin = TOLERANCE * _usual(together)

    def compare(self, how: str, scores: Values, wines: Features, rounded: bool = False) -> None:
        """Raises ModelUnfit if one of these scores, of the same wines repeatedly, differs.

        Args:
            rounded: whether sums may have been rounded in another order. What that explains is asked only where a
                score differs: it costs four scorings.
        """
        together = np.resize(self._together, len(scores))
        same = _within(self._margin, together, scores)
        if rounded and not same.all():
            same = _within(self._margin + self._explained, together, scores)
        if same.all():
            return
        which = int(np.argmin(same))
        raise ModelUnfit(
            f"gives {np.count_nonzero(~same)} of {len(same)} wines another score {how}: wine {which} "
            f"(alcohol {wines[which, -1]:.4g}) {scores[which]:.7g}, but {together[which]:.7g} among "
            f"{len(self._together)}",
            "export it in evaluation mode, with nothing that draws random numbers or takes the average of a batch",
        )

    @functools.cached_property
    def _explained(self) -> Values:
        return ROUNDINGS * _last_digit(self._model, self._wines, self._together)


def _within(margin: Values, together: Values, scores: Values) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):  # two infinite ones
        same = (np.abs(together - scores) <= np.resize(margin, len(scores))) | (together == scores)
    found: NDArray[np.bool_] = same | (np.isnan(together) & np.isnan(scores))
    return found


def _usual(scores: Values) -> Values:
    """Each score's size, or that of the usual one where that is larger."""
    sizes = np.where(np.isfinite(scores), np.abs(scores), 0.0)
    larger: Values = np.maximum(sizes, np.sort(sizes)[len(sizes) // 2])
    return larger


def _last_digit(model: Model, wines: Features, together: Values) -> Values:
    """What a change of each feature's last digit makes of the scores: where large terms cancel out, more than that.

    A sum is rounded in another order in a batch of another size. It is still the same score then.
    """
    columns = np.arange(wines.shape[1])
    changes = []
    for sign in (1, -1):
        for alternates in (0, 1):
            changed = wines * (1 + LAST_DIGIT * sign * (1 - 2 * (alternates * columns % 2)))
            with np.errstate(invalid="ignore"):
                changes.append(np.abs(_scores(model, changed) - together))
    largest: Values = np.nan_to_num(np.max(changes, axis=0), posinf=0.0)
    return largest


def _in_parts(model: Model, wines: Features, size: int, how: str) -> Values:
    try:
        parts = [_scores(model, wines[start : start + size]) for start in range(0, len(wines), size)]
    except Exception as error:
        raise ModelUnfit(
            f"scores {len(trial_wines())} wines together, but not {how}: {error}",
            "export it with a dynamic batch dimension",
            str(error),
        ) from error
    return np.concatenate(parts)


def _scores(model: Model, wines: Features) -> Values:
    scores = model.score(wines)
    if scores.shape != (len(wines),):
        raise ModelUnfit(
            f"gives scores of shape {list(scores.shape)} for {len(wines)} wines",
            "one number for each is needed: export it with a dynamic batch dimension",
        )
    return scores
