"""What PMML4S is proven to score as the reference engine does: all else in a document is refused, by name.

The lists are held by tests: the documents in ``tests/proven`` have every element, attribute and value that stands here,
and PMML4S scores them all as JPMML's evaluator does. What nobody has compared is no reason to believe it.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import TypeAlias
from xml.etree.ElementTree import Element

from model.formats.pmml.document import kind_of
from model.formats.pmml.reading import NUMBER, shown

Allowed: TypeAlias = Callable[[str], bool]


def _any(_: str) -> bool:
    return True


def _number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None


def _count(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _one_of(*values: str) -> Allowed:
    return frozenset(values).__contains__


@dataclass(frozen=True, slots=True)
class Proven:
    """An element: its attributes, those that it must have, and its children."""

    attributes: Mapping[str, Allowed] = field(default_factory=dict)
    needed: Set[str] = frozenset()
    children: Set[str] = frozenset()


NAMES: dict[str, Allowed] = {"modelName": _any, "algorithmName": _any, "isScorable": _one_of("true")}
IN_EACH = {"MiningSchema", "Output", "LocalTransformations", "ModelVerification"}
MODELS = ("SupportVectorMachineModel", "NearestNeighborModel", "Scorecard", "RuleSetModel")
KERNELS = {"LinearKernelType", "PolynomialKernelType", "RadialBasisKernelType", "SigmoidKernelType"}
PREDICATES = {"SimplePredicate", "CompoundPredicate", "True"}
EXPRESSIONS = {"FieldRef", "Constant", "Apply"}
NOT_FOR_THE_SCORE = ("Header", "MiningBuildTask", "ModelVerification", "InlineTable")
"""Not looked into: how it came about, rows that are checked here, a table's rows, which may have any names."""

PROVEN = {
    "PMML": Proven({"version": _one_of("4.2", "4.3", "4.4")}, {"version"},
                   {"Header", "MiningBuildTask", "DataDictionary", *MODELS}),
    "DataDictionary": Proven({"numberOfFields": _count}, children={"DataField"}),
    "DataField": Proven(
        {"name": _any, "displayName": _any, "optype": _one_of("continuous", "categorical"),
         "dataType": _one_of("double", "integer", "string")},
        {"name", "optype", "dataType"}, {"Value"},
    ),
    "Value": Proven({"value": _any}, {"value"}),
    "MiningSchema": Proven(children={"MiningField"}),
    "MiningField": Proven({"name": _any, "usageType": _one_of("active", "target", "predicted")}, {"name"}),
    "Output": Proven(children={"OutputField"}),
    "OutputField": Proven(
        {"name": _any, "optype": _any, "dataType": _any, "rank": _count,
         "feature": _one_of("predictedValue", "entityId")},
        {"name", "feature"},
    ),
    "LocalTransformations": Proven(children={"DerivedField"}),
    "DerivedField": Proven(
        {"name": _any, "optype": _one_of("continuous"), "dataType": _one_of("double")},
        {"name", "optype", "dataType"}, {"Apply"},
    ),
    "Apply": Proven({"function": _one_of("+", "-", "*", "/")}, {"function"}, EXPRESSIONS),
    "FieldRef": Proven({"field": _any}, {"field"}),
    "Constant": Proven({"dataType": _one_of("double")}, {"dataType"}),
    "SupportVectorMachineModel": Proven(
        {**NAMES, "functionName": _one_of("regression", "classification"),
         "classificationMethod": _one_of("OneAgainstOne"), "threshold": _one_of("0")},
        {"functionName"}, {*IN_EACH, *KERNELS, "VectorDictionary", "SupportVectorMachine"},
    ),
    "LinearKernelType": Proven(),
    "PolynomialKernelType": Proven(dict.fromkeys(("gamma", "coef0", "degree"), _number), {"gamma", "coef0", "degree"}),
    "RadialBasisKernelType": Proven({"gamma": _number}, {"gamma"}),
    "SigmoidKernelType": Proven(dict.fromkeys(("gamma", "coef0"), _number), {"gamma", "coef0"}),
    "VectorDictionary": Proven({"numberOfVectors": _count}, children={"VectorFields", "VectorInstance"}),
    "VectorFields": Proven({"numberOfFields": _count}, children={"FieldRef"}),
    "VectorInstance": Proven({"id": _any}, {"id"}, {"Array"}),
    "Array": Proven({"type": _one_of("real"), "n": _count}, {"type"}),
    "SupportVectorMachine": Proven(
        {"targetCategory": _any, "alternateTargetCategory": _any}, children={"SupportVectors", "Coefficients"}
    ),
    "SupportVectors": Proven({"numberOfSupportVectors": _count}, children={"SupportVector"}),
    "SupportVector": Proven({"vectorId": _any}, {"vectorId"}),
    "Coefficients": Proven(
        {"absoluteValue": _number, "numberOfCoefficients": _count}, {"absoluteValue"}, {"Coefficient"}
    ),
    "Coefficient": Proven({"value": _number}, {"value"}),
    "NearestNeighborModel": Proven(
        {**NAMES, "functionName": _one_of("regression"), "numberOfNeighbors": _count,
         "continuousScoringMethod": _one_of("average")},
        {"functionName", "numberOfNeighbors"}, {*IN_EACH, "TrainingInstances", "ComparisonMeasure", "KNNInputs"},
    ),
    "TrainingInstances": Proven({"isTransformed": _one_of("true")}, {"isTransformed"},
                                {"InstanceFields", "InlineTable"}),
    "InstanceFields": Proven(children={"InstanceField"}),
    "InstanceField": Proven({"field": _any, "column": _any}, {"field", "column"}),
    "ComparisonMeasure": Proven({"kind": _one_of("distance")}, {"kind"}, {"euclidean", "cityBlock"}),
    "euclidean": Proven(),
    "cityBlock": Proven(),
    "KNNInputs": Proven(children={"KNNInput"}),
    "KNNInput": Proven({"field": _any}, {"field"}),
    "Scorecard": Proven(
        {**NAMES, "functionName": _one_of("regression"), "initialScore": _number, "useReasonCodes": _one_of("false")},
        {"functionName", "initialScore", "useReasonCodes"}, {*IN_EACH, "Characteristics"},
    ),
    "Characteristics": Proven(children={"Characteristic"}),
    "Characteristic": Proven({"name": _any, "baselineScore": _number}, children={"Attribute"}),
    "Attribute": Proven({"partialScore": _number}, children={*PREDICATES, "ComplexPartialScore"}),
    "ComplexPartialScore": Proven(children=EXPRESSIONS),
    "RuleSetModel": Proven({**NAMES, "functionName": _one_of("classification")}, {"functionName"},
                           {*IN_EACH, "RuleSet"}),
    "RuleSet": Proven({"defaultScore": _any, "defaultConfidence": _number}, {"defaultScore"},
                      {"RuleSelectionMethod", "SimpleRule"}),
    "RuleSelectionMethod": Proven({"criterion": _one_of("firstHit")}, {"criterion"}),
    "SimpleRule": Proven({"id": _any, "score": _any, "weight": _number, "confidence": _number}, {"score"}, PREDICATES),
    "SimplePredicate": Proven(
        {"field": _any, "value": _number,
         "operator": _one_of("lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual")},
        {"field", "value", "operator"},
    ),
    "CompoundPredicate": Proven({"booleanOperator": _one_of("and", "or")}, {"booleanOperator"}, PREDICATES),
    "True": Proven(),
}  # fmt: skip
"""By element."""

