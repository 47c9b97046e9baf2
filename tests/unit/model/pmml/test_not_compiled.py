"""What is compiled is a list of what is known: anything else in a document, however small, is not."""

import pytest

from model.inputs import TYPICAL
from model.pmml.compiler import compiled
from model.pmml.document import checked
from model.pmml.load import pmml_model
from model.pmml.reading import NotCompilable
from tests.pmml_examples import AVERAGE, CLASSIFIER, FOREST, GENERAL, LINEAR, NETWORK, TREE, VOTERS, changed


@pytest.mark.parametrize("content", [LINEAR, GENERAL, TREE, FOREST, CLASSIFIER, VOTERS, NETWORK])
def test_what_is_changed_below_is_compiled_unchanged(content: bytes) -> None:
    assert pmml_model(content).score(TYPICAL).shape == (3,)
    assert pmml_model(content).engine == "compiled to numpy"


ACTIVE = '<MiningField name="alcohol"'
FIELD = 'name="alcohol" optype="continuous"'


@pytest.mark.parametrize(
    ("content", "old", "new", "reason"),
    [
        (LINEAR, 'version="4.3"', 'version="5.0"', "its PMML has version='5.0'"),
        (LINEAR, "</DataDictionary>", "</DataDictionary><TransformationDictionary/>", "contains Transformation"),
        (LINEAR, "</MiningSchema>", "</MiningSchema><LocalTransformations/>", "contains LocalTransformations"),
        (LINEAR, "<RegressionTable", '<RegressionTable xmlns="urn:other"', "contains RegressionTable"),
        (LINEAR, "</RegressionModel>", "</RegressionModel><TreeModel/>", "has 2 models"),
        (LINEAR, ACTIVE, f'{ACTIVE} outliers="asExtremeValues" lowValue="9" highValue="10"', "has highValue"),
        (LINEAR, ACTIVE, f'{ACTIVE} missingValueReplacement="0"', "has missingValueReplacement"),
        (LINEAR, ACTIVE, f'{ACTIVE} invalidValueTreatment="asIs"', "has invalidValueTreatment"),
        (LINEAR, ACTIVE, f'{ACTIVE} usageType="supplementary"', "its MiningField has usageType='supplementary'"),
        (LINEAR, 'usageType="target"', 'usageType="active"', "has no targets"),
        (LINEAR, 'functionName="regression"', 'functionName="classification"', "has functionName='classification'"),
        (LINEAR, "<RegressionModel", '<RegressionModel x-mathContext="float"', "has x-mathContext"),
        (LINEAR, "<RegressionModel", '<RegressionModel isScorable="false"', "has isScorable='false'"),
        (LINEAR, 'functionName="regression"', 'functionName="regression" normalizationMethod="probit"', "'probit'"),
        (LINEAR, "<NumericPredictor", '<CategoricalPredictor name="alcohol"/><NumericPredictor', "contains Cat"),
        (LINEAR, "</RegressionTable>", '</RegressionTable><RegressionTable intercept="0"/>', "has 2 RegressionTable"),
        (LINEAR, FIELD, f'{FIELD} isCyclic="1"', "its DataField has isCyclic"),
        (LINEAR, FIELD, 'name="alcohol" optype="categorical"', "its DataField has optype='categorical'"),
        (LINEAR, f'{FIELD} dataType="double"', f'{FIELD} dataType="integer"', "its DataField has dataType='integer'"),
        (
            LINEAR,
            f'{FIELD} dataType="double"/>',
            f'{FIELD} dataType="double"><Interval closure="openOpen"/></DataField>',
            "its DataField contains Interval",
        ),
        (LINEAR, '"q" optype="continuous" dataType="double"', '"q" optype="continuous" dataType="float"', "='float'"),
        (
            LINEAR,
            "</MiningSchema>",
            '</MiningSchema><Targets><Target field="q" castInteger="round"/></Targets>',
            "its Target has castInteger",
        ),
        (
            LINEAR,
            "</MiningSchema>",
            '</MiningSchema><Output><OutputField name="o" feature="transformedValue"/></Output>',
            "its OutputField has feature='transformedValue'",
        ),
        (GENERAL, "<FactorList/>", '<FactorList><Predictor name="alcohol"/></FactorList>', "contains Predictor"),
        (GENERAL, 'linkFunction="log"', 'linkFunction="log" offsetValue="2"', "has offsetValue"),
        (GENERAL, 'linkFunction="log"', 'linkFunction="square"', "has linkFunction='square'"),
        (GENERAL, '<CovariateList><Predictor name="alcohol"/></CovariateList>', "", "is no parameter, or no covariate"),
        (TREE, 'operator="lessOrEqual"', 'operator="equal"', "its SimplePredicate has operator='equal'"),
        (TREE, "<True/>", '<SimplePredicate field="alcohol" operator="lessThan" value="9"/>', "its first Node is not"),
        (TREE, "<True/>", "<CompoundPredicate booleanOperator='and'/>", "its Node contains CompoundPredicate"),
        (TREE, "<TreeModel", '<TreeModel missingValueStrategy="aggregateNodes"', "='aggregateNodes'"),
        (TREE, "<TreeModel", '<TreeModel missingValuePenalty="0.5"', "its TreeModel has missingValuePenalty"),
        (TREE, 'score="1"><Simple', "><Simple", "has a Node without a score"),
        (FOREST, AVERAGE, 'multipleModelMethod="median"', "its Segmentation has multipleModelMethod='median'"),
        (FOREST, AVERAGE, 'multipleModelMethod="modelChain"', "multipleModelMethod='modelChain'"),
        (FOREST, "<True/>", '<SimplePredicate field="alcohol" operator="lessThan" value="9"/>', "contains Simple"),
        (FOREST, 'operator="greaterThan" value="10"', 'operator="greaterThan" value="11"', "that may have no answer"),
        (FOREST, '<Segment id="0"><True/><TreeModel', '<Segment id="0"><True/><TreeModel x="1"', "its TreeModel has x"),
        (VOTERS, AVERAGE, 'multipleModelMethod="majorityVote"', "multipleModelMethod='majorityVote'"),
        (VOTERS, AVERAGE, 'multipleModelMethod="sum"', "multipleModelMethod='sum'"),
        (VOTERS, '<ScoreDistribution value="5" recordCount="1"/>', "", "has a forest with a leaf without a ScoreDist"),
        (VOTERS, 'recordCount="1"', 'recordCount="1" probability="1"', "its ScoreDistribution has probability"),
        (CLASSIFIER, '<Value value="5"/>', '<Value value="5" property="invalid"/>', "its Value has property"),
        (CLASSIFIER, '<Value value="5"/>', '<Value value="5"/><Value value="5.0"/>', "labels that are equal"),
        (NETWORK, 'activationFunction="tanh"', 'activationFunction="radialBasis"', "activationFunction='radialBasis'"),
        (NETWORK, "<NeuralNetwork", '<NeuralNetwork normalizationMethod="softmax"', "normalizationMethod='softmax'"),
        (NETWORK, 'from="input alcohol"', 'from="0 0"', "not connected with each of the layer before"),
        (NETWORK, '<FieldRef field="q"/>', '<NormContinuous field="q"/>', "its DerivedField contains NormContinuous"),
    ],
)  # fmt: skip
def test_what_is_not_known_exactly_is_not_compiled(content: bytes, old: str, new: str, reason: str) -> None:
    with pytest.raises(NotCompilable) as caught:
        compiled(checked(changed(content, old, new)).root)
    assert reason in str(caught.value)
