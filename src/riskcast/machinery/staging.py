"""Files and folders that appear whole or not at all, whatever interrupts the writer."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from riskcast.errors import OptionError, RiskcastError

PASSING = ".riskcast-*.tmp"


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


def write_atomically(path: str | Path, content: bytes | str) -> None:
    """Write a file whole or not at all, through a temporary file beside it; raises RiskcastError if it cannot be.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "report.txt", "done")
    ...     (Path(folder) / "report.txt").read_text()
    'done'
    """
    path = Path(path)
    passing = path.with_name(PASSING.replace("*", secrets.token_hex(8)))
    try:
        try:
            with passing.open("xb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())
            passing.replace(path)
        finally:
            with suppress(OSError):
                passing.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise RiskcastError(f"cannot write {path} ({error.strerror}); make it writable, then run again") from error


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that writers which were killed have left in a folder where nobody writes now."""
    for path in folder.glob(PASSING):
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: without this a rename may be lost when the power is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
