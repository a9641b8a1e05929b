"""Files and folders that appear whole or not at all, whatever interrupts the writer."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from riskcast.errors import OptionError, RiskcastError
from riskcast.machinery.locks import BESIDE, beside, lock_folder, opens_folders

PASSING = ".riskcast-*.tmp"
TRIES = 10
GONE = "the folder in which this was started is gone; change to one that exists, then run again"


@contextmanager
def stage(place: Path, prefix: str) -> Generator[Path]:
    """A new folder within `place`, on the same disk, whose name starts with `prefix`; removed at the end.

    What killed writers have left under that prefix is removed too: the lock on a folder tells those that still
    write from those that have died. Raises OptionError where `place` is a file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as top, stage(Path(top), ".making-") as folder:
    ...     folder.is_dir()
    True
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise OptionError(f"{place} is a file; give a folder as --out") from None
    for stale in {path.with_name(path.name.removesuffix(BESIDE)) for path in place.glob(f"{prefix}*")}:
        _remove_dead(stale)
    with ExitStack() as held:
        folder = place
        try:
            folder = _make(place, prefix, held)
            yield folder
        finally:
            if folder != place:
                _remove(folder)


def _make(place: Path, prefix: str, held: ExitStack) -> Path:
    """A new folder within `place`, whose lock is held."""
    for _ in range(TRIES):
        folder = place / f"{prefix}{secrets.token_hex(8)}"
        if opens_folders():
            folder.mkdir()
        try:
            if not held.enter_context(lock_folder(folder)):
                # Another writer took what was not locked yet for a leftover.
                continue
        except FileNotFoundError:
            continue
        except OSError:
            # Where a disk knows no locks, leftovers stay until somebody removes them.
            pass
        folder.mkdir(exist_ok=True)
        return folder
    raise OSError(errno.EAGAIN, "other writers are in the way")


def _remove_dead(folder: Path) -> None:
    # What belongs to somebody else, or lies on a disk without locks, stays until they remove it.
    with suppress(OSError), lock_folder(folder) as is_dead:
        if is_dead:
            _remove(folder)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
    # Windows removes no file that is open: there it goes with the next writer.
    with suppress(OSError):
        beside(folder).unlink(missing_ok=True)


@contextmanager
def telling(place: str | Path, mend: str = "make room for it there, or name another folder") -> Generator[None]:
    """Say in one line that nothing could be written to a place, why, and what to do: RiskcastError for OSError.

    >>> with telling("reports"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    riskcast.errors.RiskcastError: cannot write to reports (No space left on device); make room for it there, or ...
    """
    try:
        yield
    except OSError as error:
        raise RiskcastError(f"cannot write to {place} ({reason(error)}); {mend}") from error


def reason(error: OSError) -> str:
    """What the system says of an error, in its own words where it has some.

    >>> reason(OSError(28, None)), reason(OSError("a library says more"))
    ('No space left on device', 'a library says more')
    """
    return error.strerror or (os.strerror(error.errno) if error.errno else str(error))


def check_writable(path: str | Path) -> None:
    """Raise, before long work is done for a file, what would keep it from being written: OptionError where it is a
    folder, or lies in none that can be written to.

    >>> check_writable("/no/such/folder/report.txt")
    Traceback (most recent call last):
    riskcast.errors.OptionError: cannot write /no/such/folder/report.txt: there is no folder /no/such/folder; make it...
    """
    path = Path(path)
    if path.is_dir():
        raise OptionError(f"{path} is a folder; give a file to write")
    if not path.parent.is_dir():
        raise OptionError(f"cannot write {path}: there is no folder {path.parent}; make it, or name another")
    if not os.access(path.parent, os.W_OK):
        raise OptionError(f"cannot write {path}: nobody may write to {path.parent}; name another folder")


def write_atomically(path: str | Path, content: bytes | str) -> None:
    """Write a file whole or not at all, through a temporary file beside it; raises RiskcastError if it cannot be, and
    OptionError for a folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "report.txt", "done")
    ...     (Path(folder) / "report.txt").read_text(encoding="utf-8")
    'done'
    """
    path = Path(path)
    if path.is_dir():
        raise OptionError(f"{path} is a folder; give a file to write")
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
        raise RiskcastError(f"cannot write {path} ({reason(error)}); make it writable, then run again") from error


def write_folder(
    folder: Path, fill: Callable[[Path], object], prefix: str, last: Iterable[str] = ()
) -> tuple[Path, ...]:
    """Have `fill` write files into an empty folder, then put them into `folder`: all of them, or none; gives them.

    Other files there stay; those named `last` come last. Raises RiskcastError where they cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as top:
    ...     made = write_folder(Path(top), lambda there: (there / "a.txt").write_bytes(b"done"), ".making-")
    ...     [path.name for path in made], made[0].read_bytes()
    (['a.txt'], b'done')
    """
    with telling(folder), stage(folder if folder.is_dir() else folder.parent, prefix) as made:
        fill(made)
        return _move_in(made, folder, last)


def _move_in(folder: Path, out: Path, last: Iterable[str]) -> tuple[Path, ...]:
    """Put the files of one folder into another on the same disk, each in one step, those named `last` at the end.

    Raises OptionError, before anything is moved, where a folder stands in the place of a file.
    """
    late = tuple(last)
    found = sorted((path for path in folder.rglob("*") if path.is_file()), key=lambda path: (path.name in late, path))
    targets = [out / path.relative_to(folder) for path in found]
    for path, target in zip(found, targets, strict=True):
        if target.is_dir():
            raise OptionError(f"{target} is a folder where a file is to be; remove it, or give another --out")
        # A disk that is reached over a network may take a file, and refuse it when it is brought there.
        with path.open("r+b") as file:
            os.fsync(file.fileno())
        target.parent.mkdir(parents=True, exist_ok=True)
    for path, target in zip(found, targets, strict=True):
        path.replace(target)
    return tuple(targets)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that writers which were killed have left in a folder where nobody writes now."""
    for path in folder.glob(PASSING):
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: without this a rename may be lost when the power is.

    Windows opens no folders, and brings names there by itself.
    """
    if not opens_folders():
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_working_folder() -> None:
    """Raise OptionError where the folder in which the program was started has been removed."""
    try:
        Path.cwd()
    except OSError:
        raise OptionError(GONE) from None
