"""Who forecasts in a backtest: the model, and the references that it is held against.

A further reference that needs the record alone is one function like those in `references`, and one line in `OF_RECORD`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from riskcast.machinery.array_types import Bools, Floats
from riskcast.machinery.registry import Entry, Registry

MODEL: Final = "model"
LEFT_OUT: Final = "left_out"
PRIOR_ONLY: Final = "prior_only"
POOLED_RATE: Final = "pooled_rate"
DYAD_RATE: Final = "dyad_rate"
PERSISTENCE: Final = "persistence"
LAST_TWO_YEARS: Final = "last_two_years"
CELL_BY_CELL: Final = "cell_by_cell"
POOLED_MEAN: Final = "pooled_mean"
DYAD_MEAN: Final = "dyad_mean"

# occurred, at_risk (both (periods, units)), horizon in periods -> (units,) probabilities of at least one event.
Reference = Callable[[Floats, Bools, int], Floats]

_HOME: Final = "riskcast.verification.references"
OF_RECORD = Registry[Reference](
    "reference forecaster",
    {
        POOLED_RATE: Entry("base rate, pooled", f"{_HOME}:pooled_rate"),
        DYAD_RATE: Entry("base rate, per dyad", f"{_HOME}:dyad_rate"),
        PERSISTENCE: Entry("persistence (logistic)", f"{_HOME}:persistence_rate"),
        LAST_TWO_YEARS: Entry("rate of the last two years", f"{_HOME}:recent_rate"),
    },
)
OF_MODEL: Final = {
    MODEL: "riskcast",
    LEFT_OUT: "riskcast without the dyad's own record",
    PRIOR_ONLY: "priors alone",
}
# Who says how probable all that came after an origin was, as if outcomes were independent.
OF_VECTORS: Final = {CELL_BY_CELL: "riskcast, outcome by outcome"}
# What scores of the past were: references of scores, which have no probability.
OF_SCORES: Final = {POOLED_MEAN: "mean of past scores, pooled", DYAD_MEAN: "mean of past scores, per dyad"}


def forecaster_names() -> tuple[str, ...]:
    """Everybody who can forecast in a backtest, in the order in which tables list them."""
    return (*OF_MODEL, *OF_RECORD)


def reference_names() -> tuple[str, ...]:
    """Those that the model is held against."""
    return (*OF_RECORD, PRIOR_ONLY)


def score_forecasters() -> tuple[str, ...]:
    """Everybody who forecasts scores in a backtest, in the order in which tables list them."""
    return (*OF_MODEL, *OF_SCORES)


def vector_forecasters() -> tuple[str, ...]:
    """Everybody who has a probability of all that came after an origin: the model jointly, itself outcome by outcome,
    as if they were independent, and so the others."""
    return (MODEL, *OF_VECTORS, *forecaster_names()[1:])


def forecaster_label(name: str) -> str:
    """A forecaster in words; a rival that a caller brought goes by its own name.

    >>> forecaster_label("dyad_rate"), forecaster_label("boosting")
    ('base rate, per dyad', 'boosting')
    """
    known = OF_MODEL | OF_SCORES | OF_VECTORS
    return known.get(name) or (OF_RECORD.about(name) if name in OF_RECORD else name)


def crps_column(forecaster: str, disputed: bool = True) -> str:
    """The column of a table of scores that holds a forecaster's continuous ranked probability scores; `disputed`:
    whether against what came with disputed events, or had none of them happened.

    >>> crps_column(MODEL), crps_column(MODEL, disputed=False)
    ('crps_model', 'crps_model_undisputed')
    """
    return f"crps_{forecaster}{'' if disputed else '_undisputed'}"
