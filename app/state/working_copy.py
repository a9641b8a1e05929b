"""The files of the case that is looked at, and edits of them: in a folder opened to be edited, or in a copy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import riskcast
from state import session
from state.kept_cases import kept_cases
from state.own_folder import own_case, own_folder
from state.results import MOST_CASES, kept
from state.session import View

Operation = (
    riskcast.NewDay
    | riskcast.NewEvent
    | riskcast.NewNumbers
    | riskcast.NewSource
    | riskcast.NewValue
    | riskcast.Searched
)


@dataclass(frozen=True)
class Copy:
    """The files of a case by path, in the folder itself where it may be edited in its place.

    anew: whether they were written anew from the case, as those that it was read from are not known.
    """

    name: str
    files: Mapping[str, bytes]
    folder: Path | None = None
    anew: bool = False


def copy_of(case: riskcast.Case) -> Copy:
    """The files of a case; those of the folder that was opened where these say the same."""
    folder, own = own_folder(), own_case()
    if folder is not None and own is not None and (own.name, own.hash) == (case.name, case.hash):
        return Copy(case.name, _read(folder), folder)
    known = kept_cases().files(case)
    return _made(case) if known is None else Copy(case.name, known)


@kept(max_entries=MOST_CASES)
def _made(case: riskcast.Case) -> Copy:
    """The files of a case that came with riskcast, or as it is written anew."""
    with tempfile.TemporaryDirectory(prefix="riskcast-copy-") as top:
        place = Path(top) / case.name
        if case.name in riskcast.list_cases():
            riskcast.copy_case(case.name, place)
            if riskcast.load_case(place).hash == case.hash:
                return Copy(case.name, _read(place))
        riskcast.write_case(case, place)
        return Copy(case.name, _read(place), anew=True)


def edit(now: View, operations: Sequence[Operation], author: str | None) -> riskcast.Update:
    """Make edits of the case that is looked at, as one, and look at what comes of them; raises RiskcastError."""
    return _changed(now, lambda folder: riskcast.edit_case(folder, operations, author))


def take_back(now: View, author: str | None) -> riskcast.Update:
    """Take the last edit back; raises RiskcastError where there is none."""
    return _changed(now, lambda folder: riskcast.undo_edit(folder, author))


def look_at[Seen](copy: Copy, read: Callable[[Path], Seen]) -> Seen:
    """What is read of a copy, as of a folder."""
    if copy.folder is not None:
        return read(copy.folder)
    with tempfile.TemporaryDirectory(prefix="riskcast-copy-") as top:
        return read(_written(copy, Path(top)))


def vintage_of(now: View, name: str) -> View:
    """The case as it was kept, to look at."""
    copy = copy_of(now.case)
    kept = look_at(copy, lambda folder: riskcast.load_case(f"{folder}@{name}"))
    inside = f"vintages/{name}/"
    files = {path.removeprefix(inside): content for path, content in copy.files.items() if path.startswith(inside)}
    files.pop("vintage.json", None)
    kept_cases().keep(kept, files)
    return View(kept)


def _changed(now: View, change: Callable[[Path], riskcast.Update]) -> riskcast.Update:
    copy = copy_of(now.case)
    if copy.folder is not None:
        done = change(copy.folder)
        case, files = riskcast.load_case(copy.folder), _read(copy.folder)
    else:
        with tempfile.TemporaryDirectory(prefix="riskcast-copy-") as top:
            folder = _written(copy, Path(top))
            done = change(folder)
            case, files = riskcast.load_case(folder), _read(folder)
    kept_cases().keep(case, files)
    session.show(_carried(now, case))
    return done


def _carried(now: View, case: riskcast.Case) -> View:
    """What is looked at, of the edited case: with changes and scenarios where they still fit."""
    new = replace(now, case=case)
    try:
        _ = new.changed
        return replace(new, scenario=now.scenario if now.scenario in new.scenarios else "baseline")
    except (riskcast.RiskcastError, ValueError):
        session.complain("The changes that were shown do not fit the edited case, and are taken back.")
        return View(case)


def _written(copy: Copy, top: Path) -> Path:
    folder = top / copy.name
    for path, content in copy.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def _read(folder: Path) -> Mapping[str, bytes]:
    tops = [path for path in folder.iterdir() if not path.name.startswith(".")]
    paths = {
        path.relative_to(folder).as_posix(): path for top in tops for path in (top, *top.rglob("*")) if path.is_file()
    }
    return {name: path.read_bytes() for name, path in sorted(paths.items())}
