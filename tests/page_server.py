"""The page's server in a thread of the tests, and a plain client of it."""

import http.client
import json
import tempfile
import threading
import time
from contextlib import contextmanager
from urllib.parse import quote

from grids.bundle import contents
from grids.page import serving
from grids.page.uploads import Limits
from grids.restoring import runtime
from grids.restoring.workshop import Workshop

HOST = "127.0.0.1"
SECONDS = 60


class Client:
    """Asks as the page does."""

    def __init__(self, port, workshop):
        self.port, self.workshop = port, workshop
        self.origin = f"http://{HOST}:{port}"

    def ask(self, method, address, body=None, **headers):
        """Status, headers and body of an answer."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=SECONDS)
        origin = {} if method == "GET" else {"Origin": self.origin}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, address, body, origin | named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def json(self, method, address, body=None, **headers):
        status, _, content = self.ask(method, address, body, **headers)
        return status, json.loads(content) if content else None

    def visit(self):
        """The address of a new visit."""
        return f"/visits/{self.json('POST', '/visits')[1]['id']}"

    def upload(self, visit, content, name="a.png", place=0):
        """The photograph that an upload became."""
        address = f"{visit}/photographs?name={name}&place={place}"
        status, told = self.json("POST", address, content)
        assert status == 201, told
        return told

    def news(self, visit, enough):
        """What is told, by photograph, as soon as it is `enough`."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=SECONDS)
        connection.request("GET", f"{visit}/news")
        answer, known, end = connection.getresponse(), {}, time.monotonic() + SECONDS
        try:
            while not (known and enough(known)):
                assert time.monotonic() < end, known
                line = answer.readline().decode()
                assert line, "the server ended"
                if line.startswith("data: "):
                    known |= {photo["id"]: photo for photo in json.loads(line[6:])}
            return known
        finally:
            connection.close()

    def judged(self, visit):
        return self.news(visit, lambda known: all(p["state"] != "waiting" for p in known.values()))

    def restored(self, visit, photo, group):
        """Waits until a photograph is restored with a model."""
        address = f"{visit}/photographs/{photo['id']}"
        self.judged(visit)
        assert self.ask("POST", f"{address}/restore?group={quote(group)}")[0] == 202
        self.news(visit, lambda known: group in known[photo["id"]]["restored"])
        return address


@contextmanager
def serving_page(export, folder, **limits):
    """A client of a server whose temporary files lie in a folder."""
    bundle = contents.read(export)
    workshop = Workshop(bundle, runtime.choose("torch", bundle, "cpu"))
    taken = serving.listening(HOST, 0)
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    server = serving.server(workshop, HOST, Limits(**{"megabytes_free": 1} | limits))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    try:
        yield Client(taken.getsockname()[1], workshop)
    finally:
        server.should_exit = True
        thread.join()
        tempfile.tempdir = before
