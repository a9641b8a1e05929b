"""The names of dimensions and variables that results carry, in one place."""

from __future__ import annotations

from typing import Final

DRAW: Final = "draw"
EVENT: Final = "event"
DYAD: Final = "dyad"
COEFFICIENT: Final = "coefficient"

BASELINE: Final = "baseline"
BASE_RATE: Final = "base_rate"
RECENT: Final = "recent"
ALL_DYADS: Final = "ALL"
CONTEXT: Final = "context"
OTHER_ACTOR: Final = "other"
SYSTEM: Final = "SYSTEM"
PERIOD: Final = "period"

PERIODS_PER_YEAR: Final = {"month": 12, "quarter": 4, "year": 1}

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
