"""What graders play a server's surroundings with: records, and a model whose scores can be told by heart."""

from dataclasses import dataclass

import numpy as np

from model.features import WINE, Features, Values
from model.model import LoadedModel
from protobufs.wine_record_pb2 import WineRecord
from serving.scoring.records import Record, WineBatch, decode

NO_SCORE = 13.0
UNFIT = float("nan")
"""The alcohol of a wine for which ``AlcoholModel`` has no answer; and of one that no model may be given."""


@dataclass
class AlcoholModel:
    """Scores a wine by its alcohol, times ``times``."""

    times: float = 1.0
    closed: int = 0  # how often

    def score(self, features: Features) -> Values:
        """See ``Model``."""
        alcohol = features[:, WINE.index("alcohol")]
        return np.where(alcohol == NO_SCORE, np.nan, alcohol * self.times)

    def close(self) -> None:
        """See ``Model``."""
        self.closed += 1


ALCOHOL = LoadedModel("alcohol", "", "wine", "ONNX", AlcoholModel())


def record(partition: int, offset: int, alcohol: float, data_type: str = "wine") -> Record:
    """A wine's record, as it comes from Kafka."""
    value = WineRecord(dataType=data_type, alcohol=alcohol).SerializeToString()
    return Record("models_data", partition, offset, 1_700_000_000_000, f"{partition}@{offset}".encode(), value)


def wines(*places: tuple[int, int, float], data_type: str = "wine") -> WineBatch:
    """Wines of one data type, decoded; each is a partition, an offset, and its alcohol."""
    (batch,), _ = decode([record(*place, data_type) for place in places])
    return batch
