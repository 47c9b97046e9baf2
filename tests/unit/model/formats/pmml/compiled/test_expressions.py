"""Expressions, each value worked out by hand from PMML 4.4, "Transformation Dictionary" and "Built-in functions"."""

import math

import numpy as np
import pytest

from model.features import WINE, Features
from model.formats.pmml.compiled import expressions, scope
from model.formats.pmml.compiled.compiler import compiled
from model.formats.pmml.document import checked
from model.formats.pmml.reading import NotCompilable
from model.inputs import TYPICAL
from tests.support.pmml_expressions import call, derived, document, field, scored, value

ALCOHOL = field("alcohol")
NAN = math.nan


def wines(*alcohol: float) -> Features:
    """Typical wines with this much alcohol; their pH is 3.31."""
    features = np.tile(TYPICAL[1], (len(alcohol), 1))
    features[:, WINE.index("alcohol")] = alcohol
    return features


def scores(content: bytes, *alcohol: float) -> list[float]:
    """What the document gives such wines."""
    return [float(each) for each in compiled(checked(content).root).score(wines(*alcohol))]


def given(expression: str, *alcohol: float, data_type: str = "double") -> list[float]:
    """What the expression gives."""
    return scores(scored(expression, data_type), *alcohol)


def where(condition: str) -> str:
    """1 where the condition holds, else 0."""
    return call("if", condition, value(1), value(0))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (call("+", ALCOHOL, value(0.5)), [8.5, 12.75]),
        (call("-", value(1), ALCOHOL), [-7.0, -11.25]),
        (call("*", ALCOHOL, ALCOHOL), [64.0, 150.0625]),
        (call("/", ALCOHOL, value(4)), [2.0, 3.0625]),
        (call("modulo", ALCOHOL, value(5)), [3.0, 2.25]),
        (call("modulo", call("-", value(0), ALCOHOL), value(5)), [2.0, 2.75]),  # the sign of the divisor
        (call("min", ALCOHOL, value(9), value(10)), [8.0, 9.0]),
        (call("max", ALCOHOL, value(9), value(10)), [10.0, 12.25]),
        (call("sum", ALCOHOL, value(9), value(10)), [27.0, 31.25]),
        (call("avg", ALCOHOL, value(10)), [9.0, 11.125]),
        (call("product", ALCOHOL, value(2), value(2)), [32.0, 49.0]),
        (call("pow", ALCOHOL, value(2)), [64.0, 150.0625]),
        (call("threshold", ALCOHOL, value(8)), [0.0, 1.0]),
        (call("abs", call("-", ALCOHOL, value(10))), [2.0, 2.25]),
        (call("floor", ALCOHOL), [8.0, 12.0]),
        (call("ceil", ALCOHOL), [8.0, 13.0]),
        (call("round", call("-", ALCOHOL, value(0.5))), [8.0, 12.0]),  # 7.5 and 11.75
        (call("rint", call("+", ALCOHOL, value(0.5))), [8.0, 13.0]),  # 8.5, to even; 12.75
        (call("exp", ALCOHOL), [math.exp(8), math.exp(12.25)]),
        (call("expm1", ALCOHOL), [math.expm1(8), math.expm1(12.25)]),
        (call("ln", ALCOHOL), [math.log(8), math.log(12.25)]),
        (call("ln1p", ALCOHOL), [math.log1p(8), math.log1p(12.25)]),
        (call("log10", ALCOHOL), [math.log10(8), math.log10(12.25)]),
        (call("sqrt", ALCOHOL), [math.sqrt(8), 3.5]),
        (call("hypot", ALCOHOL, value(6)), [10.0, math.hypot(12.25, 6)]),
        (call("sin", ALCOHOL), [math.sin(8), math.sin(12.25)]),
        (call("x-atan2", ALCOHOL, value(1)), [math.atan2(8, 1), math.atan2(12.25, 1)]),
        (call("erf", call("/", ALCOHOL, value(10))), [math.erf(0.8), math.erf(1.225)]),
        (call("stdNormalCDF", call("-", ALCOHOL, value(8))), [0.5, 0.5 * math.erfc(-4.25 / math.sqrt(2))]),
        (call("normalCDF", ALCOHOL, value(8), value(2)), [0.5, 0.5 * math.erfc(-2.125 / math.sqrt(2))]),
        (where(call("greaterThan", ALCOHOL, value(8))), [0.0, 1.0]),
        (where(call("greaterOrEqual", ALCOHOL, value(8))), [1.0, 1.0]),
        (where(call("lessThan", ALCOHOL, value(8))), [0.0, 0.0]),
        (where(call("equal", ALCOHOL, value(8, "integer"))), [1.0, 0.0]),
        (where(call("notEqual", ALCOHOL, value(8))), [0.0, 1.0]),
        (where(call("isIn", ALCOHOL, value(8), value(9))), [1.0, 0.0]),
        (where(call("isNotIn", ALCOHOL, value(8), value(9))), [0.0, 1.0]),
        (where(call("and", *[call("lessThan", value(n), ALCOHOL) for n in (7, 9)])), [0.0, 1.0]),
        (where(call("or", *[call("lessThan", value(n), ALCOHOL) for n in (7, 9)])), [1.0, 1.0]),
        (where(call("not", call("lessThan", value(9), ALCOHOL))), [1.0, 0.0]),
        (call("if", call("lessThan", ALCOHOL, value(9)), value(3)), [3.0, NAN]),  # without an else: missing
        (call("stringLength", value("good", "string")), [4.0, 4.0]),
        (where(call("equal", call("uppercase", value("a", "string")), value("A", "string"))), [1.0, 1.0]),
        (
            where(call("equal", call("concat", value("a", "string"), value(3, "integer")), value("a3", "string"))),
            [1, 1],
        ),
        (
            where(
                call(
                    "equal",
                    call("substring", value("abcdef", "string"), value(2, "integer"), value(3, "integer")),
                    value("bcd", "string"),
                )
            ),
            [1.0, 1.0],
        ),
        ('<NormDiscrete field="alcohol" value="8.0"/>', [1.0, 0.0]),
        (
            '<NormContinuous field="alcohol"><LinearNorm orig="8" norm="1"/><LinearNorm orig="9" norm="3"/>'
            '<LinearNorm orig="10" norm="4"/></NormContinuous>',
            [1.0, 6.25],  # 4 + 2.25, along the last line
        ),
        (
            '<NormContinuous field="alcohol" outliers="asExtremeValues"><LinearNorm orig="9" norm="3"/>'
            '<LinearNorm orig="10" norm="4"/></NormContinuous>',
            [3.0, 4.0],
        ),
        (
            '<NormContinuous field="alcohol" outliers="asMissingValues" mapMissingTo="7">'
            '<LinearNorm orig="8" norm="3"/><LinearNorm orig="10" norm="4"/></NormContinuous>',
            [3.0, NAN],  # the outlier is missing only after what was missing has been mapped
        ),
        (
            '<Discretize field="alcohol"><DiscretizeBin binValue="1"><Interval closure="openClosed" leftMargin="7" '
            'rightMargin="8"/></DiscretizeBin><DiscretizeBin binValue="2"><Interval closure="openClosed" '
            'leftMargin="8" rightMargin="9"/></DiscretizeBin></Discretize>',
            [1.0, NAN],
        ),
        (
            '<Discretize field="alcohol" defaultValue="9"><DiscretizeBin binValue="2"><Interval closure="closedOpen" '
            'leftMargin="12.25"/></DiscretizeBin></Discretize>',
            [9.0, 2.0],
        ),
        (
            '<MapValues outputColumn="out" defaultValue="-1"><FieldColumnPair field="alcohol" column="in"/>'
            "<InlineTable><row><in>9</in><out>2</out></row><row><in>8.0</in><out>5</out></row></InlineTable></MapValues>",
            [5.0, -1.0],
        ),
    ],
)
def test_an_expression_is_what_the_standard_says(expression: str, expected: list[float]) -> None:
    assert given(expression, 8.0, 12.25) == pytest.approx(expected, rel=1e-14, nan_ok=True)


