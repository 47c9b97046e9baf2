"""Trees as index arrays: every tree of a forest and every record of a batch goes down one level at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.formats.pmml.compiled.matrices import Columns
from model.formats.pmml.compiled.models.answers import Answer, Classifier, Election, winner_of
from model.formats.pmml.compiled.models.trees import Leaf, Tree
from model.formats.pmml.compiled.values import Batch, Column, Expression, Type
from model.formats.pmml.reading import NotCompilable

AT_ONCE = 16_384  # numbers looked at in one step: what it takes of them stays in the processor's cache
LEVELS_BETWEEN_LOOKS = 8  # at which records have arrived at a leaf, and can be left out of the next steps
MAX_VOTES = 10_000_000  # 160 MB; a document that lists few labels per leaf can ask for many times its own size
MAX_LEAF_REGRESSIONS = 1_000  # each is calculated for the whole batch

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Walk:
    """The tests of all trees, one behind the other."""

    looks_at: Columns
    columns: Places
    boundaries: NDArray[np.float64]
    ways: Places  # see ``trees.Tree``
    roots: Places
    depth: int

    def batches(self, batch: Batch, width: int = 1) -> Iterator[tuple[slice, Places]]:
        """Part of the batch after part: which records, and where each of them ends, shape (trees, records).

        Args:
            width: how many numbers the caller looks up for each of these places.
        """
        matrix, _ = self.looks_at.matrix(batch)
        size = max(1, AT_ONCE // (len(self.roots) * width))
        for start in range(0, len(batch), size):
            part = slice(start, start + size)
            yield part, self._ends(matrix[part])

    def _ends(self, matrix: NDArray[np.float64]) -> Places:
        trees, records = len(self.roots), len(matrix)
        if not matrix.shape[1]:
            return np.broadcast_to(self.roots[:, None], (trees, records))
        numbers = matrix.ravel()
        firsts = np.tile(np.arange(0, matrix.size, matrix.shape[1]), trees)  # where in these each record begins
        ends = places = np.repeat(self.roots, records)
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
        return ends.reshape(trees, records)


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees over the same columns, whose answers are put together in one step."""

    trees: Sequence[Tree]
    looks_at: Columns

    @property
    def complete(self) -> bool:
        """Whether each tree has an answer for each record."""
        return not any(tree.silent for tree in self.trees)

    @property
    def regressions(self) -> bool:
        """Whether a leaf calculates its score."""
        return any(leaf.regression is not None for tree in self.trees for leaf in tree.leaves.values())

    def walk(self) -> Walk:
        """The trees as arrays."""
        sizes = [len(tree.ways) for tree in self.trees]
        roots = np.cumsum([0, *sizes[:-1]])
        return Walk(
            self.looks_at,
            columns=np.concatenate([np.array(tree.columns) for tree in self.trees]),
            boundaries=np.concatenate([np.array(tree.boundaries) for tree in self.trees]),
            ways=np.concatenate([np.array(tree.ways) + root for tree, root in zip(self.trees, roots, strict=True)]),
            roots=roots,
            depth=max(tree.depth for tree in self.trees),
        )

    def total(self, weights: Sequence[float], divisor: float, floats: bool) -> Expression:
        """The sum of the trees' numbers, divided; each has one for each record."""
        walk = self.walk()
        dtype = np.float32 if floats else np.float64
        scores = np.full(len(walk.ways), np.nan, dtype)
        for root, tree, weight in zip(walk.roots, self.trees, weights, strict=True):
            for place, leaf in tree.leaves.items():
                scores[root + place] = dtype(weight) * dtype(_number(leaf))

        def evaluate(batch: Batch) -> Column:
            values = np.empty(len(batch), dtype)
            for part, places in walk.batches(batch):
                values[part] = scores.take(places).sum(axis=0) / dtype(divisor)
            return Column(values)

        return Expression(Type.FLOAT if floats else Type.DOUBLE, evaluate, sure=True)

    def election(self, weights: Sequence[float], divisor: float, labels: Sequence[str], in_order: bool) -> Classifier:
        """Each tree gives shares of one vote, and the label with the largest sum wins.

        Of equals the one that the first trees name first. Source: the order of JPMML's evaluator.

        Args:
            labels: the target's, in its order; a tree may have others if there are none.
            in_order: of equals the first of these wins.
        Raises:
            NotCompilable: a tree gives no votes for some records, or all together are too many.
        """
        walk = self.walk()
        leaves = [
            (root + place, leaf, weight)
            for root, tree, weight in zip(walk.roots, self.trees, weights, strict=True)
            for place, leaf in tree.leaves.items()
        ]
        if any(not leaf.votes for _, leaf, _ in leaves):
            raise NotCompilable("has a forest with a leaf without a ScoreDistribution")
        names = list(dict.fromkeys([*labels, *(label for _, leaf, _ in leaves for label in leaf.votes)]))
        shares, ranks = _shares(len(walk.ways), leaves, names)

        def elect(batch: Batch) -> Election:
            sums = np.empty((len(batch), len(names)))
            winners = np.empty(len(batch), np.intp)
            for part, places in walk.batches(batch, width=len(names)):
                sums[part] = shares.take(places, axis=0).sum(axis=0) / divisor
                winners[part] = sums[part].argmax(axis=1)
                if in_order:
                    continue
                tied = np.flatnonzero((sums[part] == sums[part].max(axis=1, keepdims=True)).sum(axis=1) > 1)
                if len(tied):
                    trees = np.arange(len(places))[:, None, None] * len(names)
                    order = (ranks.take(places[:, tied], axis=0) + trees).min(axis=0)
                    winners[part.start + tied] = winner_of(sums[part][tied], order)
            return Election(winners, sums)

        return Classifier(tuple(names), elect, probabilities=True)


