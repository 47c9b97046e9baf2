"""From a descriptor to a model that serves: its bytes fetched, checked, tried out, loaded - within a time limit.

What is kept of a model outlives what it was read from, up to a size: a model of up to ``MAX_KEPT_BYTES`` is kept with
all its bytes, and needs its location never again. A larger one fits into no Kafka message, and so into no changelog:
its location is kept with the SHA-256 of what was read there, and a restart that needs the model reads it again. If it
is gone, or another one, the restart says so.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self, TypeAlias

import structlog

from model import registry
from model.errors import LocalFailure, ModelRejected, local_failure
from model.model import LoadedModel, PmmlEngine
from model.reasons import rejected
from model.sources.content import AllowedSources, sha256_of
from model.sources.location import pin_location
from model.trial import Trials
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.server import Settings
from serving.settings.topics import MAX_MESSAGE_BYTES

log: structlog.stdlib.BoundLogger = structlog.get_logger()

PUBLISH_AGAIN = "publish it again"
ROW_OVERHEAD_BYTES = 64 * 1024
MAX_KEPT_BYTES = MAX_MESSAGE_BYTES - ROW_OVERHEAD_BYTES
"""Of a descriptor with its data. A changelog's rows have the model and a little more, and must not be refused."""

RETRY_AFTER_S = (0.5, 1.0, 2.0, 4.0)
"""Between a restart's attempts to load a model. Where a server has one from before, it starts with it or not at all."""

Load: TypeAlias = Callable[[ModelDescriptor], LoadedModel]
"""Loads a model again that was kept; raises ModelRejected."""


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """How this server loads models; every method blocks, and any thread will do."""

    sources: AllowedSources
    timeout_s: float  # for one model, all in all
    trial_bytes: int | None  # the memory of a trial; None: no trial
    pmml_engine: PmmlEngine = "auto"
    trials: Trials = field(default_factory=Trials)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings say."""
        hosts = frozenset(settings.model_hosts.lower().split(",")) if settings.model_hosts else frozenset[str]()
        return cls(
            AllowedSources(settings.model_root, hosts, settings.max_model_bytes),
            settings.model_load_timeout_s,
            settings.model_load_bytes if settings.trial_load else None,
            settings.pmml_engine,
        )

    def load(self, descriptor: ModelDescriptor, sha256: str | None = None) -> tuple[LoadedModel, ModelDescriptor]:
        """A model that arrived, and the descriptor to keep of it, for ``load_again``.

        Args:
            sha256: the sum that was announced with it.
        Raises:
            ModelRejected: it cannot serve, for the reason given.
            LocalFailure: this machine could not load it; later it may.
        """
        try:
            return self._load(descriptor, sha256)
        except ModelRejected as error:
            log.debug("model_refused_in_full", model=descriptor.name, detail=error.detail)
            raise

    def _load(self, descriptor: ModelDescriptor, sha256: str | None) -> tuple[LoadedModel, ModelDescriptor]:
        ends_s = time.monotonic() + self.timeout_s
        registry.check(descriptor)
        with _refusing(descriptor.name, tried=self.trial_bytes is not None):
            if descriptor.data and descriptor.ByteSize() > MAX_KEPT_BYTES:
                raise ValueError(f"has more than {MAX_KEPT_BYTES:,} bytes, which is for a location, not for a message")
            content = self.sources.content(descriptor, self.timeout_s, sha256)
            if self.trial_bytes is not None:
                left_s = ends_s - time.monotonic()
                self.trials.try_out(descriptor.modeltype, content, left_s, self.trial_bytes, self.pmml_engine)
            return registry.load(descriptor, content, self.pmml_engine), _kept(descriptor, content)

    def load_again(self, descriptor: ModelDescriptor) -> LoadedModel:
        """A model that was kept; it has been tried out when it arrived.

        Raises:
            ModelRejected: its location is gone or has other bytes now, or a library is gone.
            LocalFailure: this machine could not load it, for as long as ``RETRY_AFTER_S``.
        """
        for wait_s in RETRY_AFTER_S:
            try:
                return self._load_again(descriptor)
            except LocalFailure as failure:
                if wait_s == RETRY_AFTER_S[0]:
                    log.warning("model_postponed", model=descriptor.name, reason=failure.reason)
            time.sleep(wait_s)
        return self._load_again(descriptor)

    def _load_again(self, descriptor: ModelDescriptor) -> LoadedModel:
        registry.check(descriptor)  # another version of this server may have kept it
        with _refusing(descriptor.name, tried=True):
            content = self.sources.content(descriptor, self.timeout_s)
            return registry.load(descriptor, content, self.pmml_engine)


@contextmanager
def _refusing(name: str, *, tried: bool) -> Iterator[None]:
    """What goes wrong is the model's fault or this machine's, as is a lack of memory for a model that was tried out."""
    try:
        yield
    except Exception as error:
        if isinstance(error, MemoryError) or (tried and isinstance(error.__cause__, MemoryError)):
            raise LocalFailure("not enough memory") from error
        if (local := local_failure(error)) is not None:
            raise local from error
        if isinstance(error, ModelRejected):
            raise
        # Locations lead to files and hosts of strangers: what a library raises over them is no reason to end either.
        raise rejected(name, error, PUBLISH_AGAIN) from error


def _kept(descriptor: ModelDescriptor, content: bytes) -> ModelDescriptor:
    kept = ModelDescriptor()
    kept.CopyFrom(descriptor)
    if len(content) <= MAX_KEPT_BYTES:
        kept.data = content
        if kept.ByteSize() <= MAX_KEPT_BYTES:
            return kept
    kept.location = pin_location(descriptor.location, sha256_of(content))
    return kept