def test_the_quantile_of_the_normal_distribution() -> None:
    # 0.975 of a standard normal is below 1.959963984540054; tables, for example of Abramowitz and Stegun, 26.2
    assert given(call("stdNormalIDF", value(0.975)), 8.0) == pytest.approx([1.959963984540054], rel=1e-14)
    assert given(call("normalIDF", value(0.5), value(3), value(2)), 8.0) == [3.0]
    assert given(call("stdNormalIDF", value(2)), 8.0) == pytest.approx([NAN], nan_ok=True)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (call("/", value(7, "integer"), value(2, "integer")), 3.0),
        (call("/", value(-7, "integer"), value(2, "integer")), -3.0),  # towards zero
        (call("/", value(7, "integer"), value(2)), 3.5),
        (call("/", call("round", value(7.2)), value(2, "integer")), 3.0),  # what is rounded is an integer
        (call("/", call("rint", value(7.2)), value(2, "integer")), 3.5),  # rint leaves the type
        (call("+", value(2147483647, "integer"), value(1, "integer")), NAN),  # 32 bits
        (call("/", value(7, "integer"), value(0, "integer")), NAN),
        (call("/", value(7), value(0)), math.inf),
        (call("ln", value(-1)), NAN),
        (call("+", value(0.1, "float"), value(0.2, "float")), float(np.float32(0.1) + np.float32(0.2))),
        (call("+", value(0.1, "float"), value(0.2)), float(np.float32(0.1)) + 0.2),
        (where(call("equal", value(0.1), value(0.1, "float"))), 0.0),
        (where(call("equal", value(0.1, "float"), value(0.1))), 1.0),  # as the first one's type
    ],
)
def test_types_matter(expression: str, expected: float) -> None:
    assert given(expression, 8.0) == pytest.approx([expected], rel=0, abs=0, nan_ok=True)


