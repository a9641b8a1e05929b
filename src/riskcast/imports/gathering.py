"""Tables as they are named -> files on this machine: folders, zips, several files of one table, what is fetched."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from riskcast.errors import OptionError, refusal
from riskcast.imports.world_bank import fetch_series, is_asked_for
from riskcast.machinery.table_files import suffix_of
from riskcast.numbers import MOST_NAMED, more

# Endings of texts with separators that others write, and as what they are read.
_TEXTS: Final = {".tab": ".csv", ".txt": ".csv", ".tab.gz": ".csv.gz", ".txt.gz": ".csv.gz"}
READ: Final = (
    "CSV (.csv, .tsv, .tab, .txt, also with .gz), Excel (.xlsx), Parquet (.parquet), a .zip or a folder of them"
)
# What a zip may unpack to.
MOST_BYTES: Final = 50_000_000_000


@dataclass(frozen=True)
class Part:
    """One file of a table: where it is, what errors call it, and what kind of file it is (a suffix)."""

    path: Path
    name: str
    suffix: str


@dataclass(frozen=True)
class Source:
    """One table, in one file or in several whose rows follow one another.

    notes: what was left out of a folder or zip; fetched: what was fetched for it, by the name under which it is kept.
    """

    name: str
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()
    fetched: Mapping[str, bytes] = field(default_factory=dict)


def kind_of(name: str) -> str:
    """As what kind of table a file is read, by the ending of its name; empty where it is none.

    >>> kind_of("events.2014.tab"), kind_of("20140305.export.CSV"), kind_of("codebook.pdf")
    ('.csv', '.csv', '')
    """
    own = suffix_of(name)
    return own or next((kind for ending, kind in _TEXTS.items() if name.lower().endswith(ending)), "")


@contextmanager
def gather(files: Sequence[Path]) -> Generator[tuple[Source, ...]]:
    """Tables as files, for as long as they are read; each named one is a file, a folder or zip of files that are parts
    of one table, or `worldbank:SERIES,SERIES`.

    Raises CaseError for what is missing or no table, and RiskcastError where nothing can be fetched.
    """
    with tempfile.TemporaryDirectory(prefix="riskcast-import-") as folder:
        yield tuple(_source(file, place, Path(folder)) for place, file in enumerate(files, 1))


def follow(sources: Sequence[Source]) -> Source:
    """Several tables as one, whose rows follow one another.

    >>> parts = [Source(name, (Part(Path(name), name, ".csv"),)) for name in ("a.csv", "b.csv")]
    >>> follow(parts).name, len(follow(parts).parts)
    ('a.csv and 1 more', 2)
    """
    if not sources:
        raise OptionError("no table is named; give a FILE")
    if len(sources) == 1:
        return sources[0]
    return Source(
        f"{sources[0].name} and {len(sources) - 1} more",
        tuple(part for source in sources for part in source.parts),
        tuple(note for source in sources for note in source.notes),
        {name: raw for source in sources for name, raw in source.fetched.items()},
    )


def _source(file: Path, place: int, folder: Path) -> Source:
    name = str(file)
    if is_asked_for(name):
        kept = f"fetched/world_bank_{place}.csv"
        content = fetch_series(name)
        there = folder / f"world_bank_{place}.csv"
        there.write_bytes(content)
        return Source(name, (Part(there, name, ".csv"),), fetched={kept: content})
    if not file.exists():
        raise refusal(name, "is missing", "check its name and folder")
    found = list(_files(file, name, folder / str(place)))
    # A text beside tables says something about them, and is none.
    chosen = [part for part in found if part.suffix and not part.name.lower().endswith((".txt", ".txt.gz"))] or found
    taken = {part.name for part in chosen if part.suffix}
    left = [part.name for part in found if part.name not in taken]
    if not taken:
        raise refusal(name, "is no kind of table that is read", f"save it as {READ}")
    notes = (f"Left out of {name}: {', '.join(left[:MOST_NAMED])}{more(left)}",) if left else ()
    return Source(name, tuple(part for part in chosen if part.suffix), notes)


def _files(file: Path, name: str, folder: Path) -> Iterator[Part]:
    """The files behind a name, in the order of their names, whatever they are."""
    if file.is_dir():
        for each in sorted(file.iterdir()):
            if each.is_file() and not each.name.startswith("."):
                yield from _files(each, f"{name}/{each.name}", folder / each.name)
    elif file.suffix.lower() == ".zip":
        yield from _unpacked(file, name, folder)
    else:
        yield Part(file, name, kind_of(name))


def _unpacked(file: Path, name: str, folder: Path) -> Iterator[Part]:
    try:
        with zipfile.ZipFile(file) as packed:
            members = [one for one in packed.infolist() if not one.is_dir() and "__MACOSX" not in one.filename]
            if sum(one.file_size for one in members) > MOST_BYTES:
                raise refusal(name, f"unpacks to more than {MOST_BYTES // 10**9} GB", "unpack what is needed of it")
            folder.mkdir(parents=True)
            for place, one in enumerate(sorted(members, key=lambda one: one.filename)):
                inner = f"{name}/{one.filename}"
                # Its own name may lead anywhere.
                there = folder / f"{place}{kind_of(one.filename)}"
                if kind_of(one.filename):
                    with packed.open(one) as opened, there.open("wb") as out:
                        shutil.copyfileobj(opened, out)
                yield Part(there, inner, kind_of(one.filename))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise refusal(name, f"cannot be unpacked ({error})", "unpack it, and name what is in it") from None
