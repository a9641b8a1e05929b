"""The journal of a case: what was changed, by whom, when, and how to take it back."""

from __future__ import annotations

import base64
import datetime as dt
import getpass
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from riskcast.errors import OptionError, refusal, show

JOURNAL: Final = "journal.jsonl"
AUTHOR: Final = "RISKCAST_AUTHOR"
UNDO: Final = "undo"
MOST_AUTHOR: Final = 100
_KEYS: Final = {"number", "when", "author", "what", "as_of", "before", "after", "files"}


@dataclass(frozen=True)
class Splice:
    """What an edit did to one file: at which byte, what it took away and what it put there.

    was, became: sha256 of the file before and after, None where there was none.
    """

    was: str | None
    became: str | None
    at: int
    removed: bytes
    added: bytes

    def back(self, new: bytes) -> bytes:
        """The file before the edit."""
        return new[: self.at] + self.removed + new[self.at + len(self.added) :]


@dataclass(frozen=True)
class Entry:
    """One edit of a case.

    number: from 1 on; when: in UTC; what: a sentence for each part of it; as_of: the case's day after it; before,
    after: the hash of the case; files: what it did to each; undone: the number of the edit that it takes back, if it
    does.
    """

    number: int
    when: str
    author: str
    what: tuple[str, ...]
    as_of: str
    before: str
    after: str
    files: Mapping[str, Splice]
    undone: int | None = None


def splice(old: bytes | None, new: bytes | None) -> Splice:
    """What has to be done to one content to make another of it, in one place.

    >>> made = splice(b"a,b\\n", b"a,b\\nc,d\\n")
    >>> made.at, made.added, made.back(b"a,b\\nc,d\\n")
    (4, b'c,d\\n', b'a,b\\n')
    """
    one, other = old or b"", new or b""
    at = _alike(one, other)
    end = _alike(one[at:][::-1], other[at:][::-1])
    return Splice(_digest(old), _digest(new), at, one[at : len(one) - end], other[at : len(other) - end])


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes two contents have in common from their beginning."""
    size = min(len(one), len(other))
    if one[:size] == other[:size]:
        return size
    low, high = 0, size
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def line_of(entry: Entry) -> bytes:
    """An entry as a line of the journal."""
    plain = {
        "number": entry.number,
        "when": entry.when,
        "author": entry.author,
        "what": list(entry.what),
        "as_of": entry.as_of,
        "before": entry.before,
        "after": entry.after,
        "files": {
            name: {
                "was": one.was,
                "became": one.became,
                "at": one.at,
                "removed": _text(one.removed),
                "added": _text(one.added),
            }
            for name, one in entry.files.items()
        },
    }
    if entry.undone is not None:
        plain[UNDO] = entry.undone
    return (json.dumps(plain, ensure_ascii=False) + "\n").encode()


def read_entries(content: bytes) -> tuple[Entry, ...]:
    """The entries of a journal; raises CaseError with the line of one that cannot be read."""
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            plain = json.loads(line)
            if not isinstance(plain, dict) or set(plain) - {UNDO} != _KEYS:
                raise ValueError
            files = {
                name: Splice(one["was"], one["became"], one["at"], _bytes(one["removed"]), _bytes(one["added"]))
                for name, one in plain["files"].items()
            }
            texts = {key: str(plain[key]) for key in ("when", "author", "as_of", "before", "after")}
            what = tuple(map(str, plain["what"]))
            found.append(Entry(number=int(plain["number"]), what=what, files=files, undone=plain.get(UNDO), **texts))
        except (ValueError, KeyError, TypeError, AttributeError):
            mend = f"restore {JOURNAL} from a copy, or move it away: the case itself does not need it"
            raise refusal(JOURNAL, "is no entry of a journal", mend, number) from None
    return tuple(found)


def open_entries(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The edits that have not been taken back, in order."""
    gone = {entry.undone for entry in entries if entry.undone is not None}
    return tuple(entry for entry in entries if entry.undone is None and entry.number not in gone)


def journal_of(folder: Path) -> tuple[Entry, ...]:
    """The entries of the journal in a case's folder; none where there is none."""
    try:
        return read_entries((folder / JOURNAL).read_bytes())
    except FileNotFoundError:
        return ()


def author_of(given: str | None) -> str:
    """Who makes an edit: as given, as the environment says (RISKCAST_AUTHOR), or whoever is logged in."""
    try:
        name = given if given is not None else os.environ.get(AUTHOR) or getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    name = " ".join(name.split())
    if not name or len(name) > MOST_AUTHOR or not name.isprintable():
        raise OptionError(f"the author is {show(given)}; give a name of up to {MOST_AUTHOR} characters")
    return name


def moment_now() -> dt.datetime:
    """Now, in UTC, to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _text(content: bytes) -> Any:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _bytes(given: Any) -> bytes:
    return base64.b64decode(given["base64"], validate=True) if isinstance(given, dict) else given.encode()
