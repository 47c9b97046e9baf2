"""One small PMML document of each kind that is compiled, and one that is not."""

from tests.support.pmml_text import (
    Node,
    forest,
    general_regression,
    network,
    pmml,
    regression,
    schema,
    split_at_10,
    target_of,
    tree,
    tree_model,
)

LINEAR = pmml(regression({"alcohol": 1.0}), ["alcohol"])
GENERAL = pmml(
    general_regression(
        [("slope", "alcohol", 1)], {"one": 1.0, "slope": 1.0}, 'modelType="generalizedLinear" linkFunction="log"'
    ),
    ["alcohol"],
)
STUMP = tree_model(split_at_10(Node("1"), Node("2")), ["alcohol"], "regression")
TREE = pmml(STUMP, ["alcohol"])
FOREST = pmml(forest(STUMP, STUMP, function="regression"), ["alcohol"])
LABELS = tree("5", "6", {"5": 1}, {"6": 1})
CLASSIFIER = pmml(LABELS, ["alcohol"], target_of("5", "6"))
VOTERS = pmml(forest(LABELS, LABELS), ["alcohol"], target_of("5", "6"))
NETWORK = pmml(network(["alcohol"], [([0.5], [[2.0]])], "tanh"), ["alcohol"])


AVERAGE = 'multipleModelMethod="average"'

ON_JAVA = pmml(
    f"""<Scorecard functionName="regression" initialScore="1" useReasonCodes="false">{schema("alcohol")}
    <Characteristics><Characteristic name="strength"><Attribute><True/>
    <ComplexPartialScore><FieldRef field="alcohol"/></ComplexPartialScore>
    </Attribute></Characteristic></Characteristics></Scorecard>""",
    ["alcohol"],
)
"""1 + alcohol, in a document that is not compiled: scorecards go to PMML4S."""


def changed(content: bytes, old: str, new: str) -> bytes:
    """The document with the first of these changed."""
    assert old in content.decode()
    return content.decode().replace(old, new, 1).encode()
