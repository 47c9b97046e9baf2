"""The documents that PMML4S is proven right on, and what the reference engine gives for them: ``make proven``.

Half of them are exported from scikit-learn, the others are written by hand, so that together they have every element,
attribute and value of ``proven.py``. JPMML's evaluator (AGPL-3.0) is fetched for it, and only its scores stay.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsRegressor
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, NuSVR
from sklearn2pmml.pipeline import PMMLPipeline

from client.wines.source import GeneratedWines
from data.pmml_export import to_pmml
from model.features import WINE, Features
from model.formats.pmml.document import checked
from model.formats.pmml.jpmml_model import JpmmlModel
from model.inputs import TYPICAL, trial_wines

OUTPUT = Path(__file__).resolve().parent.parent / "tests" / "proven"
TRAINING_SEED, TRAINING_WINES = 2009, 24
FEATURES = ("volatile_acidity", "sulphates", "alcohol")

FIELDS = "".join(f'<DataField name="{name}" optype="continuous" dataType="double"/>' for name in ("alcohol", "pH"))
INPUTS = '<MiningField name="alcohol" usageType="active"/><MiningField name="pH"/>'


def main() -> None:
    """Write the documents and what JPMML gives for them."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    documents = {**exported_documents(), **written_documents()}
    for path in OUTPUT.glob("*.pmml"):
        path.unlink()
    features = wines()
    scores: dict[str, list[float | None]] = {}
    for name, text in documents.items():
        (OUTPUT / f"{name}.pmml").write_text(text, encoding="utf-8")
        given = JpmmlModel(checked(text.encode())).score(features).tolist()
        scores[name] = [None if np.isnan(score) else score for score in given]
    expected = {"features": features.tolist(), "scores": scores}
    (OUTPUT / "expected.json").write_text(json.dumps(expected) + "\n", encoding="utf-8")


def wines() -> Features:
    """Usual wines, and some that are far from any."""
    rng = np.random.default_rng(3)
    far = TYPICAL[1] * rng.choice([-100.0, -1.0, 0.0, 0.5, 2.0, 100.0], size=(40, len(WINE)))
    quarters = rng.integers(36, 52, size=(40, len(WINE))) / 4  # on boundaries
    return np.concatenate([trial_wines(), GeneratedWines(2012).batch(60).features, far, quarters])


def exported_documents() -> dict[str, str]:
    """Models of scikit-learn, as sklearn2pmml writes them."""
    training = GeneratedWines(TRAINING_SEED).batch(TRAINING_WINES)
    assert training.quality is not None  # generated wines have one
    quality = training.quality
    good = (training.quality > training.quality.mean()).astype(int)
    estimators: Mapping[str, tuple[Callable[[], Any], Any]] = {
        "svr_rbf": (lambda: SVR(gamma=0.05), quality),
        "svr_linear": (lambda: SVR(kernel="linear", C=0.5), quality),
        "svr_poly": (lambda: SVR(kernel="poly", degree=2, gamma=0.1, coef0=1.0), quality),
        "svr_sigmoid": (lambda: SVR(kernel="sigmoid", gamma=0.01), quality),
        "nusvr": (lambda: NuSVR(gamma=0.05), quality),
        "svc_two_labels": (lambda: SVC(gamma=0.05), good),
        "svc_two_words": (lambda: SVC(kernel="linear"), np.where(good == 1, "6", "5")),
        "knn": (lambda: KNeighborsRegressor(3), quality),
        "knn_manhattan": (lambda: KNeighborsRegressor(4, metric="manhattan"), quality),
    }
    documents = {}
    columns = [WINE.index(name) for name in FEATURES]
    for name, (estimator, target) in estimators.items():
        for scaled in (False, True):
            steps = [("scaler", StandardScaler())] if scaled else []
            pipeline = PMMLPipeline([*steps, ("estimator", estimator())])
            pipeline.fit(training.features[:, columns], target)
            documents[name + ("_scaled" if scaled else "")] = to_pmml(pipeline, FEATURES)
    return documents


def written_documents() -> dict[str, str]:
    """Documents with elements that no installed exporter writes."""
    return {
        "vectors": _vectors(),
        "neighbours": _neighbours(),
        "scorecard": _scorecard(),
        "rules": _rules(),
        "rules_for_all": _rules_for_all(),
    }


def _vectors() -> str:
    return _document(
        f"""<SupportVectorMachineModel modelName="m" functionName="classification" threshold="0"
            classificationMethod="OneAgainstOne" isScorable="true">{_schema()}
            <LinearKernelType/><VectorDictionary numberOfVectors="1"><VectorFields numberOfFields="2">
            <FieldRef field="alcohol"/><FieldRef field="pH"/></VectorFields>
            <VectorInstance id="a"><Array type="real" n="2">1 0.5</Array></VectorInstance></VectorDictionary>
            <SupportVectorMachine targetCategory="5" alternateTargetCategory="6">
            <SupportVectors numberOfSupportVectors="1"><SupportVector vectorId="a"/></SupportVectors>
            <Coefficients absoluteValue="-12" numberOfCoefficients="1"><Coefficient value="1"/></Coefficients>
            </SupportVectorMachine></SupportVectorMachineModel>""",
        _labels("5", "6"),
    )


