"""Who forecasts in a backtest: the model, and the references that it is held against.

A further reference that needs the record alone is one function like those in `references`, and one line in `OF_RECORD`;
a further rival is one class like those in `rivals`, and one line in `RIVALS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from riskcast.machinery.array_types import Bools, Floats
from riskcast.machinery.registry import Entry, Registry

if TYPE_CHECKING:
    from riskcast.verification.rivals import Rival

MODEL: Final = "model"
LEFT_OUT: Final = "left_out"
PRIOR_ONLY: Final = "prior_only"
POOLED_RATE: Final = "pooled_rate"
DYAD_RATE: Final = "dyad_rate"
PERSISTENCE: Final = "persistence"
LAST_TWO_YEARS: Final = "last_two_years"
CELL_BY_CELL: Final = "cell_by_cell"
POOL: Final = "pool"
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
_LEARNERS: Final = "riskcast.verification.rivals"
# Who learns from the same memories and covariates as the model, and is asked for by name.
RIVALS: Registry[Rival] = Registry(
    "rival",
    {
        "logit": Entry("logistic regression", f"{_LEARNERS}:LOGIT"),
        "boosting": Entry("boosted trees", f"{_LEARNERS}:BOOSTING"),
        "forest": Entry("random forest", f"{_LEARNERS}:FOREST"),
    },
)
OF_MODEL: Final = {
    MODEL: "riskcast",
    LEFT_OUT: "riskcast without the dyad's own record",
    PRIOR_ONLY: "priors alone",
}
# Who says how probable all that came after an origin was, as if outcomes were independent.
OF_VECTORS: Final = {CELL_BY_CELL: "riskcast, outcome by outcome"}
# riskcast and rivals together: no reference, as riskcast is part of it.
OF_POOL: Final = {POOL: "pool with rivals"}
# What scores of the past were: references of scores, which have no probability.
OF_SCORES: Final = {POOLED_MEAN: "mean of past scores, pooled", DYAD_MEAN: "mean of past scores, per dyad"}


def forecaster_names() -> tuple[str, ...]:
    """Everybody who can forecast in a backtest, in the order in which tables list them."""
    return (*OF_MODEL, *OF_RECORD)


def reference_names() -> tuple[str, ...]:
    """Those that the model is held against."""
    return (*OF_RECORD, PRIOR_ONLY)


def rival_names() -> tuple[str, ...]:
    """Those that are forecast with where they are asked for, in the order in which tables list them."""
    return (*RIVALS, POOL)


def score_forecasters() -> tuple[str, ...]:
    """Everybody who forecasts scores in a backtest, in the order in which tables list them."""
    return (*OF_MODEL, *OF_SCORES)


def vector_forecasters() -> tuple[str, ...]:
    """Everybody who has a probability of all that came after an origin: the model jointly, itself outcome by outcome,
    as if they were independent, and so the others."""
    return (MODEL, *OF_VECTORS, *forecaster_names()[1:], *RIVALS)


def forecaster_label(name: str) -> str:
    """A forecaster in words; one that a caller brought goes by its own name.

    >>> forecaster_label("dyad_rate"), forecaster_label("boosting"), forecaster_label("oracle")
    ('base rate, per dyad', 'boosted trees', 'oracle')
    """
    known = OF_MODEL | OF_SCORES | OF_VECTORS | OF_POOL
    listed = next((registry.about(name) for registry in (OF_RECORD, RIVALS) if name in registry), name)
    return known.get(name, listed)


def crps_column(forecaster: str, disputed: bool = True) -> str:
    """The column of a table of scores that holds a forecaster's continuous ranked probability scores; `disputed`:
    whether against what came with disputed events, or had none of them happened.

    >>> crps_column(MODEL), crps_column(MODEL, disputed=False)
    ('crps_model', 'crps_model_undisputed')
    """
    return f"crps_{forecaster}{'' if disputed else '_undisputed'}"
