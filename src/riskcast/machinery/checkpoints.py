"""Results of finished tasks on disk, so that a run that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskcast.errors import OptionError, RiskcastError, shorten, show
from riskcast.machinery.locks import lock
from riskcast.machinery.staging import remove_leftovers, write_atomically
from riskcast.machinery.workers import Workers, run_tasks

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTION = "run.json"
LOCK = "run.lock"
FINISHED = "finished"
FACTS = "facts.json"
MOST_DIFFERENCES = 5


@dataclass(frozen=True)
class Finished:
    """The result of one task: tables by name, and facts as plain JSON."""

    frames: Mapping[str, pd.DataFrame]
    facts: Mapping[str, Any]


class Checkpoints:
    """The finished tasks of one run in one folder; made by `open_checkpoints`."""

    def __init__(self, folder: Path, run: str) -> None:
        self._folder = folder
        self._run = run
        self._done = {key for path in folder.glob("*.zip") if (key := _finished_key(path, run)) is not None}

    def done(self) -> frozenset[str]:
        """The keys of all tasks that are finished; a damaged file is no finished task."""
        return frozenset(self._done)

    def save(self, key: str, frames: Mapping[str, pd.DataFrame], facts: Mapping[str, Any] | None = None) -> None:
        """Store a task's result, whole or not at all; it is on disk on return. Raises RiskcastError if it cannot be."""
        about = {"run": self._run, "key": key, "frames": list(frames), "facts": dict(facts or {})}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(zipfile.ZipInfo(FACTS), json.dumps(about))
            for number, frame in enumerate(frames.values()):
                archive.writestr(zipfile.ZipInfo(_member(number)), frame.to_parquet(engine="pyarrow"))
        write_atomically(self._folder / _file_name(key), packed.getvalue())
        self._done.add(key)

    def load(self, key: str) -> Finished:
        """Read a finished task's result; raises RiskcastError for a task that is not finished."""
        import pandas as pd

        path = self._folder / _file_name(key)
        if key not in self._done or _finished_key(path, self._run) != key:
            self._done.discard(key)
            raise RiskcastError(f"no finished task {show(key)} in {self._folder}; run again to make up for it")
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read(FACTS))
            frames = {
                name: pd.read_parquet(io.BytesIO(archive.read(_member(number))), engine="pyarrow")
                for number, name in enumerate(about["frames"])
            }
        return Finished(frames, about["facts"])


@contextmanager
def open_checkpoints(folder: str | Path, description: Mapping[str, Any]) -> Generator[Checkpoints]:
    """The checkpoints of the run so described, in a folder that is made if need be and that no other run may use.

    `description` says in plain JSON what the results depend on (case hash, seed, version, ...): another one is another
    run.
    Raises OptionError when the folder holds another run, is in use, or cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open_checkpoints(folder, {"seed": 1}) as checkpoints:
    ...         checkpoints.save("2019-01", {}, {"brier": 0.1})
    ...     with open_checkpoints(folder, {"seed": 1}) as checkpoints:
    ...         checkpoints.done(), checkpoints.load("2019-01").facts
    (frozenset({'2019-01'}), {'brier': 0.1})
    """
    folder = Path(folder)
    held = ExitStack()
    try:
        (folder / FINISHED).mkdir(parents=True, exist_ok=True)
        is_ours = held.enter_context(lock(folder / LOCK))
    except OSError as error:
        raise OptionError(f"cannot write to {folder} ({error.strerror or error}); give another --out") from error
    with held:
        if not is_ours:
            raise OptionError(f"another run is writing to {folder}; wait for its end, or give another --out")
        for place in (folder, folder / FINISHED):
            remove_leftovers(place)
        run = _same_run(folder, description)
        yield Checkpoints(folder / FINISHED, run)


def finish_tasks[Result](
    function: Callable[..., Result],
    keys: Sequence[str],
    arguments: Callable[[str], tuple[Any, ...]],
    finished: Callable[[Result], Finished],
    crew: Callable[[int], AbstractContextManager[Workers]],
    checkpoints: Checkpoints | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Mapping[str, Finished]:
    """The results of tasks by key: those that are kept are loaded, the others worked out in the order of their keys.

    arguments: those of a top-level function for a key, made when a worker is free; finished: what is kept of a result;
    crew: whom so many tasks are done by, asked for where any is left; progress hears how many of all are finished, at
    first and whenever another is kept. Raises what `run_tasks` raises.

    >>> from riskcast.machinery.workers import workers
    >>> def rest(found):
    ...     return Finished({}, {"rest": found[1]})
    >>> finish_tasks(divmod, ["a", "b"], lambda key: (7, ord(key)), rest, lambda count: workers(1))["b"].facts
    {'rest': 7}
    """
    report = progress or (lambda done, total: None)
    done = frozenset() if checkpoints is None else checkpoints.done()
    results = {key: checkpoints.load(key) for key in keys if checkpoints is not None and key in done}
    report(len(results), len(keys))

    def keep(key: str, made: Result) -> None:
        results[key] = finished(made)
        if checkpoints is not None:
            checkpoints.save(key, results[key].frames, results[key].facts)
        report(len(results), len(keys))

    waiting = [key for key in keys if key not in results]
    if waiting:
        with crew(len(waiting)) as ready:
            run_tasks(function, ((key, arguments(key)) for key in waiting), ready, keep)
    return results


def count_finished(folder: str | Path, keys: Iterable[str]) -> int:
    """How many of some tasks have left a file in a folder, which a run may be writing to: a look from outside, that
    holds nobody up and checks no content."""
    return sum((Path(folder) / FINISHED / _file_name(key)).is_file() for key in keys)


def _same_run(folder: Path, description: Mapping[str, Any]) -> str:
    """Write or compare the folder's description; gives its digest."""
    text = json.dumps(dict(description), sort_keys=True, indent=2)
    ours = json.loads(text)
    path = folder / DESCRIPTION
    if path.exists():
        mend = "give another --out, or remove the folder"
        try:
            theirs = json.loads(path.read_bytes())
        except (OSError, ValueError):
            theirs = None
        if not isinstance(theirs, dict):
            raise OptionError(f"{path} is not a description of a run; {mend}")
        differing = [key for key in sorted({*ours, *theirs}) if _text(theirs, key) != _text(ours, key)]
        if differing:
            told = [
                f"{shorten(key, 60)} is {shorten(_text(theirs, key), 80)} there, {shorten(_text(ours, key), 80)} here"
                for key in differing[:MOST_DIFFERENCES]
            ]
            more = ["..."] if len(differing) > MOST_DIFFERENCES else []
            raise OptionError(f"{folder} holds another run: {'; '.join(told + more)}; {mend}")
    else:
        write_atomically(path, text + "\n")
    return hashlib.sha256(text.encode()).hexdigest()


def _text(description: Mapping[str, Any], key: str) -> str:
    return json.dumps(description[key], sort_keys=True) if key in description else "absent"


def _file_name(key: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "_", key)[:60]
    return f"{readable}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.zip"


def _member(number: int) -> str:
    return f"{number}.parquet"


def _finished_key(path: Path, run: str) -> str | None:
    """The key of the task whose whole result a file holds; None for a damaged file or one of another run."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return None
            about = json.loads(archive.read(FACTS))
            whole = {FACTS, *(_member(number) for number in range(len(about["frames"])))} == set(archive.namelist())
            return about["key"] if whole and about["run"] == run and path.name == _file_name(about["key"]) else None
    # What a damaged archive raises depends on where it is damaged.
    except Exception:
        return None
