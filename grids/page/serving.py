"""The server of the page: an address that is free, and an end that leaves nothing behind."""

import socket
from collections.abc import Callable

import uvicorn

from grids.base.errors import InputError
from grids.page.app import app
from grids.page.uploads import Limits
from grids.restoring.workshop import Workshop

# Requests that are under way when the server ends have so long: the news never end by themselves.
SECONDS_TO_END = 2


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 takes any that is free.

    Raises:
        InputError: the port is taken, or the host is none of this machine's.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"--port {port}: must be within 0 … 65535")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        taken = socket.socket(family, kind, protocol)
        try:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(address)
            taken.listen(128)
        except OSError:
            taken.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"--port {port}: {host} cannot be listened at ({reason}); --port 0 takes a free port"
        ) from None
    return taken


def address(taken: socket.socket, host: str) -> str:
    """What people write into their browser."""
    named = f"[{host}]" if ":" in host else host
    return f"http://{named}:{taken.getsockname()[1]}/"


def server(workshop: Workshop, host: str, limits: Limits) -> uvicorn.Server:
    """What serves the page on a socket, by `run(sockets=[…])`, until it is told to end."""
    config = uvicorn.Config(
        app(workshop, host, limits),
        log_level="critical",
        access_log=False,
        ws="none",
        lifespan="on",
        server_header=False,
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    return uvicorn.Server(config)


def serve(
    workshop: Workshop, host: str, taken: socket.socket, limits: Limits, say: Callable[[str], None]
) -> None:
    """Serves the page until the process is interrupted."""
    say(f"GRIDS is at {address(taken, host)} (Ctrl+C ends it)")
    try:
        server(workshop, host, limits).run(sockets=[taken])
    except KeyboardInterrupt:
        say("ended; its temporary files are gone")
