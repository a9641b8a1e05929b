"""What every expert of a panel is taken to believe, and what stands where one of them gave no number."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from riskcast.case.model import Case
from riskcast.case.overlays import overlay_text
from riskcast.case.quantities import Evidence, Quantity, quantity_text
from riskcast.experts.panels import Blanks, Expert, ExpertPanel, published_quantities
from riskcast.experts.pools import pool_quantities

PUBLISHED: Final = "published"
MOST_SHOWN: Final = 8


@dataclass(frozen=True)
class Blank:
    """A quantity for which an expert gave no number, and what is used in its place: the published number, or what the
    others pool to."""

    expert: str
    id: str
    used: Quantity
    of: Blanks


@dataclass(frozen=True)
class Belief:
    """What an expert is taken to believe: by id, of every quantity that the panel speaks of; blanks: of which of them
    the expert said nothing; `stated` is what the expert's case sets."""

    expert: Expert
    quantities: Mapping[str, Quantity]
    blanks: tuple[Blank, ...]

    @property
    def stated(self) -> dict[str, Quantity]:
        """By id, all but what stays as published."""
        kept = {one.id for one in self.blanks if one.of == PUBLISHED}
        return {key: quantity for key, quantity in self.quantities.items() if key not in kept}

    def overlay_text(self, case: Case) -> str:
        """The overlay with what is used in the place of blanks, as text."""
        overlay = self.expert.overlay
        head = "".join(
            f"{name}: {json.dumps(str(getattr(overlay, name)), ensure_ascii=False)}\n"
            for name in ("who", "when", "why")
        )
        left = [one.id for one in self.blanks if one.of == PUBLISHED]
        return head + overlay_text(self.stated, overlay.label, case, left)


def beliefs_of(case: Case, panel: ExpertPanel, weights: Sequence[float], blanks: Blanks) -> tuple[Belief, ...]:
    """By expert: what is taken to be believed of every quantity that the panel speaks of, and what was left blank.

    Where nobody gave a number it is the published one. Raises CaseError for beliefs that do not fit the case.
    """
    known = published_quantities(case, panel)
    others: dict[str, Quantity] = {}
    for key in panel.stated if blanks == "others" else ():
        said = [
            (expert.overlay.changes[key], weight)
            for expert, weight in zip(panel.experts, weights, strict=True)
            if key in expert.overlay.changes
        ]
        # Where nobody who speaks has a weight, all who speak count the same.
        own = [weight for _, weight in said] if any(weight > 0.0 for _, weight in said) else [1.0] * len(said)
        pooled = pool_quantities(case, {key: [quantity for quantity, _ in said]}, own)[key]
        claim = f"left blank; the others pool to it: {quantity_text(pooled)}"
        evidence = Evidence(basis="judgement", claim=claim)
        others[key] = pooled.model_copy(update={"evidence": evidence})
    found = []
    for expert in panel.experts:
        blank = tuple(
            Blank(expert.name, key, others.get(key, known[key]), "others" if key in others else PUBLISHED)
            for key in panel.blank(expert)
        )
        used = {one.id: one.used for one in blank}
        quantities = {key: expert.overlay.changes.get(key) or used[key] for key in panel.spoken_of}
        found.append(Belief(expert, quantities, blank))
    return tuple(found)


def told_blanks(beliefs: Sequence[Belief], chosen: bool) -> tuple[str, ...]:
    """What was left blank, by expert, and what stands in its place, in sentences."""
    how = "as chosen" if chosen else "as nobody has chosen"
    found = []
    for belief in beliefs:
        for way, told in ((PUBLISHED, "as published"), ("others", "at what the others pool to")):
            left = [one.id for one in belief.blanks if one.of == way]
            if left:
                more = f" and {len(left) - MOST_SHOWN} more" if len(left) > MOST_SHOWN else ""
                stand = "stands" if len(left) == 1 else "stand"
                found.append(
                    f"left blank by {belief.expert.name}, {stand} {told}, {how}: {', '.join(left[:MOST_SHOWN])}{more}"
                )
    return tuple(found)
