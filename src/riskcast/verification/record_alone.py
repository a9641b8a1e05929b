"""What the record alone says of the time ahead: rates of the past, event type by event type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from riskcast.errors import UnknownNameError
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import Record
from riskcast.verification.forecasters import DYAD_RATE, LAST_TWO_YEARS, OF_RECORD, POOLED_RATE

# References that look at the last years of a record alone, and at how many.
LATELY: Final = {LAST_TWO_YEARS: 2}


@dataclass(frozen=True)
class PastRate:
    """What the record alone says of an event type in one unit.

    recorded: periods at risk that hold an event; own: probability that at least one event is recorded within the
    horizon, from the unit's own past (`dyad_rate`); pooled: the same from the past of all units (`pooled_rate`).
    """

    event: str
    unit: str
    recorded: int
    own: float
    pooled: float


def chance_by_reference(name: str, record: Record, event: str, horizon: int) -> Floats:
    """What a reference of `OF_RECORD` says of an event type: (units,) probabilities that at least one is recorded.

    With p of past windows and c = recall ahead / mean past recall, 1 - (1 - p)^c: the rate of what is recorded, times
    c. The mean is over the whole periods of a unit's record, or of all units' for pooled rates and where a unit has
    none. So a search that finds more than it did is expected to record more of the same. One that looks at the last
    years alone (`LATELY`) looks at all of a record that does not cover them.
    """
    occurred, whole = record.completed(event)
    first = max(0, len(whole) - round(LATELY.get(name, len(whole)) * record.timeline.calendar.periods_per_year))
    first = first if whole[first:].any() else 0
    past = OF_RECORD.get(name)(occurred[first:], whole[first:], horizon)
    return at_recall_ahead(past, record, event, first, pooled=name == POOLED_RATE or name in LATELY)


def at_recall_ahead(past: Floats, record: Record, event: str, first: int = 0, *, pooled: bool = False) -> Floats:
    """Chances that were learned from a record from its period `first` on, (units,), at the recall ahead of it:
    1 - (1 - p)^c, c as in `chance_by_reference`, over the mean of all units' periods where `pooled`."""
    if not record.is_thinned(event):
        return past
    change = _recall_change(record, event, first, pooled=pooled)
    with np.errstate(divide="ignore"):
        return -np.expm1(change * np.log1p(-past))


def _recall_change(record: Record, event: str, first: int, *, pooled: bool) -> Floats:
    """The recall ahead over the mean recall from a period on, (units,); 1 where there was no whole period."""
    _, whole = record.completed(event)
    found = np.where(whole, record.exposure[event][: len(whole)], 0.0)[first:]
    whole = whole[first:]
    number, total = whole.sum(axis=0), found.sum(axis=0)
    if not number.any():
        return np.ones(len(number))
    of_all = total.sum() / number.sum()
    own = np.divide(total, number, out=np.full(len(number), of_all), where=number > 0)
    return record.recall[event] / (of_all if pooled else own)


def past_rates(forecast: Forecast, dyad: str) -> tuple[PastRate, ...]:
    """What the record alone says of every event type in a dyad, or in its host, over a horizon as long as a forecast's.

    Raises UnknownNameError for a dyad that the case does not have.

    >>> import riskcast
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> rates = past_rates(riskcast.forecast(posterior), "RUS-TJK")
    >>> next(rate.recorded for rate in rates if rate.event == "mass_expulsion") > 0
    True
    """
    case, record, found = forecast.case, forecast.posterior.record, []
    if dyad not in case.dyads:
        raise UnknownNameError("dyad", dyad, case.dyads)
    for event, kind in case.events.items():
        unit = dyad if kind.scope == "dyad" else case.host
        column = case.units(event).index(unit)
        found.append(
            PastRate(
                event=event,
                unit=unit,
                recorded=int(record.counted[event][:, column].sum()),
                own=float(chance_by_reference(DYAD_RATE, record, event, forecast.horizon)[column]),
                pooled=float(chance_by_reference(POOLED_RATE, record, event, forecast.horizon)[column]),
            )
        )
    return tuple(found)
