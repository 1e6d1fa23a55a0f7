"""`grids page`: what its server takes, gives and refuses, over real connections."""

import asyncio
import io
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unicodedata
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import quote

import numpy as np
import pytest
import tiny_bundle
from hypothesis import given, settings
from hypothesis import strategies as st
from photograph_files import chunk, damaged, scene
from PIL import Image

from grids.cli import main
from grids.commands import _ending

pytest.importorskip("starlette", reason="the extra 'page' is not installed")
pytest.importorskip("uvicorn", reason="the extra 'page' is not installed")

from page_server import HOST, Client, serving_page
from starlette.datastructures import Headers

from grids.page import desk, serving, uploads
from grids.page.guard import Guard
from grids.page.uploads import Limits, RefusedError
from grids.restoring import photographs
from grids.restoring.workshop import Step

ADDED = 20
MOST = 100


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the server's temporary files lie."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def page(tmp_path_factory, folder):
    export = tiny_bundle.adding(tmp_path_factory.mktemp("export"), ADDED)
    limits = {"megabytes": 1, "megapixels": 2, "photographs": MOST}
    with serving_page(export, folder, **limits) as client:
        yield client
    # Whatever the tests left: the server's end leaves nothing.
    assert os.listdir(folder) == []


@pytest.fixture
def visit(page):
    address = page.visit()
    yield address
    page.ask("POST", f"{address}/close")


