"""What the files of a case say, as plain data: what it is about, its record, its beliefs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from riskcast.case.model import Case
from riskcast.errors import OptionError, UnknownNameError

MOST_ROWS: Final = 200


def tell_contents(case: Case) -> dict[str, Any]:
    """What a case is about."""
    return {
        "period": case.settings.period,
        "horizon": case.settings.horizon,
        "dyads": {dyad: case.name_of(dyad) for dyad in case.dyads},
        "events": [
            {"id": name, "label": one.label, "kind": one.kind, "scope": one.scope, "severity": one.severity}
            for name, one in case.events.items()
        ],
        "indicators": {name: one.label for name, one in case.indicators.items()},
        "scenarios": {name: one.label for name, one in case.scenarios.items()},
    }


def tell_record(case: Case, event: str | None, unit: str | None, since: dt.date | None) -> dict[str, Any]:
    """Dated events, the latest first and at most `MOST_ROWS`, with the sources that they name."""
    if event is not None and event not in case.events:
        raise UnknownNameError("event type", event, case.events)
    units = (*case.dyads, case.host)
    if unit is not None and unit not in units:
        raise UnknownNameError("unit", unit, units)
    rows = [
        row
        for row in case.event_rows
        if (event is None or row.type == event)
        and (unit is None or row.dyad == unit)
        and (since is None or row.span[1] >= since)
    ]
    rows.sort(key=lambda row: row.date, reverse=True)
    told = [
        {
            "date": row.when,
            "event": row.type,
            "unit": row.dyad,
            "description": row.description,
            "status": row.status,
            "sources": list(row.sources),
        }
        for row in rows[:MOST_ROWS]
    ]
    return {"events": told, "found": len(rows), "sources": tell_sources(case, (one["sources"] for one in told))}


def tell_beliefs(case: Case, about: str | None) -> dict[str, Any]:
    """Elicited numbers whose ids hold all words of `about`, at most `MOST_ROWS`, with the sources that they name."""
    words = (about or "").split()
    chosen = [(key, own) for key, own, _ in case.quantities() if all(word in key for word in words)]
    if not chosen:
        raise OptionError(f"no quantity's id holds {about!r}; ask for less, such as the id of an indicator")
    told = [
        {"id": key, **own.model_dump(mode="json", exclude_none=True, exclude={"evidence"})}
        | {"evidence": None if own.evidence is None else own.evidence.model_dump(mode="json")}
        for key, own in chosen[:MOST_ROWS]
    ]
    named = (own.evidence.sources for _, own in chosen[:MOST_ROWS] if own.evidence is not None)
    return {"beliefs": told, "found": len(chosen), "sources": tell_sources(case, named)}


def check_dyad(case: Case, dyad: str | None) -> None:
    """Raises UnknownNameError for a dyad that a case does not have."""
    if dyad is not None and dyad not in case.dyads:
        raise UnknownNameError("dyad", dyad, case.dyads)


def tell_sources(case: Case, named: Iterable[Iterable[str]]) -> dict[str, Any]:
    """The sources that are named, by id: what it takes to cite them."""
    ids = dict.fromkeys(id for own in named for id in own)
    return {
        id: case.sources[id].model_dump(mode="json", exclude_none=True, include={"title", "author", "publisher"})
        | {"date": case.sources[id].date.isoformat(), "url": case.sources[id].url}
        for id in ids
    }
