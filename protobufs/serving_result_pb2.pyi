from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ServingResult(_message.Message):
    __slots__ = ("data_type", "record_id", "value", "model_name", "record_ts", "scored_ts", "duration_ms", "source_partition", "source_offset")
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    RECORD_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    RECORD_TS_FIELD_NUMBER: _ClassVar[int]
    SCORED_TS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_PARTITION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_OFFSET_FIELD_NUMBER: _ClassVar[int]
    data_type: str
    record_id: str
    value: float
    model_name: str
    record_ts: int
    scored_ts: int
    duration_ms: float
    source_partition: int
    source_offset: int
    def __init__(self, data_type: _Optional[str] = ..., record_id: _Optional[str] = ..., value: _Optional[float] = ..., model_name: _Optional[str] = ..., record_ts: _Optional[int] = ..., scored_ts: _Optional[int] = ..., duration_ms: _Optional[float] = ..., source_partition: _Optional[int] = ..., source_offset: _Optional[int] = ...) -> None: ...
