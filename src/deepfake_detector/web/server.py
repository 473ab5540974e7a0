"""The page for people who do not type: a file goes in, a verdict comes out.

Serves this machine only. A foreign site can neither read answers (no CORS, hosts checked) nor hand
in files (a header that no form can send is required).
"""

from pathlib import Path
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from deepfake_detector.web.jobs import RESULTS, Case, Desk, describe_case

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


class TooLargeError(ValueError):
    """More was sent than is taken."""


def make_server(desk: Desk, largest_megabytes: int) -> Starlette:
    """Make the web application of a desk."""

    async def take_in(request: Request) -> Response:
        if "x-file-name" not in request.headers:
            return _refuse("the name of the file is missing", 400)
        number, case = desk.open_case(unquote(request.headers["x-file-name"]))
        try:
            await _receive(request, case, largest_megabytes)
        except TooLargeError as error:
            return _refuse(str(error), 413)
        finally:
            if not case.upload.is_file():
                desk.forget(case)
        desk.take_in(number, case)
        return JSONResponse({"case": number}, 201, GUARD)

    async def describe(request: Request) -> Response:
        case = desk.find(request.path_params["number"])
        if case is None:
            return _refuse("this case is not here any more; hand the file in again", 404)
        return JSONResponse(describe_case(case), headers=GUARD)

    async def give_result(request: Request) -> Response:
        case, name = desk.find(request.path_params["number"]), request.path_params["name"]
        if case is None or name not in RESULTS or not (case.results / name).is_file():
            return _refuse("there is no such result", 404)
        return _give(case, name, "download" in request.query_params)

    def give_page(name: str):
        async def give(request: Request) -> Response:
            return FileResponse(PAGES / name, headers=GUARD)

        return give

    return Starlette(
        routes=[
            Route("/", give_page("index.html")),
            Route("/page.js", give_page("page.js")),
            Route("/cases", take_in, methods=["POST"]),
            Route("/cases/{number}", describe),
            Route("/cases/{number}/{name}", give_result),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
    )


async def _receive(request: Request, case: Case, largest_megabytes: int) -> None:
    """Write what is sent to the case's file; leave none where it is too large or breaks off."""
    unfinished = case.upload.with_name(".unfinished")
    limit, size = largest_megabytes * MEGABYTE, 0
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise _say_too_large(case, largest_megabytes)
    try:
        with unfinished.open("wb") as file:
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise _say_too_large(case, largest_megabytes)
                file.write(part)
        unfinished.replace(case.upload)
    finally:
        unfinished.unlink(missing_ok=True)


def _say_too_large(case: Case, largest_megabytes: int) -> TooLargeError:
    return TooLargeError(
        f"{case.name}: larger than {largest_megabytes} MB, which is the limit; cut out the part "
        "that matters"
    )


def _refuse(reason: str, status: int) -> JSONResponse:
    return JSONResponse({"state": "refused", "reason": reason}, status, GUARD)


def _give(case: Case, name: str, is_download: bool) -> FileResponse:
    guard = REPORT_GUARD if name == "report.html" else GUARD
    saved_as = f"{Path(case.name).stem}-{name}" if is_download else None
    return FileResponse(case.results / name, headers=guard, filename=saved_as)
