"""The legal range of every quantity, in one table with its reasons, and what lies beyond it.

The limits are about meaning: an engine may well survive numbers beyond them, but nobody can mean such a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from riskcast.case import quantity_ids as ids
from riskcast.case.judgements import Found, Owner
from riskcast.case.model import Case, Indicator, Scenario
from riskcast.case.panel import Panel
from riskcast.case.quantities import Quantity, check_domain
from riskcast.case.quantity_ids import Kind, parse_id
from riskcast.case.quantity_names import locate
from riskcast.case.where import SERIES_FILE
from riskcast.machinery.tables import Column, Table


@dataclass(frozen=True)
class Limit:
    """From where to where numbers of one kind can be meant.

    judgement: the name under which what lies outside is refused; low, high: the ends, in `unit`; both are legal.
    """

    judgement: str
    what: str
    low: float
    high: float
    unit: str
    reason: str

    def holds(self, number: float) -> bool:
        """Whether a number is legal; NaN is not."""
        return self.low <= number <= self.high

    @property
    def words(self) -> str:
        """The range in words."""
        return f"{self.low:.15g} to {self.high:.15g}"


LIMITS: Final[Mapping[str, Limit]] = {
    limit.judgement: limit
    for limit in (
        Limit(
            "extreme-base-rate",
            "base rate, median and both ends",
            1e-9,
            1 - 1e-9,
            "probability in a year",
            "once in a thousand million years, or twenty times a year without a single quiet one in as many years",
        ),
        Limit(
            "extreme-ratio",
            "rate ratio, trust",
            1e-6,
            1e6,
            "factor",
            "a million turns what is rare into what is certain",
        ),
        Limit(
            "extreme-spread",
            "sd_dyad, sd_time and loadings of tension",
            1e-6,
            10.0,
            "log rate",
            "a spread of 10 is a factor of 22,000; what has none is held at 0",
        ),
        Limit(
            "extreme-persistence",
            "persistence",
            1e-6,
            1 - 1e-6,
            "share",
            "nearer to 1 a shock outlasts a million years; what has none is held at 0",
        ),
        Limit(
            "extreme-half-life",
            "half-life",
            1e-3,
            1e4,
            "periods",
            "a record holds at most 500 years, which are 6,000 months",
        ),
        Limit(
            "extreme-drift",
            "drift",
            1e-6,
            1e3,
            "steps a year",
            "a step is what one speaks of; what does not drift is held at 0",
        ),
        Limit(
            "extreme-slope",
            "passed on by a parent, or raised by an event",
            -1e3,
            1e3,
            "steps for a step or an event",
            "as for drift",
        ),
        Limit("extreme-severity", "severity", 0.01, 100.0, "points of 100", "less than any digit that is shown"),
        Limit(
            "extreme-level",
            "level, today's, dated, of a panel, or set by a scenario",
            -1e6,
            1e6,
            "steps from the reference",
            "another unit, another scale or another reference is meant",
        ),
        Limit("extreme-move", "factor of a scenario", 1e-6, 1e6, "factor", "as for rate ratios"),
    )
}
MOST_STEPS: Final = LIMITS["extreme-level"].high
_BY_KIND: Final[Mapping[Kind, str]] = {
    ids.BASE_RATE: "extreme-base-rate",
    ids.RATE_RATIO: "extreme-ratio",
    ids.SD_DYAD: "extreme-spread",
    ids.SD_TIME: "extreme-spread",
    ids.LOADING: "extreme-spread",
    ids.OWN_LOADING: "extreme-spread",
    ids.PERSISTENCE: "extreme-persistence",
    ids.TENSION_PERSISTENCE: "extreme-persistence",
    ids.TRUST: "extreme-ratio",
    ids.HALF_LIFE: "extreme-half-life",
    ids.DRIFT: "extreme-drift",
    ids.PASSED_ON: "extreme-slope",
    ids.RISE: "extreme-slope",
    ids.OFFSET: "extreme-slope",
    ids.SERIES_SCALE: "extreme-ratio",
    ids.REVERSION: "extreme-half-life",
    ids.RISE_HALF_LIFE: "extreme-half-life",
}


def limits_table() -> Table:
    """The legal range of every quantity, with its reason.

    >>> limits_table().records()[0]["from"]
    1e-09
    """
    columns = (
        Column("quantity"),
        Column("from", form="number"),
        Column("to", form="number"),
        Column("in"),
        Column("because beyond"),
        Column("refused as"),
    )
    rows = tuple((one.what, one.low, one.high, one.unit, one.reason, one.judgement) for one in LIMITS.values())
    return Table("Legal ranges", columns, rows)


def owners_of(case: Case, document: str, path: tuple[str | int, ...]) -> tuple[Owner, ...]:
    """The record beside which something at a path of a YAML file is allowed; none where it is the whole case's."""
    return () if document in ("case", "sources") or not path else ((document, path[0]),)


def quantities_of(case: Case, *kinds: Kind) -> Iterator[tuple[str, Kind, Quantity]]:
    """Quantities of some kinds that lie in the domain of their link; those that do not are refused elsewhere."""
    marks = {("effects." if kind is ids.RATE_RATIO else f".{kind.field}") for kind in kinds}
    for key, quantity, link in case.quantities():
        if not any(mark in key for mark in marks):
            continue
        kind = parse_id(key).kind
        if kind not in kinds or (quantity.is_fixed and quantity.center == 0 and kind.may_be_zero):
            continue
        if check_domain(quantity, link) is None:
            yield key, kind, quantity


