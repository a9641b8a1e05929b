"""Series of the World Bank, fetched over its API as a table that a map reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from riskcast.errors import OptionError, RiskcastError, shorten

SERIES: Final = re.compile(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)+")
COLUMNS: Final = ("economy", "year")
ASKED: Final = "worldbank:"


def fetch_world_bank(series: Sequence[str], states: Sequence[str] = (), first: int = 1960, last: int = 2100) -> bytes:
    """Yearly values as a CSV table: columns economy (ISO 3166 alpha-3), year, and one for each series; empty where the
    World Bank has none. Aggregates such as the world are left out.

    series: ids such as SP.POP.TOTL; states: all where none is named. Raises OptionError for what is no id of a series,
    and RiskcastError where the client is not installed, there is no network, or a series is not known.
    """
    odd = [id for id in series if not SERIES.fullmatch(id)]
    if odd or not series:
        raise OptionError(f"{shorten(odd[0] if odd else 'nothing')!r} is no series; name one such as SP.POP.TOTL")
    try:
        import wbgapi
    except ImportError:
        mend = "install it: pip install 'riskcast[worldbank]'"
        raise RiskcastError(f"the World Bank's client, wbgapi, is not installed; {mend}") from None
    rows: dict[tuple[str, int], dict[str, float]] = {}
    for id in series:
        try:
            asked = list(states) or "all"
            found = list(wbgapi.data.fetch(id, asked, range(first, last + 1), skipAggs=True, numericTimeKeys=True))
        # The client raises what requests, the network and the API raise, of no common kind.
        except Exception as error:
            mend = "check the series and the network; nothing was written"
            raise RiskcastError(f"the World Bank did not give {id} ({shorten(str(error), 200)}); {mend}") from error
        if not any(row.get("value") is not None for row in found):
            raise RiskcastError(f"the World Bank has no value of {id} for these states and years; check them")
        for row in found:
            if row.get("value") is not None:
                rows.setdefault((str(row["economy"]), int(row["time"])), {})[id] = float(row["value"])
    return _table(rows, series)


def _table(rows: Mapping[tuple[str, int], Mapping[str, float]], series: Iterable[str]) -> bytes:
    ids = list(dict.fromkeys(series))
    lines: list[list[Any]] = [[*COLUMNS, *ids]]
    lines += [[economy, year, *(rows[economy, year].get(id, "") for id in ids)] for economy, year in sorted(rows)]
    return ("\n".join(",".join(map(str, line)) for line in lines) + "\n").encode()


def is_asked_for(name: str) -> bool:
    """Whether what is named as a file is to be fetched.

    >>> is_asked_for("worldbank:SP.POP.TOTL"), is_asked_for("worldbank.csv")
    (True, False)
    """
    return name.startswith(ASKED)


def fetch_series(name: str) -> bytes:
    """What `worldbank:SERIES,SERIES` asks for, as a CSV table; raises as `fetch_world_bank` does."""
    return fetch_world_bank([id.strip() for id in name.removeprefix(ASKED).split(",")])
