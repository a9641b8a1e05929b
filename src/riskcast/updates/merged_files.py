"""Two analysts' edits of one case joined as files: comments and layout are kept where both texts can be joined."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from riskcast.case.files import TABLES, YAML_FILES, write_files
from riskcast.case.model import Case
from riskcast.comparison.parts import Key, take_apart
from riskcast.errors import OptionError, RiskcastError
from riskcast.experts.three_way import Merged, Side
from riskcast.machinery.staging import write_folder
from riskcast.updates.case_files import CaseFiles, read_files, write_out

STAGE: Final = ".riskcast-merge-"


@dataclass(frozen=True)
class Joined:
    """The files of a joined case; anew: those whose texts could not be joined, and that were written from the case, so
    that their comments are not kept."""

    files: CaseFiles
    anew: tuple[str, ...]


def join_files(merged: Merged, base: Path, mine: Path, theirs: Path) -> Joined:
    """The files of a joined case: texts joined line by line, where they say exactly what was joined, else written anew.

    Raises OptionError where a conflict is open.
    """
    case = merged.case
    if case is None:
        raise OptionError(f"{len(merged.open)} conflicts are open; settle them first")
    sets = [read_files(folder) for folder in (base, mine, theirs)]
    written, wanted = _written(case), take_apart(case)
    made: dict[str, dict[str, bytes]] = {}
    given: dict[str, list[bytes | None]] = {}
    for usual in (*(f"{stem}.yaml" for stem in YAML_FILES), *TABLES):
        stem = usual.removesuffix(".yaml")
        names = [files.yaml(stem) if stem in YAML_FILES else files.table(usual) for files in sets]
        texts = [None if name is None else files.contents.get(name) for files, name in zip(sets, names, strict=True)]
        # Where all conflicts of a file were settled for one side, so are lines that both changed.
        taken = {conflict.taken for conflict in merged.conflicts if conflict.file == usual}
        name, content = _one(texts, names, usual, taken.pop() if len(taken) == 1 else None)
        made[usual], given[usual] = {} if content is None else {name: content}, [*texts, content]
        if content is None and usual in written and any(text is not None for text in texts):
            made[usual] = {usual: written[usual]}
    trials = [_panel_of(files) for files in sets[:0:-1]][::-1] if case.panel is not None else [{}]
    for panel in trials:
        if _says(_files(case, made, panel), wanted):
            return Joined(_files(case, made, panel), _anew(made, given))
    # A text that says anything else than what was joined is not used.
    for usual in made:
        made[usual] = {usual: written[usual]} if usual in written else {}
        for panel in trials:
            if _says(_files(case, made, panel), wanted):
                return Joined(_files(case, made, panel), _anew(made, given))
    return Joined(CaseFiles(case.name, MappingProxyType(written)), tuple(sorted(written)))


def _files(case: Case, made: Mapping[str, Mapping[str, bytes]], panel: Mapping[str, bytes]) -> CaseFiles:
    every = {name: content for own in made.values() for name, content in own.items()} | dict(panel)
    return CaseFiles(case.name, MappingProxyType(every))


def _panel_of(files: CaseFiles) -> dict[str, bytes]:
    """The table of a panel case, which is none of its usual files."""
    usual = {files.yaml(stem) for stem in YAML_FILES} | {files.table(table) for table in TABLES}
    return {name: content for name, content in files.contents.items() if name not in usual}


def _anew(made: Mapping[str, Mapping[str, bytes]], given: Mapping[str, Sequence[bytes | None]]) -> tuple[str, ...]:
    """Files that are neither as a side has them nor their lines joined: those that riskcast wrote."""
    return tuple(usual for usual, own in made.items() if not set(own.values()) <= set(given[usual]))


def write_joined(joined: Joined, folder: str | Path) -> Path:
    """Write the files of a joined case into a new folder; raises OptionError where something stands there."""
    out = Path(folder)
    if out.exists():
        raise OptionError(f"{out} is there already; name a folder that is not")
    write_folder(out, lambda made: write_out(joined.files.contents, made), STAGE)
    return out


def _written(case: Case) -> dict[str, bytes]:
    """All files of a case as riskcast writes them, by path."""
    with tempfile.TemporaryDirectory(prefix=STAGE) as top:
        folder = Path(top) / "case"
        folder.mkdir()
        write_files(case, folder)
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _says(files: CaseFiles, wanted: Mapping[Key, Any]) -> bool:
    """Whether files hold the case that was joined."""
    try:
        found = take_apart(files.load()[0])
    except RiskcastError:
        return False
    return found == wanted


def _one(
    texts: Sequence[bytes | None], names: Sequence[str | None], usual: str, prefer: Side | None
) -> tuple[str, bytes | None]:
    """The name and content of a file that one side has as it was, or of both texts joined; None where it takes more."""
    base, mine, theirs = texts
    if mine == theirs or theirs == base:
        return names[1] or usual, mine
    if mine == base:
        return names[2] or usual, theirs
    if base is None or mine is None or theirs is None or len({name for name in names if name}) > 1:
        return usual, None
    try:
        lines = [text.decode("utf-8").splitlines(keepends=True) for text in (base, mine, theirs)]
    except UnicodeDecodeError:
        return usual, None
    joined = join_lines(lines[0], lines[1], lines[2], prefer)
    return names[1] or usual, None if joined is None else "".join(joined).encode()


def join_lines(
    base: Sequence[str], mine: Sequence[str], theirs: Sequence[str], prefer: Side | None = None
) -> list[str] | None:
    """Three texts joined by lines (diff3; Khanna, Kunal and Pierce, 2007): None where both change the same lines and no
    side is preferred. Lines that both add in one place stand one after the other, mine first.

    >>> join_lines(list("abcde"), list("aBcde"), list("abcDe"))
    ['a', 'B', 'c', 'D', 'e']
    >>> join_lines(list("abc"), list("aXc"), list("aYc")) is None
    True
    """
    one, two = (_kept(base, side) for side in (mine, theirs))
    # Lines of the base that both keep, in order; between them lies what may have changed.
    anchors = [(place, one[place], two[place]) for place in range(len(base)) if place in one and place in two]
    joined: list[str] = []
    last = (-1, -1, -1)
    for here in [*anchors, (len(base), len(mine), len(theirs))]:
        old, own, other = (
            list(text[before + 1 : now]) for text, before, now in zip((base, mine, theirs), last, here, strict=True)
        )
        if own == other or other == old:
            joined += own
        elif own == old:
            joined += other
        elif not old:
            joined += [*own, *(line for line in other if line not in own)]
        elif prefer is None:
            return None
        else:
            joined += own if prefer == "mine" else other
        if here[0] < len(base):
            joined.append(base[here[0]])
        last = here
    return joined


def _kept(base: Sequence[str], side: Sequence[str]) -> dict[int, int]:
    """Where lines of the base stand in a side that keeps them."""
    found = SequenceMatcher(None, base, side, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in found for step in range(block.size)}
