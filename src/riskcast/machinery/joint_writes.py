"""Several files of one folder changed together: all of them or none, whatever interrupts the writer.

New contents are gathered in a folder of their own within the one that they belong to. Its renaming is the moment at
which the change has happened: whoever comes after a writer that was killed then puts the files in their places, and
whoever comes before finds nothing of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from riskcast.errors import RiskcastError, refusal
from riskcast.machinery.locks import lock_folder
from riskcast.machinery.staging import reason, stage, sync_folder, telling

PENDING: Final = ".riskcast-edit"
MAKING: Final = ".riskcast-editing-"
PLAN: Final = "plan.json"
PATIENCE: Final = 20.0
PAUSE: Final = 0.05
TRIES: Final = 20


@contextmanager
def sole_writer(folder: Path, patience: float = PATIENCE) -> Generator[None]:
    """Wait until nobody else writes into a folder, finish what a killed writer has begun, and keep others out.

    Raises RiskcastError where others write for longer than that, or the folder cannot be locked.
    """
    until = time.monotonic() + patience
    while True:
        with telling(folder, "make the folder writable, or copy the case to one that is"), lock_folder(folder) as ours:
            if ours:
                _finish(folder)
                yield
                return
        if time.monotonic() > until:
            raise RiskcastError(f"somebody else has been writing to {folder} for {patience:g} s; try again later")
        time.sleep(PAUSE)


def write_together(folder: Path, files: Mapping[str, bytes | None], folders: Mapping[str, Mapping[str, bytes]]) -> None:
    """Write and remove files of a folder, and add new folders to it, in one step; for whoever is its `sole_writer`.

    files: new contents by path, None for what goes; folders: files by path of every folder that is added. Raises
    RiskcastError, and changes nothing, where a file may not be written or there is no room.
    """
    for name in files:
        check_writable(folder / name)
    mend = "nothing was changed; make room or the folder writable, then run again"
    with telling(folder, mend), stage(folder, MAKING) as made:
        plan: dict[str, Any] = {"files": {}, "folders": {}}
        for number, (name, content) in enumerate(files.items()):
            if content is not None:
                _write(made / str(number), content)
            plan["files"][name] = None if content is None else [str(number), hashlib.sha256(content).hexdigest()]
        for number, (name, inside) in enumerate(folders.items()):
            within = f"folder{number}"
            for path, content in inside.items():
                _write(made / within / path, content)
            plan["folders"][name] = within
        _write(made / PLAN, json.dumps(plan).encode())
        sync_folder(made)
        made.rename(folder / PENDING)
    with telling(folder, "the edit is kept, and whoever reads the folder next finishes it; make room, then run again"):
        sync_folder(folder)
        _finish(folder)


def read_steadily[Read](folder: Path, read: Callable[[], Read]) -> Read:
    """What `read` makes of the files of a folder, read anew where they were changed meanwhile.

    An edit whose writer was killed is finished before. Raises RiskcastError where it cannot be.
    """
    for _ in range(TRIES):
        if (folder / PENDING).exists():
            _finish_for_reader(folder)
        before = _state(folder)
        try:
            found = read()
        except Exception:
            if _state(folder) == before:
                raise
            continue
        if _state(folder) == before:
            return found
        time.sleep(PAUSE)
    return read()


def check_writable(path: Path) -> None:
    """Raise CaseError for a file that is there and may not be written, though the folder would let it be replaced."""
    with suppress(OSError):
        if not is_writable(path):
            raise refusal(str(path), "is read-only", "make it writable, or copy the case to a folder of your own")


def is_writable(path: Path) -> bool:
    """Whether a file or folder may be written to, also by its own permissions, which do not bind an administrator."""
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o222) and os.access(path, os.W_OK)


def _finish_for_reader(folder: Path) -> None:
    try:
        with sole_writer(folder):
            pass
    except RiskcastError as error:
        if not (folder / PENDING).exists():
            return
        wrong = "holds an edit that was interrupted and cannot be finished from here"
        raise refusal(str(folder), wrong, "let somebody who may write there run riskcast on it once") from error


def _finish(folder: Path) -> None:
    """Put the files of an edit that has happened in their places; may be broken off and done again at any point."""
    pending = folder / PENDING
    try:
        plan = json.loads((pending / PLAN).read_bytes())
    except FileNotFoundError:
        _remove(pending)
        return
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise RiskcastError(f"cannot read {pending / PLAN} ({why}); move {pending} away") from None
    for name, within in plan["folders"].items():
        source, target = pending / within, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.exists() and not target.exists():
            source.rename(target)
            sync_folder(target.parent)
    for name, told in plan["files"].items():
        target = folder / name
        if told is None:
            target.unlink(missing_ok=True)
            continue
        source = pending / told[0]
        # What is no longer there is in its place already.
        if source.exists():
            _bring(source, target, told[1])
    # Without its plan it is nothing that anybody would finish.
    (pending / PLAN).unlink(missing_ok=True)
    _remove(pending)


def _bring(source: Path, target: Path, digest: str) -> None:
    """Put a file in the place of another, where a link leads to it, with the permissions that it has."""
    if hashlib.sha256(source.read_bytes()).hexdigest() != digest:
        raise RiskcastError(f"{source} is damaged; restore {target.name} from a copy, and move {source.parent} away")
    real = Path(os.path.realpath(target))
    real.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):
        shutil.copymode(real, source)
    if not target.is_symlink():
        source.replace(real)
    else:
        # A link may lead to another disk.
        passing = real.with_name(f".riskcast-{secrets.token_hex(8)}.tmp")
        try:
            _write(passing, source.read_bytes())
            shutil.copymode(source, passing)
            passing.replace(real)
        finally:
            with suppress(OSError):
                passing.unlink(missing_ok=True)
    sync_folder(real.parent)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _remove(folder: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(folder)


def _state(folder: Path) -> tuple[Any, ...]:
    """What tells one state of a folder's files from another."""
    found = []
    for place in (folder, folder / "history"):
        with suppress(OSError), os.scandir(place) as entries:
            for entry in entries:
                if entry.name.startswith(".") and entry.name != PENDING:
                    continue
                about = entry.stat()
                found.append((str(place), entry.name, about.st_mtime_ns, about.st_size, about.st_ino))
    return tuple(sorted(found))