def _shares(
    places: int, leaves: Sequence[tuple[int, Leaf, float]], labels: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """By place and label: the share, 0 for a label that a leaf leaves out; and which of the leaf's labels it is."""
    if places * len(labels) > MAX_VOTES:
        raise NotCompilable(f"has {len(labels)} labels in trees of {places:,} nodes")
    column = {label: i for i, label in enumerate(labels)}
    shares = np.zeros((places, len(labels)))
    ranks = np.full(shares.shape, np.inf)
    for place, leaf, weight in leaves:
        columns = [column[label] for label in leaf.votes]
        counts = np.array(list(leaf.votes.values()))
        shares[place, columns] = weight * (counts / sum(leaf.votes.values()))
        ranks[place, columns] = np.arange(len(columns))
    return shares, ranks


def single_tree(tree: Tree, looks_at: Columns, labels: Sequence[str], classifies: bool, floats: bool) -> Answer:
    """A tree that stands alone, or whose answers may be missing."""
    walk = Forest([tree], looks_at).walk()
    states = np.zeros(len(walk.ways), np.uint8)
    for place, state in tree.silent.items():
        states[place] = state
    silent = bool(tree.silent)
    if not classifies:
        return _scores(tree, walk, states if silent else None, floats)
    return _labels(tree, walk, states if silent else None, labels)


def _ends(walk: Walk, batch: Batch) -> Places:
    ends = np.empty(len(batch), np.intp)
    for part, places in walk.batches(batch):
        ends[part] = places[0]
    return ends


def _scores(tree: Tree, walk: Walk, states: NDArray[np.uint8] | None, floats: bool) -> Expression:
    regressions = [(place, leaf.regression) for place, leaf in tree.leaves.items() if leaf.regression is not None]
    if len(regressions) > MAX_LEAF_REGRESSIONS:
        raise NotCompilable(f"has {len(regressions):,} Regressions in a tree")
    scores = np.zeros(len(walk.ways), np.float32 if floats else np.float64)
    for place, leaf in tree.leaves.items():
        if leaf.regression is None:
            scores[place] = _number(leaf)

    def evaluate(batch: Batch) -> Column:
        ends = _ends(walk, batch)
        values = scores[ends]
        state = None if states is None else states[ends]
        for place, regression in regressions:
            here = ends == place
            column = regression.evaluate(batch)
            values[here] = np.broadcast_to(column.values, len(batch))[here]
            if column.state is not None:
                state = np.zeros(len(batch), np.uint8) if state is None else state
                state[here] = np.broadcast_to(column.state, len(batch))[here]
        return Column(values, state)

    return Expression(Type.FLOAT if floats else Type.DOUBLE, evaluate, sure=states is None and not regressions)


def _labels(tree: Tree, walk: Walk, states: NDArray[np.uint8] | None, labels: Sequence[str]) -> Classifier:
    named = [label for leaf in tree.leaves.values() for label in (_label(leaf), *leaf.votes)]
    names = list(dict.fromkeys([*labels, *named]))
    winners = np.zeros(len(walk.ways), np.intp)
    voting = all(leaf.votes for leaf in tree.leaves.values())
    for place, leaf in tree.leaves.items():
        winners[place] = names.index(_label(leaf))
    votes = [(place, leaf, 1.0) for place, leaf in tree.leaves.items()]
    shares, ranks = _shares(len(walk.ways), votes, names) if voting else (None, None)

    def elect(batch: Batch) -> Election:
        ends = _ends(walk, batch)
        return Election(
            winners[ends],
            None if shares is None else shares[ends],
            None if states is None else states[ends],
            None if ranks is None else ranks[ends],
        )

    return Classifier(tuple(names), elect, voting)


def _number(leaf: Leaf) -> float:
    if not isinstance(leaf.score, float):
        raise NotCompilable("has a Node without a score where one is needed")
    return leaf.score


def _label(leaf: Leaf) -> str:
    if isinstance(leaf.score, str):
        return leaf.score
    return max(leaf.votes, key=leaf.votes.__getitem__)  # the first of equals
