"""Plans of one case with some of what is new: of a first plan, only what new events and values touch is made anew."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from riskcast.case.model import Case
from riskcast.comparison.news import EVENTS, VALUES, New, News
from riskcast.engines.hazard import build_escalation
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.edge_plans import Edge, plan_edge
from riskcast.forecasting.plan import Plan, Rise, draw_today, plan_rise, plan_simulation
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import Record, with_events_of


@dataclass
class PlanPieces:
    """Plans under the draws of one fit and some of the changed beliefs.

    posterior: posed on the case with all new events and values; beliefs: those that it holds; horizon: in periods.
    """

    news: News
    posterior: Posterior
    beliefs: tuple[New, ...]
    horizon: int
    _edges: dict[Hashable, Edge] = field(default_factory=dict)
    _rises: dict[Hashable, Rise] = field(default_factory=dict)
    _levels: dict[Hashable, Floats] = field(default_factory=dict)
    _last: tuple[frozenset[str], Case, Record] | None = None

    @cached_property
    def whole(self) -> Plan:
        """The plan with all that is new."""
        return plan_simulation(self.posterior, self.horizon, self.posterior.seed)

    def planned(self, chosen: Iterable[New]) -> Plan:
        """The plan with some of the new events and values."""
        events = {new.id: new for new in chosen if new.group == EVENTS}
        values = {new.id for new in chosen if new.group == VALUES}
        if len(events) == len(self.news.events) and len(values) == len(self.news.values):
            return self.whole
        whole = self.whole
        record = self._record(frozenset(events))[1]
        edges = [
            tuple(self._edge(p.event, place, edge, events) for place, edge in enumerate(p.edges)) for p in whole.events
        ]
        today = {name: self._today(name, values, events) for name in whole.today}
        begun = {name: record.occurred[name][-1] for name in whole.begun}
        raises = tuple(self._rise(place, rise, events) for place, rise in enumerate(whole.raises))
        made = tuple(replace(p, edges=own) for p, own in zip(whole.events, edges, strict=True))
        return replace(whole, events=made, today=today, raises=raises, begun=begun)

    def _record(self, events: frozenset[str]) -> tuple[Case, Record]:
        """The case with some of the new events, and its record."""
        if self._last is None or self._last[0] != events:
            chosen = [new for new in self.news.events if new.id in events]
            case = self.news.case_with((*chosen, *self.news.values, *self.beliefs))
            self._last = events, case, with_events_of(self.posterior.record, case)
        return self._last[1], self._last[2]

    def _edge(self, event: str, place: int, edge: Edge, events: dict[str, New]) -> Edge:
        types = (edge.source,) if edge.beyond is None else (edge.source, event)

        def make() -> Edge:
            case, record = self._record(frozenset(events))
            model = self.posterior.models[event]
            effect = [effect for effect in case.effects_on(event) if effect.is_escalation][place]
            seen = list(model.escalations)
            seen[place] = build_escalation(case, record, effect)
            models = {**self.posterior.models, event: replace(model, escalations=tuple(seen))}
            posed = replace(self.posterior, case=case, record=record, models=models)
            return plan_edge(posed, event, place, edge.neighbours)

        return _kept(self._edges, (event, place, _of(events, *types)), make)

    def _rise(self, place: int, rise: Rise, events: dict[str, New]) -> Rise:
        def make() -> Rise:
            case = self._record(frozenset(events))[0]
            drawn, seed = self.posterior.draws, self.posterior.seed
            return plan_rise(case, rise.indicator, rise.source, rise.neighbours, drawn, seed)

        return _kept(self._rises, (place, _of(events, rise.source)), make)

    def _today(self, name: str, values: set[str], events: dict[str, New]) -> Floats:
        """Today's level of an indicator with its new values or without, as events so far have raised it."""
        known = [new for new in self.news.values if new.id in values and _indicator(new) == name]
        raising = _of(events, *self.news.second.indicators[name].raises) if name in self.news.second.indicators else ()

        def make() -> Floats:
            chosen = [new for new in self.news.events if new.id in events]
            case = self.news.case_with((*chosen, *known, *self.beliefs))
            return draw_today(case, self.posterior.record, name, self.posterior.draws, self.posterior.seed)

        return _kept(self._levels, (name, bool(known), raising), make)


def _kept[T](kept: dict[Hashable, T], key: Hashable, make: Callable[[], T]) -> T:
    """What was made before under a key, or is made now."""
    if key not in kept:
        kept[key] = make()
    return kept[key]


def _of(events: dict[str, New], *types: str) -> frozenset[str]:
    """Which of some events are of some types."""
    return frozenset(name for name, new in events.items() if new.event in types)


def _indicator(new: New) -> str:
    return new.id.split(".")[1]
