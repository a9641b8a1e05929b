"""Where each part of a case stands in its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from riskcast.case.yaml_lines import Document
from riskcast.errors import Problem

EVENTS_FILE: Final = "history/events.csv"
SERIES_FILE: Final = "history/indicators.csv"
COVERAGE_FILE: Final = "history/coverage.csv"


@dataclass(frozen=True)
class Where:
    """Where each part of a case stands in its files.

    lines: of the rows of every history table; tables: the file that is there, by the table's usual name.
    """

    documents: Mapping[str, Document] = field(default_factory=dict)
    lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)

    def problem(self, document: str, path: tuple[str | int, ...], wrong: str, mend: str) -> Problem:
        """A problem at a path of one YAML file."""
        if document in self.documents:
            return self.documents[document].problem(path, wrong, mend)
        return Problem(f"{document}.yaml", None, ".".join(map(str, path)), wrong, mend)

    def row(self, file: str, index: int, key: str, wrong: str, mend: str) -> Problem:
        """A problem in one row of a history table."""
        lines = self.lines.get(file, ())
        return Problem(self.table(file), lines[index] if index < len(lines) else index + 2, key, wrong, mend)

    def table(self, file: str) -> str:
        """The file in which a history table stands, by its usual name."""
        return self.tables.get(file, file)
