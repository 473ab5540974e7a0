"""The service for programs: the jobs of the page without the page, for those who have a token."""

import secrets
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from deepfake_detector.web.job_routes import GUARD, make_job_routes, reject
from deepfake_detector.web.jobs import JobQueue

TOKEN = "DEEPFAKE_DETECTOR_TOKEN"
"""Environment variable: what each request must show. A command line could be read by others."""

MIN_TOKEN_LENGTH = 20
HEALTH = "/health"
"""Answers without a token, and says nothing but that the service runs."""


class OnlyWithToken:
    """Rejects requests without `Authorization: Bearer TOKEN`."""

    def __init__(self, app: ASGIApp, token: str):
        self._app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        if scope["type"] == "http" and scope["path"] != HEALTH:
            shown = dict(scope["headers"]).get(b"authorization", b"")
            if not secrets.compare_digest(shown, self._expected):  # takes as long for any token
                reason = "a token is needed, and this is not it: Authorization: Bearer TOKEN"
                answer = reject(reason, 401, {"WWW-Authenticate": "Bearer"})
        await answer(scope, receive, send)


def make_service(queue: JobQueue, max_megabytes: int, token: str) -> Starlette:
    """Make the web application of the service."""

    async def say_it_runs(request: Request) -> Response:
        return JSONResponse({"state": "running"}, headers=GUARD)

    return Starlette(
        routes=[Route(HEALTH, say_it_runs), *make_job_routes(queue, max_megabytes)],
        middleware=[Middleware(OnlyWithToken, token=token)],
    )


def read_token(environment: Mapping[str, str]) -> str:
    """Read the token.

    Raises:
        ValueError: there is none, or it could be guessed or not be sent.
    """
    token = environment.get(TOKEN, "")
    if len(token) < MIN_TOKEN_LENGTH or not token.isascii() or not token.isprintable():
        raise ValueError(
            f"{TOKEN} holds {len(token)} characters, expected at least {MIN_TOKEN_LENGTH}, plain "
            f"ones; for example: export {TOKEN}=$(openssl rand -hex 32)"
        )
    return token
