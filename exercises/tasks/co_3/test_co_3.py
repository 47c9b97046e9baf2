"""Grades co-3: records without a class."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct

from exercises.answers import Answer
from exercises.grading import expect
from model.features import WINE

VALUES = {feature: float(number) for number, feature in enumerate(WINE, 1)}
NAMES = [*reversed(WINE), "color", "dataType"]
REFUSED = "it is refused, for"

Decode = Callable[..., Any]


@pytest.fixture
def decode(answer: Answer) -> Decode:
    """What an answer makes of a wine: its features, or why it is refused."""
    module = answer.load()
    records = module.GenericRecords()

    def decode(
        changed: Mapping[str, Any] | None = None,
        *,
        without: str = "",
        defaults: Mapping[str, float] | None = None,
        undeclared: str = "",
    ) -> Any:
        record = Struct()
        record.update({"color": "red", "dataType": "wine", **VALUES, **(changed or {})})
        record.fields.pop(without, None)
        fields = [
            {"name": name, "type": "string" if name in ("color", "dataType") else "double"}
            | ({"default": defaults[name]} if name in (defaults or {}) and defaults else {})
            for name in NAMES
            if name != undeclared
        ]
        schema = json.dumps({"type": "record", "name": "Wine", "fields": fields}).encode()
        try:
            return records.decode(record.SerializeToString(), {"schema": schema}).features.tolist()
        except module.RecordRefused as error:
            return f"{REFUSED}: {error}"
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            return f"an error that ends the server: {error!r}"

    return decode


def is_refused(happened: Any) -> bool:
    return isinstance(happened, str) and happened.startswith(REFUSED)


def wine(**changed: float) -> list[float]:
    """The features that must come out."""
    return [{**VALUES, **changed}[feature] for feature in WINE]


def test_the_features_come_in_the_order_of_the_model(decode: Decode) -> None:
    happened = decode()
    expect(
        happened == wine(),
        "The features are not the record's, in the order of WINE.",
        expected=wine(),
        happened=happened,
        means="the model takes the alcohol for the acid, and gives a score that looks like any other",
    )


def test_zero_is_a_value(decode: Decode) -> None:
    happened = decode({"citric_acid": 0.0}, defaults={"citric_acid": 5.0})
    expect(
        happened == wine(citric_acid=0.0),
        "A value of 0.0 is not taken as it is.",
        expected=wine(citric_acid=0.0),
        happened=happened,
        means="132 of the 1,599 wines have no citric acid: all of them get a wrong score, or none",
    )


def test_the_default_stands_in_for_a_missing_value(decode: Decode) -> None:
    happened = decode(without="density", defaults={"density": 0.5, "alcohol": 10.0})
    expect(
        happened == wine(density=0.5),
        "The schema's default is not taken for a value that is missing, or for others, too.",
        expected=wine(density=0.5),
        happened=happened,
        means="producers that rely on the default of their schema are refused, or get another wine's score",
    )


def test_zero_is_a_default(decode: Decode) -> None:
    happened = decode(without="citric_acid", defaults={"citric_acid": 0.0})
    expect(
        happened == wine(citric_acid=0.0),
        "A default of 0.0 is taken for no default.",
        expected=wine(citric_acid=0.0),
        happened=happened,
        means="records that say all that their schema asks for are refused",
    )


def test_a_missing_feature_is_refused(decode: Decode) -> None:
    happened = decode(without="density")
    expect(
        is_refused(happened),
        "A feature that is missing is not refused.",
        expected="RecordRefused: density is not in the record, and has no default",
        happened=happened,
        means="a wine of density 0.0 is scored, which nobody has ever seen; or the server ends",
    )


def test_the_reason_names_the_feature(decode: Decode) -> None:
    happened = decode(without="density")
    expect(
        "density" in happened,
        "The reason does not name the feature that is missing.",
        expected="a reason with the word density",
        happened=happened,
        means="who reads the dead letters cannot tell which producer to mend, and how",
    )


def test_a_feature_that_the_schema_does_not_declare_is_refused(decode: Decode) -> None:
    happened = decode(undeclared="density")
    expect(
        is_refused(happened) and "density" in happened,
        "A feature that the schema does not declare is not refused.",
        expected="RecordRefused, with the word density",
        happened=happened,
        means="a value whose meaning nobody has declared goes into the score; or the server ends",
    )


@pytest.mark.parametrize("value", ["9.4", "dry", True])
def test_what_is_no_number_is_refused(decode: Decode, value: object) -> None:
    happened = decode({"alcohol": value})
    expect(
        is_refused(happened) and "alcohol" in happened,
        "A text or a truth value is not refused.",
        expected=f"RecordRefused, with the word alcohol, for {value!r}",
        happened=happened,
        means="a producer that writes another type is noticed by nobody; or the server ends",
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_refused(decode: Decode, value: float) -> None:
    happened = decode({"alcohol": value})
    expect(
        is_refused(happened) and "alcohol" in happened,
        "A number that is not finite is not refused.",
        expected=f"RecordRefused, with the word alcohol, for {value}",
        happened=happened,
        means="the score is NaN, and with it every average that somebody makes of the scores",
    )
