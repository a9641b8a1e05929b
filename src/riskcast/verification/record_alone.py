"""What the record alone says of the time ahead: rates of the past, event type by event type."""

from __future__ import annotations

from dataclasses import dataclass

from riskcast.errors import UnknownNameError
from riskcast.forecasting.forecasts import Forecast
from riskcast.verification.references import dyad_rate, pooled_rate


@dataclass(frozen=True)
class PastRate:
    """What the record alone says of an event type in one unit.

    recorded: periods at risk that hold an event; own: probability of at least one event within the horizon from the
    unit's own past (`dyad_rate`); pooled: the same from the past of all units (`pooled_rate`).
    """

    event: str
    unit: str
    recorded: int
    own: float
    pooled: float


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
        occurred, whole = record.completed(event)
        found.append(
            PastRate(
                event=event,
                unit=unit,
                recorded=int(record.counted[event][:, column].sum()),
                own=float(dyad_rate(occurred, whole, forecast.horizon)[column]),
                pooled=float(pooled_rate(occurred, whole, forecast.horizon)[column]),
            )
        )
    return tuple(found)
