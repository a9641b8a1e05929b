"""What must be said with numbers: what was left out, and what the way in which they were found assumes."""

from __future__ import annotations

from typing import Final

PRIOR_ONLY: Final = "From the priors alone: the record was left out."
UNREADY: Final = "The posterior failed its checks; do not rely on these numbers."
LISTED: Final = "The record of this case is a panel of dyads and periods, which are not listed one by one."
RELEARNED: Final = "The record was learned from anew under the changed beliefs; both forecasts meet the same chance."
CONDITIONED: Final = "To condition is not to intervene: what makes the condition likely is learned with it."
RETOLD: Final = (
    "An event is kept with the ratio of its chances (a monotone coupling), tension and levels as inferred from the "
    "whole record; effects are as causal as the case says. It is no statement of blame and no forecast."
)
EXACTLY: Final = (
    "What knowing a belief exactly would do, if the model is right: any study gives less. Parts do not add up."
)
HELD: Final = (
    "One quantity at a time is held; what they do together is no sum of these. A large swing is no likely one."
)
IN_THE_MODEL: Final = (
    "A status says whether the model says what the source says, not whether it is so; claims are in our own words."
)
