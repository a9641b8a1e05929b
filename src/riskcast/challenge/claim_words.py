"""What was found of claims in plain words, for whoever shows it."""

from __future__ import annotations

from typing import Final

from riskcast.challenge.claim_records import Finding, JudgedClaims, Status
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.lineage import lineage_of
from riskcast.numbers import (
    between,
    counted,
    error_size,
    factor_text,
    number,
    percent,
    plain_number,
    signed,
    signed_range,
    span,
)

MEANING: Final[dict[Status, str]] = {
    "reproduced": "the whole 90 % interval says so, and the size matters",
    "weak": "the interval leaves it open, or the size is too small to matter, or only a part can be looked at",
    "contradicted": "the middle says the opposite, by more than is too small to matter and than chance can do",
    "not encoded": "the case holds nothing that could say so, or its record lacks the days",
}
# What speaks against the model comes first.
ORDER: Final[tuple[Status, ...]] = ("contradicted", "weak", "not encoded", "reproduced")
MOST_NAMED: Final = 4
MARKS: Final[dict[Status, str]] = {"reproduced": "✓", "weak": "~", "contradicted": "✗", "not encoded": "○"}
_REASONS: Final = {
    "small": "too small to matter",
    "open": "the interval leaves it open",
    "opposite": "the opposite",
    "equal": "no more and no less",
}


def counts_text(found: JudgedClaims) -> str:
    """How many claims have each status, in one line."""
    told = [f"{count} {status}" for status, count in found.counts.items()]
    return " · ".join([*told, *([f"{len(found.untested)} untested"] if found.untested else [])])


def made_text(found: JudgedClaims) -> str:
    """With what claims were judged: engine, draws, forecasts, seed and checks."""
    lineage = lineage_of(found.forecast)
    engine = "priors alone" if lineage.prior_only else lineage.engine
    further = f"{counted(found.worlds, 'forecast')} beside the baseline"
    checks = "checks passed" if lineage.health.is_reliable else "CHECKS FAILED"
    return " · ".join([engine, f"{lineage.draws:,} draws", further, f"seed {lineage.seed}", checks])


def number_text(found: Finding) -> str:
    """The number of a finding with its 90 % interval, its unit, its Monte Carlo error, and what it is held against."""
    if found.number is None:
        return ""
    shown = _shown(found, found.number)
    if found.error and found.unit in ("points", "score", "share"):
        shown += f" ± {error_size(found.error * (100.0 if found.unit == 'share' else 1.0))}"
    against = found.against
    if against is None or _is_usual(found, against):
        return shown
    return f"{shown}, against {_bare(found, against)}"


def reason_text(found: Finding) -> str:
    """Why a finding has its status, where that needs a word."""
    told = _REASONS.get(found.reason, "")
    if found.reason == "opposite" and found.difference is not None:
        usual = 1.0 if found.unit == "factor" else 0.0
        if min(found.difference.low, found.difference.high) < usual < max(found.difference.low, found.difference.high):
            told = "rather the opposite, though the interval leaves it open"
    return found.told or told


def found_text(found: Finding) -> str:
    """The number of a finding and why it has its status, in one line."""
    return " · ".join(text for text in (number_text(found), reason_text(found)) if text)


def quantities_text(found: Finding) -> tuple[str, ...]:
    """The first quantities behind a finding, and how many more there are."""
    left = len(found.quantities) - MOST_NAMED
    more = (f"{left} more",) if left > 0 else ()
    return (*found.quantities[:MOST_NAMED], *more)


def decisive(findings: tuple[Finding, ...], status: Status) -> Finding | None:
    """The finding that gives a claim its status: the first of that status, or else that is not encoded."""
    own = [one for one in findings if one.status == status] or [one for one in findings if one.status == "not encoded"]
    return own[0] if own else None


def _is_usual(found: Finding, against: Estimate) -> bool:
    usual = 1.0 if found.unit == "factor" else 0.0
    return found.unit in ("points", "factor", "steps") and against.mean == against.low == against.high == usual


def _shown(found: Finding, one: Estimate) -> str:
    match found.unit:
        case "points":
            return f"{signed_range(one)} points"
        case "score":
            return f"{number(one.mean, 1)} points ({between(one)})"
        case "share":
            return f"{percent(one.mean)} ({_percents(one)})"
        case "factor":
            return f"×{factor_text(one.mean)} ({factor_text(one.low)}–{factor_text(one.high)})"
        case "steps":
            return f"{signed_range(one, 2)} steps"
        case "events":
            least, most = f"{one.low:.0f}", f"{one.high:.0f}"
            return f"{least if least == most else span(least, most)} in the record"
        case _:
            ends = span(plain_number(one.low, 3), plain_number(one.high, 3))
            return f"{plain_number(one.mean, 3)} {found.label} ({ends})"


def _bare(found: Finding, one: Estimate) -> str:
    """What a number is held against, without what was said of the number already."""
    match found.unit:
        case "points":
            return signed(one.mean)
        case "share":
            return percent(one.mean)
        case "factor":
            return factor_text(one.mean)
        case "steps":
            return signed(one.mean, 2)
        case _:
            return plain_number(one.mean, 3)


def _percents(one: Estimate) -> str:
    low, high = percent(one.low), percent(one.high)
    return f"{low.removesuffix(' %')}–{high}"
