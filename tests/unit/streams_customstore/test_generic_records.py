"""Generic records: what a stranger's schema and bytes may be, and that each schema is parsed once."""

import json

import pytest
from google.protobuf.struct_pb2 import Struct

from model.features import WINE
from streams_customstore.extensions import generic_records
from streams_customstore.extensions.generic_records import GenericRecords, RecordRefused, parse_schema

FIELDS: list[object] = [{"name": name, "type": "double"} for name in WINE]


def schema(*more: object) -> bytes:
    return json.dumps({"type": "record", "name": "Wine", "fields": [*FIELDS, *more]}).encode()


def wine(**more: float | str | bool | None) -> Struct:
    record = Struct()
    record.update({"dataType": "wine", **dict.fromkeys(WINE, 1.0), **more})
    return record


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b"[]", "no Avro record"),
        (b'{"type": "enum", "fields": []}', "no Avro record"),
        (b'{"type": "record", "fields": {}}', "no Avro record"),
        (b" " * 65_537, "longer than"),
        (schema("alcohol"), "has no name"),
        (schema({"name": ["alcohol"], "type": "double"}), "has no name"),
        (schema({"name": "color", "type": ["null", "string"]}), "color has a type"),
        (schema({"name": "color", "type": "bytes"}), "color has a type"),
        (schema({"name": "pH", "type": "double", "default": "3"}), "the default of pH"),
        (schema({"name": "pH", "type": "double", "default": True}), "the default of pH"),
        (schema({"name": "pH", "type": "double", "default": None}), "the default of pH"),
        (schema({"name": "color", "type": "string", "default": 5}), "the default of color"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_schema_that_is_none_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(RecordRefused, match=reason):
        parse_schema(content)


def test_a_default_that_is_too_large_for_a_float_makes_its_record_unfit_alone() -> None:
    records, content = GenericRecords(), schema({"name": "pH", "type": "long", "default": 10**400})
    record = wine()
    del record.fields["pH"]
    with pytest.raises(RecordRefused, match="pH is inf"):
        records.decode(record.SerializeToString(), {"schema": content})
    assert records.decode(wine().SerializeToString(), {"schema": content}).features.tolist() == [1.0] * 11


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (wine(dataType=None), "no data type"),
        (wine(dataType=""), "no data type"),
        (wine(dataType=5.0), "no data type"),
        (wine(alcohol=None), "alcohol is missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_record_that_says_too_little_is_refused(record: Struct, reason: str) -> None:
    with pytest.raises(RecordRefused, match=reason):
        GenericRecords().decode(record.SerializeToString(), {"schema": schema()})


def test_a_record_without_a_schema_and_bytes_that_are_no_record_are_refused() -> None:
    with pytest.raises(RecordRefused, match="no header 'schema'"):
        GenericRecords().decode(wine().SerializeToString(), {})
    with pytest.raises(RecordRefused, match=r"no google.protobuf.Struct"):
        GenericRecords().decode(b"\xff", {"schema": schema()})
    nested = wine()
    nested.get_or_create_struct("origin").update({"country": "Portugal"})
    with pytest.raises(RecordRefused, match="origin is a struct"):
        GenericRecords().decode(nested.SerializeToString(), {"schema": schema()})


def test_a_schema_is_parsed_once_as_long_as_it_is_among_the_last_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []

    def counted(content: bytes) -> generic_records.Schema:
        parsed.append(content)
        return parse_schema(content)

    monkeypatch.setattr(generic_records, "parse_schema", counted)
    records = GenericRecords(max_schemas=2)
    first, second, third = (schema({"name": f"added {number}", "type": "string"}) for number in range(3))
    for content in (first, first, second, first, third, first, second):
        records.decode(wine().SerializeToString(), {"schema": content})
    assert parsed == [first, second, third, second]
