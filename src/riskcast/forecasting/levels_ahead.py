"""Levels of indicators in every cell of the horizon, on every path of a block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Scenario
from riskcast.case.moves import bounded
from riskcast.forecasting.derived_ahead import DerivedAhead, Settle
from riskcast.forecasting.memories_ahead import seen_now
from riskcast.forecasting.plan import Plan, Rise
from riskcast.forecasting.scenarios import LevelPaths, Moves, move_levels
from riskcast.forecasting.work_arrays import WORK, Active, Block, empty_paths, full, work
from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import normal_pages


@dataclass
class _Risen:
    """What events of one type do to one indicator on a block of paths, in steps.

    past: (paths, units) of what the record leaves at the start of the horizon; new: (paths, units) of what events of
    the cells gone by leave in this one, written over as cells go by; fades, decays: for each cell (paths, 1), what is
    left of `past` in it, and of `new` from it to the next.
    """

    rise: Rise
    past: Floats
    steps: Floats
    new: Floats
    fades: list[Floats]
    decays: list[Floats]

    @classmethod
    def of(cls, plan: Plan, rise: Rise, draw: Ints) -> _Risen:
        half_life = rise.half_life[draw, None]
        gaps = np.diff(plan.middles)
        steps = work(rise.steps[draw, None])
        seen = 1 if rise.whose in ("any", "host") else rise.left.shape[1]
        return cls(
            rise,
            work(steps * rise.left[draw]),
            steps,
            full(len(draw), seen, 0.0),
            [work(np.exp2(-middle / half_life)) for middle in plan.middles],
            [work(np.exp2(-gap / half_life)) for gap in gaps],
        )


class LevelsAhead:
    """The levels that rates feel, cell by cell, of the drivers that are switched on.

    Those of `level_paths`; and of indicators that events raise, with x the drift and what parents pass on,

        level[t] = k[t] today + x[t] + sum over event types of past (2^(-t / h) - k[t])
                   + sum over cells s < t with an event of steps 2^(-(t - s) / h),

    where times are the middles of cells, `past` is what the record's events have raised until today, which fades with
    the half-life h, and k[t] is what a return to the reference leaves of the rest, 1 where there is none. A scenario's
    moves then apply, of which `set` leaves nothing of it. Derived columns follow, from these levels and from the
    `recorded` events of the cell before.
    """

    def __init__(
        self,
        plan: Plan,
        scenario: Scenario,
        draw: Ints,
        paths: LevelPaths,
        happened: Mapping[str, Floats] | None = None,
        active: Active | None = None,
        recorded: Mapping[str, Floats] | None = None,
    ) -> None:
        self._plan, self._active, self._happened = plan, active, happened or {}
        derived = () if plan.derived is None else plan.derived.names
        self._settled = {name: path for name, path in paths.items() if name not in (*plan.raised, *derived)}
        # What columns are derived from is never switched off.
        self._whole = {} if plan.derived is None else dict(self._settled)
        if active is not None:
            self._settled = {n: path * active.indicators[n][:, None] for n, path in self._settled.items()}
        self._free = {name: paths[name] for name in plan.raised}
        self._moves = Moves(plan.case, scenario, plan.cells) if plan.raised or derived else None
        self._derived = None
        if plan.derived is not None:
            shape = (len(draw), len(plan.case.dyads))
            self._derived = DerivedAhead(plan.derived, shape, recorded or {}, self._settle_at)
        self._risen = {
            name: [_Risen.of(plan, r, draw) for r in plan.raises if r.indicator == name] for name in self._free
        }
        self._links = {
            name: [
                (p, work(plan.passed_on[name, p][draw, None]))
                for p in plan.case.indicators[name].parents
                if p in self._free
            ]
            for name in self._free
        }
        self._kept = {name: [work(kept) for kept in plan.kept(name, draw)] for name in self._free}
        self._today = {name: work(bounded(plan.case, name, plan.today[name][draw])) for name in self._free}

    def at(self, cell: int) -> Mapping[str, Floats]:
        """By indicator: (paths, units) in steps."""
        levels = {name: path[cell] for name, path in self._settled.items()}
        whole: dict[str, Floats] = {}
        for name, free in self._free.items():
            path = free[cell]
            for parent, weight in self._links[name]:
                path = path + weight * (whole[parent] - self._today[parent])
            for risen in self._risen[name]:
                path = path + risen.past * (risen.fades[cell] - self._kept[name][cell]) + risen.new
            whole[name] = levels[name] = self._settle(name, path, cell)
            if self._active is not None:
                levels[name] = self._switched_on(name, path, cell, self._active)
        if self._derived is not None:
            whole |= {name: path[cell] for name, path in self._whole.items()}
            for name, steps in self._derived.at(cell, whole).items():
                levels[name] = steps if self._active is None else steps * self._active.indicators[name][:, None]
        return levels

    def step(self, cell: int) -> None:
        """Let a cell go by: what its events raise is felt from the next one on."""
        for risen in (one for own in self._risen.values() for one in own):
            if cell < len(risen.decays):
                seen = seen_now(risen.rise, self._happened, np.empty_like(risen.new))
                risen.new += risen.steps * seen
                risen.new *= risen.decays[cell]
        if self._derived is not None:
            self._derived.step()

    def _settle_at(self, cell: int) -> Settle:
        """Bounds and the scenario's moves of one cell."""
        return lambda name, path: self._settle(name, path, cell)

    def _settle(self, name: str, path: Floats, cell: int) -> Floats:
        """Steps of one cell, (paths, units), within bounds and moved by the scenario."""
        assert self._moves is not None
        return self._moves.apply(name, bounded(self._plan.case, name, path)[None], cell)[0]

    def _switched_on(self, name: str, path: Floats, cell: int, active: Active) -> Floats:
        """The level without what the record's events have raised where the indicator is on, and on top of it, event
        type by event type, what those that are on have."""
        pasts = [(one.rise.source, one.past * one.fades[cell]) for one in self._risen[name]]
        path = path - sum((past for _, past in pasts), np.zeros_like(path))
        before = self._settle(name, path, cell)
        felt = before * active.indicators[name][:, None]
        for source, past in pasts:
            path = path + past
            after = self._settle(name, path, cell)
            if source in active.raised:
                felt = felt + active.raised[source][:, None] * (after - before)
            before = after
        return felt


