"""The server of the page: an address that is free, and an end that leaves nothing behind."""

import errno
import ipaddress
import socket
from collections.abc import Callable

import uvicorn

from grids.base.errors import InputError
from grids.page.app import app
from grids.page.uploads import Limits
from grids.restoring.workshop import Workshop

# Requests that are under way when the server ends have so long: the news never end by themselves.
SECONDS_TO_END = 2
# Of this machine, as it calls itself.
HERE = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
# Of nobody, for documentation (RFC 5737, RFC 3849): whoever were there would be elsewhere.
ELSEWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at an address; port 0 takes any that is free.

    Raises:
        InputError: the port is taken or not permitted, or the host is none of this machine's.
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
        if isinstance(error, OSError) and error.errno in (errno.EADDRINUSE, errno.EACCES):
            wrong, advice = f"--port {port}: {host}", "--port 0 takes a free port"
        else:
            wrong, advice = f"--host {host}:", "it must be an address or a name of this machine"
        raise InputError(f"{wrong} cannot be listened at ({reason}); {advice}") from None
    return taken


def where(taken: socket.socket, host: str) -> str:
    """What people write into their browser: one address, or one for here and one for elsewhere."""
    own, port = taken.getsockname()[:2]
    if not ipaddress.ip_address(own).is_unspecified:
        return _address(host, port)
    # All addresses of this machine are listened at, and the one that says so cannot be opened.
    here = _address(HERE[taken.family], port)
    outward = _outward(taken)
    return f"{here}, from elsewhere {_address(outward, port)}" if outward else here


def _address(host: str, port: int) -> str:
    named = f"[{host}]" if ":" in host else host
    return f"http://{named}:{port}/"


def _outward(taken: socket.socket) -> str:
    """The address by which others reach this machine, in digits; empty if it has none.

    It is that by which this machine would reach them. A socket of this kind only looks up its way:
    nothing is sent.
    """
    families = [taken.family]
    if taken.family == socket.AF_INET6 and not taken.getsockopt(
        socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
    ):
        families.append(socket.AF_INET)
    for family in families:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as way:
                way.connect((ELSEWHERE[family], 9))
                own = str(way.getsockname()[0])
        except OSError:
            continue
        if not ipaddress.ip_address(own).is_loopback:
            return own
    return ""


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
    say(f"GRIDS is at {where(taken, host)} (Ctrl+C ends it)")
    try:
        server(workshop, host, limits).run(sockets=[taken])
    except KeyboardInterrupt:
        say("ended; its temporary files are gone")
