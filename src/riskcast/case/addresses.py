"""Addresses of sources: which of them a page may lead to."""

from __future__ import annotations

import functools
import os
from collections.abc import Collection
from typing import Final
from urllib.parse import quote, urlsplit

from riskcast.case.files import list_cases, load_bundled
from riskcast.names import LINKS

HTTPS_PORT: Final = 443


def followed(address: str | None) -> str | None:
    """An address as a link may hold it, or None where it is to be read only.

    A link leads to an address that a case which came with riskcast cites, or, over https, to a host that whoever runs
    riskcast has named in the environment variable RISKCAST_LINKS.

    >>> followed("https://www.example.org/report") is None
    True
    """
    if address is None:
        return None
    allowed = {name.strip().lower() for name in os.environ.get(LINKS, "").split(",")} - {""}
    return secure(address, allowed) or (secure(address) if address in _cited() else None)


def secure(address: str, hosts: Collection[str] | None = None) -> str | None:
    """An https address without a user's name, on the usual port and at one of the hosts, spelled so that no reader of
    it can take it for another; None for any other.

    >>> secure("https://Example.org/a b?c=(d)", {"example.org"})
    'https://example.org/a%20b?c=%28d%29'
    >>> secure("https://example.org@evil.example/", {"example.org"}), secure("javascript:alert(1)")
    (None, None)
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or "@" in parts.netloc or port not in (None, HTTPS_PORT):
        return None
    plain = host.isascii() and all(label.replace("-", "").isalnum() for label in host.split("."))
    if not plain or (hosts is not None and host not in hosts):
        return None
    path, query, anchor = (quote(part, safe="/?@!&*+,;=:%~-._") for part in (parts.path, parts.query, parts.fragment))
    return f"https://{host}{path}{f'?{query}' if query else ''}{f'#{anchor}' if anchor else ''}"


@functools.cache
def _cited() -> frozenset[str]:
    """The addresses of all sources of the cases that came with riskcast."""
    return frozenset(s.url for name in list_cases() for s in load_bundled(name).sources.values() if s.url)
