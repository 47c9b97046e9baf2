"""Under which names a server on this machine may be asked: a page from elsewhere must not read it through a browser.

DNS rebinding: a page of ``evil.example`` makes that name lead to 127.0.0.1, and the browser takes the server here for
the page's own origin. It still sends the name, in the header ``Host``.
"""

from collections.abc import Iterable

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.settings.addresses import in_url

THIS_MACHINE = ("localhost", "127.0.0.1", "[::1]")


class OwnNamesOnly:
    """In front of an application: answers 400 to a request that is addressed to anybody else."""

    def __init__(self, app: ASGIApp, also: Iterable[str] = (), except_path: str | None = None) -> None:
        """Requests to this machine's own names pass to ``app``.

        Args:
            also: further names and addresses of this server.
            except_path: a path that may be asked under any name.
        """
        names = [*THIS_MACHINE, *map(in_url, also)]
        self._app = app
        self._except_path = except_path
        self._checked = TrustedHostMiddleware(app, allowed_hosts=names, www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called for each request."""
        is_open = scope["type"] == "http" and scope["path"] == self._except_path
        await (self._app if is_open else self._checked)(scope, receive, send)
