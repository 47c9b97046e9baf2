"""The HTTP interface that every server has; a variant adds the paths that answer for its state."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib import resources
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi_offline import FastAPIOffline

from serving.answers import HealthAnswer, StateAnswer
from serving.errors import PortInUse
from serving.health import Health
from serving.http_token import OPEN, TOKEN_DOCUMENTED, TokenRequired
from serving.report import Report
from serving.variant import E, Variant

PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:;"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
BACKLOG = 128


def application(variant: Variant[E], engine: E, report: Report, health: Health, token: str | None = None) -> FastAPI:
    """The application: the variant's own paths, and those that all servers share; ``token`` None: everybody may ask."""
    shared, healthy = APIRouter(), APIRouter()

    @healthy.get(OPEN, responses={503: {"model": HealthAnswer}}, summary="Whether this server can score")
    async def healthz(response: Response) -> HealthAnswer:
        response.status_code = 200 if health.ready and health.broker else 503
        return HealthAnswer(ready=health.ready, broker=health.broker)

    @shared.get("/metrics", response_class=PlainTextResponse, summary="Prometheus's text format")
    async def metrics() -> Response:
        return Response(report.metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @shared.get("/live", summary="What the live page shows")
    async def live() -> dict[str, Any]:
        return {
            "variant": variant.name,
            "guarantees": asdict(variant.guarantees),
            "view": asdict(report.view.snapshot(time.monotonic())),
            "states": [StateAnswer.of(state) for state in engine.states()],
            "dead_letters": report.dead_letters,
        }

    @shared.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        text = resources.files("serving").joinpath("live_page.html").read_text("utf-8")
        return HTMLResponse(text, headers={"Content-Security-Policy": PAGE_POLICY})

    # FastAPI's own /docs loads its script from the internet, which a workshop's room may not have.
    app = FastAPIOffline(title=variant.name, description=variant.summary, redoc_url=None)
    for router in (variant.routes(engine), shared):
        app.include_router(router, **({} if token is None else TOKEN_DOCUMENTED))
    app.include_router(healthy)
    if token is not None:
        app.add_middleware(TokenRequired, token=token)
    return app


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything else is started.

    Raises:
        PortInUse: something else has the port, or the address is not ours.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise PortInUse(
            host, port, os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        ) from None


class HttpServer(uvicorn.Server):
    """uvicorn inside our own event loop: the signals are the lifecycle's, not its."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield

    async def serve_until_cancelled(self, listening: socket.socket) -> None:
        """Answer requests; when cancelled, end those under way and return."""
        serving = asyncio.create_task(self.serve(sockets=[listening]))
        try:
            await asyncio.shield(serving)
        finally:
            self.should_exit = self.force_exit = True
            await serving
