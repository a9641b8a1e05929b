"""What was found of claims, as records; and by which rule a number reproduces a claim, or speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from riskcast.case.claims import Claim
from riskcast.challenge.claim_terms import Sign, Unit
from riskcast.challenge.claim_values import Value
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.tables import Column, Table, to_html

if TYPE_CHECKING:
    import pandas

type Status = Literal["reproduced", "weak", "contradicted", "not encoded"]
type Reason = Literal["clear", "small", "open", "opposite", "equal", "flaw", "absent", "few"]
STATUSES: Final[tuple[Status, ...]] = ("reproduced", "weak", "contradicted", "not encoded")
# What is smaller does next to nothing: points of a score, of a probability or a tenth of it, a factor's logarithm,
# steps.
SMALL_SCORE, SMALL_CHANCE, SMALL_SHARE, SMALL_LOG, SMALL_STEPS = 0.5, 1.0, 0.1, 0.05, 0.05


@dataclass(frozen=True)
class Finding:
    """What was found of one assertion, or of one side of it.

    number: what it speaks of, in its unit; error: Monte Carlo standard error; against: what that is held against, with
    its own interval where it is no number of the assertion; difference: number less that, of factors their ratio;
    reason: why the status is what it is; told: what is missing, where something is; quantities: ids of what stands
    behind it.
    """

    text: str
    status: Status
    reason: Reason
    unit: Unit
    sign: Sign
    number: Estimate | None = None
    error: float = 0.0
    against: Estimate | None = None
    difference: Estimate | None = None
    told: str = ""
    quantities: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class JudgedClaim:
    """A claim, what was found of each of its assertions, and what that makes of it as a whole."""

    id: str
    claim: Claim
    status: Status
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class JudgedClaims:
    """What a forecast makes of the claims of its case; untested: claims that assert nothing, by id."""

    forecast: Forecast
    claims: tuple[JudgedClaim, ...]
    untested: Mapping[str, Claim]
    worlds: int

    @property
    def stated(self) -> int:
        """How many claims the case states."""
        return len(self.forecast.case.claims)

    @property
    def counts(self) -> dict[Status, int]:
        """How many claims have each status."""
        found = Counter(one.status for one in self.claims)
        return {status: found[status] for status in STATUSES}

    def of(self, status: Status) -> tuple[JudgedClaim, ...]:
        """The claims of one status."""
        return tuple(one for one in self.claims if one.status == status)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each assertion: claim, status of the claim, source, place, assertion, its status, the number with
        its 90 % interval, Monte Carlo error and unit, what it is held against, and why."""
        import pandas

        rows = []
        for one in self.claims:
            for found in one.findings:
                number = found.number or Estimate(np.nan, np.nan, np.nan)
                against = np.nan if found.against is None else found.against.mean
                rows.append(
                    (
                        *(one.id, one.status, one.claim.source, one.claim.at, found.text, found.status),
                        *(number.mean, number.low, number.high, found.error, found.unit, against, found.reason),
                    )
                )
        columns = ["claim", "status", "source", "at", "assertion", "found", "number", "low", "high", "error", "unit"]
        return pandas.DataFrame(rows, columns=[*columns, "against", "reason"])

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return f"<JudgedClaims: {told}; {len(self.untested)} untested. {self.forecast.origin}>"

    def _repr_html_(self) -> str:
        rows = [(one.id, one.status, one.claim.claim, one.claim.at) for one in self.claims]
        columns = (Column("claim"), Column("status"), Column("what the source says"), Column("where"))
        return to_html(Table("Claims held against the model", columns, rows, note=self.forecast.origin))


def judge(difference: Value, sign: Sign, small: float, *, is_counted: bool = True) -> tuple[Status, Reason]:
    """What a difference makes of an assertion that it is above, or below, nought.

    reproduced: the whole 90 % interval lies on the asserted side, and the middle is no smaller than `small`;
    contradicted: the middle lies on the other side, by more than `small` and two Monte Carlo errors, whatever the
    interval; else weak: too small to matter, or on the asserted side, or near it, with an interval that leaves it open.
    Two numbers that are the same without any interval are neither above nor below each other, unless they were counted
    on futures (`is_counted`).

    >>> judge(Value(Estimate(2.0, 0.5, 4.0)), ">", 0.5), judge(Value(Estimate(2.0, -0.5, 4.0)), ">", 0.5)
    (('reproduced', 'clear'), ('weak', 'open'))
    >>> judge(Value(Estimate(0.1, 0.05, 0.2)), ">", 0.5), judge(Value(Estimate(0.9, -0.1, 2.0)), "<", 0.5)
    (('weak', 'small'), ('contradicted', 'opposite'))
    """
    if difference.flaw:
        return "contradicted", "flaw"
    found = difference.estimate if sign.startswith(">") else difference.estimate.times(-1.0)
    low, high = sorted((found.low, found.high))
    if found.mean == low == high == 0.0:
        if sign in (">=", "<="):
            return "reproduced", "clear"
        if small == 0.0 and not is_counted:
            return "contradicted", "equal"
    if found.mean < -max(small, 2.0 * difference.error):
        return "contradicted", "opposite"
    if low > 0.0 and found.mean >= max(small, 2.0 * difference.error):
        return "reproduced", "clear"
    return "weak", "small" if abs(found.mean) < small else "open"


def judge_alone(found: Value, small: float) -> tuple[Status, Reason]:
    """What a change makes of an assertion that there is none that matters.

    reproduced: the whole 90 % interval is smaller than `small`; contradicted: the middle is larger, by more than two
    Monte Carlo errors; else weak.

    >>> judge_alone(Value(Estimate(0.1, -0.2, 0.3)), 0.5), judge_alone(Value(Estimate(0.6, 0.1, 0.9), 0.2), 0.5)
    (('reproduced', 'clear'), ('weak', 'open'))
    """
    one = found.estimate
    if max(abs(one.low), abs(one.high)) < small:
        return "reproduced", "clear"
    if abs(one.mean) > small + 2.0 * found.error:
        return "contradicted", "opposite"
    return "weak", "open"


def overall(findings: tuple[Finding, ...]) -> Status:
    """What findings make of the claim: contradicted where one is, weak where one is or only some are encoded; not
    encoded where there are none."""
    found = {one.status for one in findings} or {"not encoded"}
    if "contradicted" in found:
        return "contradicted"
    return found.pop() if len(found) == 1 else "weak"
