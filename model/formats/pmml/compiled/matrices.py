"""What a tree or a sum looks at, side by side: one column per expression, however many ask for it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.formats.pmml.compiled.values import Batch, Expression, State, Type, worst


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
        features = [expression.feature for expression in self.expressions if expression.feature is not None]
        if len(features) == len(self.expressions):  # the numbers of the records as they are
            matrix = batch.features[:, features]
            for place, expression in enumerate(self.expressions):
                if expression.type is Type.FLOAT:
                    matrix[:, place] = matrix[:, place].astype(np.float32)
            return matrix, None
        matrix = np.empty((len(batch), len(self.expressions)))
        state = None
        for place, expression in enumerate(self.expressions):
            column = expression.evaluate(batch)
            matrix[:, place] = column.values
            if column.state is not None:
                # Of two that are not there the first decides: what is missing stops before what is not valid.
                state = column.state if state is None else np.where(state == 0, column.state, state)
        return matrix, None if state is None or not state.any() else np.broadcast_to(state, len(batch))

    def lacking(self, batch: Batch) -> NDArray[np.intp]:
        """Which records have not all of them."""
        state = worst(*[expression.evaluate(batch) for expression in self.expressions if not expression.sure])
        return np.zeros(0, np.intp) if state is None else np.flatnonzero(np.broadcast_to(state, len(batch)))
