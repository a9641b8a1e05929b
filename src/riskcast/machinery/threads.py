"""One thread for linear algebra: on small arrays more threads cost more than they give, and change last digits."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def single_thread() -> AbstractContextManager[object]:
    """A context in which numpy's linear algebra uses one thread.

    >>> with single_thread():
    ...     pass
    """
    return _controller().limit(limits=1)