def found_at(case: Case, key: str, quantity: Quantity, wrong: str, mend: str, number: float | None = None) -> Found:
    """Something about a quantity, told at the part that holds the number."""
    document, path = locate(case, key)
    if quantity.is_fixed:
        part: tuple[str | int, ...] = ("value",)
    elif number is None:
        part = ()
    else:
        part = ("median",) if number == quantity.median else ("interval",)
    return Found(document, (*path, *part), wrong, mend, owners_of(case, document, path))


def _beyond(kinds: tuple[Kind, ...], case: Case) -> Iterator[Found]:
    for key, kind, quantity in quantities_of(case, *kinds):
        limit = LIMITS[_BY_KIND[kind]]
        numbers = dict.fromkeys((quantity.center, *quantity.range))
        outside = next((number for number in numbers if not limit.holds(number)), None)
        if outside is not None:
            wrong = f"is {repr(outside).removesuffix('.0')}, outside {limit.words} ({limit.unit}): {limit.reason}"
            yield found_at(case, key, quantity, wrong, "give a number that is meant", outside)


def severities(case: Case) -> Iterator[Found]:
    limit = LIMITS["extreme-severity"]
    for name, event in case.events.items():
        if event.severity is not None and not limit.holds(event.severity):
            wrong = f"is {event.severity:g}, outside {limit.words} ({limit.unit})"
            yield Found("outcomes", (name, "severity"), wrong, "give points of 100", (("outcomes", name),))


def levels(case: Case) -> Iterator[Found]:
    mend = "check the unit, `reference:` and `step:`"
    for name, indicator in case.indicators.items():
        owners: tuple[Owner, ...] = (("indicators", name),)
        for path, quantity in written_levels(name, indicator):
            if check_domain(quantity, indicator.link) is None:
                for number in dict.fromkeys((quantity.center, *quantity.range)):
                    wrong = _too_far(indicator, number)
                    if wrong:
                        yield Found("indicators", path, wrong, mend, owners)
                        break
        if case.panel is not None and name in case.panel.levels:
            steps = np.asarray(indicator.steps(case.panel.levels[name]), dtype=float)
            far = np.flatnonzero(~(np.abs(steps) <= MOST_STEPS))
            if len(far):
                wrong = f"{case.panel.levels[name][far[0]]:g} of {row_words(case, case.panel, int(far[0]))}"
                wrong += f" and {len(far) - 1} more lie" if len(far) > 1 else " lies"
                wrong += f" more than {MOST_STEPS:g} steps from the reference {indicator.reference:g}"
                yield Found(panel_file(case), (name,), wrong, mend, owners)
    for index, row in enumerate(case.series_rows):
        indicator = case.indicators.get(row.indicator)
        if indicator is None:
            continue
        for column, number in (("value", row.value), ("low", row.low), ("high", row.high)):
            if check_domain(Quantity(value=number), indicator.link) is None:
                wrong = _too_far(indicator, number)
                if wrong:
                    yield Found(SERIES_FILE, (index, column), wrong, mend, (("indicators", row.indicator),))
                    break


def _too_far(indicator: Indicator, number: float) -> str:
    steps = float(indicator.steps(number))
    if abs(steps) <= MOST_STEPS:
        return ""
    return f"{number:g} lies {steps:.3g} steps from the reference {indicator.reference:g} (at most {MOST_STEPS:g})"


def written_levels(name: str, indicator: Indicator) -> Iterator[tuple[tuple[str | int, ...], Quantity]]:
    """Today's levels of an indicator, each with the path at which it is written."""
    if isinstance(indicator.now, dict):
        yield from (((name, "now", unit), quantity) for unit, quantity in indicator.now.items())
    elif indicator.now is not None:
        yield (name, "now"), indicator.now


def row_words(case: Case, panel: Panel, row: int) -> str:
    """Which row of a panel it is."""
    return f"{panel.dyads[panel.unit[row]]} in {case.calendar.label(int(panel.period[row]))}"


def is_derived(case: Case, name: str) -> bool:
    """Whether an indicator is worked out of other columns, so that it has no cells that could be mistyped."""
    return case.settings.panel is not None and name in case.settings.panel.derive


def panel_file(case: Case) -> str:
    """The table of a panel case, as its settings name it."""
    return "panel.csv" if case.settings.panel is None else case.settings.panel.file


def moves(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    limit = LIMITS["extreme-move"]
    for index, move in enumerate(scenario.indicators):
        indicator = case.indicators.get(move.indicator)
        if indicator is None:
            continue
        wrong = ""
        if move.multiply is not None and not limit.holds(move.multiply):
            wrong = f"is {move.multiply:g}, outside {limit.words} ({limit.unit}): {limit.reason}"
        elif move.shift is not None and not abs(move.shift) <= MOST_STEPS * indicator.step:
            wrong = f"is {move.shift:g}, more than {MOST_STEPS:g} steps of {indicator.step:g}"
        elif move.set is not None and check_domain(Quantity(value=move.set), indicator.link) is None:
            wrong = _too_far(indicator, move.set)
        if wrong:
            path = (name, "indicators", index, move.verb)
            yield Found("scenarios", path, wrong, "give a number that is meant", (("scenarios", name),))


base_rates = partial(_beyond, (ids.BASE_RATE,))
ratios = partial(_beyond, (ids.RATE_RATIO, ids.TRUST, ids.SERIES_SCALE))
spreads = partial(_beyond, (ids.SD_DYAD, ids.SD_TIME, ids.LOADING, ids.OWN_LOADING))
persistences = partial(_beyond, (ids.PERSISTENCE, ids.TENSION_PERSISTENCE))
half_lives = partial(_beyond, (ids.HALF_LIFE, ids.RISE_HALF_LIFE, ids.REVERSION))
drifts = partial(_beyond, (ids.DRIFT,))
slopes = partial(_beyond, (ids.PASSED_ON, ids.RISE, ids.OFFSET))
