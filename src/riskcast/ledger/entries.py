"""Entries added to a ledger: numbered, dated, and each with the hash of the one before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from riskcast.errors import RiskcastError
from riskcast.ledger.records import ENTERED, KIND_OF, Content, LedgerEntry, from_row, read_time, receipt, to_row
from riskcast.ledger.tables import ENTRIES, NOTHING_BEFORE, OF_KIND

MOST_AHEAD: Final = dt.timedelta(days=1)


def now_of(given: dt.datetime | None) -> dt.datetime:
    """A time in UTC: that which is given, or that of this machine's clock."""
    return dt.datetime.now(dt.UTC) if given is None else given.astimezone(dt.UTC)


def append(
    connection: Connection, contents: Iterable[Content], author: str, now: dt.datetime
) -> tuple[LedgerEntry, ...]:
    """Add entries at the end of a ledger, within a transaction of `writing`; gives them with their receipts.

    Where the clock was set back since the last entry, they have its time; raises RiskcastError where that is more than
    a day ahead, as deadlines could not be told.
    """
    last = connection.execute(select(ENTRIES).order_by(ENTRIES.c.number.desc()).limit(1)).mappings().first()
    number, previous = (0, NOTHING_BEFORE) if last is None else (last["number"], last["hash"])
    at = now
    if last is not None:
        before = read_time(last["entered"])
        if before - now > MOST_AHEAD:
            wrong = (
                f"the ledger's last entry is of {before:%Y-%m-%d %H:%M} UTC, and this clock says {now:%Y-%m-%d %H:%M}"
            )
            raise RiskcastError(f"{wrong}; set the clock, then run again")
        at = max(at, before)
    entered = at.strftime(ENTERED)
    entries: list[dict[str, Any]] = []
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in OF_KIND}
    made = []
    for content in contents:
        number, kind, row = number + 1, KIND_OF[type(content)], to_row(content)
        found = receipt(number, kind, entered, author, previous, row)
        entries.append(
            {
                "number": number,
                "kind": kind,
                "entered": entered,
                "author": author,
                "previous": previous,
                "hash": found,
            }
        )
        rows[kind].append({"entry": number, **row})
        made.append(LedgerEntry(number, kind, read_time(entered), author, previous, found, content))
        previous = found
    if entries:
        connection.execute(insert(ENTRIES), entries)
    for kind, own in rows.items():
        if own:
            connection.execute(insert(OF_KIND[kind]), own)
    return tuple(made)


def entry_rows(connection: Connection) -> Sequence[dict[str, Any]]:
    """Every entry as it is kept, in order."""
    return [dict(row) for row in connection.execute(select(ENTRIES).order_by(ENTRIES.c.number)).mappings()]


def content_rows(connection: Connection) -> dict[str, dict[int, dict[str, Any]]]:
    """By kind: what entries hold, by their number, as it is kept."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for kind, table in OF_KIND.items():
        rows = connection.execute(select(table).order_by(table.c.entry)).mappings()
        found[kind] = {row["entry"]: {name: value for name, value in row.items() if name != "entry"} for row in rows}
    return found


def all_entries(connection: Connection) -> tuple[LedgerEntry, ...]:
    """Every entry with its content; raises RiskcastError for one that cannot be read."""
    contents = content_rows(connection)
    made = []
    for row in entry_rows(connection):
        try:
            content = from_row(row["kind"], contents[row["kind"]][row["number"]])
            entered = read_time(row["entered"])
        except (LookupError, ValueError, TypeError):
            wrong = f"entry {row['number']} of the ledger cannot be read"
            raise RiskcastError(f"{wrong}; see what is wrong with: riskcast ledger verify") from None
        made.append(
            LedgerEntry(row["number"], row["kind"], entered, row["author"], row["previous"], row["hash"], content)
        )
    return tuple(made)