INFINITE = call("/", value(1), value(0))
LOWEST = value(-(2**31), "integer")


# Each expected value is what JPMML's evaluator 1.7.7 gives.
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (call("avg", call("ln", value(0)), value(0)), NAN),
        (call("avg", value(0), call("ln", value(0))), -math.inf),
        (call("avg", value(1e308), value(1e308)), 1e308),
        (call("avg", INFINITE, INFINITE), NAN),
        (call("pow", value(1), INFINITE), NAN),
        (call("pow", call("ln", value(0)), value(0.5)), math.inf),
        (call("/", value(1), call("*", value(-1), value(0))), math.inf),  # there is no -0
        (call("x-atan2", value(0), call("*", value(-1), value(0))), 0.0),
        (call("pow", value("-0.0"), value(-1)), math.inf),
        (call("modulo", value(1), value(0.1)), 0.0),  # 1 - floor(1 / 0.1) * 0.1
        (call("modulo", value(1), INFINITE), NAN),
        (call("round", value(3e9)), NAN),
        (call("round", value(3e9, "float")), 2147483647.0),
        (call("+", LOWEST, value(0, "integer")), -2147483648.0),
        (call("-", LOWEST, value(1, "integer")), NAN),
        (call("/", LOWEST, value(-1, "integer")), -2147483648.0),
    ],
)
def test_extreme_numbers_are_calculated_as_the_reference_does(expression: str, expected: float) -> None:
    assert given(expression, 8.0) == pytest.approx([expected], rel=0, abs=0, nan_ok=True)


def test_a_term_s_power_of_an_infinite_number_is_not_lost_among_the_other_terms() -> None:
    squared = '<NumericPredictor name="x" exponent="2" coefficient="1"/><NumericPredictor name="pH" coefficient="0"/>'
    content = document(derived("x", call("ln", ALCOHOL))).replace(
        b'<NumericPredictor name="x" coefficient="1"/>', squared.encode()
    )
    assert scores(content, 0.0, 1.0) == [math.inf, 0.0]


