"""Where in a case's files a quantity, an event, a dated value or a source is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from riskcast.case.files import bundled_folder, list_cases, read_case_with_lines
from riskcast.case.model import Case, EventRow, SeriesRow
from riskcast.case.quantity_names import locate
from riskcast.case.where import EVENTS_FILE, SERIES_FILE, Where
from riskcast.errors import UnknownNameError


@dataclass(frozen=True)
class Place:
    """A line of one of a case's files, which is named as it stands in the case's folder.

    >>> print(Place("effects.yaml", 12))
    effects.yaml:12
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Places:
    """Where the parts of the case in `folder` are written."""

    folder: Path
    case: Case
    where: Where
    events: Mapping[EventRow, int]
    series: Mapping[SeriesRow, int]

    def quantity(self, key: str) -> Place | None:
        """Where a quantity is written; raises UnknownNameError for an id that the files do not have."""
        known = [name for name, _, _ in self.case.quantities()]
        if key not in known:
            raise UnknownNameError("quantity", key, known)
        document, path = locate(self.case, key)
        return self._line(document, path)

    def source(self, name: str) -> Place | None:
        """Where a source is written; raises UnknownNameError for an id that the files do not have."""
        if name not in self.case.sources:
            raise UnknownNameError("source", name, self.case.sources)
        return self._line("sources", (name,))

    def row(self, row: EventRow | SeriesRow) -> Place | None:
        """Where an event or a dated value is written; None where no row of the files is the same."""
        if isinstance(row, EventRow):
            line, file = self.events.get(row), EVENTS_FILE
        else:
            line, file = self.series.get(row), SERIES_FILE
        return None if line is None else Place(self.where.table(file), line)

    def _line(self, document: str, path: tuple[str | int, ...]) -> Place | None:
        found = self.where.documents[document]
        line = found.line(path)
        return None if line is None else Place(found.file, line)


def find_places(case: Case | str | Path) -> Places | None:
    """Read where everything is written: of a bundled case by name, of a folder, or of a case that came from either.

    None where no files are known that say what the case says: it was uploaded, or made in code. A case with changes is
    looked up in the files that it was published in. Raises CaseError where the files do not hold a valid case.

    >>> places = find_places("central_asia_2024")
    >>> places.quantity("hyperpriors.persistence").file
    'case.yaml'
    """
    name = case.name if isinstance(case, Case) else str(case)
    folder = bundled_folder() / name if name in list_cases() else None
    if not isinstance(case, Case) and Path(case).is_dir():
        folder = Path(case)
    if folder is None:
        return None
    written, where = read_case_with_lines(folder)
    if isinstance(case, Case) and not _says_the_same(case, written):
        return None
    events = dict(zip(written.event_rows, where.lines[EVENTS_FILE], strict=True))
    series = dict(zip(written.series_rows, where.lines[SERIES_FILE], strict=True))
    return Places(folder, written, where, events, series)


def _says_the_same(case: Case, written: Case) -> bool:
    """Whether a case was read from these files, perhaps with rows added since, so that no hash of files is left."""
    if case.published_hash == written.published_hash:
        return True
    grown = len(case.event_rows) > len(written.event_rows) and set(written.event_rows) <= set(case.event_rows)
    if case.published_hash is not None and not (grown and case.overlay_hash is not None):
        return False
    evidence, known = ({key: quantity.evidence for key, quantity, _ in one.quantities()} for one in (case, written))
    return evidence == known and case.sources == written.sources


def find_place(case: Case | str | Path, quantity_id: str) -> Place | None:
    """File and line of one quantity; None where the case has no files. For many, ask `find_places` once.

    >>> find_place("central_asia_2024", "effects.xenophobia->abuse_incident").file
    'effects.yaml'
    """
    places = find_places(case)
    return None if places is None else places.quantity(quantity_id)
