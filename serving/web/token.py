"""Who may ask a server over HTTP: anyone on this machine, and from elsewhere those who know the token."""

import base64
import binascii
import hmac
from typing import Any

from fastapi import Depends
from fastapi.security import HTTPBasic, HTTPBearer
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.web.answers import Refusal

OPEN = "/healthz"
"""What needs no token, as those who watch over a server know none: it only says whether it can score."""

CHALLENGE = {"WWW-Authenticate": 'Basic realm="the token as password; any user name"'}

TOKEN_DOCUMENTED: dict[str, Any] = {
    "dependencies": [Depends(HTTPBearer(auto_error=False)), Depends(HTTPBasic(auto_error=False))],
    "responses": {401: {"model": Refusal}},
}
"""What the OpenAPI page says of paths that ask for the token; ``TokenRequired`` does the asking."""


class TokenRequired:
    """In front of an application: answers 401 to who does not send the token.

    ``Authorization: Bearer TOKEN``, or the token as password of any user, as a browser asks for it.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        """``app`` gets the requests that may pass."""
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called for each request."""
        if scope["type"] != "http" or scope["path"] == OPEN or self._is_known(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        answer = JSONResponse({"detail": "send this server's token (--http-token)"}, 401, CHALLENGE)
        await answer(scope, receive, send)

    def _is_known(self, headers: Headers) -> bool:
        kind, _, sent = headers.get("authorization", "").partition(" ")
        token = _password(sent) if kind.lower() == "basic" else sent.encode("latin-1")  # the bytes as they came
        return hmac.compare_digest(token, self._token)  # takes as long for a nearly right one


def bearer(token: str | None) -> dict[str, Any]:
    """The headers that let us in at another instance."""
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def _password(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