@pytest.mark.parametrize(
    ("data_type", "expected"),
    [("double", [9.4, 9.0]), ("float", [float(np.float32(9.4)), 9.0]), ("integer", [NAN, 9.0])],
)
def test_a_derived_field_has_its_type(data_type: str, expected: list[float]) -> None:
    assert given(ALCOHOL, 9.4, 9.0, data_type=data_type) == pytest.approx(expected, rel=0, abs=0, nan_ok=True)


EITHER = call("if", call("greaterThan", ALCOHOL, value(8)), value(3, "integer"), ALCOHOL)


def test_what_may_be_an_integer_or_a_double_has_no_power_that_an_integer_has_not() -> None:
    assert given(call("pow", EITHER, value(2, "integer")), 8.0, 9.0) == [64.0, 9.0]
    with pytest.raises(NotCompilable, match="raises what may be an integer or a double to any power"):
        given(call("pow", EITHER, value(-1, "integer")), 8.0)


OUTLIERS = (
    '<MiningField name="alcohol" outliers="asMissingValues" lowValue="0" highValue="10"/><MiningField name="pH"/>'
)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (call("+", ALCOHOL, value(1)), NAN),
        (call("+", ALCOHOL, value(1), more='mapMissingTo="5"'), 5.0),
        (call("+", ALCOHOL, value(1), more='defaultValue="6"'), 6.0),
        (call("sum", ALCOHOL, value(1), value(2)), 3.0),  # aggregates leave out what is missing
        (call("avg", ALCOHOL, value(1), value(2)), 1.5),
        (call("max", ALCOHOL, value(1)), 1.0),
        (call("max", ALCOHOL), NAN),
        (where(call("isMissing", ALCOHOL)), 1.0),
        (where(call("isNotMissing", ALCOHOL)), 0.0),
        (call("if", call("isMissing", ALCOHOL), value(3), ALCOHOL), 3.0),  # only the branch that is taken matters
        (call("if", call("isMissing", ALCOHOL), ALCOHOL, value(3)), NAN),
        (call("if", call("isMissing", ALCOHOL), ALCOHOL, value(3), more='mapMissingTo="4"'), 4.0),
        (call("exp", ALCOHOL, more='defaultValue="6"'), NAN),  # JPMML: no score, it cannot accept a missing value
        (where(call("greaterThan", ALCOHOL, value(1))), NAN),  # likewise
        ('<FieldRef field="alcohol" mapMissingTo="2"/>', 2.0),
        ('<NormDiscrete field="alcohol" value="8"/>', NAN),
        ('<NormDiscrete field="alcohol" value="8" mapMissingTo="0.5"/>', 0.5),
    ],
)  # fmt: skip
def test_what_is_missing_stays_missing_until_it_is_replaced(expression: str, expected: float) -> None:
    content = document(derived("x", expression), schema=OUTLIERS)
    assert scores(content, 11.0) == pytest.approx([expected], nan_ok=True)


def test_what_is_missing_is_not_looked_at_for_being_valid() -> None:
    y = derived("y", call("*", ALCOHOL, value(0.3)), "integer")  # 11 would give no integer
    content = document(derived("x", call("+", field("y"), value(1), more='mapMissingTo="5"')), y, schema=OUTLIERS)
    assert scores(content, 10.0, 11.0) == [4.0, 5.0]


def test_what_a_function_cannot_take_may_count_as_missing() -> None:
    over_zero = call(
        "/", value(7, "integer"), value(0, "integer"), more='invalidValueTreatment="asMissing" defaultValue="5"'
    )
    assert given(over_zero, 8.0) == [5.0]
    inner = call("abs", call("ln", value(-1)), more='invalidValueTreatment="asMissing" defaultValue="5"')
    assert given(inner, 8.0) == pytest.approx([NAN], nan_ok=True)  # that is about its own result only


def function(name: str, body: str, *parameters: str, data_type: str = "double") -> str:
    """A DefineFunction."""
    fields = "".join(f'<ParameterField name="{each}" optype="continuous" dataType="double"/>' for each in parameters)
    return f'<DefineFunction name="{name}" optype="continuous" dataType="{data_type}">{fields}{body}</DefineFunction>'


