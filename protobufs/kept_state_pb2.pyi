from protobufs import model_descriptor_pb2 as _model_descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KeptModel(_message.Message):
    __slots__ = ("offset", "descriptor", "since_ms", "topic_id")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTOR_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    offset: int
    descriptor: _model_descriptor_pb2.ModelDescriptor
    since_ms: int
    topic_id: str
    def __init__(self, offset: _Optional[int] = ..., descriptor: _Optional[_Union[_model_descriptor_pb2.ModelDescriptor, _Mapping]] = ..., since_ms: _Optional[int] = ..., topic_id: _Optional[str] = ...) -> None: ...

class KeptCounters(_message.Message):
    __slots__ = ("usage", "duration_ms", "min_ms", "max_ms", "skipped", "dead_letters", "next_offsets", "model_offset", "data_topic_id", "model_topic_id")
    class NextOffsetsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: int
        def __init__(self, key: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...
    USAGE_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    MIN_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_MS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_OFFSETS_FIELD_NUMBER: _ClassVar[int]
    MODEL_OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_TOPIC_ID_FIELD_NUMBER: _ClassVar[int]
    usage: int
    duration_ms: float
    min_ms: float
    max_ms: float
    skipped: int
    dead_letters: int
    next_offsets: _containers.ScalarMap[int, int]
    model_offset: int
    data_topic_id: str
    model_topic_id: str
    def __init__(self, usage: _Optional[int] = ..., duration_ms: _Optional[float] = ..., min_ms: _Optional[float] = ..., max_ms: _Optional[float] = ..., skipped: _Optional[int] = ..., dead_letters: _Optional[int] = ..., next_offsets: _Optional[_Mapping[int, int]] = ..., model_offset: _Optional[int] = ..., data_topic_id: _Optional[str] = ..., model_topic_id: _Optional[str] = ...) -> None: ...
