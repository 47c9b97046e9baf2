"""What is compiled is a list of what is known: anything else in a document, however small, is not."""

import pytest

from model.formats.pmml.compiled.compiler import compiled
from model.formats.pmml.document import checked
from model.formats.pmml.load import pmml_model
from model.formats.pmml.reading import NotCompilable
from model.inputs import TYPICAL
from tests.support.pmml_examples import AVERAGE, CLASSIFIER, FOREST, GENERAL, LINEAR, NETWORK, TREE, VOTERS, changed

DERIVED = changed(
    changed(LINEAR, '<NumericPredictor name="alcohol"', '<NumericPredictor name="d"'),
    "<RegressionTable",
    '<LocalTransformations><DerivedField name="d" optype="continuous" dataType="double"><FieldRef field="alcohol"/>'
    "</DerivedField></LocalTransformations><RegressionTable",
)


@pytest.mark.parametrize("content", [LINEAR, GENERAL, TREE, FOREST, CLASSIFIER, VOTERS, NETWORK, DERIVED])
def test_what_is_changed_below_is_compiled_unchanged(content: bytes) -> None:
    assert pmml_model(content).score(TYPICAL).shape == (3,)
    assert pmml_model(content).scored_by == "compiled to numpy"


ACTIVE = '<MiningField name="alcohol"'
FIELD = 'name="alcohol" optype="continuous"'
Q = '"q" optype="continuous" dataType="double"'


@pytest.mark.parametrize(
    ("content", "old", "new", "reason"),
    [
        (LINEAR, 'version="4.3"', 'version="5.0"', "its PMML has version='5.0'"),
        (LINEAR, "<RegressionTable", '<RegressionTable xmlns="urn:other"', "contains RegressionTable"),
        (LINEAR, '<MiningField name="q" usageType="target"/>', "", "has no targets"),
        (LINEAR, "</RegressionTable>", '</RegressionTable><RegressionTable intercept="0"/>', "has 2 RegressionTable"),
        (LINEAR, FIELD, f'{FIELD} isCyclic="1"', "its DataField has isCyclic"),
        (GENERAL, 'linkFunction="log"', 'linkFunction="cauchit"', "has linkFunction='cauchit'"),
        (GENERAL, 'linkFunction="log"', 'linkFunction="square"', "has linkFunction='square'"),
        (GENERAL, '<CovariateList><Predictor name="alcohol"/></CovariateList>', "", "is no parameter, or no covariate"),
        (TREE, "<TreeModel", '<TreeModel missingValueStrategy="aggregateNodes"', "='aggregateNodes'"),
        (TREE, "<TreeModel", '<TreeModel missingValuePenalty="0.5"', "its TreeModel has missingValuePenalty"),
        (TREE, 'score="1"><Simple', "><Simple", "has a Node without a score"),
        (LINEAR, 'usageType="target"', 'usageType="crossValidation"', "usageType='crossValidation'"),
        (LINEAR, "<RegressionModel", '<RegressionModel x-mathContext="half"', "has x-mathContext='half'"),
        (LINEAR, 'functionName="regression"', 'functionName="regression" normalizationMethod="square"', "'square'"),
        (LINEAR, "<NumericPredictor", '<Predictor name="alcohol"/><NumericPredictor', "contains Predictor"),
        (LINEAR, FIELD, 'name="alcohol" optype="cyclic"', "its DataField has optype='cyclic'"),
        (LINEAR, f'{FIELD} dataType="double"', f'{FIELD} dataType="string"', "its DataField has dataType='string'"),
        (LINEAR, Q, Q.replace("double", "string"), "of type string"),
        (LINEAR, Q, Q.replace("double", "date"), "dataType 'date'"),
        (LINEAR, ACTIVE, f'{ACTIVE} outliers="asZero"', "its MiningField has outliers='asZero'"),
        (LINEAR, ACTIVE, f'{ACTIVE} invalidValueTreatment="asValue"', "'asValue'"),
        (
            LINEAR,
            "</MiningSchema>",
            '</MiningSchema><Targets><Target field="q" castInteger="truncate"/></Targets>',
            "its Target has castInteger='truncate'",
        ),
        (DERIVED, '<FieldRef field="alcohol"/>', "<Lag field='alcohol'/>", "its DerivedField contains Lag"),
        (DERIVED, '<FieldRef field="alcohol"/>', "<Apply function='median'/>", "calls the function 'median'"),
        (GENERAL, 'linkFunction="log"', 'linkFunction="log" cumulativeLinkFunction="logit"', "cumulativeLinkFunction"),
        (GENERAL, "</PPMatrix>", "</PPMatrix><EventValues/>", "contains EventValues"),
        (TREE, 'operator="lessOrEqual"', 'operator="near"', "its SimplePredicate has operator='near'"),
        (TREE, "<True/>", "<TextPredicate/>", "its Node contains TextPredicate"),
        (FOREST, AVERAGE, 'multipleModelMethod="selectAll"', "its Segmentation has multipleModelMethod='selectAll'"),
        (FOREST, AVERAGE, 'multipleModelMethod="majorityVote"', "'majorityVote' for numbers"),
        (
            LINEAR,
            "</MiningSchema>",
            '</MiningSchema><Output><OutputField name="q" feature="transformedValue"/></Output>',
            "has an OutputField 'q' that is named like its target",
        ),
        (FOREST, "<Segmentation ", '<Segmentation missingThreshold="0.5" ', "its Segmentation has missingThreshold"),
        (VOTERS, AVERAGE, 'multipleModelMethod="max"', "multipleModelMethod='max'"),
        (NETWORK, '<FieldRef field="q"/>', '<NormContinuous field="q"/>', "LinearNorms that do not go up"),
        (FOREST, '<Segment id="0"><True/><TreeModel', '<Segment id="0"><True/><TreeModel x="1"', "its TreeModel has x"),
        (VOTERS, AVERAGE, 'multipleModelMethod="sum"', "multipleModelMethod='sum'"),
        (VOTERS, '<ScoreDistribution value="5" recordCount="1"/>', "", "has a forest with a leaf without a ScoreDist"),
        (NETWORK, 'activationFunction="tanh"', 'activationFunction="radialBasis"', "activationFunction='radialBasis'"),
        (NETWORK, 'from="input alcohol"', 'from="0 0"', "not connected with each of the layer before"),
    ],
)  # fmt: skip
def test_what_is_not_known_exactly_is_not_compiled(content: bytes, old: str, new: str, reason: str) -> None:
    with pytest.raises(NotCompilable) as caught:
        compiled(checked(changed(content, old, new)).root)
    assert reason in str(caught.value)
