"""Forecasts of a case with some quantities held at a value: one fit for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from riskcast.case.judgements import JUDGEMENTS
from riskcast.case.model import Case, Scenario
from riskcast.case.overlays import apply_overlay
from riskcast.case.quantity_ids import LEVEL, parse_id
from riskcast.challenge.relearned import UNTOUCHED, Learned, Relearned, refit, relearn
from riskcast.challenge.targets import Target, values_of
from riskcast.engines.posterior import Posterior, widening
from riskcast.forecasting.plan import Plan, draw_today, plan_event, plan_simulation
from riskcast.forecasting.requests import Request, fit_requested
from riskcast.machinery.array_types import Floats
from riskcast.record.memory import Neighbours


@dataclass(frozen=True)
class Held:
    """Values of targets with some quantities held: (draws, targets), with the weights of draws, (draws,) of mean 1.

    how: `untouched`, `weighed` or `refitted`; khat, ess: of the weights; is_good: whether they, or the new fit, can be
    relied on; wider: by how much errors are wider as draws were weighed once before, in the fit.
    """

    values: Floats
    weights: Floats
    how: str
    khat: float
    ess: float
    is_good: bool = True
    wider: float = 1.0

    @property
    def means(self) -> Floats:
        """The weighted means: (targets,)."""
        return self.weights @ self.values / len(self.weights)

    @property
    def influence(self) -> Floats:
        """What every draw does to the means, less its average: (draws, targets). The standard error of a sum of means
        over the same draws is that of the sum of these."""
        return self.weights[:, None] * (self.values - self.means)


def sum_error(parts: Iterable[tuple[float, Held]]) -> Floats:
    """Standard errors of a sum of means over the same draws, each with its sign: (targets,)."""
    held = tuple(parts)
    influence = np.sum([sign * one.influence for sign, one in held], axis=0)
    return max(one.wider for _, one in held) * error_of(influence)


def error_of(influence: Floats) -> Floats:
    """Standard error of a mean from what every draw does to it: (draws, targets) to (targets,).

    >>> error_of(np.array([[1.0], [-1.0], [1.0], [-1.0]])).tolist()
    [0.5]
    """
    return np.sqrt(np.square(influence).mean(axis=0) / len(influence))


def effective_draws(used: int, drawn: int, worth: float) -> float:
    """For how many independent draws `used` of `drawn` count, where all of these are worth `worth`.

    Those that are used stand in for those that are drawn, and these for the posterior: the variances add up.

    >>> effective_draws(1000, 1000, 250.0), round(effective_draws(100, 1000, 250.0))
    (250.0, 77)
    """
    return 1.0 / (1.0 / used + max(1.0 / max(worth, 1.0) - 1.0 / drawn, 0.0))


@dataclass
class Bench:
    """A fitted case on which quantities are held, one after the other, under the same chance.

    draws: how many of the posterior's are used; paths: futures of each; coarse: the same with fewer of both, once made.
    """

    request: Request
    original: Posterior
    targets: tuple[Target, ...]
    draws: int
    paths: int
    coarse: Bench | None = field(default=None, repr=False)
    _learned: Learned | None = field(default=None, repr=False)

    @classmethod
    def of(cls, request: Request, targets: tuple[Target, ...], draws: int, paths: int) -> Bench:
        """Fit a request's case, and look at some targets."""
        return cls(request, fit_requested(request), targets, draws, paths)

    def with_fewer(self, draws: int, paths: int) -> Bench:
        """The same with fewer draws and paths."""
        return replace(self, draws=draws, paths=paths, coarse=None, _learned=None)

    @property
    def learned(self) -> Learned:
        """The draws that are used."""
        if self._learned is None:
            self._learned = Learned.of(self.original, self.draws)
        return self._learned

    @property
    def scenario(self) -> str | Scenario | None:
        """The scenario that is looked at."""
        return self.request.scenarios[0] if self.request.scenarios else None

    @cached_property
    def accepting(self) -> Case:
        """The case, which accepts what can hardly be meant: a belief at its end is no claim, but a question."""
        case = self.request.case
        return case.revised(settings=case.settings.model_copy(update={"allow": JUDGEMENTS.names}))

    @cached_property
    def plan(self) -> Plan:
        """What the simulation starts from where nothing is held."""
        return plan_simulation(self.learned.posterior, self.request.periods, self.request.seed)

    @cached_property
    def base(self) -> Held:
        """The targets where nothing is held."""
        posterior = self.learned.posterior
        found = Relearned(posterior, np.ones(posterior.draws), UNTOUCHED, 0.0, posterior.draws)
        return self.measure(found, self.plan, ())

    def hold(self, values: Mapping[str, float], *, may_refit: bool = True) -> Held:
        """The targets with some quantities held at values in their natural unit, the rest relearned.

        Where weights fail their check the case is fitted anew, if that is allowed. Raises CaseError where the case
        takes no such value.
        """
        case = apply_overlay(self.accepting, {key: {"value": value} for key, value in values.items()})
        return self.pose(case, tuple(values), may_refit=may_refit)

    def pose(self, case: Case, changed: tuple[str, ...], *, may_refit: bool = True) -> Held:
        """The targets of a case that differs in the priors of some quantities, by their ids."""
        found = relearn(self.learned, case, changed)
        if may_refit and not found.is_good:
            found = refit(self.original, case, self.learned.posterior.draws)
        return self.measure(found, self.planned(found, changed), changed)

    def planned(self, found: Relearned, changed: tuple[str, ...]) -> Plan:
        """The plan of a relearned posterior: of the base's, only what is touched is made anew."""
        posed, kinds = found.posterior, [parse_id(key) for key in changed]
        case = posed.case
        if found.how == "refitted" or not all(k.section in ("effects", "outcomes") or k.kind is LEVEL for k in kinds):
            return plan_simulation(posed, self.request.periods, self.request.seed)
        neighbours = Neighbours.of(case.pairs.values())
        before = self.learned.posterior
        events = tuple(
            own if posed.models[own.event] is before.models[own.event] else plan_event(posed, own.event, neighbours)
            for own in self.plan.events
        )
        moved = {kind.name for kind in kinds if kind.kind is LEVEL}
        today = {
            name: draw_today(case, posed.record, name, posed.draws, self.request.seed) if name in moved else own
            for name, own in self.plan.today.items()
        }
        return replace(self.plan, case=case, events=events, today=today)

    def measure(self, found: Relearned, plan: Plan, changed: tuple[str, ...]) -> Held:
        """The targets of a relearned posterior."""
        values = values_of(found.posterior, plan, self.scenario, self.request.periods, self.paths, self.targets)
        wider = self._wider(found.posterior, changed)
        return Held(values, found.weights, found.how, found.khat, found.ess, found.is_good, wider)

    def _wider(self, posterior: Posterior, changed: tuple[str, ...]) -> float:
        """By how much errors are wider as the fit's draws were weighed: of the event types whose own regressions alone
        are changed, or of all."""
        targets = {effect.id: effect.target for effect in posterior.case.effects}
        kinds = [parse_id(key) for key in changed]
        worth = posterior.diagnostics.ess_min
        if kinds and all(kind.section in ("effects", "outcomes") for kind in kinds):
            worth = min(posterior.events[targets.get(kind.name, kind.name)].ess for kind in kinds)
        return widening(posterior.draws, effective_draws(posterior.draws, self.original.draws, worth))
