"""A new case from tables: maps given or proposed, tables imported, files drafted, all checked before any is written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from riskcast.case.files import read_case
from riskcast.errors import OptionError
from riskcast.imports.drafting import draft_case
from riskcast.imports.gathering import Source, gather
from riskcast.imports.importing import import_sources
from riskcast.imports.maps import load_map
from riskcast.imports.proposing import propose_map
from riskcast.imports.reports import Report
from riskcast.imports.writing import report_file
from riskcast.machinery.staging import write_folder


@dataclass(frozen=True)
class NewCase:
    """A case that was drafted: its folder, the reports of its tables, and what was assumed, in sentences."""

    folder: Path
    reports: tuple[Report, ...]
    notes: tuple[str, ...]


def draft_folder(
    folder: Path,
    files: Sequence[Path],
    maps: Sequence[str] | None = None,
    events: Sequence[str] = (),
    title: str | None = None,
) -> NewCase:
    """Draft a case from tables into a folder that is not there: a map for each file (or one, of which all are parts),
    or proposed ones where none is.

    events: columns of the first file that are events, where its map is proposed. The case is read as any other before
    it is put in place, so that what is written can be forecast. Raises OptionError where the folder is there, or where
    a table does not tell enough, and CaseError where rows do not fit the map.
    """
    if str(folder) in ("", ".") or os.path.lexists(folder):
        raise OptionError(f"{folder} is there already; name a folder that is not")
    if maps and events:
        raise OptionError("--event is given beside a map, which names the events; leave one of the two out")
    with gather(files) as sources:
        return _draft(folder, sources, maps, events, title)


def _draft(
    folder: Path, sources: Sequence[Source], maps: Sequence[str] | None, events: Sequence[str], title: str | None
) -> NewCase:
    notes: list[str] = []
    if maps:
        charts = [load_map(name) for name in maps]
    else:
        proposals = [propose_map(source, events if place == 0 else ()) for place, source in enumerate(sources)]
        charts = [proposal.chart for proposal in proposals]
        notes += [guess for proposal in proposals for guess in proposal.guesses]
    if any(chart.is_record for chart in charts):
        raise OptionError("a case with a host is not drafted; import its tables by `riskcast import`, beside its files")
    if not charts[0].events:
        mend = "name a column, --event COLUMN, or give a table of pairs first"
        raise OptionError(f"{sources[0].name} has no events to forecast; {mend}")
    found = import_sources(sources, charts)
    draft = draft_case(found, title or folder.name)
    content = {name: text.encode() for name, text in draft.files.items()} | found.files() | report_file(found)

    def fill(made: Path) -> None:
        for name, raw in content.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_bytes(raw)
        read_case(made)

    write_folder(folder, fill, ".riskcast-new-")
    return NewCase(folder, found.reports, (*notes, *draft.notes))
