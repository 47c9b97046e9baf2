"""Trees as index arrays: every tree of a forest and every record of a batch goes down one level at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.features import WINE, Features, Values
from model.pmml.reading import NotCompilable
from model.pmml.trees import Leaf, Tree

AT_ONCE = 16_384  # numbers looked at in one step: what it takes of them stays in the processor's cache
LEVELS_BETWEEN_LOOKS = 8  # at which records have arrived at a leaf, and can be left out of the next steps
MAX_VOTES = 10_000_000  # 160 MB; a document that lists few labels per leaf can ask for many times its own size

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Walk:
    """The tests of all trees, one behind the other."""

    columns: Places
    boundaries: NDArray[np.float64]
    ways: Places  # see ``model.pmml.trees.Tree``
    roots: Places
    depth: int

    def batches(self, features: Features, width: int = 1) -> Iterator[tuple[slice, Places]]:
        """Part of the batch after part: which records, and where each of them ends, shape (trees, records).

        Args:
            width: how many numbers the caller looks up for each of these places.
        """
        size = max(1, AT_ONCE // (len(self.roots) * width))
        for start in range(0, len(features), size):
            part = slice(start, start + size)
            yield part, self._ends(features[part])

    def _ends(self, features: Features) -> Places:
        numbers, trees = features.ravel(), len(self.roots)
        firsts = np.tile(np.arange(0, features.size, len(WINE)), trees)  # where in these numbers each record begins
        ends = places = np.repeat(self.roots, len(features))
        walking = np.arange(len(ends))
        for level in range(1, self.depth + 1):
            above = numbers.take(self.columns.take(places) + firsts) > self.boundaries.take(places)
            places = self.ways.take(places)
            places += above
            if level % LEVELS_BETWEEN_LOOKS == 0:
                ends[walking] = places
                on = np.flatnonzero(self.ways.take(places) != places)
                walking, places, firsts = walking.take(on), places.take(on), firsts.take(on)
                if not len(on):
                    break
        ends[walking] = places
        return ends.reshape(trees, len(features))


@dataclass(frozen=True, slots=True)
class Scores:
    """Each tree gives a number, and their sum is divided; a single tree's number may as well be a label."""

    walk: Walk
    scores: NDArray[np.float64]  # by place, times the tree's weight
    divisor: float

    def __call__(self, features: Features) -> Values:
        """See ``model.pmml.reading.Calculation``."""
        values = np.empty(len(features))
        for part, places in self.walk.batches(features):
            values[part] = self.scores.take(places).sum(axis=0) / self.divisor
        return values


@dataclass(frozen=True, slots=True)
class Votes:
    """Each tree gives shares of one vote, and the label with the largest sum wins.

    Of equals the one that the first trees name first. Source: the order of JPMML's evaluator.
    """

    walk: Walk
    labels: NDArray[np.float64]
    shares: NDArray[np.float64]  # shape (places, labels), times the tree's weight; 0 for a label that a leaf leaves out
    ranks: NDArray[np.float64]  # of the same shape: which of the leaf's labels it is; infinity for one left out
    divisor: float

    def __call__(self, features: Features) -> Values:
        """See ``model.pmml.reading.Calculation``."""
        values = np.empty(len(features))
        for part, places in self.walk.batches(features, width=len(self.labels)):
            sums = self.shares.take(places, axis=0).sum(axis=0) / self.divisor
            best = sums == sums.max(axis=1, keepdims=True)
            winners = best.argmax(axis=1)
            tied = np.flatnonzero(best.sum(axis=1) > 1)
            if len(tied):
                winners[tied] = np.where(best[tied], self._order(places[:, tied]), np.inf).argmin(axis=1)
            values[part] = self.labels.take(winners)
        return values

    def _order(self, places: Places) -> NDArray[np.float64]:
        """By record and label: when it is named for the first time."""
        trees = np.arange(len(places))[:, None, None] * len(self.labels)
        order: NDArray[np.float64] = (self.ranks.take(places, axis=0) + trees).min(axis=0)
        return order


def scores_of(trees: Sequence[Tree], weights: Sequence[float], divisor: float) -> Scores:
    """Trees whose leaves' scores are added; a leaf without a score gives the label with its most votes."""
    walk = _walk(trees)
    scores = np.full(len(walk.ways), np.nan)
    for root, tree, weight in zip(walk.roots, trees, weights, strict=True):
        for place, leaf in tree.leaves.items():
            if leaf is not None:
                scores[root + place] = weight * _score(leaf)
    return Scores(walk, scores, divisor)


def votes_of(trees: Sequence[Tree], weights: Sequence[float], divisor: float) -> Votes:
    """Trees whose leaves' votes are added.

    Raises:
        NotCompilable: a tree gives no votes for some records, or all together are too many.
    """
    walk = _walk(trees)
    leaves = [
        (root + place, leaf, weight)
        for root, tree, weight in zip(walk.roots, trees, weights, strict=True)
        for place, leaf in tree.leaves.items()
    ]
    if any(leaf is None or not leaf.votes for _, leaf, _ in leaves):
        raise NotCompilable("has a forest with a leaf without a ScoreDistribution")
    labels = sorted({label for _, leaf, _ in leaves if leaf is not None for label in leaf.votes})
    if len(walk.ways) * len(labels) > MAX_VOTES:
        raise NotCompilable(f"has {len(labels)} labels in trees of {len(walk.ways):,} nodes")
    column = {label: i for i, label in enumerate(labels)}
    shares = np.zeros((len(walk.ways), len(labels)))
    ranks = np.full(shares.shape, np.inf)
    for place, leaf, weight in leaves:
        if leaf is not None:
            columns = [column[label] for label in leaf.votes]
            counts = np.array(list(leaf.votes.values()))
            shares[place, columns] = weight * (counts / sum(leaf.votes.values()))
            ranks[place, columns] = np.arange(len(columns))
    return Votes(walk, np.array(labels), shares, ranks, divisor)


def _walk(trees: Sequence[Tree]) -> Walk:
    sizes = [len(tree.ways) for tree in trees]
    roots = np.cumsum([0, *sizes[:-1]])
    return Walk(
        columns=np.concatenate([np.array(tree.columns) for tree in trees]),
        boundaries=np.concatenate([np.array(tree.boundaries) for tree in trees]),
        ways=np.concatenate([np.array(tree.ways) + root for tree, root in zip(trees, roots, strict=True)]),
        roots=roots,
        depth=max(tree.depth for tree in trees),
    )


def _score(leaf: Leaf) -> float:
    if leaf.score is not None:
        return leaf.score
    return max(leaf.votes, key=leaf.votes.__getitem__)  # the first of equals
