"""The three ways to a score, by the names that tables and plot have."""

from collections.abc import Mapping

from experiments.external.model_server import ModelServer
from experiments.external.scorers import Embedded, Grpc, Rest, Scorer
from protobufs.model_descriptor_pb2 import ModelDescriptor
from serving.settings.topics import Topics

EMBEDDED, REST, GRPC = "embedded", "REST", "gRPC"
ASKED: Mapping[str, type[Rest] | type[Grpc]] = {REST: Rest, GRPC: Grpc}
WAYS = (EMBEDDED, *ASKED)


def scorer(way: str, model: ModelDescriptor, server: ModelServer, where: tuple[str, Topics]) -> Scorer:
    """A scorer for ``model``, which the server has, too; ``where``: the broker, and the topics of later models."""
    if way in ASKED:
        return ASKED[way](server)
    bootstrap_servers, topics = where
    return Embedded(model, bootstrap_servers, topics.models)
