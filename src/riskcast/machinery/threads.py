"""One thread for linear algebra: on small arrays more threads cost more than they give, and change last digits."""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from threadpoolctl import OpenBLASController, ThreadpoolController


class _Holds:
    """How many contexts hold linear algebra to one thread: its libraries know one number for a whole process, so that
    the first of some that overlap sets it, and the last one gives it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._limits: dict[ThreadpoolController, Any] = {}

    def take(self, controller: ThreadpoolController) -> None:
        with self._lock, _in_control():
            self._count += 1
            if controller not in self._limits:
                self._limits[controller] = controller.limit(limits=1, user_api="blas")

    def leave(self) -> None:
        with self._lock, _in_control():
            self._count -= 1
            while not self._count and self._limits:
                # The latest first: it found what earlier ones had set.
                self._limits.popitem()[1].restore_original_limits()


@contextmanager
def _in_control() -> Generator[None]:
    """Let this thread be the one that OpenBLAS listens to: from threadpoolctl 3.8 on it turns a deaf ear to all others,
    without a word, until the one that it heard first has left."""
    clear = getattr(OpenBLASController, "clear_controlling_thread", lambda force: None)
    clear(force=True)
    try:
        yield
    finally:
        clear(force=True)


_HOLDS = _Holds()


@lru_cache(maxsize=1)
def _controller(modules: int) -> ThreadpoolController:
    """What limits the libraries that are loaded once so many modules are imported: scipy brings one of its own."""
    return ThreadpoolController()


@contextmanager
def single_thread() -> Generator[None]:
    """A context in which the linear algebra of all that is imported so far uses one thread, in every thread of Python.

    >>> with single_thread():
    ...     pass
    """
    controller = _controller(len(sys.modules))
    _HOLDS.take(controller)
    try:
        # OpenMP has a number for every thread.
        with controller.limit(limits=1, user_api="openmp"):
            yield
    finally:
        _HOLDS.leave()
