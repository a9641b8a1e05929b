"""Who forecasts in a backtest: the model, and the references that it is held against."""

from __future__ import annotations

from typing import Final

MODEL: Final = "model"


POOLED_RATE: Final = "pooled_rate"


DYAD_RATE: Final = "dyad_rate"


PERSISTENCE: Final = "persistence"


PRIOR_ONLY: Final = "prior_only"


LEFT_OUT: Final = "left_out"


REFERENCES: Final = (POOLED_RATE, DYAD_RATE, PERSISTENCE, PRIOR_ONLY)


FORECASTERS: Final = {
    MODEL: "riskcast",
    LEFT_OUT: "riskcast without the dyad's own record",
    PRIOR_ONLY: "priors alone",
    POOLED_RATE: "base rate, pooled",
    DYAD_RATE: "base rate, per dyad",
    PERSISTENCE: "persistence (logistic)",
}
