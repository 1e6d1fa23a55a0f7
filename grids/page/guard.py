"""Who may ask: requests of this page, by a name that no stranger can point at this machine."""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = ("GET", "HEAD")
# The page needs nothing from elsewhere, and nothing elsewhere may hold it.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Lets requests pass that the page itself makes, and adds the headers that keep it so.

    A page from elsewhere can send requests to this machine, and can have its own name resolved to
    it. The former say where they come from (`Origin`, `Sec-Fetch-Site`), the latter carry that name
    as `Host`. An address in digits is no name that could be resolved.

    Args:
        app: what gets the requests that pass.
        host: where the server listens.
    """

    def __init__(self, app: ASGIApp, host: str):
        self._app, self._host = app, host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        reason = self.refusal(scope["method"], Headers(scope=scope))
        answer = JSONResponse({"reason": reason}, 403) if reason else self._app
        await answer(scope, receive, guarded)

    def refusal(self, method: str, headers: Headers) -> str:
        """Why a request may not pass; empty if it may."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._known(host):
            return f"Host {host!r}: this page is reached by the address that it was started with"
        if origin is None and method not in SAFE_METHODS:
            return "no Origin: only the page itself may ask for this"
        if origin is not None and origin != f"http://{host}":
            return f"Origin {origin!r}: only the page itself may ask for this"
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "from another site: only the page itself may ask for this"
        return ""

    def _known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in ("localhost", self._host.lower()):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not is_loopback(self._host)


def is_loopback(host: str) -> bool:
    """Whether who listens at a host is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
