"""How soon `grids page` shows itself and decides, and what hostile uploads do to it.

python benchmarks/page.py [--photograph WIDTH HEIGHT] [--uploads N]

The command as a user starts it, with the packaged models. First paint in Chromium, where Playwright
and a Chromium are there; the time from an uploaded photograph to its decision, against that of
Pillow for decoding the same file in this run; then N uploads that are no photographs, broken, or
not as large as they say, and what becomes of them, with the server's memory before, at most and
after. Memory is read as Linux tells it.
"""

import argparse
import http.client
import io
import itertools
import json
import re
import shutil
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

HOST = "127.0.0.1"
# Photographs that a visit takes.
PER_VISIT = 900


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--photograph", type=int, nargs=2, default=(4000, 3000), metavar=("WIDTH", "HEIGHT")
    )
    parser.add_argument("--uploads", type=int, default=1000, help="hostile ones (1000)")
    options = parser.parse_args()
    command = [sys.executable, "-m", "grids.cli", "page", "--port", "0"]
    start = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            (port,) = re.findall(r"http://127\.0\.0\.1:(\d+)/", server.stderr.readline())
            print(f"the server answers after {time.perf_counter() - start:.2f} s")
            first_paint(int(port))
            decision(int(port), server.pid, *options.photograph)
            hostile(int(port), server.pid, options.uploads)
        finally:
            server.terminate()


def first_paint(port: int) -> None:
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        print("first paint: not measured, there is no Chromium with Playwright")
        return
    paints = "performance.getEntriesByName('first-contentful-paint').map((p) => p.startTime)"
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        times = []
        for _ in range(5):
            page = browser.new_context().new_page()
            page.goto(f"http://{HOST}:{port}/")
            while not (found := page.evaluate(paints)):
                time.sleep(0.02)
            times += found
        browser.close()
    print(f"first paint after {np.median(times):.0f} ms (median of 5 fresh pages)")


def decision(port: int, process: int, width: int, height: int) -> None:
    content = photograph(width, height)
    size = f"{width * height / 1e6:.1f} megapixels, {len(content) / 1e6:.1f} MB"
    start = time.perf_counter()
    np.asarray(Image.open(io.BytesIO(content)))
    decoding = time.perf_counter() - start
    times = []
    for _ in range(3):
        visit = opened(port)
        start = time.perf_counter()
        ask(port, "POST", f"{visit}/photographs?name=a.jpg", content)
        uploaded = time.perf_counter() - start
        told = judged(port, visit)
        times.append(time.perf_counter() - start)
        ask(port, "POST", f"{visit}/close")
    print(
        f"{size}: uploaded in {uploaded:.2f} s, decided {min(times):.2f} s after the upload began "
        f"(×{min(times) / decoding:.1f} of Pillow's decoding, {decoding:.2f} s), "
        f"{next(iter(told.values()))['state']}; memory at most {memory(process, 'VmHWM'):.0f} MiB"
    )


def hostile(port: int, process: int, count: int) -> None:
    before = memory(process, "VmRSS")
    Path(f"/proc/{process}/clear_refs").write_text("5", encoding="ascii")
    answers, start, visit = Counter[str](), time.perf_counter(), ""
    for number, upload in zip(range(count), itertools.cycle(hostile_uploads()), strict=False):
        if number % PER_VISIT == 0:
            visit = opened(port)
        status, answer = upload(port, f"{visit}/photographs?name={number}.png")
        if status == 201:
            answers[judged(port, visit)[json.loads(answer)["id"]]["state"]] += 1
        else:
            answers[f"refused with {status}" if status else "hung up"] += 1
    seconds = time.perf_counter() - start
    print(f"{count} hostile uploads in {seconds:.0f} s: {dict(answers.most_common())}")
    print(
        f"memory {before:.0f} MiB before, {memory(process, 'VmHWM'):.0f} at most, "
        f"{memory(process, 'VmRSS'):.0f} after; the server answers: "
        f"{ask(port, 'GET', '/')[0] == 200}"
    )


Upload = Callable[[int, str], tuple[int, bytes]]


def hostile_uploads() -> Iterator[Upload]:
    """Uploads that are none, each as a function of port and address."""
    png, jpeg = coded("PNG"), photograph(640, 480)
    noise = np.random.default_rng(0).bytes(200_000)
    contents = [
        b"",
        b"<html>no photograph</html>",
        noise,
        b"PK\3\4" + noise,
        png[:-20],
        png[: len(png) // 2],
        jpeg[: len(jpeg) // 3],
        jpeg[:600] + noise,
        png[:33] + chunk(b"IDAT", zlib.compress(bytes(10))) + chunk(b"IEND", b""),
        header(100_000, 100_000),
        header(9_000, 9_000),
        header(2**31 - 1, 1),
        header(0, 0),
        png[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000))) + png[33:-16],
        png[:33] + chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000))) + png[33:-16],
    ]
    for content in contents:
        yield lambda port, address, content=content: ask(port, "POST", address, content)
    yield lambda port, address: lying(port, address, png, 10 * len(png))
    yield lambda port, address: lying(port, address, png, 10**12)
    yield lambda port, address: lying(port, address, png, -1)


def photograph(width: int, height: int) -> bytes:
    """A JPEG file of smooth areas, edges and grain."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (height // 100 + 1, width // 100 + 1, 3), np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = generator.integers(0, 16, (height, width, 1), np.uint8)
    pixels = np.asarray(image) // 2 + 60 + grain
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def coded(kind: str) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def header(width: int, height: int) -> bytes:
    """A PNG file that says its size and holds almost nothing."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + data + chunk(b"IEND", b"")


def lying(port: int, address: str, content: bytes, length: int) -> tuple[int, bytes]:
    """An upload that says another length, and then falls silent for good."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.putrequest("POST", address)
        connection.putheader("Origin", f"http://{HOST}:{port}")
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        connection.send(content)
        connection.sock.shutdown(1)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def ask(port: int, method: str, address: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=120)
    try:
        connection.request(method, address, body, {"Origin": f"http://{HOST}:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def opened(port: int) -> str:
    return f"/visits/{json.loads(ask(port, 'POST', '/visits')[1])['id']}"


def judged(port: int, visit: str) -> dict[str, dict[str, str]]:
    """What is told of the photographs of a visit once none waits."""
    connection = http.client.HTTPConnection(HOST, port, timeout=120)
    connection.request("GET", f"{visit}/news")
    answer, known = connection.getresponse(), {}
    while not known or any(photo["state"] == "waiting" for photo in known.values()):
        if not (line := answer.readline().decode()):
            sys.exit("the page was closed")
        if line.startswith("data: "):
            known |= {photo["id"]: photo for photo in json.loads(line[6:])}
    connection.close()
    return known


def memory(process: int, what: str) -> float:
    """MiB, as Linux tells them."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(re.findall(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE)[0]) / 1024


if __name__ == "__main__":
    main()
