from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class WineRecord(_message.Message):
    __slots__ = ("fixed_acidity", "volatile_acidity", "citric_acid", "residual_sugar", "chlorides", "free_sulfur_dioxide", "total_sulfur_dioxide", "density", "pH", "sulphates", "alcohol", "dataType", "ts")
    FIXED_ACIDITY_FIELD_NUMBER: _ClassVar[int]
    VOLATILE_ACIDITY_FIELD_NUMBER: _ClassVar[int]
    CITRIC_ACID_FIELD_NUMBER: _ClassVar[int]
    RESIDUAL_SUGAR_FIELD_NUMBER: _ClassVar[int]
    CHLORIDES_FIELD_NUMBER: _ClassVar[int]
    FREE_SULFUR_DIOXIDE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SULFUR_DIOXIDE_FIELD_NUMBER: _ClassVar[int]
    DENSITY_FIELD_NUMBER: _ClassVar[int]
    PH_FIELD_NUMBER: _ClassVar[int]
    SULPHATES_FIELD_NUMBER: _ClassVar[int]
    ALCOHOL_FIELD_NUMBER: _ClassVar[int]
    DATATYPE_FIELD_NUMBER: _ClassVar[int]
    TS_FIELD_NUMBER: _ClassVar[int]
    fixed_acidity: float
    volatile_acidity: float
    citric_acid: float
    residual_sugar: float
    chlorides: float
    free_sulfur_dioxide: float
    total_sulfur_dioxide: float
    density: float
    pH: float
    sulphates: float
    alcohol: float
    dataType: str
    ts: int
    def __init__(self, fixed_acidity: _Optional[float] = ..., volatile_acidity: _Optional[float] = ..., citric_acid: _Optional[float] = ..., residual_sugar: _Optional[float] = ..., chlorides: _Optional[float] = ..., free_sulfur_dioxide: _Optional[float] = ..., total_sulfur_dioxide: _Optional[float] = ..., density: _Optional[float] = ..., pH: _Optional[float] = ..., sulphates: _Optional[float] = ..., alcohol: _Optional[float] = ..., dataType: _Optional[str] = ..., ts: _Optional[int] = ...) -> None: ...
