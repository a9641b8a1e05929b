"""A folder to make files in before they are moved to their place: what is interrupted leaves nothing half."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from riskcast.errors import OptionError


@contextmanager
def stage(place: Path, prefix: str) -> Generator[Path]:
    """A new folder within `place`, on the same disk, whose name starts with `prefix`; removed at the end.

    What killed writers have left under that prefix is removed too: the lock on a folder tells those that still write
    from those that have died. Raises OptionError where `place` is a file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as top, stage(Path(top), ".making-") as folder:
    ...     folder.is_dir()
    True
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise OptionError(f"{place} is a file; give a folder as --out") from None
    for stale in place.glob(f"{prefix}*"):
        _remove_dead(stale)
    folder = place / f"{prefix}{secrets.token_hex(8)}"
    folder.mkdir()
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # Where a disk knows no locks, leftovers stay until somebody removes them.
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        os.close(lock)
        shutil.rmtree(folder, ignore_errors=True)


def _remove_dead(stale: Path) -> None:
    try:
        lock = os.open(stale, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(stale, ignore_errors=True)
    except OSError:
        return
    finally:
        os.close(lock)
