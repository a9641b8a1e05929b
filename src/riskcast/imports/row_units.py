"""Whom a row is of: two states or one, by their codes or names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from riskcast.case.dyads import Dyad
from riskcast.case.states import of_code, states, states_named
from riskcast.errors import CaseError, Problem
from riskcast.imports.map_parts import Units
from riskcast.imports.maps import TableMap
from riskcast.imports.reading import LINE
from riskcast.imports.reports import Loss
from riskcast.imports.row_columns import TURNED, UNIT, lose

if TYPE_CHECKING:
    import polars

_SELF: Final = "="


def with_units(frame: polars.DataFrame, name: str, chart: TableMap, losses: list[Loss]) -> polars.DataFrame:
    """Rows of which the unit is known."""
    import polars

    units = chart.units
    cells = {
        column: [each for each in frame[column].unique().to_list() if each is not None] for column in units.columns
    }
    if units.dyad is not None:
        known = {
            text: _pair_of(text, units, None if chart.host is None else chart.host.id) for text in cells[units.dyad]
        }
        problems = _unknown(frame, name, units.dyad, (t for t, id in known.items() if id is None), units)
    else:
        codes = {text: _state_of(text, units) for texts in cells.values() for text in texts}
        problems = [
            problem
            for column, texts in cells.items()
            for problem in _unknown(frame, name, column, (t for t in texts if codes[t] is None), units)
        ]
    if problems and units.unknown == "refuse":
        raise CaseError(problems)
    if units.state is not None:
        told = frame.with_columns(_looked_up(units.state, codes).alias(UNIT), polars.lit(False).alias(TURNED))
    elif units.dyad is not None:
        pairs = {text: found[0] if found else "" for text, found in known.items()}
        turned = {text: "1" if found and found[1] else "" for text, found in known.items()}
        told = frame.with_columns(
            _looked_up(units.dyad, pairs).alias(UNIT), (_looked_up(units.dyad, turned) == "1").alias(TURNED)
        )
    else:
        told = _paired(frame, units, codes, chart)
    lost = told.filter(polars.col(UNIT).is_null() | (polars.col(UNIT) == ""))
    what = "name no known state" if units.state else "name no pair of known states"
    lose(losses, len(lost), what, lost, units.columns, "add their spelling to `units.names`")
    own = told.filter(polars.col(UNIT) == _SELF)
    lose(losses, len(own), "are of a state with itself", own, units.columns)
    return told.filter(polars.col(UNIT).is_not_null() & ~polars.col(UNIT).is_in(["", _SELF]))


def _paired(
    frame: polars.DataFrame, units: Units, codes: Mapping[str, str | None], chart: TableMap
) -> polars.DataFrame:
    import polars

    one, other = "\0one", "\0other"
    host = chart.host.id if chart.host is not None else ""
    frame = frame.with_columns(
        _looked_up(units.first or "", codes).alias(one), _looked_up(units.second or "", codes).alias(other)
    )
    first, second = polars.col(one), polars.col(other)
    turned = ((first > second) & (first != host)) | (second == host)
    low = polars.when(turned).then(second).otherwise(first)
    high = polars.when(turned).then(first).otherwise(second)
    pair = polars.when(first == second).then(polars.lit(_SELF)).otherwise(low + "-" + high)
    known = first.is_not_null() & second.is_not_null() & (first != "") & (second != "")
    return frame.with_columns(polars.when(known).then(pair).alias(UNIT), turned.alias(TURNED)).drop(one, other)


def _looked_up(column: str, found: Mapping[str, str | None]) -> polars.Expr:
    import polars

    if not found:
        return polars.lit(None, dtype=polars.String)
    return polars.col(column).replace_strict(
        list(found), [id or None for id in found.values()], default=None, return_dtype=polars.String
    )


def _state_of(text: str, units: Units) -> str | None:
    """The id of the state that a cell names; empty where the map says that it names none, None where it is unknown."""
    if text in units.names:
        return units.names[text] or ""
    if units.pattern is not None:
        found = re.search(units.pattern, text)
        # What is no actor of a state is not unknown: it is none.
        if found is None or not found[1]:
            return ""
        text = found[1].strip()
        if text in units.names:
            return units.names[text] or ""
    if units.codes == "names":
        named = states_named(text)
        return named[0].id if len(named) == 1 else None
    state = of_code(text, units.codes)
    return None if state is None else state.id


def _pair_of(text: str, units: Units, host: str | None) -> tuple[str, bool] | None:
    first, separator, second = text.partition(units.separator)
    one, other = _state_of(first.strip(), units), _state_of(second.strip(), units)
    if not separator or one is None or other is None:
        return None
    if not one or not other:
        return "", False
    if one == other:
        return _SELF, False
    turned = (one > other and one != host) or other == host
    return (Dyad(other, one) if turned else Dyad(one, other)).id, turned


def _unknown(frame: polars.DataFrame, name: str, column: str, texts: Iterable[str], units: Units) -> list[Problem]:
    """Spellings that name no state, each once, with how many rows have it."""
    listed = list(texts)
    if not listed:
        return []
    import polars

    found = (
        frame.filter(polars.col(column).is_in(listed))
        .group_by(column)
        .agg(polars.len().alias("rows"), polars.col(LINE).min())
        .sort("rows", column, descending=[True, False])
    )
    mend = "add `{}: ID` to units.names of the map, `{}: null` where it is none, or write unknown: drop"
    mend += f" (read as {units.codes})"
    return [
        Problem(
            name,
            int(row[LINE]),
            column,
            f"{row[column]!r} names no known state, in {row['rows']} rows",
            mend.replace("{}", row[column]),
        )
        for row in found.iter_rows(named=True)
    ]


def exists(dyad: str, first: int, last: int) -> bool:
    """Whether all states of a unit existed in some year from `first` to `last`, as far as is known.

    >>> exists("RUS-SUN", 2000, 2001), exists("RUS-USA", 2000, 2001)
    (False, True)
    """
    known = states()
    return all(id not in known or known[id].existed(first, last) for id in dyad.split("-"))
