"""Whether a ledger is as it was written: every hash worked out again, from the first entry to the last."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from riskcast.errors import OptionError, shorten
from riskcast.ledger.entries import content_rows, entry_rows
from riskcast.ledger.places import find_place
from riskcast.ledger.records import from_row, read_time, receipt
from riskcast.ledger.store import guards_missing, reading
from riskcast.ledger.tables import NOTHING_BEFORE

HASH_DIGITS = 64


@dataclass(frozen=True)
class Receipts:
    """What became of a ledger's hash chain.

    entries: how many there are; last: the hash of the last one, which stands for all before it; broken: the number of
    the first entry that is not as it was written, and why; unguarded: triggers that are gone; missing: whether a
    receipt that was asked for is of no entry.
    """

    place: str
    entries: int
    last: str
    broken: tuple[int, str] | None
    unguarded: tuple[str, ...]
    missing: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing was changed, removed or left unguarded."""
        return self.broken is None and not self.unguarded and not self.missing


def verify_ledger(ledger: str | Path | None = None, known: str | None = None) -> Receipts:
    """Work out every entry's hash again, and say which is the first that does not fit.

    The chain tells what was changed or removed, but for entries cut off at its end: `known`, a receipt that was kept
    elsewhere (its first digits are enough), tells that too. Raises what `read_ledger` raises, and OptionError for a
    receipt of fewer than 8 digits.
    """
    digits = "" if known is None else known.strip().lower()
    if known is not None and not 8 <= len(digits) <= HASH_DIGITS:
        raise OptionError(f"the receipt {shorten(known, 70)!r} is none; give at least 8 digits of one")
    place = find_place(ledger)
    with reading(place) as connection:
        entries, contents = entry_rows(connection), content_rows(connection)
        unguarded = guards_missing(connection)
    broken = first_broken(entries, contents)
    hashes = [str(row["hash"]) for row in entries]
    missing = digits if digits and not any(each.startswith(digits) for each in hashes) else ""
    last = hashes[-1] if hashes else NOTHING_BEFORE
    return Receipts(str(place), len(entries), last, broken, tuple(unguarded), missing)


def first_broken(
    entries: list[dict[str, Any]] | Any, contents: Mapping[str, Mapping[int, Mapping[str, Any]]]
) -> tuple[int, str] | None:
    """The number of the first entry that is not as it was written, and what is wrong; None where all are.

    >>> first_broken([], {})
    """
    previous, entered = NOTHING_BEFORE, ""
    for place, row in enumerate(entries, start=1):
        number = row["number"]
        if number != place:
            return place, f"it is gone: entry {number} stands in its place"
        own = contents.get(row["kind"], {}).get(number)
        if own is None:
            return place, "what it holds is gone"
        if row["previous"] != previous:
            return place, "it does not hold the hash of the entry before it"
        if receipt(number, row["kind"], row["entered"], row["author"], previous, own) != row["hash"]:
            return place, "what it holds is not what was written: its hash is another"
        if row["entered"] < entered:
            return place, "it is older than the entry before it"
        wrong = _wrong(row, own)
        if wrong:
            return place, wrong
        previous, entered = row["hash"], row["entered"]
    extra = sorted(n for own in contents.values() for n in own if not 1 <= n <= len(entries))
    return (extra[0], "it has content, but no entry") if extra else None


def _wrong(row: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """What is wrong with an entry whose hash fits: somebody wrote it past the ledger's own rules."""
    try:
        from_row(row["kind"], own)
        read_time(row["entered"])
    except (ValueError, TypeError, LookupError):
        return "it cannot be read"
    chance = own.get("probability", 0.0)
    return (
        ""
        if isinstance(chance, float) and math.isfinite(chance) and 0.0 <= chance <= 1.0
        else "its probability is none"
    )