def coded(pixels=None, kind="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(scene(96, 128) // 2 if pixels is None else pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def opened(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def files_below(folder):
    # Folders may vanish on the way.
    return [name for _, _, names in os.walk(folder) for name in names]


def test_a_photograph_is_judged_restored_and_given_back(page, visit):
    exif = Image.Exif()
    exif[0x010E] = "a note"
    name = "ünï/../写真 1.png"
    source = coded(exif=exif)
    photo = page.upload(visit, source, quote(name))
    assert (photo["name"], photo["path"]) == ("写真 1.png", "ünï/写真 1.png")
    (judged,) = page.judged(visit).values()
    assert judged["state"] in ("judged", "left", "refused")
    assert (judged["width"], judged["height"]) == (128, 96)
    assert set(judged["groups"]) == {*page.workshop.bundle.groups, "mix"}
    # Tried are the likeliest group's model and the mix: of others nothing can be told.
    told = {name: about["gain"] for name, about in judged["groups"].items() if about["gain"]}
    assert told.keys() == {judged["likely"], "mix"}
    assert all(low < gain < high for gain, low, high in told.values())
    # Nothing is restored before it is asked for.
    assert not judged["restored"]
    assert page.json("GET", f"{visit}/photographs/{photo['id']}/result")[0] == 409

    address = page.restored(visit, photo, "jpeg")
    chosen = page.json("POST", f"{address}/choose?group=jpeg&strength=0.5")[1]
    assert (chosen["group"], chosen["strength"]) == ("jpeg", 0.5)
    assert abs(chosen["groups"]["mix"]["gain"][0]) < abs(told["mix"][0]) or told["mix"][0] == 0
    status, headers, content = page.ask("GET", f"{address}/result")
    assert status == 200
    assert quote("写真 1.png") in headers["Content-Disposition"]
    np.testing.assert_array_equal(opened(content), opened(source) + np.uint8(ADDED // 2))
    restored = Image.open(io.BytesIO(content))
    assert restored.getexif()[0x010E] == "a note"
    assert 'grids:strength="0.5"' in restored.info["xmp"].decode()
    assert page.ask("GET", f"{address}/before")[2] == source
    after = page.ask("GET", f"{address}/after?group=jpeg&strength=1")[2]
    np.testing.assert_array_equal(opened(after), opened(source) + np.uint8(ADDED))


def test_further_steps_follow_the_model_that_was_chosen_and_no_other(page, visit, monkeypatch):
    source = coded()
    judged = page.workshop.judge(photographs.decoded(source, "a.png"), "jpeg")
    noise = "gaussian_noise+poisson_noise"
    step = Step(noise, page.workshop.bundle.fingerprints[noise], judged.decision)
    planned = replace(judged, further=(step,))
    monkeypatch.setattr(page.workshop, "judge", lambda photograph: planned)
    photo = page.upload(visit, source)
    (told,) = page.judged(visit).values()
    assert told["further"] == [noise]
    for group, added in (("jpeg", 2 * ADDED), (noise, ADDED)):
        address = page.restored(visit, photo, group)
        page.ask("POST", f"{address}/choose?group={quote(group)}&strength=1")
        content = page.ask("GET", f"{address}/result")[2]
        np.testing.assert_array_equal(opened(content), opened(source) + np.uint8(added))
        groups = f"jpeg, {noise}" if group == "jpeg" else group
        assert f'grids:group="{groups}"' in Image.open(io.BytesIO(content)).info["xmp"].decode()


def test_what_tells_the_damage_and_what_a_photograph_is_like_are_said(page, visit, monkeypatch):
    judged = page.workshop.judge(photographs.decoded(coded(), "a.png"))
    told = {"steps between blocks": 8.0, "fine detail": 2.0, "detail in colour": 0.1}
    said = replace(judged.decision, against="undamaged", evidence=told)
    monkeypatch.setattr(
        page.workshop, "judge", lambda photograph: replace(judged, verdict="restore", decision=said)
    )
    like = [("jpeg", scene(64, 64, seed=n)) for n in range(2)] + [("clean", scene(64, 64, seed=2))]
    monkeypatch.setattr(page.workshop, "nearest", lambda photograph: like)
    photo = page.upload(visit, coded())
    (shown,) = page.judged(visit).values()
    assert shown["seen"] == ["steps between blocks", "fine detail"]
    assert shown["against"] == "undamaged"
    assert shown["nearest"] == ["jpeg", "jpeg", "clean"]
    address = f"{visit}/photographs/{photo['id']}/nearest"
    for number, (_, pixels) in enumerate(like):
        status, headers, content = page.ask("GET", f"{address}?number={number}")
        assert (status, headers["Content-Type"]) == (200, "image/png")
        np.testing.assert_array_equal(opened(content), pixels)
    for number in ("3", "-1", "", "../source", "9" * 5000):
        assert page.json("GET", f"{address}?number={quote(number)}")[0] == 404


def test_what_browsers_do_not_show_is_shown_as_png(page, visit):
    photo = page.upload(visit, coded(kind="TIFF"), "a.tif")
    address = page.restored(visit, photo, "jpeg")
    for part, added in (("before", 0), ("after?group=jpeg&strength=1", ADDED)):
        _, headers, content = page.ask("GET", f"{address}/{part}")
        assert headers["Content-Type"] == "image/png"
        np.testing.assert_array_equal(opened(content), scene(96, 128) // 2 + np.uint8(added))
    page.ask("POST", f"{address}/choose?group=jpeg&strength=1")
    assert Image.open(io.BytesIO(page.ask("GET", f"{address}/result")[2])).format == "TIFF"


def test_all_results_come_as_one_archive_with_names_of_their_own(page, visit):
    assert page.json("GET", f"{visit}/results.zip")[1] == {"reason": "nothing is restored yet"}
    given = {
        "x/a.png": "x/a.png",
        "y/a.png": "y/a.png",
        "x/A.png": "x/A (2).png",
        "a.png": "a.png",
        "..\\a.png": "a (2).png",
        "x": "x (2)",  # a folder is called so
        "/etc/../b.png": "etc/b.png",
        "C:\\x\\a.png": "C_/x/a.png",
        "c:a.png": "c_a.png",
        "..": "photograph",
        "new\nline.png": "new_line.png",
    }
    # The last comes first: the order is that in which they were given.
    for place, name in reversed(list(enumerate(given))):
        photo = page.upload(visit, coded(), quote(name), place)
        group = page.judged(visit)[photo["id"]]["group"]
        page.restored(visit, photo, group)
    status, headers, content = page.ask("GET", f"{visit}/results.zip")
    assert (status, headers["Content-Type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = archive.namelist()
        assert found == list(given.values())
        assert all(opened(archive.read(name)).shape == (96, 128, 3) for name in found)


def test_what_was_given_to_be_saved_is_told_and_is_that_of_its_strength(page, visit):
    source = coded()
    photo = page.upload(visit, source)
    address = page.restored(visit, photo, "jpeg")

    def unsaved():
        return page.news(visit, lambda known: True)[photo["id"]]["unsaved"]

    page.ask("POST", f"{address}/choose?group=jpeg&strength=1")
    assert unsaved()
    page.ask("GET", f"{address}/after?group=jpeg&strength=1")
    assert unsaved(), "it was looked at alone"
    page.ask("GET", f"{address}/result")
    wait(lambda: not unsaved())
    page.ask("POST", f"{address}/choose?group=jpeg&strength=0.5")
    assert unsaved(), "another result"
    page.ask("HEAD", f"{visit}/results.zip")
    time.sleep(0.2)
    assert unsaved(), "of it nothing was sent"
    page.ask("GET", f"{visit}/results.zip")
    wait(lambda: not unsaved())
    page.ask("POST", f"{address}/choose?group=jpeg&strength=1")
    assert not unsaved(), "it was given before"


@pytest.mark.parametrize("what", ["/results.zip", "/result"])
def test_what_somebody_did_not_wait_for_is_not_saved(page, visit, monkeypatch, what):
    photo = page.upload(visit, coded())
    address = page.restored(visit, photo, "jpeg")
    page.ask("POST", f"{address}/choose?group=jpeg&strength=1")
    write, left, written = photographs.write, threading.Event(), threading.Event()

    def slow(*arguments):
        assert left.wait(60)
        done = write(*arguments)
        written.set()
        return done

    monkeypatch.setattr(photographs, "write", slow)
    target = f"{visit if what.endswith('zip') else address}{what}"
    with socket.create_connection((HOST, page.port)) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        time.sleep(0.2)
    time.sleep(0.2)
    left.set()
    assert written.wait(60)
    time.sleep(0.2)
    assert page.news(visit, lambda known: True)[photo["id"]]["unsaved"]


def test_an_archive_holds_what_was_chosen_when_it_was_asked_for(page, visit, monkeypatch):
    source = coded()
    for place in range(2):
        photo = page.upload(visit, source, f"{place}.png", place)
        address = page.restored(visit, photo, "jpeg")
        page.ask("POST", f"{address}/choose?group=jpeg&strength=1")
    write, other = photographs.write, quote(page.workshop.bundle.names[-1])

    def choosing(*arguments):
        monkeypatch.setattr(photographs, "write", write)
        page.ask("POST", f"{address}/choose?group={other}&strength=1")
        return write(*arguments)

    monkeypatch.setattr(photographs, "write", choosing)
    status, _, content = page.ask("GET", f"{visit}/results.zip")
    assert status == 200
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in ("0.png", "1.png"):
            expected = opened(source) + np.uint8(ADDED)
            np.testing.assert_array_equal(opened(archive.read(name)), expected)


# Text of the signs that matter, and any.
PATHS = st.text(st.sampled_from("/\\.: aA()2\0\n\u202e") | st.characters())


@given(PATHS)
def test_paths_are_shown_without_what_leads_elsewhere(path):
    tidy = uploads.tidy(path)
    parts = tidy.split("/")
    assert all(part.strip(". ") for part in parts)
    assert all(len(part.encode()) <= uploads.LONGEST_NAME for part in parts)
    assert len(parts) <= uploads.DEEPEST
    assert tidy.isprintable()
    assert "\\" not in tidy
    assert uploads.tidy(tidy) == tidy


@given(st.lists(PATHS, max_size=6))
def test_members_of_an_archive_can_be_unpacked_at_one_place(paths):
    names = uploads.members([uploads.tidy(path) for path in paths])
    folded = [unicodedata.normalize("NFD", name).casefold() for name in names]
    assert len(set(folded)) == len(paths)
    assert not any(other.startswith(f"{name}/") for name in folded for other in folded)
    for name in names:
        windows = PureWindowsPath(name)
        assert not windows.anchor
        assert "/".join(windows.parts) == "/".join(PurePosixPath(name).parts) == name
        assert ".." not in windows.parts
        assert all(part == part.rstrip(" .") for part in windows.parts)
        assert all(len(part.encode()) <= 255 for part in windows.parts)
        assert not windows.is_reserved()
        assert not set(name) & set('\\:*?"<>|\0\n')


def test_members_differ_for_all_systems():
    given = ["x./a.png", "x/a.png", "x/A.png ", "CON.png", "aux/nul", "ü.png", "u\u0308.png"]
    names = uploads.members([uploads.tidy(path) for path in [*given, "字" * 99]])
    assert names[:5] == ["x/a.png", "x/a (2).png", "x/A (3).png", "_CON.png", "_aux/_nul"]
    assert names[5:7] == ["ü.png", "u\u0308 (2).png"]
    assert names[7] == "字" * (uploads.LONGEST_NAME // 3)


def test_uploads_that_lie_are_refused_in_one_line_and_leave_nothing(page, visit, folder):
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0"))
    wide = coded(np.zeros((1001, 2000, 3), np.uint8))
    for content, status, words in (
        (b"", 415, "no photograph"),
        (b"GIF89a and so on", 415, "no photograph"),
        (b"\x89PNG\r\n\x1a\n", 415, "cannot be read"),
        (coded()[:20], 415, "cannot be read"),
        (bomb + chunk(b"IEND", b""), 415, "exceed the limit"),
        (wide, 413, "2000×1001 pixels, more than 2 megapixels"),
        (b"\xff\xd8" + bytes(1_000_001), 413, "more than 1 MB"),
        # Chunks, which do not say how many there are.
        (iter([coded(), *[bytes(100_000)] * 11]), 413, "more than 1 MB"),
    ):
        got, told = page.json("POST", f"{visit}/photographs?name=a.png", content)
        assert (got, words in told["reason"]) == (status, True), told
        assert "\n" not in told["reason"]
        assert str(folder) not in told["reason"]
    assert files_below(folder) == []


def test_a_length_that_is_too_large_is_refused_before_the_rest_comes(page, visit):
    with socket.create_connection((HOST, page.port), timeout=30) as line:
        head = f"POST {visit}/photographs HTTP/1.1\r\nHost: {HOST}:{page.port}\r\n"
        line.sendall(f"{head}Origin: {page.origin}\r\nContent-Length: 99999999999\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_who_goes_away_in_an_upload_leaves_nothing(page, visit, folder):
    with socket.create_connection((HOST, page.port), timeout=30) as line:
        head = f"POST {visit}/photographs HTTP/1.1\r\nHost: {HOST}:{page.port}\r\n"
        line.sendall(f"{head}Origin: {page.origin}\r\nContent-Length: 5000\r\n\r\n".encode())
        line.sendall(coded()[:3000])
        wait(lambda: files_below(folder))
    wait(lambda: not files_below(folder))
    page.upload(visit, coded())


def wait(for_what):
    end = time.monotonic() + 120
    while not for_what():
        assert time.monotonic() < end
        time.sleep(0.02)


@settings(deadline=None, max_examples=30)
@given(content=damaged(scene(80, 80)))
def test_damaged_uploads_are_judged_or_refused_in_one_line(page, content):
    visit = page.visit()
    status, told = page.json("POST", f"{visit}/photographs?name=a.png", content)
    assert status in (201, 413, 415), told
    if status == 201:
        (told,) = page.judged(visit).values()
        assert told["state"] in ("judged", "left", "refused", "failed")
        assert (told["state"] == "judged") == (told["reason"] == "")
    assert "\n" not in told["reason"]
    page.ask("POST", f"{visit}/close")


def test_two_hundred_at_once_on_two_pages_get_each_their_own(page, folder, monkeypatch):
    visits = [page.visit(), page.visit()]
    content = coded(scene(64, 64))
    judged = page.workshop.judge(photographs.decoded(content, "a.png"))
    monkeypatch.setattr(page.workshop, "judge", lambda photograph: judged)
    with ThreadPoolExecutor(16) as several:
        jobs = [(visit, f"{number}.png") for visit in visits for number in range(MOST)]
        list(several.map(lambda job: page.upload(job[0], content, job[1]), jobs))
    for visit in visits:
        known = page.judged(visit)
        assert {photo["name"] for photo in known.values()} == {f"{n}.png" for n in range(MOST)}
        status, told = page.json("POST", f"{visit}/photographs?name=b.png", content)
        assert (status, told["reason"]) == (409, f"more than {MOST} photographs")
    assert len(files_below(folder)) == 2 * MOST
    # Nobody has what is another's.
    other = next(iter(known))
    assert page.json("GET", f"{visits[0]}/photographs/{other}/before")[0] == 404
    for visit in visits:
        assert page.ask("POST", f"{visit}/close")[0] == 204
        assert page.json("POST", f"{visit}/photographs?name=b.png", content)[0] == 410
    assert files_below(folder) == []


def test_one_is_restored_at_a_time_and_any_can_be_ended(page, visit, monkeypatch):
    running, most, held = [], [], threading.Event()

    def slow(photograph, group, progress):
        running.append(group)
        most.append(len(running))
        try:
            while not held.wait(0.01):
                progress(64)
            return photograph.colour, None
        finally:
            running.remove(group)

    monkeypatch.setattr(page.workshop, "restore", slow)
    first, second = (page.upload(visit, coded()) for _ in range(2))
    page.judged(visit)
    addresses = [f"{visit}/photographs/{photo['id']}" for photo in (first, second)]
    for address in addresses:
        assert page.ask("POST", f"{address}/restore?group=jpeg")[0] == 202
        assert page.ask("POST", f"{address}/restore?group=jpeg")[0] == 202
    wait(lambda: running)
    known = page.news(visit, lambda known: known[first["id"]]["work"].get("jpeg", 0) > 0)
    assert known[second["id"]]["work"] == {"jpeg": 0}
    page.ask("POST", f"{addresses[0]}/cancel")
    page.news(visit, lambda known: not known[first["id"]]["work"] and len(most) == 2)
    # A photograph that is forgotten ends its work.
    assert page.ask("DELETE", addresses[1])[0] == 204
    wait(lambda: not running)
    assert page.json("GET", f"{addresses[1]}/before")[0] == 404
    held.set()
    page.restored(visit, first, "jpeg")
    assert set(most) == {1}


def test_a_restoration_that_fails_says_why(page, visit, monkeypatch):
    def failing(*arguments):
        raise MemoryError

    photo = page.upload(visit, coded())
    page.judged(visit)
    monkeypatch.setattr(page.workshop, "restore", failing)
    page.ask("POST", f"{visit}/photographs/{photo['id']}/restore?group=jpeg")
    known = page.news(visit, lambda known: not known[photo["id"]]["work"])
    assert known[photo["id"]]["reason"] == "memory ran out"


def test_a_page_that_nobody_looks_at_is_closed(page, folder, monkeypatch):
    visit = page.visit()
    page.upload(visit, coded())
    # It listens once, and is gone from then on.
    monkeypatch.setattr(desk, "SECONDS_AWAY", 0.2)
    page.judged(visit)
    wait(lambda: not files_below(folder))
    assert page.json("GET", f"{visit}/results.zip")[1]["reason"].startswith("this page was closed")


class Skipping(asyncio.SelectorEventLoop):
    """A loop whose clock goes on, at once, when there is nothing to do until then."""

    skipped = 0.0

    def __init__(self):
        super().__init__()
        select = self._selector.select

        def at_once(seconds=None):
            events = select(0 if seconds is not None else 0.01)
            if not events:
                self.skipped += seconds or 0.0
            return events

        self._selector.select = at_once

    def time(self):
        return self.skipped


def test_a_page_that_came_back_has_its_whole_while_again(page, tmp_path):
    async def visited():
        opened = desk.Desk(page.workshop, tmp_path, Limits())
        visit, other = opened.open(), opened.open()
        await asyncio.sleep(0.75 * desk.SECONDS_AWAY)
        opened.expect(visit)
        await asyncio.sleep(0.5 * desk.SECONDS_AWAY)
        assert opened.visit(visit.id) is visit, "the first while is over, the second is not"
        with pytest.raises(RefusedError, match="this page was closed"):
            opened.visit(other.id)
        await asyncio.sleep(desk.SECONDS_AWAY)
        with pytest.raises(RefusedError, match="this page was closed"):
            opened.visit(visit.id)

    with asyncio.Runner(loop_factory=Skipping) as runner:
        runner.run(visited())


def test_what_cannot_be_judged_is_restored_by_name(page, visit):
    photo = page.upload(visit, coded(np.full((80, 80, 3), 90, np.uint8)))
    (told,) = page.judged(visit).values()
    assert (told["state"], "the same all over" in told["reason"]) == ("refused", True)
    address = page.restored(visit, photo, "jpeg")
    page.ask("POST", f"{address}/choose?group=jpeg&strength=1")
    assert (opened(page.ask("GET", f"{address}/result")[2]) == 90 + ADDED).all()


def test_a_full_disk_is_said(page, visit, monkeypatch):
    usage = shutil.disk_usage("/")._replace(free=100)
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda path: usage)
    status, told = page.json("POST", f"{visit}/photographs?name=a.png", coded())
    assert (status, told["reason"]) == (507, "the disk of temporary files is full")


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PUT", "/visits", 405),
        ("GET", "/visits/guess/news", 410),
        ("GET", "/../pyproject.toml", 404),
        ("POST", "{visit}/photographs/guess/restore", 404),
        ("POST", "{visit}/photographs?name=a.png&place=-1", 400),
        ("POST", "{visit}/photographs?name=a.png&place=1234567890", 400),
        ("POST", "{photo}/restore?group=nothing", 400),
        ("POST", "{photo}/choose?group=jpeg&strength=2", 400),
        ("POST", "{photo}/choose?group=jpeg&strength=nan", 400),
        ("POST", "{photo}/choose?group=jpeg&strength=much", 400),
        ("GET", "{photo}/after?group=jpeg", 409),
    ],
)
def test_what_is_not_there_is_said_in_one_line(page, visit, method, address, status):
    photo = page.upload(visit, coded())
    address = address.format(visit=visit, photo=f"{visit}/photographs/{photo['id']}")
    page.judged(visit)
    got, told = page.json(method, address)
    assert got == status
    assert told["reason"]
    assert "\n" not in told["reason"]


def test_the_page_holds_nothing_from_elsewhere(page):
    for address in ("/", "/page.css", "/page.js"):
        status, headers, content = page.ask("GET", address)
        assert status == 200
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert b"http://" not in content
        assert b"https://" not in content


@pytest.mark.parametrize(
    ("listens", "method", "headers", "passes"),
    [
        ("127.0.0.1", "GET", {"host": "127.0.0.1:8417"}, True),
        ("127.0.0.1", "GET", {"host": "localhost:8417"}, True),
        ("127.0.0.1", "GET", {"host": "[::1]:8417"}, True),
        ("127.0.0.1", "GET", {"host": "evil.example:8417"}, False),
        ("127.0.0.1", "GET", {"host": "127.0.0.1.evil.example"}, False),
        ("127.0.0.1", "GET", {"host": "192.168.1.4:8417"}, False),
        ("127.0.0.1", "GET", {"host": "[::1"}, False),
        ("127.0.0.1", "GET", {}, False),
        ("0.0.0.0", "GET", {"host": "192.168.1.4:8417"}, True),
        ("0.0.0.0", "GET", {"host": "evil.example:8417"}, False),
        ("box.lan", "GET", {"host": "box.lan:8417"}, True),
        ("127.0.0.1", "POST", {"host": "localhost:8417"}, False),
        ("127.0.0.1", "POST", {"host": "localhost:1", "origin": "http://localhost:1"}, True),
        ("127.0.0.1", "POST", {"host": "localhost:1", "origin": "http://localhost:2"}, False),
        ("127.0.0.1", "POST", {"host": "localhost:1", "origin": "null"}, False),
        ("127.0.0.1", "GET", {"host": "localhost:1", "origin": "http://evil.example"}, False),
        ("127.0.0.1", "GET", {"host": "localhost:1", "sec-fetch-site": "cross-site"}, False),
        ("127.0.0.1", "GET", {"host": "localhost:1", "sec-fetch-site": "none"}, True),
    ],
)
def test_who_may_ask(listens, method, headers, passes):
    refusal = Guard(None, listens).refusal(method, Headers(headers))
    assert (refusal == "") == passes
    assert "\n" not in refusal


def test_strangers_are_refused_over_the_wire(page):
    assert page.ask("POST", "/visits", Origin="http://evil.example")[0] == 403
    assert page.ask("GET", "/", Host="evil.example")[0] == 403


@pytest.mark.parametrize(
    "options",
    [
        ["--host", "203.0.113.9"],
        ["--host", "nosuch.invalid"],
        ["--host", "a..b"],
        ["--port", "99999"],
        ["--port", "-1"],
    ],
)
def test_an_address_that_cannot_be_listened_at_is_one_line(options, capsys):
    assert main(["page", *options]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"error: {' '.join(options)}:")
    # Another port would not help.
    assert ("this machine" in said) == ("--host" in options)
    assert "--port 0" not in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(("host", "here"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
@pytest.mark.parametrize("outward", ["192.168.1.4", "2001:db8::4", ""])
def test_where_all_addresses_are_listened_at_those_to_open_are_said(
    host, here, outward, monkeypatch
):
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("there is no IPv6 on this machine")
    monkeypatch.setattr(serving, "_outward", lambda taken: outward)
    with serving.listening(host, 0) as taken:
        port = taken.getsockname()[1]
        said = serving.where(taken, host).split(", from elsewhere ")
        named = f"[{outward}]" if ":" in outward else outward
        assert said == [f"http://{each}:{port}/" for each in (here, named) if each]
        # The page answers to each.
        for address in said:
            asked = Headers({"host": address.split("/")[2]})
            assert Guard(None, host).refusal("GET", asked) == ""


def test_the_address_for_elsewhere_is_one_that_can_be_opened():
    with serving.listening("0.0.0.0", 0) as taken:
        outward = serving._outward(taken)
        if not outward:
            pytest.skip("this machine is in no network")
        socket.create_connection((outward, taken.getsockname()[1]), timeout=30).close()
    with serving.listening(HOST, 0) as taken:
        assert serving.where(taken, HOST) == f"http://{HOST}:{taken.getsockname()[1]}/"


def test_an_interruption_ends_the_command_and_leaves_nothing(tmp_path):
    command = [sys.executable, "-m", "grids.cli", "page", "--port", "0", "--device", "cpu"]
    own = os.environ | {"TMPDIR": str(tmp_path)}
    # What runs in the background of a shell inherits that it ignores interruptions.
    heeding = partial(signal.signal, signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=own, preexec_fn=heeding
    ) as started:
        line = started.stderr.readline()
        (port,) = re.findall(r"^GRIDS is at http://127\.0\.0\.1:(\d+)/ ", line)
        client = Client(int(port), None)
        visit = client.visit()
        client.upload(visit, coded())
        assert files_below(tmp_path)
        started.send_signal(signal.SIGINT)
        said = started.stderr.read()
    assert os.listdir(tmp_path) == []
    assert started.returncode == 0
    assert said == "ended; its temporary files are gone\n"


def test_a_port_that_is_taken_is_one_line(page, capsys):
    assert main(["page", "--port", str(page.port)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--port {page.port}: {HOST} cannot be listened at (Address already in use)" in line
    assert "--port 0 takes a free port" in line
    assert main(["page", "--megapixels", "0"]) == 1
    assert "--megapixels: must be 1 or more, got 0" in capsys.readouterr().err


def test_what_is_not_installed_is_named_with_the_command(monkeypatch, capsys):
    monkeypatch.setattr(_ending, "find_spec", lambda name: None)
    assert main(["page"]) == 1
    assert "pip install 'grids[page]'" in capsys.readouterr().err


def test_limits_are_of_a_photograph_s_size():
    assert Limits().megapixels * 10**6 < 2 * 89_478_485, "below what the reader refuses itself"
