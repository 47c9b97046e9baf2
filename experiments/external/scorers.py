"""Three ways to a score: by a call, over REST, over gRPC. Each takes a batch of wines and waits for its scores."""

import http.client
import json
import threading
from typing import Protocol

import grpc
import numpy as np
from confluent_kafka import Consumer, TopicPartition

from client.broker.plan import HOST
from client.topics import ends
from experiments.external.model_server import NAME, ModelServer, model_of
from model import registry
from model.features import Features, Values
from model.model import LoadedModel
from protobufs.model_descriptor_pb2 import ModelDescriptor
from protobufs.open_inference_pb2 import ModelInferRequest, ModelInferResponse

TIMEOUT_S = 10.0
POLL_S = 0.02


class NoAnswer(Exception):
    """The model server is away, or has refused."""


class Scorer(Protocol):
    """What the processor asks for scores."""

    def score(self, features: Features) -> tuple[Values, str]:
        """Scores of shape (n,) for features of shape (n, 11), and the name of the model that gave them.

        Raises:
            NoAnswer: there are none; later there may be.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class Embedded:
    """The project's own core, in the processor's process; a model of the models topic replaces the one before."""

    def __init__(self, model: ModelDescriptor, bootstrap_servers: str, topic: str) -> None:
        """Follow the topic from its end on.

        Args:
            model: the first one.
            bootstrap_servers: of a running broker.
            topic: where further models arrive.
        """
        self._active = registry.load(model)
        self._arrived: LoadedModel | None = None
        self._closed = threading.Event()
        where: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap_servers, "log_level": 0}
        self._consumer = Consumer({**where, "group.id": "embedded", "enable.auto.commit": False})
        # The offset, not "the end": a model that is published before the first fetch must be seen.
        _, end = ends(self._consumer, TopicPartition(topic, 0))
        self._consumer.assign([TopicPartition(topic, 0, end)])
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def score(self, features: Features) -> tuple[Values, str]:
        """See ``Scorer.score``; between two batches a model that has arrived takes over."""
        if (arrived := self._arrived) is not None:
            self._active.close()
            self._active, self._arrived = arrived, None
        return self._active.model.score(features), self._active.name

    def close(self) -> None:
        """End the thread that follows the models."""
        self._closed.set()
        self._thread.join()
        self._consumer.close()

    def _follow(self) -> None:
        while not self._closed.is_set():
            message = self._consumer.poll(POLL_S)
            if message is not None and message.error() is None:
                self._arrived = registry.load(ModelDescriptor.FromString(message.value() or b""))


class Rest:
    """The model server over HTTP and JSON, on one connection that is kept."""

    def __init__(self, server: ModelServer) -> None:
        self._connection = http.client.HTTPConnection(HOST, server.http_port, timeout=TIMEOUT_S)

    def score(self, features: Features) -> tuple[Values, str]:
        """See ``Scorer.score``."""
        tensor = {"name": "features", "shape": features.shape, "datatype": "FP64", "data": features.ravel().tolist()}
        body = json.dumps({"inputs": [tensor]}).encode()
        try:
            self._connection.request("POST", f"/v2/models/{NAME}/infer", body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()  # the next request opens it again
            raise NoAnswer(str(error)) from error
        if response.status != http.HTTPStatus.OK:
            raise NoAnswer(content.decode(errors="replace"))
        answer = json.loads(content)
        return np.array(answer["outputs"][0]["data"], dtype=np.float64), model_of(answer["model_version"])

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()


class Grpc:
    """The model server over gRPC, its tensors as bytes."""

    def __init__(self, server: ModelServer) -> None:
        again = {"grpc.initial_reconnect_backoff_ms": 50, "grpc.min_reconnect_backoff_ms": 50}
        longest = {"grpc.max_reconnect_backoff_ms": 50}
        self._channel = grpc.insecure_channel(f"{HOST}:{server.grpc_port}", list({**again, **longest}.items()))
        self._infer = self._channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=ModelInferRequest.SerializeToString,
            response_deserializer=ModelInferResponse.FromString,
        )

    def score(self, features: Features) -> tuple[Values, str]:
        """See ``Scorer.score``."""
        tensor = ModelInferRequest.InferInputTensor(name="features", datatype="FP64", shape=features.shape)
        content = features.astype("<f8").tobytes()
        request = ModelInferRequest(model_name=NAME, inputs=[tensor], raw_input_contents=[content])
        try:
            answer: ModelInferResponse = self._infer(request, timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            raise NoAnswer(str(error)) from error
        values = np.frombuffer(answer.raw_output_contents[0], "<f4").astype(np.float64)
        return values, model_of(answer.model_version)

    def close(self) -> None:
        """Disconnect."""
        self._channel.close()
