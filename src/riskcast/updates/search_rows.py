"""Days that were searched: coverage of a record, extended by as few changes of its files as say it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping

from riskcast.case.coverage import DAY, covered_spans, searches, stated_searches
from riskcast.case.model import Case
from riskcast.case.where import COVERAGE_FILE
from riskcast.errors import OptionError, UnknownNameError
from riskcast.machinery.table_edits import new_table
from riskcast.names import ALL_DYADS
from riskcast.numbers import plain_number
from riskcast.updates.case_files import CaseFiles, Edited
from riskcast.updates.new_rows import table_of
from riskcast.updates.operations import Searched
from riskcast.updates.yaml_changes import raise_recorded_until

Pair = tuple[str, str]
Span = tuple[dt.date, dt.date, float]


def extend_coverage(files: CaseFiles, case: Case, new: Searched) -> Edited:
    """The files with more days searched; raises RiskcastError where the case cannot say so."""
    if case.panel is not None and case.settings.panel is not None:
        raise OptionError(f"this case's record is a panel: a row of {case.settings.panel.file} says what was searched")
    chosen, until = _chosen(case, new), new.until or case.as_of
    if until > case.as_of:
        raise OptionError(
            f"searched until {until} lies after the case's day {case.as_of}; roll the case first: "
            f"riskcast update CASE --as-of {until}"
        )
    wanted = _wanted(case, chosen, new, until)
    if not wanted:
        raise OptionError(f"all of this was searched until {until} already; give a later day, or other types or units")
    files = _raise_limits(files, case, {event for event, _ in chosen}, until)
    if not case.coverage:
        if _is_whole(case, chosen, wanted):
            return raise_recorded_until(files, case, None, until), ()
        return _first_table(files, case, wanted)
    return _more_rows(files, case, wanted), ()


def _chosen(case: Case, new: Searched) -> tuple[Pair, ...]:
    """The types and units that were searched."""
    types = [each for each in new.types if each != ALL_DYADS]
    units = [each for each in new.units if each != ALL_DYADS]
    for each in types:
        if each not in case.events:
            raise UnknownNameError("event type", each, [*case.events, ALL_DYADS])
    for each in units:
        if each not in (*case.dyads, case.host):
            raise UnknownNameError("unit", each, [*case.dyads, case.host, ALL_DYADS])
    found = [
        (event, unit) for event in types or case.events for unit in case.units(event) if not units or unit in units
    ]
    if not found:
        raise OptionError(f"{', '.join(types)} cannot happen in {', '.join(units)}; name units that it can happen in")
    return tuple(found)


def _wanted(case: Case, chosen: tuple[Pair, ...], new: Searched, until: dt.date) -> Mapping[Pair, Span]:
    """The days of every type and unit that are new, and how much of what happened on them was found."""
    known, wanted = searches(case, {event for event, _ in chosen}), {}
    for event, unit in chosen:
        own = known[event, unit]
        begin = own[-1][1] + DAY if own else case.settings.history_from
        start = begin if new.start is None else new.start
        if new.start is None and not own:
            raise OptionError(f"{event} of {unit} was never searched so far; say from which day on it was (from)")
        recall = new.recall if new.recall is not None else own[-1][2] if own else case.events[event].recall
        start = max(start, begin) if own and start <= own[-1][1] and start >= own[-1][0] else start
        if start <= until:
            wanted[event, unit] = start, until, recall
    return wanted


def _raise_limits(files: CaseFiles, case: Case, events: set[str], until: dt.date) -> CaseFiles:
    """The files with later ends of the record, where these would cut off the days that were searched."""
    for event in sorted(events):
        own = case.events[event].recorded_until
        if own is not None and own < until:
            files = raise_recorded_until(files, case, event, until)
    general = case.settings.recorded_until
    needs = any(case.events[event].recorded_until is None for event in events)
    if case.coverage and general is not None and general < until and needs:
        files = raise_recorded_until(files, case, None, until)
    return files


def _is_whole(case: Case, chosen: tuple[Pair, ...], wanted: Mapping[Pair, Span]) -> bool:
    """Whether a later `recorded_until` of the case says it all: everything was searched, without a gap, as ever."""
    everything = {(event, unit) for event in case.events for unit in case.units(event)}
    known = searches(case)
    return set(chosen) == everything and all(
        known[pair] and start <= known[pair][-1][1] + DAY and recall == known[pair][-1][2]
        for pair, (start, _, recall) in wanted.items()
    )


def _first_table(files: CaseFiles, case: Case, wanted: Mapping[Pair, Span]) -> Edited:
    """The files with a table of coverage that says what they said so far, and what is new."""
    given = [event for event, kind in case.events.items() if kind.recall < 1.0]
    if given:
        raise OptionError(
            f"outcomes.yaml gives the recall of {', '.join(given)}, which {COVERAGE_FILE} would have to; "
            "write that file by hand first (docs/tables.md), or search all types at once"
        )
    spans: dict[Pair, tuple[Span, ...]] = {
        pair: tuple((first, last, 1.0) for first, last in own) for pair, own in covered_spans(case).items()
    }
    until = max(end for _, end, _ in wanted.values())
    rows = _rows_for(case, {pair: own for pair, own in spans.items() if own})
    rows += _rows_for(case, {pair: (span,) for pair, span in wanted.items()})
    table = new_table(COVERAGE_FILE, ("unit", "type", "from", "until")).with_rows(rows)
    general = case.settings.recorded_until
    if general is not None and general < until:
        files = raise_recorded_until(files, case, None, until)
    return files.with_file(COVERAGE_FILE, table.to_bytes()), (f"{COVERAGE_FILE} is new",)


def _more_rows(files: CaseFiles, case: Case, wanted: Mapping[Pair, Span]) -> CaseFiles:
    """The files with later ends of rows of coverage where that is all, and with new rows for the rest."""
    table, left = table_of(files, COVERAGE_FILE), dict(wanted)
    for (event, unit), places in stated_searches(case).items():
        pairs = [
            (one, whose)
            for one in (case.events if event == ALL_DYADS else (event,))
            for whose in case.units(one)
            if unit in (ALL_DYADS, whose)
        ]
        place = max(places, key=lambda each: case.coverage[each].until)
        row = case.coverage[place]
        news = {left.get(pair) for pair in pairs}
        if len(news) != 1 or None in news:
            continue
        [(start, until, recall)] = (span for span in news if span is not None)
        if start == row.until + DAY and recall == row.recall:
            table = table.with_cell(place, "until", str(until))
            for pair in pairs:
                del left[pair]
    table = table.with_rows(_rows_for(case, {pair: (span,) for pair, span in left.items()}))
    return files.with_file(table.name, table.to_bytes())


def _rows_for(case: Case, spans: Mapping[Pair, tuple[Span, ...]]) -> list[dict[str, str]]:
    """Rows of coverage that say these days, as few as units and types in common allow."""
    by_span: dict[Span, list[Pair]] = defaultdict(list)
    for pair, own in spans.items():
        for span in own:
            by_span[span].append(pair)
    rows = []
    everything = {(event, unit) for event in case.events for unit in case.units(event)}
    for (start, until, recall), pairs in by_span.items():
        named: list[Pair] = [(ALL_DYADS, ALL_DYADS)] if set(pairs) == everything else []
        if not named:
            for event in dict.fromkeys(event for event, _ in pairs):
                units = [unit for own, unit in pairs if own == event]
                whole = len(units) == len(case.units(event)) and len(units) > 1
                named += [(event, ALL_DYADS)] if whole else [(event, unit) for unit in units]
        told = "" if recall == 1.0 else plain_number(recall)
        rows += [
            {"unit": unit, "type": event, "from": str(start), "until": str(until), "recall": told}
            for event, unit in named
        ]
    return rows