def _neighbours() -> str:
    return _document(
        f"""<NearestNeighborModel functionName="regression" numberOfNeighbors="2" continuousScoringMethod="average">
            {_schema()}{_shifted("alcohol")}<TrainingInstances isTransformed="true"><InstanceFields>
            <InstanceField field="shifted" column="a"/><InstanceField field="q" column="t"/></InstanceFields>
            <InlineTable><row><a>-1</a><t>4</t></row><row><a>0</a><t>5.5</t></row><row><a>0.25</a><t>6</t></row>
            <row><a>1.3</a><t>8</t></row></InlineTable></TrainingInstances>
            <ComparisonMeasure kind="distance"><euclidean/></ComparisonMeasure>
            <KNNInputs><KNNInput field="shifted"/></KNNInputs></NearestNeighborModel>"""
    )


def _scorecard() -> str:
    return _document(
        f"""<Scorecard functionName="regression" initialScore="10" useReasonCodes="false">{_schema()}
            <Output><OutputField name="final" feature="predictedValue" dataType="double" optype="continuous"/></Output>
            {_shifted("alcohol")}<Characteristics><Characteristic name="c1" baselineScore="1">
            <Attribute partialScore="3"><SimplePredicate field="alcohol" operator="lessThan" value="10"/></Attribute>
            <Attribute partialScore="5.5"><CompoundPredicate booleanOperator="and">
            <SimplePredicate field="alcohol" operator="greaterOrEqual" value="10"/>
            <SimplePredicate field="shifted" operator="lessOrEqual" value="1"/></CompoundPredicate></Attribute>
            <Attribute partialScore="6"><CompoundPredicate booleanOperator="or">
            <SimplePredicate field="pH" operator="greaterThan" value="12"/>
            <CompoundPredicate booleanOperator="and"><True/>
            <SimplePredicate field="pH" operator="lessThan" value="3.3"/></CompoundPredicate></CompoundPredicate>
            </Attribute>
            <Attribute partialScore="9"><True/></Attribute></Characteristic>
            <Characteristic name="c2"><Attribute><True/><ComplexPartialScore><Apply function="*">
            <Apply function="+"><FieldRef field="pH"/><Constant dataType="double">2</Constant></Apply>
            <Apply function="-"><FieldRef field="alcohol"/><FieldRef field="shifted"/></Apply></Apply>
            </ComplexPartialScore></Attribute></Characteristic><Characteristic><Attribute><True/>
            <ComplexPartialScore><FieldRef field="pH"/></ComplexPartialScore>
            </Attribute></Characteristic><Characteristic><Attribute><True/><ComplexPartialScore>
            <Constant dataType="double">0.5</Constant></ComplexPartialScore></Attribute></Characteristic>
            </Characteristics></Scorecard>""",
        version="4.2",
    )


def _rules() -> str:
    return _document(
        f"""<RuleSetModel functionName="classification" algorithmName="by hand">{_schema("predicted")}
            <RuleSet defaultScore="5" defaultConfidence="0.1"><RuleSelectionMethod criterion="firstHit"/>
            <SimpleRule id="r1" score="7" weight="0.5" confidence="0.9">
            <SimplePredicate field="alcohol" operator="greaterThan" value="11"/></SimpleRule>
            <SimpleRule id="r2" score="6" weight="0.8" confidence="0.7"><CompoundPredicate booleanOperator="or">
            <SimplePredicate field="pH" operator="greaterThan" value="11"/>
            <SimplePredicate field="alcohol" operator="lessOrEqual" value="9.5"/></CompoundPredicate></SimpleRule>
            </RuleSet></RuleSetModel>""",
        _labels("5", "6", "7", data_type="string"),
        version="4.3",
    )


def _rules_for_all() -> str:
    return _document(
        f"""<RuleSetModel functionName="classification">{_schema()}<RuleSet defaultScore="5">
            <RuleSelectionMethod criterion="firstHit"/><SimpleRule score="6"><True/></SimpleRule></RuleSet>
            </RuleSetModel>""",
        _labels("5", "6"),
    )


def _document(model: str, target: str = "", version: str = "4.4") -> str:
    target = target or '<DataField name="q" displayName="quality" optype="continuous" dataType="double"/>'
    namespace = f"http://www.dmg.org/PMML-{version.replace('.', '_')}"
    fields = f'<DataDictionary numberOfFields="3">{target}{FIELDS}</DataDictionary>'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><PMML xmlns="{namespace}" version="{version}"><Header/>{fields}{model}'
        "</PMML>"
    )


def _labels(*labels: str, data_type: str = "integer") -> str:
    values = "".join(f'<Value value="{label}"/>' for label in labels)
    return f'<DataField name="q" optype="categorical" dataType="{data_type}">{values}</DataField>'


def _schema(target: str = "target") -> str:
    return f'<MiningSchema><MiningField name="q" usageType="{target}"/>{INPUTS}</MiningSchema>'


def _shifted(name: str) -> str:
    return (
        '<LocalTransformations><DerivedField name="shifted" optype="continuous" dataType="double"><Apply function="/">'
        f'<Apply function="-"><FieldRef field="{name}"/><Constant dataType="double">10</Constant></Apply>'
        '<Constant dataType="double">2</Constant></Apply></DerivedField></LocalTransformations>'
    )


if __name__ == "__main__":
    main()
