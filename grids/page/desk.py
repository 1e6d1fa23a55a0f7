"""The desk behind all pages: photographs wait there, are judged, restored, drawn and packed.

One photograph is judged, one restored and one drawn at a time, each in the order of asking, so
that memory is bounded whatever is asked for, and a decision does not wait for a restoration. The
files of a photograph lie in a folder of its own:

source           as it was uploaded
colours N.npy    what the model of group number N, and further steps, made of it, at strength 1
nearest N.png    what it is most like, where the export has examples, by number
result           the last restored file that was drawn, with all that belongs to the photograph
"""

import asyncio
import io
import secrets
import shutil
import zipfile
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from grids.base.errors import InputError, NotFiniteError
from grids.base.plugins import require_known
from grids.page import uploads
from grids.page.uploads import Limits, RefusedError
from grids.page.visits import Photo, State, Visit, Work
from grids.restoring import blending, photographs, sheets
from grids.restoring.photographs import Photograph
from grids.restoring.workshop import Judgement, Workshop

# What browsers do not show is drawn as PNG.
SHOWN = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "BMP": "image/bmp"}
STATES: dict[str, State] = {"restore": "judged", "leave": "left", "refuse": "refused"}
# So long after its connection broke, a page counts as closed.
SECONDS_AWAY = 30.0


class StoppedError(Exception):
    """Raised in the middle of a restoration that is to end."""


