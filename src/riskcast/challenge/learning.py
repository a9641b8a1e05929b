"""Posterior -> what the record moved, where it and the priors pull apart, and what scores lean on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from riskcast.case.model import Case
from riskcast.challenge.beliefs import drawn_beliefs, widening_of
from riskcast.challenge.densities import Taught, log_likelihoods, taught_beliefs, unfitted_events
from riskcast.challenge.power_scaling import Hang, Scaled, scale
from riskcast.challenge.target_draws import TargetDraws, draw_targets
from riskcast.challenge.targets import Target
from riskcast.challenge.worth import Known
from riskcast.engines.posterior import widening
from riskcast.errors import OptionError
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.array_types import Floats
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import between, counted, number
from riskcast.verification.coverage import PriorCheck, report_coverage, rests_on_record

if TYPE_CHECKING:
    import pandas

# A posterior centre outside of the prior's own 90 % interval.
FAR: Final = 1.645
# What the record left where it was: so many prior standard deviations, and so much of its spread.
STILL, SAME_SPREAD = 0.25, 0.1

PULLS_APART: Final = "pull apart"
OUTSIDE: Final = "outside the prior"
PRIOR_DECIDES: Final = "prior decides"
RECORD_SPEAKS: Final = "record speaks"
BOTH: Final = "both count"
NOT_LEARNED: Final = "not learned"
UNTOLD: Final = "cannot be told"


@dataclass(frozen=True)
class Learned:
    """What the record made of one quantity, of one event type or of all (`event` empty).

    before, after: 5, 50 and 95 % points, in its own unit; moved: how far the posterior mean lies from the prior's
    median, in prior standard deviations; narrowed: by which share of them the spread has shrunk, below 0 where it has
    grown; of_prior, of_record: how far its distribution moves for a doubling of its own prior and of its event type's
    record; basis: what its evidence rests on; from_record: whether that is this very record.
    """

    key: str
    label: str
    event: str
    unit: str
    before: tuple[float, float, float]
    after: tuple[float, float, float]
    moved: Known
    narrowed: Known
    of_prior: Hang
    of_record: Hang
    basis: str
    from_record: bool

    @property
    def rests_on(self) -> str:
        """What its evidence is; `this record` where the record itself is."""
        return "this record" if self.from_record else self.basis

    @property
    def verdict(self) -> str:
        """How prior and record go together, in words; cannot be told where weights fail, or it moves with neither by
        more than chance has it."""
        if abs(self.moved.value) - self.moved.error > FAR:
            return OUTSIDE
        if abs(self.moved.value) < STILL and self.narrowed.value - self.narrowed.error < SAME_SPREAD:
            return NOT_LEARNED
        hangs = self.of_prior, self.of_record
        if not all(one.is_known for one in hangs) or not any(one.is_told for one in hangs):
            return UNTOLD
        if all(one.is_told for one in hangs):
            return PULLS_APART if abs(self.moved.value) >= 1.0 else BOTH
        return PRIOR_DECIDES if self.of_prior.is_told else RECORD_SPEAKS

    @property
    def is_conflict(self) -> bool:
        """Whether prior and record say different things."""
        return self.verdict in (OUTSIDE, PULLS_APART)


@dataclass(frozen=True)
class Lean:
    """By how many points a number would change if a part of the posterior counted twice as much.

    part: `priors` or `record`; event: of one event type, or of all, empty; khat: of the weights.
    """

    part: str
    event: str
    change: Known
    khat: float
    is_good: bool

    @property
    def is_told(self) -> bool:
        """Whether the weights hold, and the change can be told apart from nothing."""
        return self.is_good and abs(self.change.value) > 2.0 * self.change.error


@dataclass(frozen=True)
class Learning:
    """What the record taught a case, quantity by quantity, and what numbers of a forecast lean on.

    leans: by target, all priors and all of the record first, then those of every event type; jointly, checks: what the
    priors alone expect beside what was recorded, of all event types together and of each; unfitted: event types that
    could not be fitted, of whose own quantities nothing is told.
    """

    forecast: Forecast
    quantities: tuple[Learned, ...]
    targets: Mapping[Target, TargetDraws]
    leans: Mapping[Target, tuple[Lean, ...]]
    jointly: PriorCheck
    checks: tuple[PriorCheck, ...]
    unfitted: tuple[str, ...] = ()

    @property
    def case(self) -> Case:
        """The case that was fitted."""
        return self.forecast.case

    @property
    def conflicts(self) -> tuple[Learned, ...]:
        """Quantities of which prior and record say different things, those that moved furthest first."""
        return tuple(one for one in self.quantities if one.is_conflict)

    @property
    def from_record(self) -> tuple[Learned, ...]:
        """Quantities whose evidence is the record itself, which therefore cannot confirm them."""
        return tuple(one for one in self.quantities if one.from_record)

    @property
    def nowhere(self) -> str:
        """Where there is no conflict: of how many quantities that says something."""
        others = len(self.quantities) - len(self.from_record)
        return f"nowhere, of {counted(others, 'quantity', 'quantities')} that do not rest on this very record"

    def to_frame(self) -> pandas.DataFrame:
        """One row for each quantity and event type that has its own draws of it; what weights that failed say of it is
        missing."""
        import pandas

        def hang(one: Hang) -> tuple[float, float, float]:
            return (one.moved, one.floor, one.khat) if one.is_known else (np.nan, np.nan, one.khat)

        rows = [
            (
                *(one.key, one.event, *one.before, *one.after),
                *(one.moved.value, one.moved.error, one.narrowed.value, one.narrowed.error),
                *(*hang(one.of_prior), *hang(one.of_record), one.verdict, one.basis, one.from_record),
            )
            for one in self.quantities
        ]
        ends = [f"{when}_{end}" for when in ("before", "after") for end in ("low", "median", "high")]
        moves = [f"{what}{part}" for what in ("moved", "narrowed") for part in ("", "_error")]
        hangs = [f"{what}{part}" for what in ("of_prior", "of_record") for part in ("", "_floor", "_khat")]
        names = ["quantity", "event", *ends, *moves, *hangs, "verdict", "basis", "from_record"]
        return pandas.DataFrame(rows, columns=names)

    def __repr__(self) -> str:
        furthest = ", ".join(one.label for one in self.conflicts[:5])
        return f"<Learning of {self.case.name}. Prior and record differ: {furthest or self.nowhere}>"

    def _repr_html_(self) -> str:
        rows = [
            (
                one.label,
                one.rests_on,
                *one.before,
                *one.after,
                one.moved.value,
                one.verdict,
            )
            for one in self.quantities
        ]
        ends = [f"{when}, {end}" for when in ("before", "after") for end in ("5 %", "median", "95 %")]
        columns = (
            Column("quantity"),
            Column("rests on"),
            *(Column(name, form="number") for name in ends),
            Column("moved, in prior sd", form="points"),
            Column("prior and record"),
        )
        note = (
            f"{self.jointly.label}: {self.jointly.recorded} in the record, {number(self.jointly.median, 0)} expected "
        )
        note += f"({between(self.jointly)}), {self.jointly.verdict}. {self.forecast.posterior.origin}"
        return to_html(Table("What the record taught", columns, rows, note=note))


def report_learning(ahead: Forecast, of: Sequence[str] | None = None) -> Learning:
    """What the record made of every quantity, where it and the priors pull apart, and what numbers lean on.

    `of`: targets as for `value_evidence`. Each quantity's own prior, and the record of its event type, are raised to
    the powers 0.8 and 1.25 by weights on the draws (`power_scaling`). Targets are looked at with all priors, all of
    the record, and those of each event type raised. Raises OptionError for a forecast from priors alone, or one that
    numbers from outside adjust.

    >>> from riskcast import fit, forecast, load_case
    >>> found = report_learning(forecast(fit(load_case("central_asia_2024"), draws=200), horizon=3), ["score:RUS-TJK"])
    >>> any(one.from_record for one in found.quantities)
    True
    """
    if ahead.posterior.prior_only:
        raise OptionError("a posterior from the priors alone has learned nothing; leave out --prior-only")
    if ahead.outside is not None and ahead.outside.acts:
        raise OptionError("a forecast that numbers from outside adjust has no draws of its own; leave them out")
    targets = draw_targets(ahead, of)
    unfitted = unfitted_events(ahead.posterior)
    taught = taught_beliefs(drawn_beliefs(ahead), unfitted)
    records = log_likelihoods(ahead.posterior)
    whole = scale(_sum(records.values(), ahead.posterior.draws))
    by_record = {name: scale(log_part) for name, log_part in records.items()}
    found = [_learned(ahead, one, by_record.get(one.event, whole)) for one in taught]
    leans = _leans(taught, whole, by_record)
    # Draws that were weighed before count for fewer.
    wider = widening_of(ahead.posterior)
    checked = report_coverage(ahead.case, ahead.posterior.draws, ahead.posterior.seed)
    return Learning(
        ahead,
        tuple(sorted(found, key=lambda one: -abs(one.moved.value))),
        targets,
        {target: tuple(_lean(*part, drawn, wider) for part in leans) for target, drawn in targets.items()},
        checked.jointly,
        checked.priors,
        unfitted,
    )


def _sum(parts: Iterable[Floats], draws: int) -> Floats:
    return sum(parts, np.zeros(draws))


def _learned(ahead: Forecast, one: Taught, record: Scaled) -> Learned:
    own, case = scale(one.log_prior), ahead.case
    quantity, scores = one.belief.quantity, one.scores
    low, high = quantity.range
    points = [float(point) for point in np.quantile(one.values, (0.05, 0.5, 0.95))]
    drawn = ahead.posterior.events.get(one.event, ahead.posterior.shared)
    effective = min(len(scores), max(1.0, drawn.ess if drawn is not None and np.isfinite(drawn.ess) else len(scores)))
    wider, sd = widening(len(scores), effective), float(scores.std())
    several = one.belief.of and one.event
    return Learned(
        key=one.belief.key,
        label=one.belief.named.label + (f" ({case.events[one.event].label})" if several else ""),
        event=one.event,
        unit=one.belief.named.unit,
        before=(low, quantity.center, high),
        after=(points[0], points[1], points[2]),
        moved=Known(float(scores.mean()), sd / np.sqrt(effective)),
        narrowed=Known(1.0 - sd, sd / np.sqrt(2.0 * effective)),
        of_prior=own.hang(scores, wider),
        of_record=record.hang(scores, wider),
        basis="" if quantity.evidence is None else quantity.evidence.basis,
        from_record=rests_on_record(quantity),
    )


Part = tuple[str, str, Scaled]


def _leans(taught: tuple[Taught, ...], whole: Scaled, by_record: Mapping[str, Scaled]) -> list[Part]:
    """The parts of the posterior that targets are held against."""
    draws = len(whole.lower)
    parts: list[Part] = [("priors", "", scale(_sum((one.log_prior for one in taught), draws))), ("record", "", whole)]
    for event, scaled in by_record.items():
        own = [one.log_prior for one in taught if one.event == event]
        if own:
            parts.append(("priors", event, scale(_sum(own, draws))))
        parts.append(("record", event, scaled))
    return parts


def _lean(part: str, event: str, scaled: Scaled, drawn: TargetDraws, wider: float) -> Lean:
    change, error = scaled.change(drawn.averages)
    return Lean(part, event, Known(change, wider * error), scaled.khat, scaled.is_good)