def test_a_document_may_define_functions_and_fields_for_all_its_models() -> None:
    square = function("square", call("*", field("n"), field("n")), "n")
    twice = derived("twice", call("*", ALCOHOL, value(2)))
    content = document(derived("x", call("square", field("twice"))), shared=square + twice)
    assert scores(content, 3.0) == [36.0]


def test_a_function_sees_its_parameters_only() -> None:
    content = document(derived("x", call("f", ALCOHOL)), shared=function("f", field("pH"), "n"))
    with pytest.raises(NotCompilable, match="a field 'pH' that is not among its inputs"):
        scores(content, 3.0)


def test_a_model_s_fields_are_calculated_in_any_order() -> None:
    content = document(derived("x", field("y")), derived("y", call("+", ALCOHOL, value(1))))
    assert scores(content, 3.0) == [4.0]


@pytest.mark.parametrize(
    "content",
    [
        document(derived("x", field("y")), derived("y", field("x"))),
        document(derived("x", call("+", field("x"), value(1)))),
        document(derived("x", call("f", ALCOHOL)), shared=function("f", call("f", field("n")), "n")),
    ],
)
def test_what_goes_round_in_circles_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"calculated of itself|within each other"):
        scores(content, 3.0)


def test_functions_that_double_the_work_at_each_call_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scope.MAX_CALCULATIONS == 50_000
    monkeypatch.setattr(scope, "MAX_CALCULATIONS", 1_000)
    functions = [function("f0", call("+", field("n"), value(1)), "n")]
    functions += [
        function(f"f{i}", call("+", call(f"f{i - 1}", field("n")), call(f"f{i - 1}", field("n"))), "n")
        for i in range(1, 18)
    ]
    with pytest.raises(ValueError, match="more than 1,000 calculations"):
        scores(document(derived("x", call("f17", ALCOHOL)), shared="".join(functions)), 3.0)


def test_an_argument_is_calculated_once_however_often_it_is_used() -> None:
    expression = ALCOHOL
    for _ in range(40):  # 2 ** 40 calculations otherwise
        expression = call("twice", expression)
    content = document(derived("x", expression), shared=function("twice", call("+", field("n"), field("n")), "n"))
    assert scores(content, 1.0) == [2.0**40]


@pytest.mark.parametrize("depth", [300, 100_000])
def test_calculations_too_deep_for_python_are_refused(depth: int) -> None:
    content = scored('<Apply function="abs">' * depth + ALCOHOL + "</Apply>" * depth)
    with pytest.raises(ValueError, match="more than 100 calculations within each other"):
        scores(content, 3.0)


def test_fields_of_fields_too_deep_for_python_are_refused() -> None:
    fields = [derived(f"y{i}", call("abs", field(f"y{i + 1}"))) for i in range(5_000)]
    with pytest.raises(ValueError, match="more than 100 calculations within each other"):
        scores(document(derived("x", field("y0")), *fields, derived("y5000", ALCOHOL)), 3.0)


def test_a_table_without_a_row_is_refused() -> None:
    pair = '<FieldColumnPair field="alcohol" column="a"/>'
    with pytest.raises(NotCompilable, match="has a MapValues without a row"):
        given(f'<MapValues outputColumn="o" defaultValue="1">{pair}<InlineTable/></MapValues>', 3.0)


def test_a_table_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert expressions.MAX_CELLS == 1_000_000
    monkeypatch.setattr(expressions, "MAX_CELLS", 1_000)
    rows = "".join(f"<row><a>{i}</a><o>1</o></row>" for i in range(501))
    pair = '<FieldColumnPair field="alcohol" column="a"/>'
    table = f'<MapValues outputColumn="o">{pair}<InlineTable>{rows}</InlineTable></MapValues>'
    with pytest.raises(ValueError, match="more than 1,000 cells"):
        given(table, 3.0)
