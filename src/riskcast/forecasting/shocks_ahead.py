"""What adds to log rates in a cell whatever the indicators and events: the shock of its year, or tension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.forecasting.plan import EventPlan, Plan, TensionAhead
from riskcast.forecasting.work_arrays import Active, Block, work
from riskcast.machinery.array_types import Floats
from riskcast.machinery.random_streams import NormalTable


@dataclass(frozen=True)
class ShocksAhead:
    """Shocks by event type, for each cell (paths, 1); `today`: the part of each that today's tension makes, none where
    there is no tension."""

    shocks: Mapping[str, list[Floats]]
    today: Mapping[str, list[Floats]]

    def at(self, event: str, cell: int, active: Active | None) -> Floats:
        """The shock of an event type in a cell, without today's tension on paths on which that is switched off."""
        shock = self.shocks[event][cell]
        if active is None or active.tension is None or not self.today:
            return shock
        return shock - (1 - active.tension[:, None]) * self.today[event][cell]


def shocks_ahead(plan: Plan, block: Block) -> ShocksAhead:
    """The shocks of every cell of a block of paths."""
    if plan.tension is None:
        return ShocksAhead({p.event: _year_shocks(plan, p, block) for p in plan.events}, {})
    return _tension(plan, plan.tension, block)


def _year_shocks(plan: Plan, p: EventPlan, block: Block) -> list[Floats]:
    """The year shock of every cell, (paths, 1): the record's last one fades into new ones as years go by."""
    draw = block.draw
    shock, year, out = p.last_shock[draw, None], p.last_year, []
    for now in plan.years:
        if now != year:
            kept = p.persistence[draw, None] ** (now - year)
            fresh = NormalTable(plan.seed, block.purpose("year", p.event, now), block.first, len(draw), 1).page(0)
            shock = kept * shock + p.sd_time[draw, None] * np.sqrt(1.0 - kept**2) * fresh
            year = now
        out.append(work(shock))
    return out


def _tension(plan: Plan, tension: TensionAhead, block: Block) -> ShocksAhead:
    """loading * g - loading^2 / 2 in every cell, g going on from its last value as an AR(1) that all event types share.

    Today's part of it is that of g = kept * last, centred as far as it reaches: loading * kept * last - loading^2 *
    kept^2 / 2. Without it, rates are again those of average times.
    """
    draw = block.draw
    # Each period of tension is worked out once, however many cells it has.
    news, period = np.zeros((len(draw), 1)), tension.last_period
    shocks: dict[str, list[Floats]] = {p.event: [] for p in plan.events}
    today: dict[str, list[Floats]] = {p.event: [] for p in plan.events}
    for place, now in enumerate(tension.periods):
        if now != period:
            step = tension.persistence[draw, None] ** float(now - period)
            fresh = NormalTable(plan.seed, block.purpose("tension", now), block.first, len(draw), 1).page(0)
            news = step * news + np.sqrt(1.0 - step**2) * fresh
        if now != period or not place:
            period = now
            kept = tension.kept(now)[draw, None]
            left = kept * tension.last[draw, None]
            for p in plan.events:
                loading = np.zeros((len(draw), 1)) if p.loading is None else p.loading[draw, None]
                shocks[p.event].append(work(loading * (left + news) - 0.5 * loading**2))
                today[p.event].append(work(loading * left - 0.5 * (loading * kept) ** 2))
            continue
        for parts in (shocks, today):
            for own in parts.values():
                own.append(own[-1])
    return ShocksAhead(shocks, today)