NAMING = {"FieldRef": "field", "KNNInput": "field", "SimplePredicate": "field"}
"""By element: the attribute that names a field to calculate with."""


def unproven(root: Element) -> str | None:
    """The first thing in a document that PMML4S is not proven to score right; None if there is none."""
    return next(_unproven(root), None)


def is_of_proven_kind(root: Element) -> bool:
    """Whether the document has a model of a kind of which some are proven."""
    return any(kind_of(child) in MODELS for child in root)


def _unproven(root: Element) -> Iterator[str]:
    models = [child for child in root if kind_of(child) in MODELS]
    if len(models) != 1:
        yield f"has {len(models) or 'no'} models of a kind that is proven"
        return
    yield from _elements(root)
    (model,) = models
    values = [value.get("value", "") for value in root.iter() if kind_of(value) == "Value"]
    yield from _fields(root, model)
    yield from _expressions(model)
    yield from {
        "SupportVectorMachineModel": _vectors,
        "NearestNeighborModel": _neighbours,
        "Scorecard": _scorecard,
        "RuleSetModel": _rules,
    }[kind_of(model)](model, values)


def _elements(root: Element) -> Iterator[str]:
    namespace = root.tag.removesuffix("PMML")
    waiting = [root]
    while waiting:
        element = waiting.pop()
        kind = kind_of(element)
        proven = PROVEN[kind]
        for name, value in element.attrib.items():
            if name not in proven.attributes:
                yield f"its {kind} has {shown(name)}"
            elif not proven.attributes[name](value):
                yield f"its {kind} has {name}={shown(value)!r}"
        if missing := proven.needed - element.attrib.keys():
            yield f"its {kind} has no {min(missing)}"
        for child in element:
            if child.tag.removeprefix(namespace) not in proven.children:
                yield f"its {kind} contains {shown(kind_of(child))}"
            elif kind_of(child) not in NOT_FOR_THE_SCORE:
                waiting.append(child)


