"""Rows of the record that contradict the event types, pairs and sources that they name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

import numpy as np

from riskcast.case.coverage import covered_spans, find_clash, is_covered
from riskcast.case.judgements import Found, Owner
from riskcast.case.model import Case, EventRow
from riskcast.case.plausibility.limits import panel_file, row_words
from riskcast.case.where import COVERAGE_FILE, EVENTS_FILE, SERIES_FILE
from riskcast.names import ALL_DYADS, OTHER_ACTOR

# What is about to happen is announced up to so many days ahead.
ANNOUNCED: Final = 31
_SIDES = {"host": "the host", "partner": "the partner", "other": "somebody else", "either": "host or partner"}


def _typed(case: Case) -> Iterator[tuple[int, EventRow, tuple[Owner, ...]]]:
    """Events of the case's types, each with its place in the table and the type beside which it is allowed."""
    for place, row in enumerate(case.event_rows):
        if row.type in case.events:
            yield place, row, (("outcomes", row.type),)


def early_events(case: Case) -> Iterator[Found]:
    mend = "move `recorded_from:`, or remove the row"
    for place, row, owners in _typed(case):
        begin = case.events[row.type].recorded_from
        if begin is not None and row.placed_on < begin:
            wrong = f"{row.type} of {row.dyad} on {row.when} lies before recorded_from {begin}: {_used(case, row.type)}"
            yield Found(EVENTS_FILE, (place, "date"), wrong, mend, owners)
    if case.panel is None:
        return
    for name in case.panel.events:
        begin = case.events[name].recorded_from
        if begin is None:
            continue
        numbers = np.unique(case.panel.period).tolist()
        before = [number for number in numbers if case.calendar.last_day(number) < begin]
        happened = case.panel.happened(name, case.events[name].at_least)
        early = np.flatnonzero(np.isin(case.panel.period, before) & (happened == 1.0))
        if len(early):
            wrong = f"{len(early)} events lie before recorded_from {begin}, the first "
            wrong += f"of {row_words(case, case.panel, int(early[0]))}: {_used(case, name)}"
            yield Found(panel_file(case), (name,), wrong, mend, (("outcomes", name),))


def unreached_numbers(case: Case) -> Iterator[Found]:
    if case.panel is None:
        return
    for name, event in case.events.items():
        most = float(np.nan_to_num(case.panel.events[name]).max(initial=0.0))
        if 1.0 <= most < event.at_least:
            wrong = f"is {event.at_least}, and no row has more than {most:g}: by the record, {name} never happened"
            yield Found("outcomes", (name, "at_least"), wrong, "give a number that rows reach", (("outcomes", name),))


def uncovered_events(case: Case) -> Iterator[Found]:
    if case.panel is not None:
        return
    spans = covered_spans(case)
    for place, row, owners in _typed(case):
        units = case.units(row.type) if row.dyad == ALL_DYADS else (row.dyad,)
        begin = case.events[row.type].recorded_from
        known = [spans[row.type, unit] for unit in units if (row.type, unit) in spans]
        covered = any(is_covered(own, row.placed_on) for own in known)
        if known and not covered and not (begin is not None and row.placed_on < begin):
            wrong = f"{row.type} of {row.dyad} on {row.when} lies on a day that the record does not cover: "
            mend = "extend what was searched (`recorded_until:`, history/coverage.csv), or remove the row"
            yield Found(EVENTS_FILE, (place, "date"), wrong + _used(case, row.type), mend, owners)


def _used(case: Case, event: str) -> str:
    """What becomes of an event that is not learned from."""
    driven = dict.fromkeys(effect.target for effect in case.effects if effect.source == event)
    if not driven:
        return "it is ignored"
    return f"it is no event to learn the rate from, but {' and '.join(driven)} remember it"


def outside_pairs(case: Case) -> Iterator[Found]:
    for place, row, owners in _typed(case):
        if case.events[row.type].scope != "dyad" or (row.dyad != ALL_DYADS and row.dyad not in case.pairs):
            continue
        inside = (case.host,) if row.dyad == ALL_DYADS else case.pairs[row.dyad].states
        if row.initiator not in (*inside, OTHER_ACTOR):
            wrong = f"{row.initiator} is no part of {row.dyad}, which the {row.type} of {row.when} belongs to"
            mend = "correct initiator or dyad, or write other"
            yield Found(EVENTS_FILE, (place, "initiator"), wrong, mend, owners)


def wrong_sides(case: Case) -> Iterator[Found]:
    for place, row, owners in _typed(case):
        said = case.events[row.type].initiator
        acted = "host" if row.initiator == case.host else "other" if row.initiator == OTHER_ACTOR else "partner"
        # Rows may leave open who it was.
        if acted == "other" or said == acted or (said == "either" and acted in ("host", "partner")):
            continue
        wrong = f"{row.initiator} is {_SIDES[acted]}, but a {row.type} begins with {_SIDES[said]} (initiator: {said})"
        mend = "correct the row, or `initiator:` of the event type"
        yield Found(EVENTS_FILE, (place, "initiator"), wrong, mend, owners)


def twice_covered(case: Case) -> Iterator[Found]:
    clash = find_clash(case, alike=True)
    if clash is None:
        return
    first, second, event, unit = clash
    row = case.coverage[second]
    wrong = (
        f"{row.type} of {row.unit} from {row.start} to {row.until} covers days of {event} of {unit} that another row, "
    )
    wrong += f"for {case.coverage[first].type} of {case.coverage[first].unit}, covers already; they count once"
    yield Found(COVERAGE_FILE, (second, "from"), wrong, "let each day be in one of the two rows")


def early_sources(case: Case) -> Iterator[Found]:
    mend = "name the source that tells of it, or correct the date"
    for place, row, owners in _typed(case):
        if _all_older(case, row.sources, row.date):
            wrong = f"are all older than the {row.type} of {row.dyad} on {row.when}: the newest is of "
            wrong += f"{_newest(case, row.sources)}"
            yield Found(EVENTS_FILE, (place, "sources"), wrong, mend, owners)
    for place, row in enumerate(case.series_rows):
        if _all_older(case, row.sources, row.date) and row.status == "located":
            wrong = f"are all older than the value of {row.indicator} on {row.date}: the newest is of "
            wrong += f"{_newest(case, row.sources)}"
            owners = (("indicators", row.indicator),) if row.indicator in case.indicators else ()
            yield Found(SERIES_FILE, (place, "sources"), wrong, mend, owners)


def _all_older(case: Case, sources: tuple[str, ...], day: dt.date) -> bool:
    known = [case.sources[name].date for name in sources if name in case.sources]
    return bool(known) and len(known) == len(sources) and (day - max(known)).days > ANNOUNCED


def _newest(case: Case, sources: tuple[str, ...]) -> dt.date:
    return max(case.sources[name].date for name in sources)
