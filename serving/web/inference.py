"""One score over HTTP, by the active model and outside the stream: the Open Inference Protocol (KServe V2, JSON).

Source: Open Inference Protocol, ``specification/protocol/inference_rest.md``. A model's name there is a data type here,
its version the active model's name: a request for another version gets 404. What is scored here is counted nowhere: a
state tells what the stream brought. Clients that are tested: Triton's and MLServer's (``tests/mlserver_extra``).
"""

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from fastapi import APIRouter, Body, FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from model.errors import ModelClosed
from model.features import WINE, Features
from model.serving_state import ServingState
from serving.threads import DaemonThread
from serving.web.answers import DEFAULT_DATA_TYPE, unknown_data_type

PREFIX = "/v2"
MAX_BODY_BYTES = 1024 * 1024  # parsed on the event loop: 10 ms
MAX_ROWS = 5_000
MAX_WAITING = 16
"""Requests that wait for the scoring thread, at most: further ones are asked to come again."""
ATTEMPTS, SUCCESSOR_S = 50, 0.02
"""A request begins again when its model was replaced, and closed, meanwhile: after as long, as many times at most."""
TYPES: dict[str, Any] = {"FP64": np.float64, "FP32": np.float32, "INT64": np.int64, "INT32": np.int32}
INPUT = "features"
OUTPUT = "score"
BINARY = "inference-header-content-length"
"""The header of a request whose tensors follow its JSON as bytes: Triton's extension, which neither we nor MLServer's
REST interface have."""

States = Callable[[], Sequence[ServingState]]
T = TypeVar("T")


class InferenceFailed(Exception):
    """A request without an answer: the reason, and the HTTP status for it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class ProtocolError(BaseModel):
    """Why there is no answer, in the protocol's words."""

    error: str


class Tensor(BaseModel):
    """Numbers with a shape, in row-major order; ``data`` may be nested or flat."""

    model_config = ConfigDict(extra="ignore")

    name: str
    shape: list[Annotated[int, Field(ge=1, le=MAX_ROWS)]] = Field(min_length=1, max_length=2)
    datatype: Literal["FP64", "FP32", "INT64", "INT32"]
    data: list[Any] = Field(min_length=1)

    def array(self) -> NDArray[np.float64]:
        """The numbers in their shape.

        Raises:
            InferenceFailed: they are no finite numbers, or not as many as the shape has.
        """
        try:
            numbers = np.asarray(self.data)
        except ValueError:  # nested, and not a rectangle
            numbers = np.asarray("")
        if numbers.dtype.kind not in ("i" if self.datatype.startswith("INT") else "if"):
            raise InferenceFailed(400, f"input {self.name!r}: data must be {self.datatype}, flat or as the shape")
        if numbers.size != (size := int(np.prod(self.shape))):
            raise InferenceFailed(400, f"input {self.name!r}: the shape has {size} numbers, data has {numbers.size}")
        with np.errstate(over="ignore", invalid="ignore"):
            typed = numbers.reshape(self.shape).astype(TYPES[self.datatype])
        if not np.isfinite(typed).all() or (typed.dtype.kind == "i" and (typed.ravel() != numbers.ravel()).any()):
            raise InferenceFailed(400, f"input {self.name!r}: a number is not finite, or beyond {self.datatype}")
        array: NDArray[np.float64] = typed.astype(np.float64)
        return array


class InferenceRequest(BaseModel):
    """Wines to score: one tensor of shape (n, 11), or one of shape (n) or (n, 1) for each feature, by its name."""

    model_config = ConfigDict(extra="ignore")

    id: str | None = None
    inputs: list[Tensor] = Field(min_length=1, max_length=len(WINE))

    def features(self) -> Features:
        """Shape (n, 11), columns in the order of ``WINE``.

        Raises:
            InferenceFailed: the inputs are something else.
        """
        columns = {tensor.name: tensor for tensor in self.inputs}
        if len(self.inputs) == len(WINE) and columns.keys() == set(WINE):
            arrays = [columns[name].array() for name in WINE]
            if len({array.size for array in arrays}) == 1 and all(array.shape[1:] in ((), (1,)) for array in arrays):
                return np.column_stack([array.reshape(-1) for array in arrays])
        elif len(self.inputs) == 1:
            array = self.inputs[0].array()
            if array.ndim == 2 and array.shape[1] == len(WINE):
                return array
        raise InferenceFailed(
            400,
            f"give one input of shape [n, {len(WINE)}], or one of shape [n] for each of {', '.join(WINE)};"
            f" n at most {MAX_ROWS}",
        )


