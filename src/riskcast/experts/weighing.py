"""How experts of a panel are weighed: alike, as given, or by what they have earned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskcast.errors import OptionError
from riskcast.experts.panels import WEIGHTINGS, ExpertPanel, Weighting
from riskcast.numbers import counted

if TYPE_CHECKING:
    from riskcast.verification.track_rows import TrackRecord


@dataclass(frozen=True)
class Weighed:
    """How experts are weighed: shares, in their order, 1 in all; told: what a reader should know of them."""

    way: Weighting
    shares: tuple[float, ...]
    told: tuple[str, ...] = ()


def weighting_of(panel: ExpertPanel, weights: str | None = None) -> Weighting:
    """How experts are to weigh: as asked for, else as the panel says, else as given where all are, else alike.

    Raises OptionError for no such way.
    """
    if weights is None:
        given = all(expert.weight is not None for expert in panel.experts)
        return panel.weights or ("given" if given else "equal")
    found = next((way for way in WEIGHTINGS if way == weights), None)
    if found is None:
        raise OptionError(f"weights are {weights!r}; give one of {', '.join(WEIGHTINGS)}")
    return found


def weigh_panel(
    panel: ExpertPanel,
    weights: str | None = None,
    *,
    cutoff: float | None = None,
    track: TrackRecord | None = None,
    day: dt.date | None = None,
    earned: Sequence[float] | None = None,
) -> Weighed:
    """How much each expert of a panel weighs.

    weights: as for `weighting_of`; cutoff: for seed questions, as `classical_model` has it; track: what answered
    questions of a ledger say, for weights by ledger, with answers told by `day`; earned: of each expert, in place of
    both. Raises OptionError where weights lack, are no weights or are all 0, and for what would not be used.

    >>> from riskcast import load_panel
    >>> panel = load_panel("docs/panel_2024/panel.yaml")
    >>> weigh_panel(panel, "equal").shares == (1 / 3, 1 / 3, 1 / 3), sum(weigh_panel(panel, "seeds").shares)
    (True, 1.0)
    """
    way = weighting_of(panel, weights)
    if earned is not None and way not in ("seeds", "ledger"):
        wrong = f"earned weights are given, and experts weigh as {way}"
        raise OptionError(f"{wrong}; ask for seeds or ledger, or leave them")
    if cutoff is not None and way != "seeds":
        raise OptionError("the cutoff is of weights by seed questions; weigh by seeds, or leave it out")
    own, told = _weights(panel, way, cutoff, track, day) if earned is None else (earned, ())
    if len(own) != len(panel.experts) or not all(0.0 <= weight < float("inf") for weight in own):
        wrong = f"earned weights are {list(own)}"
        raise OptionError(f"{wrong}; give a number of at least 0 for each of {len(panel.experts)} experts")
    total = float(sum(own))
    if not total > 0.0:
        wrong = "all weights are 0" if way == "given" else f"no expert has earned a weight by {way}"
        raise OptionError(f"{wrong}; take equal weights, or give others")
    return Weighed(way, tuple(float(weight) / total for weight in own), told)


def _weights(
    panel: ExpertPanel, way: Weighting, cutoff: float | None, track: TrackRecord | None, day: dt.date | None
) -> tuple[Sequence[float], tuple[str, ...]]:
    if way == "given":
        lacking = [expert.name for expert in panel.experts if expert.weight is None]
        if lacking:
            mend = "add `weight:` to each in panel.yaml, or take equal weights"
            raise OptionError(f"weights are to be those given, and {', '.join(lacking)} has none; {mend}")
        return [float(expert.weight or 0.0) for expert in panel.experts], ()
    if way == "seeds":
        from riskcast.experts.seed_scores import classical_model, seeds_of
        from riskcast.experts.seed_table import read_seeds

        if panel.seeds is None:
            raise OptionError("the panel names no seed questions; write `seeds: FILE` in it, or take other weights")
        found = classical_model(seeds_of(read_seeds(panel.seeds), panel.names), cutoff)
        return found.weights, found.told
    if way == "ledger":
        from riskcast.verification.pooling import earned_among

        if track is None:
            raise OptionError("weights by ledger rest on answered questions; give the track record of a ledger")
        among = earned_among(track, panel.names, day)
        rest = f"weights rest on {counted(among.questions, 'answered question')} that all experts forecast in time"
        return among.weights, (f"{rest}, and on {among.even:g} questions' worth of equal weights",)
    return [1.0] * len(panel.experts), ()
