"""Edits of a case: applied to its files in memory, validated on the whole case, written all at once, taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from riskcast.case.files import read_case
from riskcast.case.model import Case
from riskcast.case.vintage_folders import SEAL, VINTAGES, seal, vintage_name
from riskcast.errors import CaseError, OptionError, Problem
from riskcast.machinery.joint_writes import sole_writer, write_together
from riskcast.updates.case_files import CaseFiles, Edited, find_editable, read_files
from riskcast.updates.journal import (
    JOURNAL,
    Entry,
    author_of,
    journal_of,
    line_of,
    moment_now,
    open_entries,
    read_entries,
    splice,
)
from riskcast.updates.new_rows import add_event_rows, add_value_rows
from riskcast.updates.operations import NewDay, NewEvent, NewNumbers, NewSource, NewValue, Operation, Searched
from riskcast.updates.search_rows import extend_coverage
from riskcast.updates.yaml_changes import add_source_entry, roll_day, set_numbers


@dataclass(frozen=True)
class Draft:
    """A case's files with edits that are not written yet.

    before, after: the case; files; vintages: files and case as they stood before each roll, by name; notes: what the
    edits did beside what was asked.
    """

    before: Case
    after: Case
    files: CaseFiles
    vintages: Mapping[str, tuple[CaseFiles, Case]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Update:
    """An edit that was written.

    number: of its entry in the journal; what: a sentence for each part of it; notes: what it did besides; before,
    after: the hash of the case; as_of: its day now; vintage: the folder in which the case is kept as it stood, after a
    roll.
    """

    folder: Path
    number: int
    author: str
    what: tuple[str, ...]
    notes: tuple[str, ...]
    before: str
    after: str
    as_of: dt.date
    files: tuple[str, ...]
    vintage: Path | None = None


def draft_edits(files: CaseFiles, operations: Sequence[Operation], today: dt.date | None = None) -> Draft:
    """A case's files after some edits, each validated on the whole case; nothing is written.

    today: the day that events and values are entered on, where they do not say so. Raises RiskcastError where the case
    would not hold, with file, row and mend.
    """
    today = today or dt.date.today()
    before, _ = files.load()
    case, vintages, notes = before, dict[str, tuple[CaseFiles, Case]](), list[str]()
    for kind, group in groupby(operations, type):
        alike = list(group)
        # Rows go in together; what else there is, one by one.
        for own in [alike] if kind in (NewEvent, NewValue) else [[each] for each in alike]:
            if isinstance(own[0], NewDay):
                _refuse_future(own[0].as_of, today)
                vintages[vintage_name(case.as_of, case.hash)] = files, case
            changed, told = _applied(files, case, own, today)
            try:
                case, _ = changed.load()
            except CaseError as error:
                raise CaseError(_of_an_edit(error.problems, own)) from None
            files, notes = changed, [*notes, *told]
    return Draft(before, case, files, vintages, tuple(notes))


def _refuse_future(day: dt.date, today: dt.date) -> None:
    if day > today:
        raise OptionError(f"{day} has not come yet (today is {today}); give a day up to today")


def _applied(files: CaseFiles, case: Case, own: Sequence[Operation], today: dt.date) -> Edited:
    events = [each for each in own if isinstance(each, NewEvent)]
    values = [each for each in own if isinstance(each, NewValue)]
    if events:
        return add_event_rows(files, case, events, today)
    if values:
        return add_value_rows(files, case, values, today)
    operation = own[0]
    if isinstance(operation, Searched):
        return extend_coverage(files, case, operation)
    if isinstance(operation, NewSource):
        return add_source_entry(files, case, operation)
    if isinstance(operation, NewNumbers):
        return set_numbers(files, case, operation)
    assert isinstance(operation, NewDay)
    return roll_day(files, case, operation)


def _of_an_edit(problems: Sequence[Problem], own: Sequence[Operation]) -> list[Problem]:
    """The problems that a case would have, told of an edit that was not written."""
    what = own[0].told + (f", and {len(own) - 1} more" if len(own) > 1 else "")
    told = Problem("nothing was written", None, "", what, "with it the case would not hold, as follows")
    return [told, *problems]


def make_edits(
    case: str | Path, operations: Sequence[Operation], author: str | None = None, today: dt.date | None = None
) -> Update:
    """Make edits of a case in its folder: all of them, or none.

    The files are read anew once nobody else writes to them, so that two writers lose nothing. Raises RiskcastError, and
    writes nothing, where the case cannot be edited or would not hold.
    """
    folder, author = find_editable(case), author_of(author)
    if not operations:
        raise OptionError("there is nothing to do; give at least one edit")
    with sole_writer(folder):
        files = read_files(folder)
        draft = draft_edits(files, operations, today)
        what = tuple(operation.told for operation in operations)
        kept = moment_now().isoformat()
        folders: dict[str, dict[str, bytes]] = {}
        for name, own in draft.vintages.items():
            if not (folder / VINTAGES / name).exists():
                folders[f"{VINTAGES}/{name}"] = sealed(*own, kept, author)
        entry = _written(folder, files, draft.files, draft.before, draft.after, author, what, folders=folders)
    vintages = [folder / VINTAGES / name for name in draft.vintages]
    return _update(folder, entry, draft.notes, vintages[-1] if vintages else None)


def sealed(files: CaseFiles, case: Case, kept: str, author: str) -> dict[str, bytes]:
    """The files of a vintage, with what it is and their sha256."""
    return {**files.contents, SEAL: seal(case.as_of, case.hash, kept, author, files.contents)}


def take_back(case: str | Path, author: str | None = None) -> Update:
    """Take back the last edit of a case that has not been taken back yet; a vintage that it kept stays.

    Raises RiskcastError where there is none, or a file was changed by hand since.
    """
    folder, author = find_editable(case), author_of(author)
    with sole_writer(folder):
        left = open_entries(journal_of(folder))
        if not left:
            raise OptionError(f"{folder} has no edit to take back; those made by hand are not in its journal")
        last, files = left[-1], read_files(folder)
        contents: dict[str, bytes | None] = dict(files.contents)
        for name, one in last.files.items():
            now = contents.get(name)
            if splice(now, None).was != one.became:
                raise OptionError(
                    f"{name} was changed by hand after edit {last.number} ({'; '.join(last.what)}); "
                    "take that change back first, or mend the file in an editor"
                )
            contents[name] = one.back(now or b"") if one.was is not None else None
        former = CaseFiles(files.name, {name: content for name, content in contents.items() if content is not None})
        try:
            before, _ = files.load()
            digest = before.hash
        except CaseError:
            digest = "unreadable"
        after, _ = former.load()
        what = (f"edit {last.number} taken back: {'; '.join(last.what)}",)
        entry = _written(folder, files, former, digest, after, author, what, undone=last.number)
    return _update(folder, entry, (), None)


def _written(
    folder: Path,
    old: CaseFiles,
    new: CaseFiles,
    before: Case | str,
    after: Case,
    author: str,
    what: tuple[str, ...],
    *,
    folders: Mapping[str, Mapping[str, bytes]] | None = None,
    undone: int | None = None,
) -> Entry:
    """Write what differs between two states of a case's files, with its entry in the journal."""
    journal = folder / JOURNAL
    told = journal.read_bytes() if journal.exists() else b""
    names = sorted(name for name in {*old.contents, *new.contents} if old.contents.get(name) != new.contents.get(name))
    entry = Entry(
        number=1 + max((one.number for one in read_entries(told)), default=0),
        when=moment_now().isoformat(),
        author=author,
        what=what,
        as_of=str(after.as_of),
        before=before if isinstance(before, str) else before.hash,
        after=after.hash,
        files={name: splice(old.contents.get(name), new.contents.get(name)) for name in names},
        undone=undone,
    )
    told += b"\n" if told and not told.endswith(b"\n") else b""
    changed: dict[str, bytes | None] = {name: new.contents.get(name) for name in names}
    write_together(folder, {**changed, JOURNAL: told + line_of(entry)}, folders or {})
    return entry


def _update(folder: Path, entry: Entry, notes: tuple[str, ...], vintage: Path | None) -> Update:
    day = dt.date.fromisoformat(entry.as_of)
    own = (folder, entry.number, entry.author, entry.what, notes, entry.before, entry.after, day, tuple(entry.files))
    return Update(*own, vintage)


def keep_vintage(case: str | Path, author: str | None = None) -> Path:
    """Keep a case as it stands now, without rolling its day; gives the folder."""
    folder, author = find_editable(case), author_of(author)
    with sole_writer(folder):
        files, now = read_files(folder), read_case(folder)
        name = f"{VINTAGES}/{vintage_name(now.as_of, now.hash)}"
        if not (folder / name).exists():
            write_together(folder, {}, {name: sealed(files, now, moment_now().isoformat(), author)})
    return folder / name
