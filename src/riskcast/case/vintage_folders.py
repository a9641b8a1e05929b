"""Kept vintages of a case as folders: where they are, which one is meant, and whether it is still as it was kept."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from riskcast.errors import UnknownNameError, refusal

VINTAGES: Final = "vintages"
SEAL: Final = "vintage.json"
DIGITS: Final = 12
_NAME: Final = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})-([0-9a-f]{{{DIGITS}}})")


@dataclass(frozen=True)
class KeptVintage:
    """A case as it stood when its day was rolled on.

    as_of: its day; hash: of the case; kept: when, in UTC; author: by whom; folder: where its files are.
    """

    as_of: dt.date
    hash: str
    kept: str
    author: str
    folder: Path

    @property
    def name(self) -> str:
        """What it goes by: its day and the first digits of its hash."""
        return vintage_name(self.as_of, self.hash)


def vintage_name(as_of: dt.date, digest: str) -> str:
    """The name of a vintage's folder.

    >>> vintage_name(dt.date(2024, 5, 6), "1ba5e5c260a7aa")
    '2024-05-06-1ba5e5c260a7'
    """
    return f"{as_of}-{digest[:DIGITS]}"


def seal(as_of: dt.date, digest: str, kept: str, author: str, files: Mapping[str, bytes]) -> bytes:
    """The file that says what a vintage is, and the sha256 of each of its files."""
    told = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    plain = {"as_of": str(as_of), "hash": digest, "kept": kept, "author": author, "files": told}
    return (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode()


def kept_vintages(folder: Path) -> tuple[KeptVintage, ...]:
    """The vintages that are kept of the case in a folder, by day and then in the order in which they were kept."""
    found = []
    for path in (folder / VINTAGES).glob("*/" + SEAL):
        told = _seal(path)
        if _NAME.fullmatch(path.parent.name):
            day = dt.date.fromisoformat(told["as_of"])
            found.append(KeptVintage(day, told["hash"], told["kept"], told["author"], path.parent))
    return tuple(sorted(found, key=lambda one: (one.as_of, one.kept, one.name)))


def find_vintage(folder: Path, wanted: str) -> Path:
    """The folder of a vintage by its day, or by day and first digits of its hash.

    Of several of one day the one that was kept last. Raises UnknownNameError where none is kept.
    """
    known = kept_vintages(folder)
    found = [one for one in known if wanted and (str(one.as_of) == wanted or one.name == wanted)]
    found = found or [one for one in known if len(wanted) > 11 and one.name.startswith(wanted)]
    if not found:
        raise UnknownNameError("vintage", wanted, [one.name for one in reversed(known)])
    return found[-1].folder


def case_name(folder: Path) -> str:
    """The name of the case in a folder: the folder's own, or of a vintage that of the case that it was kept of."""
    real = folder.resolve()
    is_kept = real.parent.name == VINTAGES and _NAME.fullmatch(real.name) is not None
    return real.parent.parent.name if is_kept else real.name


def check_seal(folder: Path) -> None:
    """Raise CaseError where a kept vintage is no longer as it was kept; any other folder passes."""
    path = folder / SEAL
    if not path.exists():
        return
    mend = "restore it from a copy; a vintage is never edited, copy its files elsewhere to work on them"
    told = _seal(path)["files"]
    names = {found.relative_to(folder).as_posix() for found in folder.rglob("*") if found.is_file()}
    # What systems and editors leave there, hidden, is not read.
    for name in sorted(name for name in names - {*told, SEAL} if not name.startswith(".")):
        raise refusal(str(folder / name), "was added to a kept vintage", "move it out of there")
    for name, digest in told.items():
        try:
            content = (folder / name).read_bytes()
        except OSError:
            raise refusal(str(folder / name), "is missing from a kept vintage", mend) from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise refusal(str(folder / name), "was changed after this vintage was kept", mend)


def _seal(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
        if {"as_of", "hash", "kept", "author", "files"} <= set(told) and isinstance(told["files"], dict):
            dt.date.fromisoformat(told["as_of"])
            return told
    except (OSError, ValueError, TypeError):
        pass
    raise refusal(str(path), "says of no vintage what it is", "restore it from a copy, or remove this folder")
