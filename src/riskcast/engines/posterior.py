"""What an engine hands on: draws of every event type's parameters, how healthy they are, and where they come from."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from riskcast.case.model import Case
from riskcast.case.periods import calendar_of
from riskcast.engines.draws import EventDraws
from riskcast.engines.hazard import EventModel
from riskcast.engines.mixtures import Mixture
from riskcast.engines.shared import SharedDraws
from riskcast.machinery.array_types import Floats
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.names import COEFFICIENT, DRAW, DYAD, TENSION_PERIOD
from riskcast.record.arrays import Record
from riskcast.record.gaps import find_gaps

if TYPE_CHECKING:
    import pandas
    import xarray

KHAT_LIMIT = 0.7
ESS_LIMIT = 100.0
RHAT_LIMIT = 1.02
DIVERGENCE_LIMIT = 0.001
SHARED_NAME = "tension and trust"


@dataclass(frozen=True)
class Diagnostics:
    """The engine's own judgement of its draws; figures that the engine does not have are None.

    Laplace: k-hat at most 0.7 and at least 100 effective draws for every event type (Vehtari et al., 2024). NUTS: R-hat
    at most 1.02, at least 100 effective draws, and divergences in at most one draw in a thousand.
    """

    engine: str
    khat_max: float | None
    ess_min: float
    rhat_max: float | None
    divergences: int | None
    failures: tuple[str, ...]

    @property
    def is_reliable(self) -> bool:
        """Whether every check was passed."""
        return not self.failures


def widening(draws: int, effective: float) -> float:
    """By how much errors are wider as draws that were weighed count for fewer: sqrt(draws / effective), at least 1.

    >>> widening(1000, 250.0), widening(100, 400.0)
    (2.0, 1.0)
    """
    return max(1.0, float(np.sqrt(draws / effective)))


@dataclass(frozen=True)
class Posterior:
    """Draws of all parameters of a case, joined by draw number, with diagnostics and provenance.

    shared: draws of tension and trust, None where the case has neither; kept: what `fit(..., reuse=)` goes on from;
    chains: of an engine that runs them, whole chains of the free variables of `build_model`, for ArviZ and PyMC;
    mixture: of several experts, whose each draw is, None where all draws are of `case`.
    """

    case: Case
    record: Record
    models: Mapping[str, EventModel]
    events: Mapping[str, EventDraws]
    diagnostics: Diagnostics
    engine: str
    draws: int
    seed: int
    prior_only: bool = False
    fingerprints: Mapping[str, str] | None = None
    shared: SharedDraws | None = None
    kept: Any = field(default=None, repr=False, compare=False)
    chains: xarray.DataTree | None = field(default=None, repr=False, compare=False)
    mixture: Mixture | None = None

    @property
    def trust(self) -> Floats:
        """Trust in the effects of indicators: (draws,), by which coefficients that act are multiplied already."""
        return np.ones(self.draws) if self.shared is None else self.shared.trust

    def stated(self, event: str) -> Floats:
        """Log rate ratios as they are stated, those that act over trust: (draws, coefficients)."""
        coefficients = self.events[event].coefficients.copy()
        coefficients[:, 1 : self.models[event].indicators] /= self.trust[:, None]
        return coefficients

    @property
    def is_reliable(self) -> bool:
        """Whether the draws passed the engine's checks."""
        return self.diagnostics.is_reliable

    @property
    def origin(self) -> str:
        """In a sentence: case, day, engine, draws, seed, checks and hash."""
        kind = "priors alone" if self.prior_only else f"engine {self.engine}"
        checks = "checks passed" if self.is_reliable else "CHECKS FAILED"
        return (
            f"{self.case.settings.title}, as of {self.case.as_of:%Y-%m-%d}; {kind}, {self.draws:,} draws, seed "
            f"{self.seed}, {checks}; case {self.case.hash[:12]}{self._mixed}."
        )

    @property
    def _mixed(self) -> str:
        return "" if self.mixture is None else f", mixture of {len(self.mixture.parts)} experts"

    @property
    def warning(self) -> str:
        """What to say before any number: that the checks failed, and what the record lacks; else nothing."""
        failed = "; ".join(self.diagnostics.failures)
        told = [f"The posterior failed its checks; do not rely on these numbers: {failed}."] if failed else []
        return " ".join((*told, *self.cautions))

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """Whose mixture it is, and what the record lacks of what a forecast from it stands on, in sentences."""
        mixed = () if self.mixture is None else (self.mixture.told,)
        return (*mixed, *find_gaps(self.case, self.record).told)

    def holds(self, event: str, unit: str, day: dt.date) -> bool:
        """Whether the record holds an event of a type in a unit within the period of a day."""
        column = self.case.units(event).index(unit)
        return bool(self.record.occurred[event][self.record.timeline.index(day), column])

    def to_frame(self) -> pandas.DataFrame:
        """One row for each parameter that dyads and years share: columns event, parameter, mean, low, high (90 %).

        Rate ratios, as they are stated, and base rates (per period, at reference levels with nothing recent) are on
        their natural scale, half-lives in periods, spreads and loadings on the log-rate scale. Last comes what all
        event types share.
        """
        import pandas

        rows = []
        for event, drawn in self.events.items():
            names = [*self.models[event].coefficients, *drawn.hyper]
            values = [*np.exp(self.stated(event).T), *drawn.hyper.values()]
            for name, value in zip(names, values, strict=True):
                rows.append((event, name, value.mean(), *np.quantile(value, (0.05, 0.95))))
        if self.shared is not None:
            told = {"trust": self.shared.trust} | (
                {"persistence": self.shared.persistence} if self.shared.has_tension else {}
            )
            for name, value in told.items():
                rows.append((SHARED_NAME, name, value.mean(), *np.quantile(value, (0.05, 0.95))))
        return pandas.DataFrame(rows, columns=["event", "parameter", "mean", "low", "high"])

    def __repr__(self) -> str:
        return f"<Posterior of {self.case.name}. {self.origin}>"

    def _repr_html_(self) -> str:
        rows = [
            (self.case.events[event].label, drawn.khat, drawn.ess, drawn.rhat) for event, drawn in self.events.items()
        ]
        if self.shared is not None:
            rows.append(("What all event types share", self.shared.khat, self.shared.ess, self.shared.rhat))
        forms = (("k-hat", 2), ("ESS", 0), ("R-hat", 3))
        columns = (Column("event type"), *(Column(name, form="figure", digits=digits) for name, digits in forms))
        note = f"{self.origin} k-hat is to be at most {KHAT_LIMIT}, ESS at least {ESS_LIMIT:.0f}. Draws: to_dataset()."
        return to_html(Table("Posterior", columns, rows, note=note, warning=self.warning))

    @property
    def tension_periods(self) -> tuple[str, ...]:
        """The periods of tension as people write them; none where the case has no tension."""
        tension = self.case.settings.tension
        if tension is None or self.shared is None:
            return ()
        calendar = calendar_of(tension.period)
        return tuple(calendar.label(number) for number in self.shared.periods.tolist())

    def to_dataset(self) -> xarray.Dataset:
        """All draws with named dimensions: one variable per event type and parameter block.

        Coefficients are those that act: what is stated times `trust`, where the case has one.
        """
        import xarray

        variables: dict[str, Any] = {}
        coords: dict[str, Any] = {DRAW: np.arange(self.draws), DYAD: list(self.case.dyads)}
        if self.shared is not None:
            variables["trust"] = ((DRAW,), self.shared.trust)
            if self.shared.has_tension:
                coords[TENSION_PERIOD] = list(self.tension_periods)
                variables["tension"] = ((DRAW, TENSION_PERIOD), self.shared.tension)
                variables["tension.persistence"] = ((DRAW,), self.shared.persistence)
        for name, drawn in self.events.items():
            model = self.models[name]
            coords[f"{COEFFICIENT}_{name}"] = list(model.coefficients)
            variables[f"{name}.coefficients"] = ((DRAW, f"{COEFFICIENT}_{name}"), drawn.coefficients)
            if not model.has_tension:
                coords[f"year_{name}"] = model.years
                variables[f"{name}.year_shocks"] = ((DRAW, f"year_{name}"), drawn.shocks)
            if model.has_dyad_effects:
                variables[f"{name}.dyad_effects"] = ((DRAW, DYAD), drawn.effects)
            for hyper, values in drawn.hyper.items():
                variables[f"{name}.{hyper}"] = ((DRAW,), values)
        attributes = {
            "case": self.case.name,
            "case_hash": self.case.hash,
            "engine": self.engine,
            "seed": self.seed,
            "reliable": int(self.is_reliable),
        }
        return xarray.Dataset(variables, coords, attributes)


