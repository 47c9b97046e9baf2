"""The built-in functions, each with what it makes of types, of missing values and of values that it cannot take.

Source: PMML 4.4, "Built-in functions"; where that is silent (missing arguments, results that are no numbers, the types
of results), JPMML's evaluator 1.7.7, asked function by function.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.features import WINE
from model.formats.pmml.compiled.values import (
    INTEGER_LIMIT,
    INVALID,
    MISSING,
    Batch,
    Column,
    Expression,
    State,
    Type,
    cast,
    common,
    fits_integer,
    marked,
    only_numbers,
    worst,
)
from model.formats.pmml.reading import NotCompilable

Array = NDArray[Any]
Arguments = Sequence[Expression]
Evaluate = Callable[[Batch], Column]


@dataclass(frozen=True, slots=True)
class Function:
    """A built-in function."""

    make: Callable[[Arguments], Expression]
    least: int
    most: int | None


def _columns(arguments: Arguments, batch: Batch) -> list[Column]:
    return [argument.evaluate(batch) for argument in arguments]


def _needed(state: State | None) -> State | None:
    """A missing argument where none may be missing makes the result invalid."""
    return None if state is None else np.where(state > 0, np.uint8(INVALID), np.uint8(0))


def _expression(type_: Type, evaluate: Evaluate, arguments: Arguments, sure: bool = False) -> Expression:
    certain = sure and all(argument.sure for argument in arguments)
    return Expression(type_, evaluate, certain, 1 + max(argument.depth for argument in arguments))


def _within_integer(values: Array, state: State | None) -> Column:
    return Column(values, marked(state, ~fits_integer(values), INVALID))


def _arithmetic(
    operate: Callable[[Array, Array], Array], integers: Callable[[Array, Array], Column] | None = None
) -> Function:
    """+, -, * and their like: a missing argument makes the result missing."""

    def make(arguments: Arguments) -> Expression:
        type_ = common([argument.type for argument in arguments])
        if type_ is Type.NUMBER and integers is not None:
            raise NotCompilable("divides what may be an integer or a double")
        left, right = (cast(argument, type_) for argument in arguments)

        def evaluate(batch: Batch) -> Column:
            a, b = left.evaluate(batch), right.evaluate(batch)
            state = worst(a, b)
            if type_ is not Type.INTEGER:
                return only_numbers(operate(a.values, b.values), state)
            result = integers(a.values, b.values) if integers else Column(operate(a.values, b.values))
            return _within_integer(result.values, worst(Column(a.values, state), result))

        return _expression(type_, evaluate, arguments)

    return Function(make, 2, 2)


def _integer_division(a: Array, b: Array) -> Column:
    """Towards zero, and within 32 bits: the lowest integer by -1 is itself. As Java does."""
    zero = b == 0
    divisor = np.where(b == 0, 1, b)
    found = np.abs(a) // np.abs(divisor) * np.sign(a) * np.sign(divisor)
    return Column(found.astype(np.int32).astype(np.int64), marked(None, zero, INVALID))


def _integer_modulo(a: Array, b: Array) -> Column:
    return Column(np.mod(a, np.where(b == 0, 1, b)), marked(None, b == 0, INVALID))


def true_division(arguments: Arguments) -> Expression:
    """Division as Python, R and Spark mean it, whose integers JPMML's exporters hand on as they are."""
    return FUNCTIONS["/"].make([cast(each, Type.DOUBLE) if each.type is not Type.FLOAT else each for each in arguments])