@dataclass(frozen=True)
class _Return:
    """How a level goes back to its reference: for each cell (paths, 1), what it keeps of the walk so far, the spread of
    what it adds to it, in periods' drifts, and what is left of today's level."""

    kept: list[Floats]
    spread: list[Floats]
    today: list[Floats]

    @classmethod
    def of(cls, plan: Plan, name: str, draw: Ints) -> _Return:
        half_life = plan.reversion[name][draw, None] * plan.case.periods_per_year
        twice = 2.0 * np.log(2.0) / half_life
        spread = [np.sqrt(-np.expm1(-twice * share) / twice) for share in plan.shares]
        kept = [np.exp2(-share / half_life) for share in plan.shares]
        return cls(*([work(cell) for cell in own] for own in (kept, spread, plan.kept(name, draw))))


def level_paths(plan: Plan, scenario: Scenario, block: Block) -> LevelPaths:
    """Indicator paths (cells, paths, units) in steps: today's level, a random walk, what parents pass on, the scenario;
    within bounds. Those that events can raise are without it, bounds and the scenario."""
    case, draw, out = plan.case, block.draw, {}
    # What-ifs of a block that holds all draws ask for the same chance again; other blocks would push each other out.
    is_whole = block.first == 0 and int(draw[-1]) == plan.draws - 1
    for name in case.indicators:
        today, drift = work(plan.today[name][draw]), plan.drift[name][draw]
        units = today.shape[1]
        path = empty_paths(plan.cells, len(draw), units)
        if not drift.any():
            for t, kept in enumerate(plan.kept(name, draw)):
                np.multiply(today, work(kept), out=path[t])
            out[name] = path
            continue
        purpose, shape = block.purpose("drift path", name), (len(draw), units)
        noise = normal_pages(plan.seed, purpose, block.first, *shape, plan.cells, keep=is_whole)
        spread = work(drift[:, None] / np.sqrt(case.periods_per_year))
        walk, spare = np.zeros_like(today), np.empty_like(today)
        back = _Return.of(plan, name, draw) if name in plan.reversion else None
        for t, fresh in enumerate(noise):
            if back is not None:
                walk *= back.kept[t]
                fresh = np.multiply(fresh, back.spread[t], out=spare)
            elif plan.shares[t] != 1.0:
                fresh = np.multiply(fresh, WORK(np.sqrt(plan.shares[t])), out=spare)
            walk += fresh
            level = np.multiply(walk, spread, out=path[t])
            level += today if back is None else today * back.today[t]
        out[name] = path
    weights = {key: work(value[draw]) for key, value in plan.passed_on.items()}
    parents = {parent for _, parent in weights}
    today = {name: work(bounded(case, name, plan.today[name][draw])) for name in parents}
    return move_levels(case, Moves(case, scenario, plan.cells), out, weights, today, plan.raised)
