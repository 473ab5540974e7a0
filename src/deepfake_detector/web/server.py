"""The page for people who do not type: a file goes in, a verdict comes out.

Serves this machine only. A foreign site can neither read answers (no CORS, hosts checked) nor hand
in files (a header that no form can send is required).
"""

import errno
import socket
from pathlib import Path
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from deepfake_detector.web.jobs import RESULTS, Job, JobQueue, describe_job

HOSTS = ["127.0.0.1", "localhost"]
PAGES = Path(__file__).parent
MEGABYTE = 1_000_000
GUARD = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'self'; form-action 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
REPORT_GUARD = GUARD | {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; frame-ancestors 'self'"
}


_HAND_IN_HEADER = "x-file-name"
"""No form of a foreign site can send it."""


class TooLargeError(ValueError):
    """More was sent than is taken."""


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
    """Make the web application of a job queue."""

    async def submit(request: Request) -> Response:
        if _HAND_IN_HEADER not in request.headers:
            return _reject("the name of the file is missing", 400)
        number, job = queue.open_job(unquote(request.headers[_HAND_IN_HEADER]))
        try:
            await _receive(request, job, max_megabytes)
        except TooLargeError as error:
            return _reject(str(error), 413)
        finally:
            if not job.upload.is_file():
                queue.forget(job)
        queue.submit(number, job)
        return JSONResponse({"job": number}, 201, GUARD)

    async def describe(request: Request) -> Response:
        job = queue.find(request.path_params["number"])
        if job is None:
            return _reject("this job is not here any more; hand the file in again", 404)
        before = queue.count_before(request.path_params["number"])
        return JSONResponse(describe_job(job, before), headers=GUARD)

    async def cancel(request: Request) -> Response:
        if _HAND_IN_HEADER not in request.headers:
            return _reject("only the page itself can cancel a job", 400)
        await run_in_threadpool(queue.cancel, request.path_params["number"])
        return JSONResponse({"state": "cancelled"}, headers=GUARD)

    async def give_result(request: Request) -> Response:
        job, name = queue.find(request.path_params["number"]), request.path_params["name"]
        if job is None or name not in RESULTS or not (job.results / name).is_file():
            return _reject("there is no such result", 404)
        return _give(job, name, "download" in request.query_params)

    def give_page(name: str):
        async def give(request: Request) -> Response:
            return FileResponse(PAGES / name, headers=GUARD)

        return give

    return Starlette(
        routes=[
            Route("/", give_page("index.html")),
            Route("/page.js", give_page("page.js")),
            Route("/jobs", submit, methods=["POST"]),
            Route("/jobs/{number}", describe),
            Route("/jobs/{number}", cancel, methods=["DELETE"]),
            Route("/jobs/{number}/{name}", give_result),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
    )


async def _receive(request: Request, job: Job, max_megabytes: int) -> None:
    """Write what is sent to the job's file; leave none where it is too large or breaks off."""
    unfinished = job.upload.with_name(".unfinished")
    limit, size = max_megabytes * MEGABYTE, 0
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise _say_too_large(job, max_megabytes)
    try:
        with unfinished.open("wb") as file:
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise _say_too_large(job, max_megabytes)
                file.write(part)
        unfinished.replace(job.upload)
    finally:
        unfinished.unlink(missing_ok=True)


def _say_too_large(job: Job, max_megabytes: int) -> TooLargeError:
    return TooLargeError(
        f"{job.name}: larger than {max_megabytes} MB, which is the limit; cut out the part "
        "that matters"
    )


def _reject(reason: str, status: int) -> JSONResponse:
    return JSONResponse({"state": "rejected", "reason": reason}, status, GUARD)


def _give(job: Job, name: str, is_download: bool) -> FileResponse:
    guard = REPORT_GUARD if name == "report.html" else GUARD
    saved_as = f"{Path(job.name).stem}-{name}" if is_download else None
    return FileResponse(job.results / name, headers=guard, filename=saved_as)
