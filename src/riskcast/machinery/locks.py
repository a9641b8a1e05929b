"""Locks between processes, which end with the process that holds them, on every system."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

BESIDE: Final = ".lock"
PLAIN: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
TAKEN: Final = (errno.EACCES, errno.EAGAIN, errno.EDEADLK, getattr(errno, "EDEADLOCK", errno.EDEADLK))


@contextmanager
def lock(file: Path) -> Generator[bool]:
    """Hold the lock that a file stands for, if nobody else does; gives whether it is held.

    The file is made where it is missing, and stays. Raises OSError where it cannot be opened, or where its disk knows
    no locks.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as top, lock(Path(top) / "a") as ours, lock(Path(top) / "a") as too:
    ...     ours, too
    (True, False)
    """
    with _held(os.open(file, PLAIN | os.O_RDWR | os.O_CREAT, 0o666)) as ours:
        yield ours


@contextmanager
def lock_folder(folder: Path) -> Generator[bool]:
    """Hold the lock of a folder, if nobody else does; gives whether it is held.

    Windows opens no folders, so that a file beside it stands for it there. Raises OSError as `lock` does.
    """
    if not opens_folders():
        with lock(beside(folder)) as ours:
            yield ours
        return
    with _held(os.open(folder, PLAIN | os.O_RDONLY | os.O_DIRECTORY)) as ours:
        yield ours


def opens_folders() -> bool:
    """Whether this system opens folders as it does files."""
    return hasattr(os, "O_DIRECTORY")


def beside(folder: Path) -> Path:
    """The file that stands for a folder where the system opens none."""
    return folder.with_name(folder.name + BESIDE)


@contextmanager
def _held(handle: int) -> Generator[bool]:
    try:
        # A file that was removed meanwhile guards no name.
        yield _take(handle) and os.fstat(handle).st_nlink > 0
    finally:
        os.close(handle)


def _take(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:
        return _take_on_windows(handle)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take_on_windows(handle: int) -> bool:
    from importlib import import_module

    # Only Windows has the module, and type checkers elsewhere know nothing of what is in it.
    msvcrt: Any = import_module("msvcrt")
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    except OSError as error:
        if error.errno in TAKEN:
            return False
        raise
    return True