def _mathematical(operate: Callable[[Array], Array], type_: Callable[[Type], Type] = lambda _: Type.DOUBLE) -> Function:
    """Functions of one number, which must be there."""

    def make(arguments: Arguments) -> Expression:
        (argument,) = arguments
        given = common([argument.type])
        result = type_(given)
        if given is Type.NUMBER:
            argument = cast(argument, Type.DOUBLE)
            result = type_(Type.DOUBLE)
        if result is Type.DOUBLE:
            argument = cast(argument, Type.DOUBLE)

        def evaluate(batch: Batch) -> Column:
            values, state = argument.evaluate(batch)
            found = operate(values)
            if result is Type.INTEGER:
                fits = fits_integer(found)
                return Column(np.where(fits, found, 0).astype(np.int64), marked(_needed(state), ~fits, INVALID))
            return only_numbers(found, _needed(state))

        return _expression(result, evaluate, arguments)

    return Function(make, 1, 1)


def _of_two(operate: Callable[[Array, Array], Array], type_: Callable[[Type], Type]) -> Function:
    """Functions of two numbers, which must be there."""

    def make(arguments: Arguments) -> Expression:
        shared = common([argument.type for argument in arguments])
        result = type_(Type.DOUBLE if shared is Type.NUMBER else shared)
        left, right = (cast(argument, Type.DOUBLE if result is Type.DOUBLE else shared) for argument in arguments)

        def evaluate(batch: Batch) -> Column:
            a, b = left.evaluate(batch), right.evaluate(batch)
            found, state = operate(a.values, b.values), _needed(worst(a, b))
            if result is Type.INTEGER:
                return _within_integer(found, state)
            return only_numbers(found, state)

        return _expression(result, evaluate, arguments)

    return Function(make, 2, 2)


def _power(arguments: Arguments) -> Expression:
    shared = common([argument.type for argument in arguments])
    if shared is Type.NUMBER and not _is_natural(arguments[1]):
        raise NotCompilable("raises what may be an integer or a double to any power")
    if shared is not Type.INTEGER:
        return _of_two(power, _same).make(arguments)
    base, exponent = arguments

    def evaluate(batch: Batch) -> Column:
        a, b = base.evaluate(batch), exponent.evaluate(batch)
        state = _needed(worst(a, b))
        found = np.power(a.values.astype(np.float64), b.values)  # what overflows is seen to be too large
        wrong = ~fits_integer(found) | (b.values < 0)
        return Column(np.where(wrong, 0, found).astype(np.int64), marked(state, wrong, INVALID))

    return _expression(Type.INTEGER, evaluate, arguments)


def _is_natural(exponent: Expression) -> bool:
    """Whether it is a constant, which has one value for any batch, and not negative: integers have only such powers."""
    values, _ = exponent.evaluate(Batch(np.zeros((0, len(WINE)))))
    return values.shape == () and bool(values >= 0)


def _aggregate(
    reduction: Callable[[Array, Array], Array], type_: Callable[[Type], Type] = lambda type_: type_
) -> Function:
    """Of those arguments that are there; ``reduction`` gets the values, and shape-alike which of them are there."""

    def make(arguments: Arguments) -> Expression:
        shared = common([argument.type for argument in arguments])
        shared = Type.DOUBLE if shared is Type.NUMBER else shared
        result = type_(shared)
        given = [cast(argument, shared) for argument in arguments]

        def evaluate(batch: Batch) -> Column:
            columns = _columns(given, batch)
            values = np.stack(np.broadcast_arrays(*[column.values for column in columns]))
            state = worst(*columns)
            if state is None:
                found = reduction(values, np.ones((len(columns), *[1] * (values.ndim - 1)), np.bool_))
            else:
                none = np.uint8(0)
                states = np.stack(
                    np.broadcast_arrays(values[0], *[none if c.state is None else c.state for c in columns])[1:]
                ).astype(np.uint8)
                found = reduction(values, states == 0)
                state = np.where((states == INVALID).any(axis=0), np.uint8(INVALID), states.min(axis=0))
            if result is Type.INTEGER:
                return _within_integer(found, state)
            return only_numbers(found.astype(np.float32) if result is Type.FLOAT else found, state)

        return _expression(result, evaluate, arguments)

    return Function(make, 1, None)