class Desk:
    """Takes photographs of visits, and gives back what becomes of them.

    Args:
        workshop: the models.
        folder: for temporary files; whoever made it removes it.
        limits: of uploads.
    """

    def __init__(self, workshop: Workshop, folder: Path, limits: Limits):
        self.limits, self.groups = limits, workshop.bundle.names
        self._workshop, self._folder = workshop, folder
        self._visits: dict[str, Visit] = {}
        self._judging, self._restoring, self._drawing = (asyncio.Lock() for _ in range(3))
        self._closing: set[asyncio.Task[None]] = set()

    def open(self) -> Visit:
        """A new page, which is closed again if it does not listen."""
        name = secrets.token_urlsafe(18)
        visit = self._visits[name] = Visit(name, self._folder / secrets.token_hex(8))
        visit.folder.mkdir()
        self.expect(visit)
        return visit

    def visit(self, name: str) -> Visit:
        """The page of a name.

        Raises:
            RefusedError: it is not open.
        """
        if name not in self._visits:
            raise RefusedError("this page was closed; open it again", 410)
        return self._visits[name]

    def photo(self, visit: Visit, name: str) -> Photo:
        """The photograph of a name.

        Raises:
            RefusedError: the page has none.
        """
        if name not in visit.photos:
            raise RefusedError("this photograph is not here any more", 404)
        return visit.photos[name]

    def expect(self, visit: Visit) -> None:
        """Closes a page unless it listens in a while."""
        visit.departures += 1
        this = visit.departures

        async def later() -> None:
            await asyncio.sleep(SECONDS_AWAY)
            # If it came back and left again since, that has a while of its own.
            if not visit.heard and visit.departures == this:
                await self.close(visit)

        self._keep(self._closing, later())

    async def close(self, visit: Visit) -> None:
        """Ends what is being done for a page, and removes its files."""
        if self._visits.pop(visit.id, None):
            visit.close()
            await asyncio.gather(*visit.tasks, return_exceptions=True)
            await asyncio.to_thread(shutil.rmtree, visit.folder, ignore_errors=True)

    async def close_all(self) -> None:
        """Ends everything."""
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*map(self.close, list(self._visits.values())))

    async def take(
        self,
        visit: Visit,
        path: str,
        place: int,
        chunks: AsyncIterator[bytes],
        declared: str | None,
    ) -> Photo:
        """Takes an upload, and has it judged.

        Args:
            visit: the page.
            path: as the page calls it.
            place: among those of the page.
            chunks: of its bytes.
            declared: how many there are, as the upload says.

        Raises:
            RefusedError: it is not taken.
        """
        if len(visit.photos) + visit.receiving >= self.limits.photographs:
            raise RefusedError(f"more than {self.limits.photographs} photographs", 409)
        own = secrets.token_hex(8)
        photo = Photo(own, uploads.tidy(path), place, visit.folder / own, 0, 0)
        photo.folder.mkdir()
        visit.receiving += 1
        try:
            await uploads.receive(chunks, declared, photo.folder / "source", self.limits)
            async with self._judging:
                photo.width, photo.height = await asyncio.to_thread(
                    uploads.measured, photo.folder / "source", self.limits
                )
            if visit.closed:
                raise RefusedError("this page was closed", 410)
        except BaseException:
            shutil.rmtree(photo.folder, ignore_errors=True)
            raise
        finally:
            visit.receiving -= 1
        visit.photos[photo.id] = photo
        visit.changed(photo)
        self._keep(visit.tasks, self._judge(visit, photo))
        return photo

    def drop(self, visit: Visit, photo: Photo) -> None:
        """Forgets a photograph, and what is asked of it."""
        del visit.photos[photo.id]
        self.cancel(visit, photo)
        shutil.rmtree(photo.folder, ignore_errors=True)

    def order(self, visit: Visit, photo: Photo, group: str) -> None:
        """Has a photograph restored with a group's model, unless it is or will be.

        Raises:
            RefusedError: there is no such group, or the photograph cannot be read.
        """
        self._require(group)
        if photo.state in ("waiting", "failed"):
            raise RefusedError(photo.reason or "not judged yet", 409)
        if group not in photo.tiles and group not in photo.work:
            work = photo.work[group] = Work(group)
            visit.changed(photo)
            self._keep(visit.tasks, self._restore(visit, photo, work))

    def cancel(self, visit: Visit, photo: Photo) -> None:
        """Ends what is asked of a photograph; what is under way, at the end of its tile."""
        for work in photo.work.values():
            work.stop.set()
        photo.work.clear()
        visit.changed(photo)

    def choose(self, visit: Visit, photo: Photo, group: str, strength: float) -> None:
        """Says which model's result is a photograph's, and how much of it.

        Raises:
            RefusedError: there is no such group or strength.
        """
        self._require(group)
        if not 0 <= strength <= blending.STRONGEST:
            raise RefusedError(f"strength {strength:g}: 0 … {blending.STRONGEST}", 400)
        photo.group, photo.strength = group, strength
        visit.changed(photo)

    async def before(self, photo: Photo) -> tuple[bytes, str]:
        """The photograph as it was, as a browser shows it; and its media type."""
        async with self._drawing:
            return await asyncio.to_thread(self._before, photo)

    async def nearest(self, photo: Photo, number: str) -> tuple[bytes, str]:
        """One of the pictures that it is most like; and its media type.

        Raises:
            RefusedError: it has none of this number.
        """
        if number not in map(str, range(len(photo.nearest))):
            raise RefusedError("nothing that it is like", 404)
        path = photo.folder / f"nearest {number}.png"
        return await asyncio.to_thread(path.read_bytes), SHOWN["PNG"]

    async def after(self, photo: Photo, group: str, strength: float) -> tuple[bytes, str]:
        """What a model made of it, as a browser shows it; and its media type.

        Raises:
            RefusedError: it is not restored with this model.
        """
        async with self._drawing:
            return await asyncio.to_thread(self._after, photo, group, strength)

    async def result(self, photo: Photo, wanted: tuple[str, float]) -> bytes:
        """The restored file, with all that belongs to the photograph.

        Args:
            photo: the photograph.
            wanted: whose model's result, and its strength.

        Raises:
            RefusedError: it is not restored with this model.
        """
        async with self._drawing:
            return await asyncio.to_thread(self._result, photo, *wanted)

    async def packed(self, visit: Visit) -> tuple[Path, dict[Photo, tuple[str, float]]]:
        """A file of all results of a page, as ZIP, and what it holds; whoever gets it removes it.

        Raises:
            RefusedError: there are none.
        """
        done = sorted((p for p in visit.photos.values() if p.done), key=lambda p: p.place)
        if not done:
            raise RefusedError("nothing is restored yet", 409)
        # What is chosen while others are packed is no part of it.
        held = {photo: photo.wanted for photo in done}
        names = uploads.members([photo.path for photo in done])
        path = visit.folder / f"{secrets.token_hex(8)}.zip"
        with zipfile.ZipFile(path, "x") as archive:
            for photo, name in zip(done, names, strict=True):
                if photo.id not in visit.photos:
                    continue
                content = await self.result(photo, held[photo])
                await asyncio.to_thread(archive.writestr, name, content)
        return path, held

    def gave(self, visit: Visit, results: dict[Photo, tuple[str, float]]) -> None:
        """Keeps in mind which results a page is given, to be saved."""
        for photo, wanted in results.items():
            photo.saved.add(wanted)
            visit.changed(photo)

    def _require(self, group: str) -> None:
        try:
            require_known(group, self.groups, "group")
        except InputError as error:
            raise RefusedError(str(error), 400) from None

    @staticmethod
    def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
        """Starts a task, which the loop alone would let go of."""
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _judge(self, visit: Visit, photo: Photo) -> None:
        async with self._judging:
            if visit.closed or photo.id not in visit.photos:
                return
            try:
                photo.remarks, judged, reason = await asyncio.to_thread(self._judged, photo)
            except (InputError, MemoryError, OSError) as error:
                photo.state, photo.reason = "failed", _reason(error)
            else:
                photo.judged = judged
                photo.group = judged.group
                photo.state, photo.reason = STATES[judged.verdict], reason
        visit.changed(photo)

    def _judged(self, photo: Photo) -> tuple[tuple[str, ...], Judgement, str]:
        """What is not kept, what is said of it, and why it is not to be restored."""
        photograph = self._read(photo)
        try:
            judged = self._workshop.judge(photograph)
        except InputError as error:
            # Whoever names a group may have it restored all the same.
            judged = replace(self._workshop.judge(photograph, self.groups[0]), verdict="refuse")
            return photograph.remarks, judged, str(error)
        like = self._workshop.nearest(photograph)
        for number, (_, pixels) in enumerate(like):
            Image.fromarray(pixels).save(photo.folder / f"nearest {number}.png")
        photo.nearest = tuple(name for name, _ in like)
        reason = judged.decision.reason if judged.decision and judged.verdict != "restore" else ""
        return photograph.remarks, judged, reason

    async def _restore(self, visit: Visit, photo: Photo, work: Work) -> None:
        loop = asyncio.get_running_loop()

        def report(done: float) -> None:
            work.done = done
            visit.changed(photo)

        def progress(pixels: int) -> None:
            if work.stop.is_set():
                raise StoppedError
            loop.call_soon_threadsafe(report, pixels / (photo.width * photo.height))

        async with self._restoring:
            if work.stop.is_set():
                return
            try:
                tile = await asyncio.to_thread(self._restored, photo, work.group, progress)
            except StoppedError:
                return
            except (InputError, NotFiniteError, MemoryError, OSError) as error:
                photo.reason = _reason(error)
            else:
                if work.stop.is_set():
                    return
                photo.tiles[work.group] = tile
        photo.work.pop(work.group, None)
        visit.changed(photo)

    def _restored(self, photo: Photo, group: str, progress: Callable[[int], None]) -> int | None:
        judged = photo.judged
        groups = judged.groups if judged and group == judged.group else (group,)
        colours, tile = self._workshop.restore(self._read(photo), groups, progress)
        np.save(self._colours(photo, group), colours)
        return tile

    def _colours(self, photo: Photo, group: str) -> Path:
        # By number: the name of a group may be longer than that of a file.
        return photo.folder / f"colours {self.groups.index(group)}.npy"

    @staticmethod
    def _read(photo: Photo) -> Photograph:
        return photographs.decoded((photo.folder / "source").read_bytes(), Path(photo.name))

    def _before(self, photo: Photo) -> tuple[bytes, str]:
        return _shown((photo.folder / "source").read_bytes(), photo.name)

    def _after(self, photo: Photo, group: str, strength: float) -> tuple[bytes, str]:
        return _shown(self._result(photo, group, strength), photo.name)

    def _result(self, photo: Photo, group: str, strength: float) -> bytes:
        self._require(group)
        if group not in photo.tiles or photo.judged is None:
            raise RefusedError(f"not restored with the model of {group}", 409)
        photograph = self._read(photo)
        colours = np.load(self._colours(photo, group), mmap_mode="r")
        mixed = blending.blended(photograph.colour, colours, strength)
        judged = photo.judged
        if group != judged.group:
            model = self._workshop.bundle.fingerprints[group]
            judged = replace(judged, group=group, chosen_by="user", model=model, further=())
        statement = self._workshop.statement(judged, photo.tiles[group], strength)
        target = photo.folder / "result"
        photographs.write(photograph, mixed, target, statement)
        return target.read_bytes()


def _shown(content: bytes, name: str) -> tuple[bytes, str]:
    """A file as browsers show it, and its media type."""
    photograph = photographs.decoded(content, Path(name))
    if photograph.format in SHOWN:
        return content, SHOWN[photograph.format]
    coded = io.BytesIO()
    pixels = sheets.upright(photograph.colour, photograph.orientation)
    Image.fromarray(np.ascontiguousarray(pixels)).save(coded, "PNG", compress_level=1)
    return coded.getvalue(), SHOWN["PNG"]


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or "memory ran out"
