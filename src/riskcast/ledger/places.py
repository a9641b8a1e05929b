"""Where a ledger is: a file of SQLite, or a database by URL, whose password is never shown."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from riskcast.errors import OptionError, shorten

if TYPE_CHECKING:
    from sqlalchemy import URL

ENVIRONMENT: Final = "RISKCAST_LEDGER"
DEFAULT: Final = "ledger.sqlite"
POSTGRESQL: Final = ("postgresql", "postgres", "postgresql+psycopg")
HOW: Final = "give a file, or postgresql://USER@HOST/DATABASE"


@dataclass(frozen=True)
class LedgerPlace:
    """A ledger's file, or the URL of its database; shown without the password."""

    shown: str
    file: Path | None = None
    url: URL | None = field(default=None, repr=False)

    @property
    def secret(self) -> str:
        """The password in the URL; empty where there is none."""
        return "" if self.url is None or self.url.password is None else str(self.url.password)

    def __str__(self) -> str:
        return self.shown


def find_place(given: str | Path | None = None) -> LedgerPlace:
    """The place that is given, else that of RISKCAST_LEDGER, else `ledger.sqlite` in the working folder.

    Raises OptionError for a URL that is none, or of another kind of database; it shows nothing of what may be a
    password.

    >>> str(find_place("postgresql://me:secret@host/forecasts"))
    'postgresql://me:***@host/forecasts'
    """
    named = str(given) if given is not None else os.environ.get(ENVIRONMENT, "") or DEFAULT
    if not named.strip() or "\0" in named:
        raise OptionError(f"the ledger's place is empty or no path; {HOW}")
    if "://" not in named:
        return LedgerPlace(shorten(named, 200), file=Path(named))
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(named)
    except (ArgumentError, ValueError):
        # What was typed may hold a password, so that nothing of it is told.
        raise OptionError(f"the ledger's URL cannot be read; {HOW}") from None
    if url.drivername == "sqlite":
        if not url.database or url.database == ":memory:":
            raise OptionError("a ledger in memory is gone when the program ends; give a file")
        return LedgerPlace(shorten(url.database, 200), file=Path(url.database))
    if url.drivername not in POSTGRESQL:
        raise OptionError(f"a ledger cannot be kept in {shorten(url.drivername, 40)}; {HOW}")
    shown = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
    return LedgerPlace(shorten(shown, 200), url=url.set(drivername="postgresql+psycopg"))
