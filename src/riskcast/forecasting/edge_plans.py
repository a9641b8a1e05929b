"""Escalation edges of a posterior, ready to simulate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Effect
from riskcast.case.settings import PER_TIME, Memory as MemorySettings
from riskcast.engines.hazard import Escalation, half_life_ratio
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.work_arrays import WORK, finite
from riskcast.machinery.array_types import Floats
from riskcast.record.memory import Memory, Neighbours, Sight, memory_of, seen_events
from riskcast.record.sights import Begun, begun_of, is_plain, periods_reached, sees_coverage, settings_of, sight_of
from riskcast.record.ties import TIED, Seeing, Ties


@dataclass(frozen=True)
class Beyond:
    """What an edge asks for beyond whether events happened.

    target: the event type that spends its triggers, empty where none does; settings: its memory in the case; weight:
    how much an event counts; later: periods after its own that an event can reach; without: what would be left had
    there been no event, shaped like the edge's start; begun: what the running period has had, where one is split;
    half_life (draws,), stretches: indicators that act on it, with the logarithm of their ratio, (draws,).
    """

    target: str
    settings: MemorySettings
    weight: float
    later: int
    without: Floats
    begun: Begun | None = None
    half_life: Floats | None = None
    stretches: tuple[tuple[str, Floats], ...] = ()


@dataclass(frozen=True)
class Edge:
    """An escalation edge ready to simulate.

    gain: log rate ratio / unit of its memory; start: what the past leaves, (draws, units), behind its parts where
    states are stacked; beyond: what its memory asks for beyond whether events happened, if it does.
    """

    source: str
    whose: str
    neighbours: Neighbours | Seeing
    same_period: bool
    memory: Memory
    gain: Floats
    decay: Floats
    start: Floats
    beyond: Beyond | None = None

    @property
    def felt(self) -> Floats:
        """The memory as rates feel it at the start of the horizon, in `unit`s: (draws, units)."""
        return self.memory.shape(self.memory.ahead(self.start))

    @property
    def without(self) -> Floats:
        """What would be left had no event ever been seen, shaped like `start`."""
        return np.zeros_like(self.start) if self.beyond is None else self.beyond.without


def plan_edges(posterior: Posterior, name: str, neighbours: Neighbours) -> tuple[Edge, ...]:
    """The edges to one event type, in the order of its coefficients."""
    count = len(posterior.models[name].escalations)
    return tuple(plan_edge(posterior, name, place, neighbours) for place in range(count))


def plan_edge(posterior: Posterior, name: str, place: int, neighbours: Neighbours | Seeing) -> Edge:
    """One of the edges to an event type, by its place among them."""
    model = posterior.models[name]
    effect = [effect for effect in posterior.case.effects_on(name) if effect.is_escalation][place]
    edge, memory = model.escalations[place], memory_of(posterior.case, str(effect.memory))
    case = posterior.case
    sees = Ties.of(effect, case).at(case.calendar.number(case.as_of)) if effect.whose in TIED else neighbours
    is_told = is_plain(effect, posterior.case) and edge.is_plain
    decay, start, beyond = (_plain if is_told else _special)(posterior, effect, edge, memory)
    size = posterior.events[name].coefficients[:, model.indicators + place]
    return Edge(
        source=effect.source,
        whose=str(effect.whose),
        neighbours=sees,
        same_period=edge.same_period,
        memory=memory,
        gain=finite(size / memory.unit),
        decay=decay,
        start=start,
        beyond=beyond,
    )


Parts = tuple[Floats, Floats, Beyond | None]


def _plain(posterior: Posterior, effect: Effect, edge: Escalation, memory: Memory) -> Parts:
    """Decay and start of an edge that whether events happened tells, and one half-life."""
    case, record = posterior.case, posterior.record
    seen = seen_events(effect, case, record.occurred)[: record.timeline.complete]
    if effect.whose in ("any", "host"):
        seen = seen[:, :1]
    half_life = posterior.events[effect.target].hyper[f"half_life.{effect.memory}"]
    return memory.decay(half_life), _residue(memory, seen, half_life), None


def _residue(memory: Memory, seen: Floats, half_life: Floats) -> Floats:
    """What the record leaves of past events, (draws, units); one row for all draws where the half-life is fixed."""
    if (half_life == half_life[0]).all():
        return np.broadcast_to(memory.residue(seen, half_life[:1]).astype(WORK), (len(half_life), seen.shape[1]))
    return memory.residue(seen, half_life).astype(WORK)


def _special(posterior: Posterior, effect: Effect, edge: Escalation, memory: Memory) -> Parts:
    """Decay, start and what else an edge's memory asks for, where that is more than whether events happened."""
    case, record, draws = posterior.case, posterior.record, posterior.draws
    settings = settings_of(effect, case)
    complete, units = record.timeline.complete, len(case.units(effect.target))
    hyper = posterior.events[effect.target].hyper
    # What the model was fitted on may be without the coverage of one dyad.
    sight = sight_of(effect, case, record) if edge.sight is None or sees_coverage(settings) else edge.sight
    half_life = hyper[f"half_life.{effect.memory}"] if edge.fades else None
    stretches = [(hyper[name], levels) for name, levels in edge.stretches]
    acting = {
        half_life_ratio(one): one.source
        for one in case.half_life_effects_on(effect.target)
        if one.memory == effect.memory
    }
    quiet = Sight(np.zeros_like(sight.seen), blank=sight.blank)
    if settings.kind in PER_TIME:
        quiet.seen[:, 1] = sight.seen[:, 1]
    begun = None if record.timeline.ends_period else begun_of(effect, case, record)

    def left(what: Sight) -> Floats:
        fading = np.ones(1) if half_life is None else half_life
        state = memory.state_of(what, fading, complete, edge.same_period, stretches)
        return np.broadcast_to(state, (*state.shape[:-2], draws, units)).astype(WORK)

    start, without = left(sight), left(quiet)
    if effect.spent and begun is not None:
        start[..., begun.answered] = memory.first
    severity = float(case.events[effect.source].severity or 0.0)
    beyond = Beyond(
        target=effect.target if effect.spent else "",
        settings=settings,
        weight=severity / 100.0 if settings.weight == "severity" else 1.0,
        later=0 if settings.days is None else periods_reached(case, settings.days),
        without=without,
        begun=begun,
        half_life=half_life,
        stretches=tuple((name, np.log(hyper[ratio])) for ratio, name in acting.items()),
    )
    return np.ones(draws) if half_life is None else memory.decay(half_life), start, beyond