def _extreme(lowest: bool) -> Function:
    def reduction(values: Array, there: Array) -> Array:
        kind = np.iinfo(np.int64) if values.dtype.kind == "i" else np.finfo(values.dtype)
        bound = (kind.max if lowest else kind.min) if values.dtype.kind == "i" else (np.inf if lowest else -np.inf)
        masked = np.where(there, values, np.array(bound, values.dtype))
        found: Array = masked.min(axis=0) if lowest else masked.max(axis=0)
        return found

    return _aggregate(reduction)


def _mean(values: Array, there: Array) -> Array:
    """One value after the other moves it, as in JPMML (commons-math's ``FirstMoment``).

    So two that are infinite, or one that is before another value, make no number, and a sum that overflows makes no
    difference.
    """
    mean, count = np.zeros(values.shape[1:]), np.zeros(values.shape[1:])
    for value, given in zip(values.astype(np.float64), np.broadcast_to(there, values.shape), strict=True):
        count += given
        mean += np.where(given, (value - mean) / np.maximum(count, 1), 0)
    return mean


def _summed(values: Array, there: Array) -> Array:
    kept = np.where(there, values, np.array(0, values.dtype))
    found: Array = kept.astype(np.float64 if kept.dtype.kind == "f" else np.int64).sum(axis=0)
    return found


def _multiplied(values: Array, there: Array) -> Array:
    found: Array = np.where(there, values, np.array(1, values.dtype)).astype(np.float64).prod(axis=0)
    return found


def _product(arguments: Arguments) -> Expression:
    exact = _aggregate(_multiplied).make(arguments)
    if exact.type is not Type.INTEGER:
        return exact

    def evaluate(batch: Batch) -> Column:
        values, state = exact.evaluate(batch)
        return Column(np.where(fits_integer(values), values, 0).astype(np.int64), state)

    return _expression(Type.INTEGER, evaluate, arguments)


def _comparable(arguments: Arguments, equality: bool) -> tuple[list[Expression], Type]:
    """The second and later arguments as they are compared with the first; the type of that."""
    first = arguments[0].type
    kinds = {argument.type for argument in arguments}
    if not kinds <= {Type.DOUBLE, Type.FLOAT, Type.INTEGER, Type.NUMBER}:
        if len(kinds) > 1 or not equality:
            raise NotCompilable(f"compares a {first} with a {arguments[-1].type}")
        return list(arguments), first
    if first is Type.FLOAT or (equality and first is Type.INTEGER):
        return [cast(argument, first) for argument in arguments], first
    return [cast(argument, Type.DOUBLE) for argument in arguments], Type.DOUBLE


def _comparison(compare: Callable[[Array, Array], Array], equality: bool = False) -> Function:
    def make(arguments: Arguments) -> Expression:
        if not equality and any(argument.categorical for argument in arguments):
            raise NotCompilable("compares which of two categories is larger")
        left, right = _comparable(arguments, equality)[0]

        def evaluate(batch: Batch) -> Column:
            a, b = left.evaluate(batch), right.evaluate(batch)
            return Column(compare(a.values, b.values), _needed(worst(a, b)))

        return _expression(Type.BOOLEAN, evaluate, [left, right], sure=True)

    return Function(make, 2, 2)


def _membership(inside: bool) -> Function:
    """Of the first argument in the others; one that is missing is in no list, and nothing is equal to it."""

    def make(arguments: Arguments) -> Expression:
        given, _ = _comparable(arguments, equality=True)

        def evaluate(batch: Batch) -> Column:
            first, *others = _columns(given, batch)
            found: Array = np.zeros((), np.bool_)
            for other in others:
                equal = first.values == other.values
                state = worst(first, other)
                found = found | (equal if state is None else equal & (state == 0))
            state = worst(first, *others)
            invalid = None if state is None else np.where(state == INVALID, state, np.uint8(0))
            return Column(found if inside else ~found, invalid)

        return _expression(Type.BOOLEAN, evaluate, given, sure=True)

    return Function(make, 2, None)


