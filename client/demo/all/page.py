"""The page with five columns, and a button for each cell of the survival table."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse

from client.demo.all.columns_words import LABELS, cells, models_words, phase_words
from client.demo.all.models import WatchedModels
from client.demo.all.servers import Server
from client.demo.circumstances import Circumstance
from model.errors import ServingError
from serving.web.api import PAGE_POLICY
from serving.web.host import OwnNamesOnly


def application(servers: Sequence[Server], models: WatchedModels, left_s: Callable[[], float | None]) -> FastAPI:
    """The page, what it shows, and what its buttons do.

    Listening on 127.0.0.1 keeps other machines out, but not the other pages in the same browser: any of them may send
    a POST here. So each button's request needs a header of our own, which no form can send, and no script of another
    origin without a permission (CORS) that this server never gives. And the Host must be this machine's name, so that
    no other name that is made to lead here (DNS rebinding) counts as the same origin.

    Args:
        servers: the five, in the order of their columns.
        models: the topic that they learn their models from.
        left_s: until the demo ends by itself; None if it does not.
    """
    app = FastAPI(title="All servers", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(OwnNamesOnly)
    by_name = {server.name: server for server in servers}

    @app.exception_handler(ServingError)
    async def failed(_request: Request, error: ServingError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 500)

    @app.get("/")
    async def page() -> HTMLResponse:
        text = resources.files("client.demo.all").joinpath("page.html").read_text("utf-8")
        return HTMLResponse(text, headers={"Content-Security-Policy": PAGE_POLICY})

    @app.get("/live-all")
    async def live_all() -> dict[str, Any]:
        return {
            "left_s": left_s(),
            "models": models_words(models.models()),
            "circumstances": dict(LABELS),
            "servers": [_answer(server) for server in servers],
        }

    @app.post("/servers/{name}/kill", status_code=202, dependencies=[Depends(_from_own_page)])
    async def kill(name: str, circumstance: Circumstance = "killed") -> dict[str, bool]:
        if name not in by_name:
            raise HTTPException(404, f"no server is called {name!r}")
        return {"killed": await by_name[name].kill_and_start(circumstance)}

    return app


def _from_own_page(x_demo: Annotated[str | None, Header()] = None) -> None:
    if x_demo is None:
        raise HTTPException(403, "this is for the demo's own page: send the header X-Demo")


def _answer(server: Server) -> dict[str, Any]:
    column = server.column()
    return {
        **asdict(column),
        "words": "ended by itself" if column.phase == "ended" else phase_words(column),
        "cells": [asdict(cell) for cell in cells(column)],
        "recovery": column.recovery and asdict(column.recovery),
    }
