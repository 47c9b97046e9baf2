"""PMML documents of one expression: what it gives is the score."""

from collections.abc import Sequence

from tests.support.pmml_text import CONTINUOUS, pmml


def field(name: str) -> str:
    """A FieldRef."""
    return f'<FieldRef field="{name}"/>'


def value(text: object, data_type: str = "double") -> str:
    """A Constant."""
    return f'<Constant dataType="{data_type}">{text}</Constant>'


def call(function: str, *arguments: str, more: str = "") -> str:
    """An Apply; ``more`` are attributes."""
    return f'<Apply function="{function}" {more}>{"".join(arguments)}</Apply>'


def derived(name: str, expression: str, data_type: str = "double") -> str:
    """A DerivedField."""
    optype = "categorical" if data_type in ("string", "boolean") else "continuous"
    return f'<DerivedField name="{name}" optype="{optype}" dataType="{data_type}">{expression}</DerivedField>'


def document(
    *fields: str,
    shared: str = "",
    schema: str = '<MiningField name="alcohol"/><MiningField name="pH"/>',
    inputs: Sequence[str] = ("alcohol", "pH"),
) -> bytes:
    """Derived fields, of which x is the score; ``shared`` are transformations of the whole document."""
    model = (
        f'<RegressionModel functionName="regression"><MiningSchema><MiningField name="q" usageType="target"/>{schema}'
        f"</MiningSchema><LocalTransformations>{''.join(fields)}</LocalTransformations>"
        '<RegressionTable intercept="0"><NumericPredictor name="x" coefficient="1"/></RegressionTable>'
        "</RegressionModel>"
    )
    transformations = f"<TransformationDictionary>{shared}</TransformationDictionary>" if shared else ""
    return pmml(transformations + model, inputs, CONTINUOUS)


def scored(expression: str, data_type: str = "double") -> bytes:
    """A document whose score is the expression."""
    return document(derived("x", expression, data_type))