def _booleans(arguments: Arguments) -> None:
    if any(argument.type is not Type.BOOLEAN for argument in arguments):
        raise NotCompilable("has a condition that is no boolean")


def _logical(combine: Callable[[Array, Array], Array]) -> Function:
    def make(arguments: Arguments) -> Expression:
        _booleans(arguments)

        def evaluate(batch: Batch) -> Column:
            columns = _columns(arguments, batch)
            return Column(reduce(combine, [column.values for column in columns]), _needed(worst(*columns)))

        return _expression(Type.BOOLEAN, evaluate, arguments, sure=True)

    return Function(make, 2, None)


def _not(arguments: Arguments) -> Expression:
    _booleans(arguments)

    def evaluate(batch: Batch) -> Column:
        values, state = arguments[0].evaluate(batch)
        return Column(~values, _needed(state))

    return _expression(Type.BOOLEAN, evaluate, arguments, sure=True)


def _presence(missing: bool) -> Function:
    def make(arguments: Arguments) -> Expression:
        def evaluate(batch: Batch) -> Column:
            _, state = arguments[0].evaluate(batch)
            if state is None:
                return Column(np.array(not missing))
            there = state != MISSING
            return Column(~there if missing else there, np.where(state == INVALID, state, np.uint8(0)))

        return _expression(Type.BOOLEAN, evaluate, arguments, sure=True)

    return Function(make, 1, 1)


def _if(arguments: Arguments) -> Expression:
    """Only the branch that is taken matters; without one the result is missing."""
    _booleans(arguments[:1])
    condition, *branches = arguments
    type_ = _branch_type([branch.type for branch in branches])
    given = [cast(branch, type_) for branch in branches]

    def evaluate(batch: Batch) -> Column:
        held, state = condition.evaluate(batch)
        columns = _columns(given, batch)
        if len(columns) == 1:
            columns.append(Column(np.zeros((), columns[0].values.dtype), np.array(MISSING, np.uint8)))
        values = np.where(held, columns[0].values, columns[1].values)
        taken = None
        if columns[0].state is not None or columns[1].state is not None:
            first, second = (np.uint8(0) if column.state is None else column.state for column in columns)
            taken = np.where(held, first, second)
        return Column(values, worst(Column(values, taken), Column(values, _needed(state))))

    return _expression(type_, evaluate, arguments, sure=len(branches) == 2)


def _branch_type(types: list[Type]) -> Type:
    kinds = set(types)
    if len(kinds) == 1:
        return types[0]
    if kinds <= {Type.INTEGER, Type.DOUBLE, Type.NUMBER}:
        return Type.NUMBER
    raise NotCompilable(f"has an if whose branches are a {types[0]} and a {types[-1]}")


def _texts(arguments: Arguments) -> None:
    if any(argument.type is not Type.STRING for argument in arguments):
        raise NotCompilable("has a function of texts that gets something else")


def _of_text(operate: Callable[[Array], Array], type_: Type = Type.STRING) -> Function:
    def make(arguments: Arguments) -> Expression:
        _texts(arguments)

        def evaluate(batch: Batch) -> Column:
            values, state = arguments[0].evaluate(batch)
            return Column(operate(values), _needed(state))

        return _expression(type_, evaluate, arguments, sure=True)

    return Function(make, 1, 1)


def _concatenated(arguments: Arguments) -> Expression:
    given = [cast(argument, Type.STRING) for argument in arguments]
    if not all(argument.sure for argument in given):
        raise NotCompilable("has a concat of what may be missing")

    def evaluate(batch: Batch) -> Column:
        return Column(reduce(np.strings.add, [column.values for column in _columns(given, batch)]))

    return _expression(Type.STRING, evaluate, given, sure=True)


