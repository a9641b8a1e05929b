"""The app behind its guard: who may ask, and what a browser may do with the answer.

`riskcast app` starts it by `streamlit run`, with every option that guards the user on the command line.
"""

from __future__ import annotations

import ipaddress
import re
import webbrowser
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.starlette import App

ANY = "*"
# Streamlit styles elements one by one, shows files from memory, and has one script in its page: known by its sha256.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# What a page of the app could be called, as the browser's address has it.
PAGE = re.compile(r"[^\s:](?:[^\x00-\x1f:]{0,98}[^\s:\x00-\x1f])?")
# What Streamlit serves beneath folders of its own.
SERVED = ("_stcore", "app", "auth", "component", "media", "static")
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Guard:
    """Serves what was asked for by the app's own pages under its own name, and lets browsers fetch from nowhere else.

    A page of a stranger can name this machine by a host name of its own, or speak to it from its own origin. Both are
    refused before Streamlit sees them, which would look up its external address to judge the second.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], origins: Collection[str]) -> None:
        self._app, self._hosts, self._origins = app, hosts, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it with 403 and the reason."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        wrong = why_refused(Headers(scope=scope), self._hosts, self._origins)
        if wrong is None:
            await self._app(scope, receive, guarded)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await PlainTextResponse(f"{wrong}\n", status_code=403)(scope, receive, guarded)


class Homeward:
    """Leads an address within folders to the page of its last part: in a folder that is not there, a page would not
    find its own parts, and stay empty."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or lead the browser on."""
        place = None
        if scope["type"] == "http" and Headers(scope=scope).get("sec-fetch-mode") == "navigate":
            place = where_to(scope["path"])
        if place is None:
            await self._app(scope, receive, send)
            return
        asked = scope["query_string"].decode("latin-1")
        await RedirectResponse(f"{place}?{asked}" if asked else place)(scope, receive, send)


def where_to(path: str) -> str | None:
    """Where an address leads that lies within folders of nobody, or that no page could have; None for any other.

    >>> where_to("/a/b/why"), where_to("/a/..%2f//evil.example"), where_to("/why"), where_to("/media/a.csv")
    ('/why', '/evil.example', None, None)
    >>> where_to("/a:b"), where_to("/why ")
    ('/', '/')
    """
    parts = [part for part in path.replace("\\", "/").split("/") if part]
    if not parts or parts[0] in SERVED:
        return None
    if PAGE.fullmatch(parts[-1]) is None:
        return "/"
    return f"/{quote(parts[-1], safe='')}" if len(parts) > 1 else None


def why_refused(headers: Headers, hosts: Collection[str], origins: Collection[str]) -> str | None:
    """Why a request is refused, with the mend; None where it is served.

    `hosts`: names and numbers that the server answers to, `*` for any number; `origins`: whose pages may ask besides
    those of the host that is asked.

    >>> why_refused(Headers({"host": "127.0.0.1:8501", "origin": "http://127.0.0.1:8501"}), ["127.0.0.1"], [])
    >>> why_refused(Headers({"host": "127.0.0.1:8501", "origin": "null"}), ["127.0.0.1"], [])
    'riskcast does not answer pages of other origins; open its own address'
    """
    named = headers.getlist("host")
    if len(named) != 1 or not _is_own(named[0], hosts):
        return "riskcast does not answer to this host name; if it is yours, start the app with --host and the name"
    for origin in headers.getlist("origin"):
        scheme, _, rest = origin.partition("://")
        if origin not in origins and (scheme not in ("http", "https") or rest.lower() != named[0].lower()):
            return "riskcast does not answer pages of other origins; open its own address"
    return None


def _is_own(named: str, hosts: Collection[str]) -> bool:
    """Whether a Host header names this server. No stranger's name stands in a number, so that any of these may do."""
    try:
        parts = urlsplit(f"//{named}")
        host, _ = (parts.hostname or "").rstrip("."), parts.port
        if parts.netloc != named or "@" in named:
            return False
        return host in hosts or (ANY in hosts and bool(ipaddress.ip_address(host)))
    except ValueError:
        return False


@asynccontextmanager
async def _opened(_: App) -> AsyncGenerator[dict[str, Any]]:
    """Show the app to whoever started it, where there is a screen."""
    if not st.get_option("server.headless"):
        # The command line makes the app's own address the first from which its pages may be asked for.
        webbrowser.open(st.get_option("client.allowedOrigins")[0])
    yield {}


guard = Middleware(
    Guard, hosts=st.get_option("server.allowedHosts"), origins=st.get_option("server.corsAllowedOrigins")
)
app = App(Path(__file__).with_name("main.py"), middleware=[guard, Middleware(Homeward)], lifespan=_opened)