class ScoreTensor(BaseModel):
    """The scores, in the order of the wines."""

    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class InferenceAnswer(BaseModel):
    """What the active model gave."""

    model_name: str = Field(description="the data type")
    model_version: str = Field(description="the active model's name")
    id: str | None = None
    outputs: list[ScoreTensor]


class TensorMetadata(BaseModel):
    """What an input or an output must look like; -1: any number."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """A data type and its active model."""

    name: str = Field(description="the data type")
    versions: list[str] = Field(description="the active model's name")
    platform: str = Field(description="the model's format")
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelReady(BaseModel):
    """Whether a data type has an active model."""

    name: str
    ready: bool


class ServerMetadata(BaseModel):
    """What this server is."""

    name: str = Field(description="the variant")
    version: str
    extensions: list[str] = Field(description="none: tensors are JSON")


class ServerLive(BaseModel):
    """That this server answers."""

    live: bool


class ServerReady(BaseModel):
    """Whether this server can score what the stream brings."""

    ready: bool


def active(states: States, data_type: str, version: str | None = None) -> ServingState:
    """The state of a data type that has an active model.

    Args:
        version: the model's name; None: any model.
    Raises:
        InferenceFailed: there is none now (503), or no such data type, or another model is active (404).
    """
    known = {state.data_type: state for state in states()}
    state = known.get(data_type)
    if state is not None and state.model is not None:
        if version not in (None, state.model.name):
            raise InferenceFailed(404, f"the active model for data type {data_type!r} is {state.model.name!r}")
        return state
    if state is None and data_type != DEFAULT_DATA_TYPE:
        raise InferenceFailed(404, unknown_data_type(data_type).detail)
    raise InferenceFailed(503, f"no model for data type {data_type!r} has arrived yet; try again when one has")


def infer(states: States, data_type: str, request: InferenceRequest, version: str | None = None) -> InferenceAnswer:
    """Score wines by the active model: all of them by the same one.

    Raises:
        InferenceFailed: the wines are none, there is no model or not this version, or it has no score for one of them.
    """
    active(states, data_type, version)
    features = request.features()
    for _ in range(ATTEMPTS):
        state = active(states, data_type, version)
        try:
            _, scores = state.score(features)
        except ModelClosed:  # its successor scores already, and will be in the states at once
            time.sleep(SUCCESSOR_S)
            continue
        assert scores.values is not None
        assert scores.model_name is not None
        if len(failed := np.flatnonzero(~np.isfinite(scores.values))):
            raise InferenceFailed(422, f"model {scores.model_name!r} has no score for row {failed[0]}")
        output = ScoreTensor(name=OUTPUT, shape=[len(features)], datatype="FP64", data=scores.values.tolist())
        return InferenceAnswer(model_name=data_type, model_version=scores.model_name, id=request.id, outputs=[output])
    raise InferenceFailed(503, "the model was replaced again and again meanwhile; try again")


def metadata(state: ServingState) -> ModelMetadata:
    """What a client must know to ask for scores."""
    assert state.model is not None
    return ModelMetadata(
        name=state.data_type,
        versions=[state.model.name],
        platform=state.model.model_type,
        inputs=[TensorMetadata(name=INPUT, datatype="FP64", shape=[-1, len(WINE)])],
        outputs=[TensorMetadata(name=OUTPUT, datatype="FP64", shape=[-1])],
    )


def routes(states: States, reason: Callable[[], str | None]) -> APIRouter:
    """The protocol's paths.

    Args:
        reason: why this server is not ready; None: it is.
    """
    # Triton's client names no content type: its JSON is read all the same.
    router = APIRouter(prefix=PREFIX, strict_content_type=False)
    missing: dict[int | str, dict[str, Any]] = {status: {"model": ProtocolError} for status in (404, 503)}

    @router.get("", summary="What this server is")
    async def server(request: Request) -> ServerMetadata:
        return ServerMetadata(name=request.app.title, version=request.app.version, extensions=[])

    @router.get("/health/live", summary="Whether this server answers")
    async def live() -> ServerLive:
        return ServerLive(live=True)

    @router.get("/health/ready", responses={503: {"model": ServerReady}}, summary="Whether this server can score")
    async def ready(response: Response) -> ServerReady:
        is_ready = reason() is None
        response.status_code = 200 if is_ready else 503
        return ServerReady(ready=is_ready)

    @router.get("/models/{data_type}", responses=missing, summary="The active model, and what it is given")
    async def model(data_type: str) -> ModelMetadata:
        return metadata(active(states, data_type))

    @router.get("/models/{data_type}/versions/{version}", responses=missing, summary="The same, if it is this one")
    async def model_version(data_type: str, version: str) -> ModelMetadata:
        return metadata(active(states, data_type, version))

    @router.get("/models/{data_type}/ready", responses=missing, summary="Whether there is an active model")
    async def model_ready(data_type: str) -> ModelReady:
        return ModelReady(name=active(states, data_type).data_type, ready=True)

    @router.get("/models/{data_type}/versions/{version}/ready", responses=missing, summary="Whether it is this one")
    async def version_ready(data_type: str, version: str) -> ModelReady:
        return ModelReady(name=active(states, data_type, version).data_type, ready=True)

    _add_scoring(router, states)
    return router


def _add_scoring(router: APIRouter, states: States) -> None:
    thread = DaemonThread("inference")  # one after the other: requests take one thread beside the stream's, no more
    room = threading.BoundedSemaphore(MAX_WAITING)
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": ProtocolError} for status in (400, 404, 413, 422, 503)
    }

    async def scored(data_type: str, request: InferenceRequest, version: str | None = None) -> InferenceAnswer:
        if not room.acquire(blocking=False):
            raise InferenceFailed(503, f"{MAX_WAITING} requests wait for their scores; try again")

        def work() -> InferenceAnswer:
            try:
                return infer(states, data_type, request, version)
            finally:
                room.release()  # here: a request that its client has left still waits in the thread's queue

        return await thread.run(work)

    @router.post(
        "/models/{data_type}/infer",
        responses=refusals,
        response_model_exclude_none=True,
        summary="Scores by the active model",
    )
    async def score(data_type: str, request: Annotated[InferenceRequest, Body()]) -> InferenceAnswer:
        return await scored(data_type, request)

    @router.post(
        "/models/{data_type}/versions/{version}/infer",
        responses=refusals,
        response_model_exclude_none=True,
        summary="Scores by the active model, if it is this one",
    )
    async def score_by(data_type: str, version: str, request: Annotated[InferenceRequest, Body()]) -> InferenceAnswer:
        return await scored(data_type, request, version)


def speak_the_protocol(app: FastAPI) -> None:
    """Errors in the protocol's form, and requests of bounded size, below ``/v2``."""

    @app.exception_handler(InferenceFailed)
    async def failed(_: Request, error: InferenceFailed) -> Response:
        return JSONResponse({"error": error.reason}, error.status)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        if not request.url.path.startswith(f"{PREFIX}/"):
            return await request_validation_exception_handler(request, error)
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        return JSONResponse({"error": _reason(request, f"{where}: {first['msg']}")}, 400)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if not request.url.path.startswith(f"{PREFIX}/"):
            return await http_exception_handler(request, error)
        return JSONResponse({"error": _reason(request, error.detail)}, error.status_code, error.headers)

    app.add_middleware(BoundedBody)


def _reason(request: Request, reason: str) -> str:
    """Bytes behind the JSON are no JSON, or no text: what the parser says of them is no help."""
    return "tensors are read as JSON only: send them with binary_data=False" if BINARY in request.headers else reason


class BoundedBody:
    """In front of an application: a request with a longer body gets 413, and the rest of it is not read."""

    def __init__(self, app: ASGIApp) -> None:
        """``app`` gets the requests that are short enough."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called for each request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # it has left
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MAX_BODY_BYTES:
                refusal = JSONResponse(
                    {"error": f"a request may have {MAX_BODY_BYTES} bytes: send fewer wines at once"}, 413
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, partial(_replay, [{"type": "http.request", "body": body}], receive), send)


async def _replay(messages: list[Message], receive: Receive) -> Message:
    return messages.pop(0) if messages else await receive()