def _substring(arguments: Arguments) -> Expression:
    text, start, length = arguments
    _texts([text])
    if {start.type, length.type} != {Type.INTEGER}:
        raise NotCompilable("has a substring whose place is no integer")

    def evaluate(batch: Batch) -> Column:
        columns = _columns(arguments, batch)
        (values, _), (first, _), (many, _) = columns
        wrong = (first < 1) | (many < 0)
        first = np.where(wrong, 1, first) - 1
        found = np.strings.slice(values, first, first + np.where(wrong, 0, many))
        return Column(found, marked(_needed(worst(*columns)), wrong, INVALID))

    return _expression(Type.STRING, evaluate, arguments)


_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)
SQRT_2 = math.sqrt(2)


def error_function(values: Array) -> Array:
    """erf; numpy has none."""
    return np.asarray(_erf(values), np.float64)


def normal_cdf(values: Array) -> Array:
    """The standard normal distribution's cumulative probability."""
    return np.asarray(_erfc(-values / SQRT_2), np.float64) / 2


def _normal_pdf(values: Array) -> Array:
    return np.exp(-(values**2) / 2) / math.sqrt(2 * math.pi)


_NORMAL = NormalDist()
_quantile = np.frompyfunc(lambda p: _NORMAL.inv_cdf(p) if 0 < p < 1 else math.nan, 1, 1)


def _normal_quantile(values: Array) -> Array:
    inner = np.asarray(_quantile(values), np.float64)
    return np.where(values == 0, -np.inf, np.where(values == 1, np.inf, inner))


def _normal(scaled: Callable[[Array, Array, Array], Array]) -> Function:
    """A function of a normal distribution, whose mean and standard deviation come second and third."""

    def make(arguments: Arguments) -> Expression:
        common([argument.type for argument in arguments])
        given = [cast(argument, Type.DOUBLE) for argument in arguments]

        def evaluate(batch: Batch) -> Column:
            columns = _columns(given, batch)
            (x, _), (mean, _), (deviation, _) = columns
            state = marked(_needed(worst(*columns)), deviation <= 0, INVALID)
            return only_numbers(scaled(x, mean, deviation), state)

        return _expression(Type.DOUBLE, evaluate, given)

    return Function(make, 3, 3)


def _java_round(values: Array) -> Array:
    """Half up; not by adding a half, which rounds 0.49999999999999994 up. A float becomes an integer, however large."""
    floor = np.floor(values.astype(np.float64))
    found = np.where(values - floor >= 0.5, floor + 1, floor)
    return np.clip(found, -INTEGER_LIMIT, INTEGER_LIMIT - 1) if values.dtype == np.float32 else found


def _same(type_: Type) -> Type:
    return type_


def _whole(_type: Type) -> Type:
    return Type.INTEGER


def _threshold(a: Array, b: Array) -> Array:
    return (a > b).astype(a.dtype)


