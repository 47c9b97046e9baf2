"""The HTTP interface that every server has; a variant adds the paths that answer for its state."""

import time
from collections.abc import Iterable
from dataclasses import asdict
from importlib import resources
from typing import Any

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from fastapi_offline import FastAPIOffline

from serving.engine import Engine
from serving.errors import in_one_line
from serving.kernel import Variant
from serving.telemetry.health import Health
from serving.telemetry.report import Report
from serving.web import inference
from serving.web.answers import HealthAnswer, StateAnswer
from serving.web.host import OwnNamesOnly
from serving.web.token import OPEN, TOKEN_DOCUMENTED, TokenRequired

log: structlog.stdlib.BoundLogger = structlog.get_logger()

PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:;"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
MAX_PATH_SHOWN = 100


def application(
    variant: Variant,
    engine: Engine,
    report: Report,
    health: Health,
    token: str | None = None,
    names: Iterable[str] = (),
) -> FastAPI:
    """The application: the variant's own paths, and those that all servers share.

    Args:
        token: what a request must bring. None: everybody on this machine may ask, under one of this machine's names.
        names: further hosts under which it may be asked without a token.
    """
    # FastAPI's own /docs loads its script from the internet, which a workshop's room may not have.
    app = FastAPIOffline(title=variant.name, description=variant.summary, redoc_url=None)
    inferring = inference.routes(engine.states, lambda: health.reason(engine.assigned()))
    for router in (engine.routes(), inferring, _telemetry_routes(variant, engine, report)):
        app.include_router(router, **({} if token is None else TOKEN_DOCUMENTED))
    app.include_router(_health_routes(engine, health))
    inference.speak_the_protocol(app)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        log.error("request_failed", path=request.url.path[:MAX_PATH_SHOWN], reason=in_one_line(error))
        return JSONResponse({"detail": "this server failed to answer; its log says why"}, 500)

    if token is None:  # who has the token is no page that leads a browser here under another name
        app.add_middleware(OwnNamesOnly, also=names, except_path=OPEN)
    else:
        app.add_middleware(TokenRequired, token=token)
    return app


def _telemetry_routes(variant: Variant, engine: Engine, report: Report) -> APIRouter:
    router = APIRouter()

    @router.get("/metrics", response_class=PlainTextResponse, summary="Prometheus's text format")
    async def metrics() -> Response:
        return Response(report.metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @router.get("/live", summary="What the live page shows")
    async def live() -> dict[str, Any]:
        return {
            "variant": variant.name,
            "guarantees": asdict(variant.guarantees),
            "view": asdict(report.view.snapshot(time.monotonic())),
            "states": [StateAnswer.of(state) for state in engine.states()],
            "dead_letters": report.dead_letters,
        }

    @router.get("/", include_in_schema=False)
    async def page() -> HTMLResponse:
        text = resources.files("serving.web").joinpath("live_page.html").read_text("utf-8")
        return HTMLResponse(text, headers={"Content-Security-Policy": PAGE_POLICY})

    return router


def _health_routes(engine: Engine, health: Health) -> APIRouter:
    router = APIRouter()

    @router.get(OPEN, responses={503: {"model": HealthAnswer}}, summary="Whether this server can score")
    async def healthz(response: Response) -> HealthAnswer:
        reason = health.reason(engine.assigned())
        response.status_code = 200 if reason is None else 503
        return HealthAnswer(ready=reason is None, broker=health.broker, reason=reason)

    return router
