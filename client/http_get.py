"""One HTTP request to a server on this machine, for programs without an event loop."""

import http.client

TIMEOUT_S = 5.0


def http_get(host: str, port: int, path: str) -> bytes | None:
    """The body of the answer; None while there is none, or none with status 200. No proxy is asked."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.read() if answer.status == http.HTTPStatus.OK else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
