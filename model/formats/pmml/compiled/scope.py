"""What a name means at a place in a document: an input, a derived field, what a model before gave, or an argument.

A document is a stranger's: fields may go round in circles, and functions may call functions so that little text means
endless work. So names are looked up with limits on how deep and how much.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from model.formats.pmml.compiled.values import Expression, Type
from model.formats.pmml.reading import NotCompilable, shown

MAX_CALCULATIONS = 50_000
"""In a document, functions counted at each call; the largest exports have some thousands."""

MAX_DEPTH = 100
"""Of calculations within each other: each takes some levels of Python's stack, at loading and at scoring."""


@dataclass(slots=True)
class Budget:
    """How much a document has asked for already."""

    calculations: int = 0
    depth: int = 0

    @contextmanager
    def deeper(self) -> Iterator[None]:
        """One calculation more, within the one before.

        Raises:
            ValueError: that is too many, or too deep.
        """
        self.spend(1)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError(f"has more than {MAX_DEPTH} calculations within each other; export it to ONNX")
        yield
        self.depth -= 1

    def spend(self, calculations: int) -> None:
        """So many columns of a batch more.

        Raises:
            ValueError: that is too many.
        """
        self.calculations += calculations
        if self.calculations > MAX_CALCULATIONS:
            raise ValueError(f"asks for more than {MAX_CALCULATIONS:,} calculations; export it to ONNX")

    def check(self, expression: Expression) -> Expression:
        """The expression.

        Raises:
            ValueError: it is too deep to be evaluated.
        """
        if expression.depth > 2 * MAX_DEPTH:
            raise ValueError(f"has more than {MAX_DEPTH} calculations within each other; export it to ONNX")
        return expression


@dataclass(frozen=True, slots=True)
class Exporter:
    """The program that wrote a document, where its models are known to mean something else than the standard says."""

    true_division: bool = False
    """Integers are divided as Python, R and Spark divide them."""
    ties_to_first_label: bool = False
    """Of labels with equally many votes the first of the data dictionary wins, as numpy's argmax has it."""
    threshold_as_intercept: bool = False
    """The intercept of a binary regression's second table is the threshold of the first one's."""


@dataclass(slots=True)
class Document:
    """What all models of a document share."""

    exporter: Exporter = field(default_factory=Exporter)
    functions: Mapping[str, Element] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    predicates: dict[tuple[int, str, str], Expression] = field(default_factory=dict)


Named = Expression | Callable[[], Expression]


@dataclass(slots=True)
class Scope:
    """The names that mean something in one model, or in one function."""

    document: Document
    names: dict[str, Named] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def resolve(self, name: str) -> Expression:
        """What the name means.

        Raises:
            NotCompilable: it means nothing here.
            ValueError: it means something that is calculated of itself.
        """
        named = self.names.get(name)
        if named is None:
            raise NotCompilable(f"calculates with a field {shown(name)!r} that is not among its inputs")
        if isinstance(named, Expression):
            return named
        if name in self._open:
            raise ValueError(f"has a field {shown(name)!r} that is calculated of itself")
        self._open.add(name)
        with self.document.budget.deeper():
            found = self.document.budget.check(named())
        self._open.discard(name)
        self.names[name] = found
        return found

    def number(self, name: str) -> Expression:
        """What the name means, which is a number.

        Raises:
            NotCompilable: it is none.
        """
        found = self.resolve(name)
        if found.type in (Type.STRING, Type.BOOLEAN):
            raise NotCompilable(f"calculates with {shown(name)!r}, which is a {found.type}")
        return found