def _with_unsigned_zeros(operate: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """For functions to which 0 and -0 are two numbers: JPMML has no -0, neither in a record nor in a result."""
    return lambda a, b: operate(a + 0, b + 0)


def _modulo(a: Array, b: Array) -> Array:
    """By the standard's formula, as JPMML: without a number where the quotient is infinite, or the divisor is."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    return (x - np.floor(x / y) * y).astype(a.dtype)


def power(a: Array, b: Array | float) -> Array:
    """As JPMML's, which is Java's: to numpy 1 raised to infinity is 1, and -infinity to the power of 0.5 no number."""
    no_number, infinite = (np.abs(a) == 1) & np.isinf(b), (a == -np.inf) & (b == 0.5)
    found = np.where(no_number, np.nan, np.where(infinite, np.inf, np.power(a + 0, b)))
    return found.astype(a.dtype)


FUNCTIONS: dict[str, Function] = {
    "+": _arithmetic(np.add),
    "-": _arithmetic(np.subtract),
    "*": _arithmetic(np.multiply),
    "/": _arithmetic(_with_unsigned_zeros(np.divide), _integer_division),
    "modulo": _arithmetic(_modulo, _integer_modulo),
    "min": _extreme(lowest=True),
    "max": _extreme(lowest=False),
    "sum": _aggregate(_summed),
    "avg": _aggregate(_mean, lambda type_: Type.FLOAT if type_ is Type.FLOAT else Type.DOUBLE),
    "product": Function(_product, 1, None),
    "pow": Function(_power, 2, 2),
    "threshold": _of_two(_threshold, _same),
    "hypot": _of_two(np.hypot, lambda _: Type.DOUBLE),
    "x-atan2": _of_two(_with_unsigned_zeros(np.arctan2), lambda _: Type.DOUBLE),
    "abs": _mathematical(np.abs, _same),
    "rint": _mathematical(np.rint, _same),
    "floor": _mathematical(np.floor, _whole),
    "ceil": _mathematical(np.ceil, _whole),
    "round": _mathematical(_java_round, _whole),
    "exp": _mathematical(np.exp),
    "expm1": _mathematical(np.expm1),
    "ln": _mathematical(np.log),
    "ln1p": _mathematical(np.log1p),
    "log10": _mathematical(np.log10),
    "sqrt": _mathematical(np.sqrt),
    "sin": _mathematical(np.sin),
    "cos": _mathematical(np.cos),
    "tan": _mathematical(np.tan),
    "asin": _mathematical(np.arcsin),
    "acos": _mathematical(np.arccos),
    "atan": _mathematical(np.arctan),
    "sinh": _mathematical(np.sinh),
    "cosh": _mathematical(np.cosh),
    "tanh": _mathematical(np.tanh),
    "erf": _mathematical(error_function),
    "stdNormalCDF": _mathematical(normal_cdf),
    "stdNormalPDF": _mathematical(_normal_pdf),
    "stdNormalIDF": _mathematical(_normal_quantile),
    "normalCDF": _normal(lambda x, mean, deviation: normal_cdf((x - mean) / deviation)),
    "normalPDF": _normal(lambda x, mean, deviation: _normal_pdf((x - mean) / deviation) / deviation),
    "normalIDF": _normal(lambda p, mean, deviation: mean + deviation * _normal_quantile(p)),
    "equal": _comparison(np.equal, equality=True),
    "notEqual": _comparison(np.not_equal, equality=True),
    "lessThan": _comparison(np.less),
    "lessOrEqual": _comparison(np.less_equal),
    "greaterThan": _comparison(np.greater),
    "greaterOrEqual": _comparison(np.greater_equal),
    "isIn": _membership(inside=True),
    "isNotIn": _membership(inside=False),
    "isMissing": _presence(missing=True),
    "isNotMissing": _presence(missing=False),
    "and": _logical(np.logical_and),
    "or": _logical(np.logical_or),
    "not": Function(_not, 1, 1),
    "if": Function(_if, 2, 3),
    "lowercase": _of_text(np.strings.lower),
    "uppercase": _of_text(np.strings.upper),
    "stringLength": _of_text(np.strings.str_len, Type.INTEGER),
    "concat": Function(_concatenated, 2, None),
    "substring": Function(_substring, 3, 3),
}
"""Left out: those of dates, of patterns and of formats, which programs read differently."""

UNRECOVERED = frozenset({"round", "floor", "ceil", "pow", "stdNormalIDF", "normalIDF", "substring", "concat"})
"""What these cannot take is no missing value even with ``invalidValueTreatment="asMissing"``."""

for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "expm1", "ln1p", "rint", "hypot"):
    FUNCTIONS[f"x-{name}"] = FUNCTIONS[name]  # as JPMML's exporters named them before PMML 4.4
FUNCTIONS["x-modulo"] = FUNCTIONS["modulo"]
FUNCTIONS["x-erf"] = FUNCTIONS["erf"]