def _fields(root: Element, model: Element) -> Iterator[str]:
    """Inputs are doubles, the target a double or labels, and nothing has two meanings or none."""
    schema = [field for field in model.iter() if kind_of(field) == "MiningField"]
    targets = {field.get("name") for field in schema if field.get("usageType", "active") != "active"}
    inputs = [field.get("name") for field in schema if field.get("usageType", "active") == "active"]
    derived = [field.get("name") for field in model.iter() if kind_of(field) == "DerivedField"]
    outputs = [field.get("name") for field in model.iter() if kind_of(field) == "OutputField"]
    if len(targets) != 1:
        yield f"has {len(targets) or 'no'} targets"
    if len({*targets, *inputs, *derived, *outputs}) != len([*targets, *inputs, *derived, *outputs]):
        yield "has two fields of one name"
    classifies = model.get("functionName") == "classification"
    for field_ in root.iter():
        if kind_of(field_) == "DataField":
            kind = (field_.get("optype"), field_.get("dataType"))
            wanted = {("continuous", "double")}
            if classifies and field_.get("name") in targets:
                wanted = {("categorical", "integer"), ("categorical", "string")}
            if kind not in wanted or (len(field_) > 0) != (("continuous", "double") not in wanted):
                yield f"its DataField {shown(field_.get('name', ''))!r} is {kind[0]} and {kind[1]}"
    known = {*inputs, *derived}
    for element in model.iter():
        if (name := NAMING.get(kind_of(element))) is not None and element.get(name) not in known:
            yield f"its {kind_of(element)} names {shown(element.get(name, ''))!r}, which is no field to calculate with"


def _all(model: Element, kind: str) -> list[Element]:
    return [element for element in model.iter() if kind_of(element) == kind]


def _expressions(model: Element) -> Iterator[str]:
    for element in model.iter():
        match kind_of(element):
            case "Constant" if not _number((element.text or "").strip()):
                yield "its Constant is no number"
            case "Apply" if len(element) != 2:
                yield f"its Apply has {len(element)} arguments"
            case "Apply" if element.get("function") == "/" and not _divides(element[1]):
                yield "its Apply divides by something else than a constant"
            case "CompoundPredicate" if len(element) < 2:
                yield "its CompoundPredicate has less than two parts"
            case "DerivedField" | "ComplexPartialScore" if len(element) != 1:
                yield f"its {kind_of(element)} has {len(element)} expressions"


def _divides(element: Element) -> bool:
    text = (element.text or "").strip()
    return kind_of(element) == "Constant" and _number(text) and float(text) != 0


def _vectors(model: Element, values: list[str]) -> Iterator[str]:
    machines = _all(model, "SupportVectorMachine")
    if len(machines) != 1:
        yield f"has {len(machines)} SupportVectorMachines, between which ties are broken in another way"
        return
    categories = [machines[0].get("targetCategory"), machines[0].get("alternateTargetCategory")]
    if categories != [None, None] if not values else set(categories) != set(values) or len(values) != 2:
        yield "has a SupportVectorMachine that is not between the target's two values"
    width = len(_all(model, "VectorFields")[0]) if _all(model, "VectorFields") else 0
    for array in _all(model, "Array"):
        numbers = (array.text or "").split()
        if len(numbers) != width or not all(map(_number, numbers)):
            yield f"has an Array that is not {width} numbers"
    ids = [vector.get("id") for vector in _all(model, "VectorInstance")]
    used = [vector.get("vectorId") for vector in _all(model, "SupportVector")]
    if len(set(ids)) != len(ids) or not set(used) <= set(ids) or len(used) != len(_all(model, "Coefficient")):
        yield "has SupportVectors that are not the VectorInstances with a Coefficient each"
    if sum(kind_of(child) in KERNELS for child in model) != 1:
        yield "has another number of kernels than one"


def _neighbours(model: Element, _: list[str]) -> Iterator[str]:
    columns = {each.get("field"): each.get("column", "").rpartition(":")[2] for each in _all(model, "InstanceField")}
    wanted = {each.get("field") for each in _all(model, "KNNInput")}
    if not wanted < columns.keys() or len(columns) != len(wanted) + 1:
        yield "has InstanceFields that are not its KNNInputs and its target"
    rows = _all(model, "row")
    for row in rows:
        cells = {kind_of(cell): (cell.text or "").strip() for cell in row}
        if cells.keys() != set(columns.values()) or len(row) != len(cells) or not all(map(_number, cells.values())):
            yield "has a training row without a number in each column"
    if not 1 <= int(model.get("numberOfNeighbors", "0")) <= len(rows):
        yield "has less training rows than neighbours"


def _scorecard(model: Element, _: list[str]) -> Iterator[str]:
    for attribute in _all(model, "Attribute"):
        kinds = [kind_of(child) for child in attribute]
        if ("partialScore" in attribute.attrib) == ("ComplexPartialScore" in kinds) or len(kinds) > 2:
            yield "has an Attribute without one score, or with two"
    for characteristic in _all(model, "Characteristic"):
        last = characteristic[-1] if len(characteristic) else characteristic
        if "True" not in [kind_of(child) for child in last]:
            yield "has a Characteristic whose last Attribute is not for all records"


def _rules(model: Element, values: list[str]) -> Iterator[str]:
    scores = [rule.get("score") for rule in _all(model, "SimpleRule")]
    if not {*scores, _all(model, "RuleSet")[0].get("defaultScore") if _all(model, "RuleSet") else None} <= set(values):
        yield "gives a score that is none of its target's values"
    if len(_all(model, "RuleSelectionMethod")) != 1:
        yield "has another number of RuleSelectionMethods than one"
