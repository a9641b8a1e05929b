"""What rivals see: for every unit and period, what was known as it began; and whether an event followed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Case
from riskcast.engines.hazard import build_event_model, natural_hyper
from riskcast.machinery.array_types import Bools, Floats, Ints
from riskcast.record.arrays import Record
from riskcast.record.memory import Sight
from riskcast.verification.references import quiet_times

# Steps from an indicator's reference beyond which rivals see no further.
FARTHEST = 1e3


@dataclass(frozen=True)
class RivalRows:
    """What rivals see of one event type.

    columns: their names; x: (periods + 1, units, columns), what was known as a period began, of which the last is the
    first that is forecast; came and whole: (periods, units), whether an event was recorded, and whether the period
    was searched throughout.
    """

    columns: tuple[str, ...]
    x: Floats
    came: Bools
    whole: Bools

    def taught(self, ahead: int) -> tuple[Floats, Floats, Ints]:
        """Rows of past windows of so many periods that were searched throughout, in the order of time: (rows, columns),
        whether an event fell into each (rows,), and the period in which it began (rows,)."""
        periods, units = self.came.shape
        starts = max(periods - ahead + 1, 0)
        happened, whole = np.zeros((starts, units), dtype=bool), np.ones((starts, units), dtype=bool)
        for step in range(ahead if starts else 0):
            happened |= self.came[step : step + starts]
            whole &= self.whole[step : step + starts]
        return self.x[:starts][whole], happened[whole].astype(float), np.nonzero(whole)[0]


def rival_rows(case: Case, record: Record, event: str) -> RivalRows:
    """The columns of an event type that the model sees, and what references read from the record, for every period.

    Indicators that act on the event type, in steps, at the level that was known as the period began; memories of the
    edges on it, at the medians of their half-lives, of what earlier periods held; and in the place of dyad effects and
    year shocks: log periods since the unit's last event, log number of its events, whether it had none, log odds of its
    share of periods with one (drawn towards all units' as by one more period), and those of all units of the last year.
    """
    occurred, whole = record.completed(event)
    periods, units = occurred.shape
    named: dict[str, Floats] = {}
    acting = (*case.effects_on(event), *case.half_life_effects_on(event))
    for source in dict.fromkeys(edge.source for edge in acting if not edge.is_escalation):
        known = levels_known(case, record, source)
        named[source] = np.broadcast_to(np.clip(known, -FARTHEST, FARTHEST), (periods + 1, units))
    model = build_event_model(case, record, event, pooled=False)
    hyper = natural_hyper(model, {})
    by_event = [edge for edge in case.effects_on(event) if edge.is_escalation]
    for edge, escalation in zip(by_event, model.escalations, strict=True):
        sight = _with_one_more(escalation.sight or Sight(escalation.seen), periods)
        half_life = hyper[f"half_life.{escalation.memory}"] if escalation.fades else 1.0
        stretches = [
            (np.asarray(hyper[name]), np.concatenate([levels[:periods], levels[periods - 1 : periods]]))
            for name, levels in escalation.stretches
        ]
        named[edge.id] = escalation.recall.columns_of(sight, half_life, False, stretches)
    named |= _past_columns(occurred > 0.0, whole, round(case.periods_per_year))
    return RivalRows(tuple(named), np.stack(list(named.values()), axis=-1), occurred > 0.0, whole)


def levels_known(case: Case, record: Record, name: str) -> Floats:
    """An indicator's level as each period of the record, and the first after it, began, in steps: (periods + 1, units).

    Of a panel whose covariates are known before, that of the period's own row, else that of the period before; where a
    row is missing, that of the last one. Ahead, what is known today: a panel's freshest row, or the median of today's
    level.
    """
    indicator, periods = case.indicators[name], record.timeline.complete
    levels = record.levels[name][:periods]
    ahead = case.panel is not None and name in record.today
    if ahead:
        levels = _held(case, record, levels)
    else:
        units = case.dyads if indicator.scope == "dyad" else (case.host,)
        today = indicator.steps(np.array([case.now_of(name, unit).center for unit in units]))
    settings = case.settings.panel
    if ahead and settings is not None and settings.covariates == "before":
        return np.concatenate([levels, record.today[name][None]])
    return np.concatenate([levels[:1], levels[:-1], (record.today[name] if ahead else today)[None]])


def _held(case: Case, record: Record, levels: Floats) -> Floats:
    """A panel's levels, (periods, units), where rows that are missing have those of the last one."""
    assert case.panel is not None
    there = np.zeros((len(levels), len(case.panel.dyads)), dtype=bool)
    place = case.panel.period - record.timeline.first
    past = place < len(levels)
    there[place[past], case.panel.unit[past]] = True
    if levels.shape[1] != there.shape[1]:
        there = there.any(axis=1, keepdims=True)
    last = np.maximum.accumulate(np.where(there, np.arange(len(levels))[:, None], 0), axis=0)
    return np.take_along_axis(levels, last, axis=0)


def _with_one_more(sight: Sight, periods: int) -> Sight:
    """What an edge sees, of the periods that have ended and an empty one."""

    def longer(values: Floats | Bools | None) -> Floats | Bools | None:
        return None if values is None else np.concatenate([values[:periods], np.zeros_like(values[:1])])

    parts = (longer(part) for part in (sight.seen, sight.answered, sight.upto, sight.after, sight.blank))
    return Sight(*parts)  # ty: ignore[invalid-argument-type]


def _past_columns(events: Bools, exposed: Bools, per_year: int) -> dict[str, Floats]:
    """What the record itself says as each period begins, and as the first after it does: (periods + 1, units) each."""
    periods, units = events.shape
    past = quiet_times(events, exposed, np.arange(periods + 1))
    happened, searched = (_before(part) for part in (events & exposed, exposed))
    pooled = _share(happened.sum(axis=1), searched.sum(axis=1), 0.5)
    own = (happened + pooled[:, None]) / (searched + 1.0)
    year = np.maximum(np.arange(periods + 1) - per_year, 0)
    lately = _share(*((part - part[year]).sum(axis=1) for part in (happened, searched)), 0.5)
    return {
        "quiet": np.log1p(np.maximum(past[..., 0], 0)),
        "number": np.log1p(past[..., 1]),
        "never": past[..., 2].astype(float),
        "share": _log_odds(own),
        "lately": np.broadcast_to(_log_odds(lately)[:, None], (periods + 1, units)),
    }


def _before(flags: Bools) -> Floats:
    """How many there were before each period, and before the first after them: (periods + 1, units)."""
    out = np.zeros((len(flags) + 1, flags.shape[1]))
    np.cumsum(flags, axis=0, out=out[1:])
    return out


def _share(count: Floats, total: Floats, half: float) -> Floats:
    return (count + half) / (total + 2.0 * half)


def _log_odds(chance: Floats) -> Floats:
    return np.log(chance) - np.log1p(-chance)
