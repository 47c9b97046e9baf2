from protobufs import kept_state_pb2 as _kept_state_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BatchScored(_message.Message):
    __slots__ = ("scored", "share_ms", "skipped", "dead_letters", "next_offsets")
    class NextOffsetsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: int
        def __init__(self, key: _Optional[int] = ..., value: _Optional[int] = ...) -> None: ...
    SCORED_FIELD_NUMBER: _ClassVar[int]
    SHARE_MS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_OFFSETS_FIELD_NUMBER: _ClassVar[int]
    scored: int
    share_ms: float
    skipped: int
    dead_letters: int
    next_offsets: _containers.ScalarMap[int, int]
    def __init__(self, scored: _Optional[int] = ..., share_ms: _Optional[float] = ..., skipped: _Optional[int] = ..., dead_letters: _Optional[int] = ..., next_offsets: _Optional[_Mapping[int, int]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("sequence", "model_accepted", "batch_scored")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    MODEL_ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    BATCH_SCORED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    model_accepted: _kept_state_pb2.KeptModel
    batch_scored: BatchScored
    def __init__(self, sequence: _Optional[int] = ..., model_accepted: _Optional[_Union[_kept_state_pb2.KeptModel, _Mapping]] = ..., batch_scored: _Optional[_Union[BatchScored, _Mapping]] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("sequence", "data_type", "model", "counters")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    data_type: str
    model: _kept_state_pb2.KeptModel
    counters: _kept_state_pb2.KeptCounters
    def __init__(self, sequence: _Optional[int] = ..., data_type: _Optional[str] = ..., model: _Optional[_Union[_kept_state_pb2.KeptModel, _Mapping]] = ..., counters: _Optional[_Union[_kept_state_pb2.KeptCounters, _Mapping]] = ...) -> None: ...

class FeedPosition(_message.Message):
    __slots__ = ("next_offset",)
    NEXT_OFFSET_FIELD_NUMBER: _ClassVar[int]
    next_offset: int
    def __init__(self, next_offset: _Optional[int] = ...) -> None: ...
