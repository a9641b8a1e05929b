"""How restless the times are: today's tension, what it does to rates, and what the record says of trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskcast.engines.posterior import Posterior
from riskcast.forecasting.drivers_now import NINETY, Quantiles
from riskcast.machinery.array_types import Floats
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import signed

if TYPE_CHECKING:
    import pandas

# Tension of so many years is held against trust: slow indicators of the host compete with it.
LATELY = 2.0


@dataclass(frozen=True)
class TensionToday:
    """Today's tension, and what it does.

    period: the last one of tension, as people write it; level: in standard deviations from average times; persistence:
    share kept from one period to the next; factors: what it multiplies the rate of every event type by; paths: every
    period's level; trust: in the effects of indicators; trust_with_tension: posterior correlation of trust with the
    mean tension of the last two years, None where trust is fixed: far from 0, the record cannot tell drivers that are
    worth little from restless times.
    """

    period: str
    level: Quantiles
    persistence: Quantiles
    factors: Mapping[str, Quantiles]
    paths: Mapping[str, Quantiles]
    trust: Quantiles
    trust_with_tension: float | None
    origin: str = ""
    warning: str = ""

    @property
    def is_felt(self) -> bool:
        """Whether the rate of any event type follows it: not all loadings are 0."""
        return any((one.low, one.high) != (1.0, 1.0) for one in self.factors.values())

    def to_frame(self) -> pandas.DataFrame:
        """One row for each period: columns period, level, low, high (90 %), in standard deviations."""
        import pandas

        rows = [(period, *level) for period, level in self.paths.items()]
        return pandas.DataFrame(rows, columns=["period", "level", "low", "high"])

    def __repr__(self) -> str:
        return f"<TensionToday in {self.period}: {signed(self.level.median, 2)} standard deviations. {self.origin}>"

    def _repr_html_(self) -> str:
        rows = [(event, *factors) for event, factors in self.factors.items()]
        columns = (Column("event type"), *(Column(name, form="figure", digits=2) for name in ("factor", "low", "high")))
        level, low, high = (signed(end, 2) for end in self.level)
        note = f"Tension is at {level} standard deviations ({low} to {high}). {self.origin}"
        return to_html(Table(f"Tension in {self.period}", columns, rows, note=note, warning=self.warning))


def tension_today(posterior: Posterior) -> TensionToday | None:
    """Today's tension with its 90 % interval; None where the case has none.

    The factor on an event type's rate is exp(loading * g - loading^2 / 2), at 1 on average over all times.

    >>> import riskcast
    >>> found = tension_today(riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1))
    >>> found.period, found.level.low < found.level.median < found.level.high
    ('2024Q2', True)
    """
    shared = posterior.shared
    if shared is None or not shared.has_tension:
        return None
    labels = posterior.tension_periods
    factors = {name: _quantiles(np.exp(drawn.shocks[:, -1])) for name, drawn in posterior.events.items()}
    together = None
    if np.ptp(shared.trust) > 0.0:
        lately = _lately(posterior, shared.tension)
        together = float(np.corrcoef(shared.trust, lately)[0, 1])
    return TensionToday(
        period=labels[-1],
        level=_quantiles(shared.tension[:, -1]),
        persistence=_quantiles(shared.persistence),
        factors=factors,
        paths={label: _quantiles(own) for label, own in zip(labels, shared.tension.T, strict=True)},
        trust=_quantiles(shared.trust),
        trust_with_tension=together,
        origin=posterior.origin,
        warning=posterior.warning,
    )


def _lately(posterior: Posterior, tension: Floats) -> Floats:
    """Mean tension of the last years: (draws,)."""
    settings = posterior.case.settings.tension
    assert settings is not None
    per_year = {"year": 1, "quarter": 4, "month": 12}[settings.period]
    return tension[:, -max(1, round(LATELY * per_year)) :].mean(axis=1)


def _quantiles(values: Floats) -> Quantiles:
    return Quantiles(*np.quantile(values, (0.5, *NINETY)).tolist())
