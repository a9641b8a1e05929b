"""What the experts of a panel forecast, each alone and together, as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from riskcast.case.model import Case
from riskcast.case.quantities import Quantity
from riskcast.comparison.in_between import Numbers
from riskcast.errors import UnknownNameError
from riskcast.experts.disagreement import Belief, Disagreement, disagreement_of
from riskcast.experts.panels import Blank, Blanks, Expert, Panel, Weighting
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.requests import Request
from riskcast.machinery.array_types import Floats

if TYPE_CHECKING:
    import pandas

SCORE: Final = "score"


@dataclass(frozen=True)
class Voice:
    """What one expert forecasts.

    case: the published one with the expert's beliefs; beliefs: by id, what is taken to be believed of every quantity
    that the panel speaks of; blanks: which of them only others gave; values: the numbers that are compared, in points
    of a hundred, and below them their means over batches of draws: (1 + batches, numbers).
    """

    expert: Expert
    weight: float
    case: Case
    forecast: Forecast
    beliefs: Mapping[str, Quantity]
    blanks: tuple[Blank, ...]
    values: Floats

    @property
    def name(self) -> str:
        """Who it is."""
        return self.expert.name


@dataclass(frozen=True)
class Hearing:
    """What a panel's experts forecast under the same chance, and what their beliefs do.

    center: the case that experts are held against, called `against`; beliefs: what each belief adds to each expert's
    numbers, from those of the center; exact: whether all coalitions of beliefs were forecast, rather than sampled
    orders; is_split: whether numbers were split over beliefs at all; forecasts: how many were made; told: what a reader
    should know; failures: checks that a posterior failed.
    """

    panel: Panel
    published: Case
    request: Request
    weighting: Weighting
    blanks: Blanks
    against: str
    center: Case
    center_values: Floats
    voices: tuple[Voice, ...]
    beliefs: tuple[Belief, ...]
    numbers: Numbers
    exact: bool
    is_split: bool
    forecasts: int
    told: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def weights(self) -> Floats:
        """How much each expert weighs: (experts,), 1 in all."""
        return np.array([voice.weight for voice in self.voices])

    @property
    def names(self) -> tuple[str, ...]:
        """Who they are."""
        return self.panel.names

    @property
    def dyads(self) -> tuple[str, ...]:
        """The dyads that are forecast."""
        return self.numbers.dyads

    @cached_property
    def values(self) -> Floats:
        """Every expert's numbers: (experts, 1 + batches, numbers)."""
        return np.array([voice.values for voice in self.voices])

    def units(self, of: str = SCORE) -> tuple[str, ...]:
        """Whose scores, or probabilities of an outcome, are forecast: dyads, or the host of one that they share."""
        return self.dyads if of == SCORE else tuple(unit for event, unit in self.numbers.outcomes if event == of)

    def places(self) -> tuple[tuple[str, str], ...]:
        """Unit and what of it, of all numbers in their order."""
        return (*((dyad, SCORE) for dyad in self.dyads), *((unit, event) for event, unit in self.numbers.outcomes))

    def place(self, dyad: str, of: str = SCORE) -> int:
        """Where a dyad's score, or the probability of an outcome, stands among the numbers; of an outcome that dyads
        share, the host's. Raises UnknownNameError."""
        if dyad not in self.dyads and not (of != SCORE and dyad == self.published.host and dyad in self.units(of)):
            raise UnknownNameError("dyad", dyad, self.dyads)
        if of == SCORE:
            return self.dyads.index(dyad)
        found = [
            place
            for place, (event, unit) in enumerate(self.numbers.outcomes, start=len(self.dyads))
            if event == of and unit in (dyad, self.published.host)
        ]
        if not found:
            raise UnknownNameError("outcome", of, (SCORE, *dict.fromkeys(event for event, _ in self.numbers.outcomes)))
        return found[0]

    def estimates(self, dyad: str, of: str = SCORE) -> tuple[Estimate, ...]:
        """What each expert alone says of a number, in points of a hundred, with its 90 % interval; raises
        UnknownNameError."""
        place = self.place(dyad, of)
        if of == SCORE:
            return tuple(voice.forecast.score(dyad) for voice in self.voices)
        unit = self.numbers.outcomes[place - len(self.dyads)][1]
        return tuple(voice.forecast.probability(of, unit).times(100.0) for voice in self.voices)

    def disagreement(self, dyad: str, of: str = SCORE) -> Disagreement:
        """How far experts are apart about a dyad's score, or the probability of an outcome, and which beliefs that is
        due to; raises UnknownNameError."""
        place = self.place(dyad, of)
        return disagreement_of(
            self.values[:, :, place], self.weights, self.beliefs, place, self.names, self.center_values[0, place]
        )

    def to_frame(self) -> pandas.DataFrame:
        """One row for each dyad, belief and expert: columns dyad, belief, label, expert, points, of_disagreement."""
        import pandas

        rows = [
            (dyad, cause.id, cause.label, name, points, cause.points)
            for dyad in self.dyads
            for cause in self.disagreement(dyad).causes
            for name, points in zip(self.names, cause.by_expert, strict=True)
        ]
        return pandas.DataFrame(rows, columns=["dyad", "belief", "label", "expert", "points", "of_disagreement"])
