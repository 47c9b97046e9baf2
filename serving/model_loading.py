"""From a descriptor to a model that serves: its bytes fetched, checked, tried out, loaded - within a time limit.

What is kept of a model outlives what it was read from, up to a size: a model of up to ``MAX_KEPT_BYTES`` is kept with
all its bytes, and needs its location never again. A larger one fits into no Kafka message, and so into no changelog:
its location is kept with the SHA-256 of what was read there, and a restart that needs the model reads it again. If it
is gone, or another one, the restart says so.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeAlias

from model import registry
from model.content import Places, sha256_of
from model.errors import ModelRejected
from model.location import pinned
from model.model import LoadedModel
from model.trial import try_out
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings import Settings
from serving.topics import MAX_MESSAGE_BYTES

ROW_OVERHEAD_BYTES = 64 * 1024
MAX_KEPT_BYTES = MAX_MESSAGE_BYTES - ROW_OVERHEAD_BYTES
"""Of a descriptor with its data. A changelog's rows have the model and a little more, and must not be refused."""

Load: TypeAlias = Callable[[ModelDescriptor], LoadedModel]
"""Makes a model that was kept serve again; raises ModelRejected."""


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """How this server loads models; every method blocks, and any thread will do."""

    places: Places
    timeout_s: float  # for one model, all in all
    trial_bytes: int | None  # the memory of a trial; None: no trial

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings say."""
        hosts = frozenset(settings.model_hosts.lower().split(",")) if settings.model_hosts else frozenset[str]()
        return cls(
            Places(settings.model_root, hosts, settings.max_model_bytes),
            settings.model_load_timeout_s,
            settings.model_load_bytes if settings.trial_load else None,
        )

    def load(self, descriptor: ModelDescriptor, sha256: str | None = None) -> tuple[LoadedModel, ModelDescriptor]:
        """A model that arrived, and the descriptor to keep of it, for ``load_again``.

        Args:
            sha256: the sum that was announced with it.
        Raises:
            ModelRejected: for whatever reason it cannot serve.
        """
        ends_s = time.monotonic() + self.timeout_s
        registry.check(descriptor)
        try:
            if descriptor.data and descriptor.ByteSize() > MAX_KEPT_BYTES:
                raise ValueError(f"has more than {MAX_KEPT_BYTES:,} bytes, which is for a location, not for a message")
            content = self.places.content(descriptor, self.timeout_s, sha256)
            if self.trial_bytes is not None:
                try_out(descriptor.modeltype, content, ends_s - time.monotonic(), self.trial_bytes)
        except ValueError as error:
            raise ModelRejected(descriptor.name, registry.first_line(error)) from error
        return registry.load(descriptor, content), _kept(descriptor, content)

    def load_again(self, descriptor: ModelDescriptor) -> LoadedModel:
        """A model that was kept; it has been tried out when it arrived.

        Raises:
            ModelRejected: its location is gone or has other bytes now, or a library is gone.
        """
        try:
            content = self.places.content(descriptor, self.timeout_s)
        except ValueError as error:
            raise ModelRejected(descriptor.name, registry.first_line(error)) from error
        return registry.load(descriptor, content)


def _kept(descriptor: ModelDescriptor, content: bytes) -> ModelDescriptor:
    kept = ModelDescriptor()
    kept.CopyFrom(descriptor)
    if len(content) <= MAX_KEPT_BYTES:
        kept.data = content
        if kept.ByteSize() <= MAX_KEPT_BYTES:
            return kept
    kept.location = pinned(descriptor.location, sha256_of(content))
    return kept
