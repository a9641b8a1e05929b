"""How many events of a type the record holds in some days, and what it cannot tell of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from riskcast.case.coverage import covered_spans, rows_between
from riskcast.case.model import Case
from riskcast.challenge.claim_terms import Number, Recorded, Sign, Term


class NotEncodedError(LookupError):
    """Nothing in the case could carry what is asserted; says what is missing."""


@dataclass(frozen=True)
class Counted:
    """How many events there were: at least, as the record places them, and at most of those that it holds; `missing`:
    why there may have been more, empty where there were not."""

    least: float
    placed: float
    found: float
    missing: str = ""

    @property
    def most(self) -> float:
        """At most, of those too that the record may lack."""
        return math.inf if self.missing else self.found


def count_recorded(case: Case, term: Recorded) -> Counted:
    """Count the events of a type from one day to another; one of all dyads counts once for each.

    Those dated to a month or year that lies within only in part may have happened within or not. Days that the record
    does not cover are missing.
    """
    units = case.units(term.event) if term.whom is None else (term.whom,)
    least = placed = found = 0.0
    for row, whom, inside in rows_between(case, term.event, term.first, term.last):
        count = len(set(whom) & set(units))
        least += count * inside
        placed += count * (term.first <= row.placed_on <= term.last)
        found += count
    return Counted(least, placed, found, _missing(case, term, units))


def hold_counts(case: Case, left: Term, right: Term, factor: float, sign: Sign) -> tuple[bool | None, str]:
    """Whether a count lies on the asserted side of so many times a number or another count, None where the record
    leaves it open; and what it lacks, where that is why."""
    one, other = (_counted(case, term) for term in (left, right))
    low, high = one.least - factor * other.most, one.most - factor * other.least
    if sign in ("<", "<="):
        low, high = -high, -low
    is_strict = sign in (">", "<")
    if low > 0.0 or (low == 0.0 and not is_strict):
        return True, ""
    if high < 0.0 or (high == 0.0 and is_strict):
        return False, ""
    return None, one.missing or other.missing


def _counted(case: Case, term: Term) -> Counted:
    if isinstance(term, Number):
        return Counted(term.value, term.value, term.value)
    assert isinstance(term, Recorded)
    return count_recorded(case, term)


def _missing(case: Case, term: Recorded, units: tuple[str, ...]) -> str:
    """The days that the record lacks of somebody, in words."""
    if term.last > case.as_of or term.first > term.last:
        return f"the case knows nothing after {case.as_of}"
    spans = covered_spans(case, [term.event])
    for unit in units:
        own = spans[term.event, unit]
        if not any(first <= term.first and term.last <= last for first, last in own):
            of = term.event if unit == case.host else f"{unit}:{term.event}"
            told = " and ".join(f"{first} to {last}" for first, last in own[:3]) or "no day"
            return f"the record of {of} covers {told}{' and more' if len(own) > 3 else ''}, so that days are missing"
    return ""