def judge(engine: str, events: Mapping[str, EventDraws], draws: int, shared: SharedDraws | None = None) -> Diagnostics:
    """Health of the draws of all event types against the limits of their engine; what is not a number passes none.

    An event type has k-hat, R-hat or both, and always effective draws.
    """
    failures = []
    judged: dict[str, EventDraws | SharedDraws] = {**events} if shared is None else {**events, SHARED_NAME: shared}
    for name, drawn in judged.items():
        failures += [f"{name}: {failure}" for failure in _failures(drawn, draws)]
    rhats = [drawn.rhat for drawn in judged.values() if not math.isnan(drawn.rhat)]
    khats = [drawn.khat for drawn in judged.values() if not math.isnan(drawn.khat)]
    return Diagnostics(
        engine=engine,
        khat_max=max(khats) if khats else None,
        ess_min=min((0.0 if math.isnan(drawn.ess) else drawn.ess for drawn in judged.values()), default=0.0),
        rhat_max=max(rhats) if rhats else None,
        divergences=max((drawn.divergences for drawn in judged.values()), default=0) if rhats else None,
        failures=tuple(failures),
    )


def _failures(drawn: EventDraws | SharedDraws, draws: int) -> Iterator[str]:
    if drawn.failed:
        yield drawn.failed
        return
    has_khat, has_rhat = (not math.isnan(figure) for figure in (drawn.khat, drawn.rhat))
    if not has_khat and not has_rhat:
        yield "neither k-hat nor R-hat could be computed"
    if has_khat and not drawn.khat <= KHAT_LIMIT:
        yield f"Pareto k-hat {drawn.khat:.2f} is above {KHAT_LIMIT}"
    if math.isnan(drawn.ess):
        yield "effective draws could not be computed"
    elif not drawn.ess >= ESS_LIMIT:
        yield f"{drawn.ess:.0f} effective draws are fewer than {ESS_LIMIT:.0f}"
    if has_rhat and not drawn.rhat <= RHAT_LIMIT:
        yield f"R-hat {drawn.rhat:.3f} is above {RHAT_LIMIT}"
    if not drawn.divergences <= DIVERGENCE_LIMIT * draws:
        yield f"{drawn.divergences} divergences"
    if not drawn.is_finite:
        yield "some draws are not numbers"
