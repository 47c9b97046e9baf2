"""ModelVerification: the rows that a document brings along. Source of the rules: PMML 4.4, "Model Verification"."""

import numpy as np
import pytest

from model.features import WINE
from model.formats.pmml.document import checked
from model.formats.pmml.verification import Verification, verification
from model.inputs import TYPICAL
from tests.support.pmml_examples import LINEAR, changed

ALCOHOL, PH = WINE.index("alcohol"), WINE.index("pH")


def verified(rows: str, fields: str = '<VerificationField field="q" column="q"/>') -> bytes:
    """1 + alcohol, with these rows; column a is the alcohol."""
    return changed(
        LINEAR,
        "</RegressionModel>",
        "<ModelVerification><VerificationFields>"
        f'<VerificationField field="alcohol" column="a"/>{fields}</VerificationFields>'
        f'<InlineTable xmlns:d="urn:d">{rows}</InlineTable></ModelVerification></RegressionModel>',
    )


def rows_of(content: bytes) -> Verification:
    """The document's rows, which are there."""
    found = verification(checked(content))
    assert found is not None
    return found


def test_a_document_without_rows_has_none() -> None:
    assert verification(checked(LINEAR)) is None


def test_the_rows_are_wines_and_their_scores() -> None:
    rows = rows_of(verified("<row><d:a>9.5</d:a><d:q>10.5</d:q></row><row><a>10</a><q>11</q></row>"))
    assert rows.features[:, ALCOHOL].tolist() == [9.5, 10]
    assert rows.features[:, PH].tolist() == [TYPICAL[1, PH]] * 2
    assert rows.expected.tolist() == [10.5, 11]
    assert rows.fault(np.array([10.5, 11.0])) is None


def test_a_row_that_does_not_hold_is_named() -> None:
    rows = rows_of(verified("<row><a>9.5</a><q>10.5</q></row><row><a>10</a><q>99</q></row>"))
    said = rows.fault(np.array([10.5, 11.0]))
    assert said is not None
    assert said.startswith("its ModelVerification does not hold: row 2 says q = 99, the model gives 11; ")
    assert rows.fault(np.array([10.5, np.nan])) is not None


@pytest.mark.parametrize(
    ("attributes", "expected", "score", "holds"),
    [
        ("", "100", 100.00009, True),  # within 1e-6 of it
        ("", "100", 100.00011, False),
        ('precision="0.01"', "100", 100.9, True),
        ('precision="0.01"', "100", 101.1, False),
        ("", "0", 1e-17, True),
        ("", "0", 1e-15, False),
        ('zeroThreshold="1e-9"', "0", 1e-10, True),
    ],
)
def test_how_near_is_near_enough(attributes: str, expected: str, score: float, holds: bool) -> None:
    field = f'<VerificationField field="q" column="q" {attributes}/>'
    rows = rows_of(verified(f"<row><a>9.5</a><q>{expected}</q></row>", field))
    assert (rows.fault(np.array([score])) is None) == holds


def test_an_output_that_repeats_the_score_serves_as_well() -> None:
    content = verified("<row><a>9.5</a><p>10.5</p></row>", '<VerificationField field="p" column="p"/>')
    content = changed(content, "</MiningSchema>", '</MiningSchema><Output><OutputField name="p"/></Output>')
    assert rows_of(content).expected.tolist() == [10.5]


def test_rows_without_a_feature_or_a_score_are_left_out() -> None:
    assert rows_of(verified("<row><q>1</q></row><row><a>9</a><q>10</q></row>")).expected.tolist() == [10]
    assert verification(checked(verified("<row><a>9</a></row>"))) is None
    assert verification(checked(verified("<row><a>9</a></row>", '<VerificationField field="x"/>'))) is None


def test_what_cannot_be_understood_is_an_error() -> None:
    with pytest.raises(ValueError, match="precision or zeroThreshold is no number"):
        verification(checked(verified("", '<VerificationField field="q" precision="much"/>')))
    elsewhere = changed(changed(verified(""), "<InlineTable", "<TableLocator"), "</InlineTable>", "</TableLocator>")
    with pytest.raises(ValueError, match="not in an InlineTable"):
        verification(checked(elsewhere))
