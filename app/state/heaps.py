"""The server's memory: what the C library keeps for threads."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

MOST_ARENAS = 2
_M_ARENA_MAX = -8


@cache
def limit_arenas() -> None:
    """Let all threads share few heaps; without effect where the C library is not glibc.

    Every run of a page is a thread. glibc gives threads heaps of their own, up to eight for each core, and arrays that
    one thread has freed are of no use to the next: resident memory swings by hundreds of megabytes.
    Source: mallopt(3), M_ARENA_MAX.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, MOST_ARENAS)
    except (OSError, AttributeError):
        return
