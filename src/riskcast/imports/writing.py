"""Imported tables as files, all of them or none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from riskcast.errors import OptionError
from riskcast.imports.importing import COVERAGE, EVENTS, PANEL, SERIES, Imported
from riskcast.imports.reports import report_data
from riskcast.machinery.staging import write_folder

REPORT_FILE: Final = "import.json"
_TABLES: Final = (f"{PANEL}.csv", f"{PANEL}.parquet", EVENTS, SERIES, COVERAGE)


def check_free(folder: Path) -> None:
    """Refuse a folder that has tables of a case; raises OptionError."""
    there = [name for name in _TABLES if (folder / name).exists()]
    if there:
        raise OptionError(f"{folder / there[0]} is there already; name another folder, or add --replace")


def write_tables(found: Imported, folder: Path) -> tuple[Path, ...]:
    """Write the tables and the report of an import into a folder, and what was fetched for it; gives the files."""
    return write_files(report_file(found) | found.files(), folder)


def report_file(found: Imported) -> dict[str, bytes]:
    """The report of an import as a file by name."""
    content = json.dumps([report_data(report) for report in found.reports], indent=2, ensure_ascii=False) + "\n"
    return {REPORT_FILE: content.encode()}


def write_files(files: Mapping[str, bytes], folder: Path) -> tuple[Path, ...]:
    """Write files by name into a folder, all of them or none; gives them."""

    def fill(made: Path) -> None:
        for name, content in files.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_bytes(content)

    return write_folder(folder, fill, ".riskcast-import-")
