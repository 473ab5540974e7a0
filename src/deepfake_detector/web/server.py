"""The page for people who do not type: a file goes in, a verdict comes out.

Serves this machine only. A foreign site can neither read answers (no CORS, hosts checked) nor hand
in files (a header that no form can send is required).
"""

import errno
import socket
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from deepfake_detector.web.job_routes import FILE_NAME_HEADER, GUARD, make_job_routes, reject
from deepfake_detector.web.jobs import JobQueue

HOSTS = ["127.0.0.1", "localhost"]
PAGES = Path(__file__).parent


class OnlyFromThePage:
    """Rejects what changes something and does not come from the page itself."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", []))
        reads_only = scope["type"] != "http" or scope["method"] in ("GET", "HEAD")
        answer = self._app
        if not reads_only and FILE_NAME_HEADER.encode() not in headers:
            answer = reject("only the page itself can hand in a file or cancel a job", 400)
        await answer(scope, receive, send)


def listen(host: str, port: int) -> socket.socket:
    """Listen on a port, before anybody is told to open it.

    Raises:
        ValueError: another program listens there; the message says what to change.
    """
    try:
        return socket.create_server((host, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise ValueError(
            f"port {port} is taken, perhaps by this program in another window; end that, or "
            "choose another number for app.port in params.yaml"
        ) from error


def make_server(queue: JobQueue, max_megabytes: int) -> Starlette:
    """Make the web application of the page and its job queue."""

    def give_page(name: str):
        async def give(request: Request) -> Response:
            return FileResponse(PAGES / name, headers=GUARD)

        return give

    return Starlette(
        routes=[
            Route("/", give_page("index.html")),
            Route("/page.js", give_page("page.js")),
            *make_job_routes(queue, max_megabytes),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False),
            Middleware(OnlyFromThePage),
        ],
    )
