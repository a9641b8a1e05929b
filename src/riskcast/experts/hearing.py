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
from riskcast.engines.posterior import widening
from riskcast.errors import UnknownNameError
from riskcast.experts.beliefs import PUBLISHED, Blank
from riskcast.experts.disagreement import BeliefParts, Disagreement, disagreement_of
from riskcast.experts.panels import Blanks, Expert, ExpertPanel, Weighting
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.requests import Request
from riskcast.machinery.array_types import Floats
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import counted, number

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

    is_chosen: whether anybody has chosen what stands where one is blank; center: the case that experts are held
    against, called `against`; beliefs: what each belief adds to each expert's
    numbers, from those of the center; exact: whether all coalitions of beliefs were forecast, rather than sampled
    orders; is_split: whether numbers were split over beliefs at all; forecasts: how many were made; told: what a reader
    should know; failures: checks that a posterior failed.
    """

    panel: ExpertPanel
    published: Case
    request: Request
    weighting: Weighting
    blanks: Blanks
    is_chosen: bool
    against: str
    center: Case
    center_values: Floats
    voices: tuple[Voice, ...]
    beliefs: tuple[BeliefParts, ...]
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

    @cached_property
    def wider(self) -> float:
        """By how much errors are wider as draws were weighed: that of the expert whose draws count for least."""
        drawn = [voice.forecast.posterior for voice in self.voices]
        return max(widening(one.draws, max(one.diagnostics.ess_min, 1.0)) for one in drawn)

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
            self.values[:, :, place],
            self.weights,
            self.beliefs,
            place,
            self.names,
            self.center_values[0, place],
            self.wider,
        )

    def to_frame(self) -> pandas.DataFrame:
        """One row for each dyad, belief and expert: columns dyad, belief, label, expert, points, of_disagreement, noise
        (whether chance alone may tell experts apart there), and blank: which of the belief's quantities the expert left
        blank."""
        import pandas

        left = {voice.name: {blank.id for blank in voice.blanks} for voice in self.voices}
        rows = []
        for dyad in self.dyads:
            found = self.disagreement(dyad)
            for cause in found.causes:
                for name, points in zip(self.names, cause.by_expert, strict=True):
                    blank = ", ".join(key for key in cause.ids if key in left[name])
                    rows.append((dyad, cause.id, cause.label, name, points, cause.points, found.is_noise, blank))
        columns = ["dyad", "belief", "label", "expert", "points", "of_disagreement", "noise", "blank"]
        return pandas.DataFrame(rows, columns=columns)

    @property
    def told_blanks(self) -> str:
        """How many quantities were left blank, and what stands in their place, in a sentence; empty where none was."""
        count = sum(len(voice.blanks) for voice in self.voices)
        if not count:
            return ""
        used = "the published value" if self.blanks == PUBLISHED else "what the others pool to"
        how = "as chosen" if self.is_chosen else "as nobody has chosen"
        return f"{counted(count, 'number')} left blank: {used} stands there, {how}."

    def __repr__(self) -> str:
        return f"<Hearing of {len(self.voices)} experts. {self._origin}>"

    @property
    def _origin(self) -> str:
        told = " ".join(part for part in (self.told_blanks, *self.told) if part)
        return f"{told}{' ' if told else ''}{self.voices[0].forecast.posterior.origin}"

    def _repr_html_(self) -> str:
        rows = []
        for dyad in self.dyads:
            found = self.disagreement(dyad)
            spread = "noise" if found.is_noise else number(found.spread, 1)
            cause = found.causes[0].label if found.causes and not found.is_noise else ""
            rows.append((dyad, *(number(value, 1) for value in found.values), spread, number(found.error, 1), cause))
        figures = [*self.names, "SD", "± MC"]
        columns = (
            Column("dyad"),
            *(Column(name, form="figure") for name in figures),
            Column("the belief that does most of it"),
        )
        failed = "; ".join(self.failures)
        warning = f"A posterior failed its checks: {failed}." if failed else ""
        return to_html(Table("What experts say", columns, rows, note=self._origin, warning=warning))
