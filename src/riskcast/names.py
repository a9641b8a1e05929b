"""The names of dimensions, variables, files and settings of the environment that several rooms know, in one place."""

from __future__ import annotations

from typing import Final

DRAW: Final = "draw"
EVENT: Final = "event"
DYAD: Final = "dyad"
COEFFICIENT: Final = "coefficient"

BASELINE: Final = "baseline"
BASE_RATE: Final = "base_rate"
RECENT: Final = "recent"
RAISED: Final = "raised"
# The driver that today's tension is; no indicator's id.
TENSION_TODAY: Final = "tension:today"
ALL_DYADS: Final = "ALL"
CONTEXT: Final = "context"
OTHER_ACTOR: Final = "other"
# The file of a folder by which it is known to hold a run, and the hosts, parted by commas, that links may lead to.
MANIFEST: Final = "manifest.json"
LINKS: Final = "RISKCAST_LINKS"
# The environment variable by which the app is told which case folder it may edit.
OWN_CASE: Final = "RISKCAST_APP_CASE"
SYSTEM: Final = "SYSTEM"
PERIOD: Final = "period"
STATE: Final = "state"
TENSION_PERIOD: Final = "tension_period"

PERIODS_PER_YEAR: Final = {"month": 12, "quarter": 4, "year": 1}
# The status of an event of which sources disagree whether it happened.
DISPUTED: Final = "disputed"
