"""What the peers have in common: the model, which is read outside the group, and the score of one record."""

import threading
import time
from operator import attrgetter
from typing import Self

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition
from prometheus_client import CollectorRegistry, Counter, start_http_server

from client.topics import ends
from model import registry
from model.features import WINE
from model.model import LoadedModel
from model.serving_state import ServingState
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.serving_result_pb2 import ServingResult
from protobufs.wine_record_pb2 import WineRecord
from serving.scoring.outcomes import epoch_ms
from serving.settings.server import Settings

POLL_S = 0.1

_measurements = attrgetter(*WINE)


class Scorer:
    """Scores with the newest model of a topic; what it counts is at ``/metrics``, under this project's names.

    No bulk decoding: an engine that hands over one record at a time has nothing to decode in bulk.
    """

    def __init__(self, settings: Settings) -> None:
        """Nothing is read yet."""
        self._settings = settings
        self._newest: LoadedModel | None = None
        self._state = ServingState("wine")
        self._counts = CollectorRegistry()
        self._accepted = Counter("serving_models_accepted", "models", registry=self._counts)
        self._scored = Counter("serving_records_scored", "records", registry=self._counts)
        self._models = Consumer(
            {
                "bootstrap.servers": settings.bootstrap_servers,
                "group.id": "models",  # not joined: partitions are assigned by hand
                "enable.auto.commit": False,
                "log_level": 0,
            }
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Self:
        """Return when the newest model is there, if there is one; later ones come by a thread.

        Only then does anything answer at the settings' port, on any path.
        """
        self._catch_up()
        self._thread.start()
        assert self._settings.port is not None
        self._http, _ = start_http_server(self._settings.port, self._settings.host, self._counts)
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._ended.set()
        self._thread.join()
        self._models.close()

    def _catch_up(self) -> None:
        models = TopicPartition(self._settings.topics.models, 0, OFFSET_BEGINNING)
        _, end = ends(self._models, models)
        self._models.assign([models])
        while end and self._models.position([models])[0].offset < end:
            self._accept(self._models.poll(POLL_S))

    def score(self, key: bytes, value: bytes, partition: int, offset: int) -> bytes | None:
        """The ``ServingResult`` of a record; None without a model."""
        newest = self._newest
        if newest is not self._state.model and newest is not None:
            self._state = self._state.accept(newest, epoch_ms())
        wine = WineRecord.FromString(value)
        self._state, scores = self._state.score(np.array([_measurements(wine)]))
        if scores.values is None or scores.model_name is None:
            return None
        self._scored.inc()
        return ServingResult(
            data_type=wine.dataType,
            record_id=key.decode(),
            value=scores.values[0],
            model_name=scores.model_name,
            record_ts=wine.ts,
            scored_ts=epoch_ms(),
            duration_ms=scores.duration_ms,
            source_partition=partition,
            source_offset=offset,
        ).SerializeToString()

    def _go_on(self) -> None:
        while not self._ended.is_set():
            self._accept(self._models.poll(POLL_S))

    def _accept(self, message: Message | None) -> None:
        if message is None:
            return
        if message.error() is not None:
            time.sleep(POLL_S)
            return
        # The former model is not closed: the engine's thread may be scoring with it, and a measurement has few models.
        self._newest = registry.load(ModelDescriptor.FromString(message.value() or b""))
        self._accepted.inc()
