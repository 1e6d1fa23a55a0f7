"""What the page may ask for, by address.

GET    /                                      the page itself
POST   /visits                                a new visit: its name, the groups, the limits
GET    /visits/V/news                         what changes, for as long as the page is open
POST   /visits/V/close                        the page is gone
GET    /visits/V/results.zip                  all results
POST   /visits/V/photographs?name=PATH&place  an upload: the file alone is the body
DELETE /visits/V/photographs/P                forgets it
POST   /visits/V/photographs/P/restore?group  has it restored with a model
POST   /visits/V/photographs/P/cancel         ends that
POST   /visits/V/photographs/P/choose?group&strength  says what its result is
GET    /visits/V/photographs/P/before         as it was
GET    /visits/V/photographs/P/nearest?number what it is most like, where there are examples
GET    /visits/V/photographs/P/after?group&strength   what a model made of it
GET    /visits/V/photographs/P/result         the restored file
"""

import asyncio
import json
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from grids.base.errors import InputError
from grids.images import search
from grids.page.desk import Desk
from grids.page.guard import Guard
from grids.page.uploads import Limits, RefusedError
from grids.page.visits import Photo, Visit
from grids.restoring import blending
from grids.restoring.workshop import Workshop

STATIC = Path(__file__).parent / "static"
PAGE = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js"}
ARCHIVE = "restored.zip"
CHUNK = 1 << 16
PLACE = re.compile("[0-9]{1,9}")


def app(workshop: Workshop, host: str, limits: Limits) -> Starlette:
    """The application; its temporary files go when it ends.

    Args:
        workshop: the models.
        host: where it will listen.
        limits: of uploads.
    """

    @asynccontextmanager
    async def desk(app: Starlette) -> AsyncIterator[None]:
        with tempfile.TemporaryDirectory(
            prefix="grids-page-", ignore_cleanup_errors=True
        ) as folder:
            app.state.desk = Desk(workshop, Path(folder), limits)
            yield
            await app.state.desk.close_all()

    photo = "/visits/{visit}/photographs/{photo}"
    routes = [
        *(Route(address, _static(name)) for address, name in PAGE.items()),
        Route("/visits", _open, methods=["POST"]),
        Route("/visits/{visit}/news", _news),
        Route("/visits/{visit}/close", _close, methods=["POST"]),
        Route("/visits/{visit}/results.zip", _results),
        Route("/visits/{visit}/photographs", _take, methods=["POST"]),
        Route(photo, _drop, methods=["DELETE"]),
        Route(f"{photo}/restore", _restore, methods=["POST"]),
        Route(f"{photo}/cancel", _cancel, methods=["POST"]),
        Route(f"{photo}/choose", _choose, methods=["POST"]),
        Route(f"{photo}/before", _before),
        Route(f"{photo}/nearest", _nearest),
        Route(f"{photo}/after", _after),
        Route(f"{photo}/result", _result),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, host=host)],
        exception_handlers={InputError: _refused, HTTPException: _unknown, Exception: _broken},
        lifespan=desk,
    )


def _static(name: str) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        return FileResponse(STATIC / name)

    return answer


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _visit(request: Request) -> Visit:
    return _desk(request).visit(request.path_params["visit"])


def _photo(request: Request) -> tuple[Visit, Photo]:
    visit = _visit(request)
    return visit, _desk(request).photo(visit, request.path_params["photo"])


def _group(request: Request) -> str:
    return request.query_params.get("group", "")


def _strength(request: Request) -> float:
    try:
        return float(request.query_params.get("strength", "1"))
    except ValueError:
        raise RefusedError("strength: must be a number", 400) from None


async def _open(request: Request) -> Response:
    desk = _desk(request)
    about = {
        "id": desk.open().id,
        "groups": desk.groups,
        "suffixes": search.SUFFIXES,
        "strongest": blending.STRONGEST,
        "megabytes": desk.limits.megabytes,
    }
    return JSONResponse(about, 201)


