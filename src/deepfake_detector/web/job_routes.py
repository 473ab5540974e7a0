"""What both the page and the service answer about jobs: hand in, ask, fetch results, cancel."""

from pathlib import Path
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from deepfake_detector.web.jobs import RESULTS, Job, JobQueue, QueueFullError, describe_job

MEGABYTE = 1_000_000
RETRY_SECONDS = 30
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

FILE_NAME_HEADER = "x-file-name"
"""The name of a file that is handed in, percent-encoded; no form of a foreign site can send it."""


class TooLargeError(ValueError):
    """More was sent than is taken."""


def make_job_routes(queue: JobQueue, max_megabytes: int) -> list[Route]:
    """Make the routes of a job queue; who may use them is checked before."""

    async def submit(request: Request) -> Response:
        if FILE_NAME_HEADER not in request.headers:
            return reject("the name of the file is missing; send it as X-File-Name", 400)
        try:
            number, job = queue.open_job(unquote(request.headers[FILE_NAME_HEADER]))
        except QueueFullError as error:
            return reject(str(error), 429, {"Retry-After": str(RETRY_SECONDS)})
        try:
            await _receive(request, job, max_megabytes)
        except TooLargeError as error:
            return reject(str(error), 413)
        finally:
            if not job.upload.is_file():
                queue.forget(job)
        queue.submit(number, job)
        return JSONResponse({"job": number}, 201, GUARD)

    async def describe(request: Request) -> Response:
        job = queue.find(request.path_params["number"])
        if job is None:
            return reject("this job is not here any more; hand the file in again", 404)
        before = queue.count_before(request.path_params["number"])
        return JSONResponse(describe_job(job, before), headers=GUARD)

    async def cancel(request: Request) -> Response:
        await run_in_threadpool(queue.cancel, request.path_params["number"])
        return JSONResponse({"state": "cancelled"}, headers=GUARD)

    async def give_result(request: Request) -> Response:
        job, name = queue.find(request.path_params["number"]), request.path_params["name"]
        if job is None or name not in RESULTS or not (job.results / name).is_file():
            return reject("there is no such result", 404)
        return _give(job, name, "download" in request.query_params)

    return [
        Route("/jobs", submit, methods=["POST"]),
        Route("/jobs/{number}", describe),
        Route("/jobs/{number}", cancel, methods=["DELETE"]),
        Route("/jobs/{number}/{name}", give_result),
    ]


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


def reject(reason: str, status: int, headers: dict[str, str] | None = None) -> JSONResponse:
    """Answer why a request is not served."""
    return JSONResponse({"state": "rejected", "reason": reason}, status, GUARD | (headers or {}))


def _give(job: Job, name: str, is_download: bool) -> FileResponse:
    guard = REPORT_GUARD if name == "report.html" else GUARD
    saved_as = f"{Path(job.name).stem}-{name}" if is_download else None
    return FileResponse(job.results / name, headers=guard, filename=saved_as)
