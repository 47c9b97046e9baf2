"""The page with five columns, and a button each that kills a server."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException
from fastapi.responses import HTMLResponse

from client.demo.all.servers import Server
from serving.web.api import PAGE_POLICY
from serving.web.host import OwnNamesOnly


def application(servers: Sequence[Server], left_s: Callable[[], float | None]) -> FastAPI:
    """The page, what it shows, and what its buttons do.

    Listening on 127.0.0.1 keeps other machines out, but not the other pages in the same browser: any of them may send
    a POST here. So killing asks for a header of our own, which no form can send, and no script of another origin
    without a permission (CORS) that this server never gives. And the Host must be this machine's name, so that no
    other name that is made to lead here (DNS rebinding) counts as the same origin.

    Args:
        servers: the five, in the order of their columns.
        left_s: until the demo ends by itself; None if it does not.
    """
    app = FastAPI(title="All servers", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(OwnNamesOnly)
    by_name = {server.name: server for server in servers}

    @app.get("/")
    async def page() -> HTMLResponse:
        text = resources.files("client.demo.all").joinpath("page.html").read_text("utf-8")
        return HTMLResponse(text, headers={"Content-Security-Policy": PAGE_POLICY})

    @app.get("/live-all")
    async def live_all() -> dict[str, Any]:
        return {"left_s": left_s(), "servers": [asdict(server.column()) for server in servers]}

    @app.post("/servers/{name}/kill", status_code=202)
    async def kill(name: str, x_demo: Annotated[str | None, Header()] = None) -> dict[str, Any]:
        if x_demo is None:
            raise HTTPException(403, "this is for the demo's own page: send the header X-Demo")
        if name not in by_name:
            raise HTTPException(404, f"no server is called {name!r}")
        return {"killed": await by_name[name].kill_and_start()}

    return app
