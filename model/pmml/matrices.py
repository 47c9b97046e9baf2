"""What a tree or a sum looks at, side by side: one column per expression, however many ask for it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.pmml.values import Batch, Expression, State, Type


@dataclass(slots=True)
class Columns:
    """Expressions that are calculated together."""

    expressions: list[Expression] = field(default_factory=list)
    _places: dict[int, int] = field(default_factory=dict)

    def place(self, expression: Expression) -> int:
        """In which column the expression is."""
        found = self._places.get(id(expression))
        if found is None:
            found = self._places[id(expression)] = len(self.expressions)
            self.expressions.append(expression)
        return found

    @property
    def sure(self) -> bool:
        """Whether each record has all of them."""
        return all(expression.sure for expression in self.expressions)

    def matrix(self, batch: Batch) -> tuple[NDArray[np.float64], State | None]:
        """Their values as numbers, shape (n, columns), and of each record the state of the first that is not there."""
        known: tuple[NDArray[np.float64], State | None] | None = batch.memo.get(id(self))
        if known is None:
            known = batch.memo[id(self)] = self._calculated(batch)
        return known

    def _calculated(self, batch: Batch) -> tuple[NDArray[np.float64], State | None]:
        features = [expression.feature for expression in self.expressions if expression.feature is not None]
        if len(features) == len(self.expressions):  # the numbers of the records as they are
            matrix = batch.features[:, features]
            for place, expression in enumerate(self.expressions):
                if expression.type is Type.FLOAT:
                    matrix[:, place] = matrix[:, place].astype(np.float32)
            return matrix, None
        matrix, state = np.empty((len(batch), len(self.expressions))), None
        for place, expression in enumerate(self.expressions):
            column = expression.evaluate(batch)
            matrix[:, place] = column.values
            if column.state is not None:
                # Of two that are not there the first decides: what is missing stops before what is not valid.
                state = column.state if state is None else np.where(state == 0, column.state, state)
        return matrix, None if state is None or not state.any() else np.broadcast_to(state, len(batch))
