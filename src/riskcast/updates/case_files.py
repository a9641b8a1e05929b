"""The files of a case as one value, which an edit replaces by another."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from riskcast.case.files import (
    OPTIONAL_FILES,
    TABLES,
    YAML_FILES,
    YAML_SUFFIXES,
    bundled_folder,
    find_folder,
    list_cases,
    read_case_with_lines,
)
from riskcast.case.model import Case
from riskcast.case.vintage_folders import SEAL, case_name
from riskcast.case.where import Where
from riskcast.case.yaml_lines import parse_yaml
from riskcast.errors import CaseError, OptionError, refusal
from riskcast.machinery.bundled import PACKAGE
from riskcast.machinery.joint_writes import is_writable, read_steadily
from riskcast.machinery.staging import telling, write_folder
from riskcast.machinery.table_files import find_table
from riskcast.machinery.texts import decode, read_bytes

MOST_BYTES = 200_000_000


@dataclass(frozen=True)
class CaseFiles:
    """All files that a case is read from, by path within its folder; name: of the case."""

    name: str
    contents: Mapping[str, bytes]

    def with_file(self, path: str, content: bytes) -> CaseFiles:
        """The files with one more, or another content of one."""
        return replace(self, contents=MappingProxyType({**self.contents, path: content}))

    def yaml(self, stem: str) -> str:
        """The name of one of the YAML files, whatever its ending."""
        known = [f"{stem}{suffix}" for suffix in YAML_SUFFIXES]
        return next((path for path in self.contents if path.lower() in known), f"{stem}.yaml")

    def table(self, usual: str) -> str | None:
        """The file of one of the tables, whatever its ending; None where there is none."""
        stem = usual.removesuffix(".csv")
        return next((path for path in self.contents if path.lower().startswith(f"{stem}.")), None)

    def load(self) -> tuple[Case, Where]:
        """The case that these files hold; raises CaseError with every problem found."""
        with tempfile.TemporaryDirectory(prefix="riskcast-edit-") as top, telling(top):
            folder = Path(top) / self.name
            write_out(self.contents, folder)
            return read_case_with_lines(folder)


# The files after an edit, and what it did beside what was asked.
Edited = tuple[CaseFiles, tuple[str, ...]]


def write_out(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder."""
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def read_files(folder: Path) -> CaseFiles:
    """The files of the case in a folder, as they stand; raises CaseError where one of them cannot be read."""
    names = {entry.name for entry in folder.iterdir()}
    known = {f"{stem}{suffix}" for stem in (*YAML_FILES, *OPTIONAL_FILES) for suffix in YAML_SUFFIXES}
    paths = sorted(name for name in names if name.lower() in known)
    tables = (find_table(folder, usual.removesuffix(".csv")) for usual in TABLES)
    paths += [found for found in tables if found is not None]
    contents = {path: read_bytes(folder / path, path, MOST_BYTES, "make it smaller") for path in paths}
    for table in _panel_files(folder, contents):
        contents[table] = read_bytes(folder / table, table, MOST_BYTES, "make it smaller")
    return CaseFiles(case_name(folder), MappingProxyType(contents))


def _panel_files(folder: Path, contents: Mapping[str, bytes]) -> tuple[str, ...]:
    """The table of a panel case, its table of states, and those of neighbours."""
    path = next((path for path in contents if path.lower().startswith("case.")), None)
    if path is None:
        return ()
    try:
        data = parse_yaml(decode(contents[path], path).content, path).data
    except CaseError:
        return ()
    panel = data.get("panel") if isinstance(data, dict) else None
    if not isinstance(panel, dict):
        return ()
    ties = panel.get("neighbours")
    files = [panel.get("file"), panel.get("state_table"), *(ties.values() if isinstance(ties, dict) else ())]
    return tuple(file for file in files if isinstance(file, str) and (folder / file).is_file())


def find_editable(case: str | Path) -> Path:
    """The folder of a case that may be edited; raises CaseError for one that came with riskcast, a kept vintage, or a
    folder that cannot be written to."""
    if str(case) in list_cases():
        folder = bundled_folder() / str(case)
        here = Path(case).is_dir() and Path(case).samefile(folder)
        raise _is_bundled(str(case)) if not here else _is_bundled(str(case), f"./{case}")
    folder = Path(os.path.realpath(find_folder(case)))
    if PACKAGE in folder.parents:
        raise _is_bundled(str(case))
    if (folder / SEAL).exists():
        wrong = "is a kept vintage, which is never edited"
        raise refusal(
            str(case), wrong, f"edit the case itself, {folder.parent.parent}, or copy this one: riskcast copy"
        )
    if not is_writable(folder):
        raise refusal(str(case), "is a folder that cannot be written to", f"copy it: riskcast copy {case} my_case")
    return folder


def _is_bundled(case: str, folder: str = "") -> OptionError:
    also = f", or name the folder as {folder}" if folder else ""
    return OptionError(
        f"{case} came with riskcast and is not edited in its place; copy it first: riskcast copy {case} my_case{also}"
    )


def copy_case(case: str | Path, folder: str | Path) -> Path:
    """Copy the files of a case, byte for byte, into a new folder; gives it.

    Raises OptionError where something stands there already, RiskcastError where it cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as top:
    ...     made = copy_case("central_asia_2024", Path(top) / "my_case")
    ...     sorted(path.name for path in made.glob("*.yaml"))[:2]
    ['case.yaml', 'claims.yaml']
    """
    original, folder = find_folder(case), Path(folder)
    found = read_steadily(original, lambda: read_files(original))
    if str(folder) in ("", ".") or os.path.lexists(folder):
        raise OptionError(f"{folder} is there already; name a folder that is not")
    write_folder(folder, lambda made: write_out(found.contents, made), ".riskcast-copy-")
    return folder