async def _news(request: Request) -> Response:
    desk, visit = _desk(request), _visit(request)

    async def lines() -> AsyncIterator[str]:
        try:
            async for photos in visit.news():
                # A comment, where there is nothing to tell, shows whether somebody listens.
                told = json.dumps([photo.told() for photo in photos])
                yield f"data: {told}\n\n" if photos else ":\n\n"
        finally:
            desk.expect(visit)

    return StreamingResponse(lines(), media_type="text/event-stream")


async def _close(request: Request) -> Response:
    await _desk(request).close(_visit(request))
    return Response(status_code=204)


async def _results(request: Request) -> Response:
    desk, visit = _desk(request), _visit(request)
    path, held = await desk.packed(visit)

    async def chunks() -> AsyncIterator[bytes]:
        try:
            with open(path, "rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    yield chunk
        finally:
            path.unlink(missing_ok=True)

    size = path.stat().st_size
    return _saved(
        request, chunks(), size, ARCHIVE, "application/zip", lambda: desk.gave(visit, held)
    )


async def _take(request: Request) -> Response:
    path, place = request.query_params.get("name", ""), request.query_params.get("place", "0")
    if not PLACE.fullmatch(place):
        raise RefusedError("place: must be a whole number of at most 9 digits", 400)
    desk, visit, declared = _desk(request), _visit(request), request.headers.get("content-length")
    try:
        photo = await desk.take(visit, path, int(place), request.stream(), declared)
    except ClientDisconnect:
        return Response(status_code=499)  # to nobody
    return JSONResponse(photo.told(), 201)


async def _drop(request: Request) -> Response:
    _desk(request).drop(*_photo(request))
    return Response(status_code=204)


async def _restore(request: Request) -> Response:
    _desk(request).order(*_photo(request), _group(request))
    return Response(status_code=202)


async def _cancel(request: Request) -> Response:
    _desk(request).cancel(*_photo(request))
    return Response(status_code=202)


async def _choose(request: Request) -> Response:
    visit, photo = _photo(request)
    _desk(request).choose(visit, photo, _group(request), _strength(request))
    return JSONResponse(photo.told())


async def _before(request: Request) -> Response:
    content, kind = await _desk(request).before(_photo(request)[1])
    return Response(content, media_type=kind)


async def _nearest(request: Request) -> Response:
    number = request.query_params.get("number", "")
    content, kind = await _desk(request).nearest(_photo(request)[1], number)
    return Response(content, media_type=kind)


async def _after(request: Request) -> Response:
    group, strength = _group(request), _strength(request)
    content, kind = await _desk(request).after(_photo(request)[1], group, strength)
    return Response(content, media_type=kind)


async def _result(request: Request) -> Response:
    desk, (visit, photo) = _desk(request), _photo(request)
    wanted = photo.wanted
    content = await desk.result(photo, wanted)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), CHUNK):
            yield content[start : start + CHUNK]

    kind = "application/octet-stream"
    return _saved(
        request,
        chunks(),
        len(content),
        photo.name,
        kind,
        lambda: desk.gave(visit, {photo: wanted}),
    )


def _saved(
    request: Request,
    chunks: AsyncIterator[bytes],
    size: int,
    name: str,
    kind: str,
    then: Callable[[], None],
) -> Response:
    """An answer that becomes a file. `then` comes before its end is sent to who is still there.

    Who has its end may be gone at once.
    """

    async def sent() -> AsyncIterator[bytes]:
        last = b""
        async for chunk in chunks:
            if last:
                yield last
            last = chunk
        if request.method == "GET" and not await request.is_disconnected():
            then()
        yield last

    # Quoted as RFC 5987 says, since a name may be of any signs.
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Length": str(size),
    }
    return StreamingResponse(sent(), headers=headers, media_type=kind)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RefusedError) else 500
    return JSONResponse({"reason": str(error)}, status)


async def _unknown(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return JSONResponse({"reason": "there is nothing of this address"}, status)


async def _broken(request: Request, error: Exception) -> Response:
    return JSONResponse({"reason": f"a mistake of the page ({type(error).__name__})"}, 500)
