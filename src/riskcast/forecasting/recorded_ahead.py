"""What of simulated events a search like today's would record: all that memories see, and all that can be verified."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from riskcast.forecasting.path_events import PathEvents
from riskcast.forecasting.plan import EventPlan, Plan
from riskcast.forecasting.work_arrays import full, work
from riskcast.machinery.array_types import Floats


class RecordedAhead:
    """Recorded events on a block of paths, cell by cell.

    A cell with rate r holds events at random times, each of which is recorded with chance `recall` independently: it
    holds a recorded one with chance 1 - exp(-recall r), as in the record that was learned from. One uniform u tells
    both: something happened where u < 1 - exp(-r), and some of it is recorded where u < 1 - exp(-recall r). What a
    scenario makes happen is recorded.

    events: by event type, what is recorded in the cell so far, (paths, units) of 0 or 1; where all is found, that is
    `happened` itself. told: what is to be told of them, None where all of every type is found or nothing is asked.
    """

    def __init__(
        self,
        plan: Plan,
        happened: Mapping[str, Floats],
        forced: Mapping[tuple[int, str], list[int]],
        ruled_out: Mapping[tuple[int, str], list[int]],
        *,
        score_only: bool,
        counted: bool,
    ) -> None:
        count = len(next(iter(happened.values())))
        thinned = [p for p in plan.events if p.is_thinned]
        self.events = {**happened, **{p.event: full(count, p.units, 0.0) for p in thinned}}
        self.told = PathEvents(plan, count, forced, counted=counted) if thinned and not score_only else None
        self._shares, self._forced, self._ruled_out = plan.shares, forced, ruled_out
        self._recall = {p.event: work(p.recall[None]) for p in thinned}
        units = {p.units for p in (plan.events if self.told is not None else thinned)}
        self._rate, self._chance = ({size: full(count, size, 0.0) for size in units} for _ in range(2))

    def expect(self, p: EventPlan, rate: Floats, left: float) -> None:
        """Take the rates of an outcome, (paths, dyads), as those of all `left` periods of the horizon."""
        if self.told is not None:
            self.told.scores.expect(p.event, self._of(p, rate), left)

    def draw(self, p: EventPlan, cell: int, rate: Floats, uniform: Floats, chance: Floats) -> tuple[Floats, Floats]:
        """Draw which events of one type in one cell are recorded; (paths, units) each.

        rate: of what happens in a full period; chance: of at least one in the cell, where it happened if uniform is
        less. Returns the chance of a recorded one and the rate of those.
        """
        name = p.event
        if name not in self._recall:
            if self.told is not None:
                np.copyto(self._chance[p.units], chance)
            return chance, rate
        rate = self._of(p, rate)
        chance = np.multiply(rate, -self._shares[cell], out=self._chance[p.units])
        np.negative(np.expm1(chance, out=chance), out=chance)
        for units, sure in ((self._forced, 1.0), (self._ruled_out, 0.0)):
            if (cell, name) in units:
                chance[:, units[cell, name]] = sure
        np.copyto(self.events[name], np.less(uniform, chance))
        return chance, rate

    def tell(self, p: EventPlan, cell: int, rate: Floats) -> None:
        """Take notice of what was drawn of one type in one cell, at the rates that `draw` gave."""
        if self.told is not None:
            self.told.add(p, cell, rate, self._chance[p.units], self.events)

    def step(self) -> None:
        """Let the cell go by."""
        if self.told is not None:
            self.told.scores.step(self.events)

    def _of(self, p: EventPlan, rate: Floats) -> Floats:
        """Rates of what is recorded."""
        recall = self._recall.get(p.event)
        return rate if recall is None else np.multiply(rate, recall, out=self._rate[p.units])
