"""Forecast -> risk scores: bands, estimative words, and the table that people decide on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING

from riskcast.case.settings import Band
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.phases import ONSET, Phase
from riskcast.forecasting.standings import Standing, find_standings
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import MOST_NAMED, more, percent

if TYPE_CHECKING:
    import pandas

SCORE_IN_WORDS = "what a dyad's own outcomes within the horizon add up to on average"

MOST_DIGITS = 3
ASSUMED, ASSUMED_NOT = "assumed", "assumed not"
WORDS = (
    (0.05, "remote"),
    (0.20, "very unlikely"),
    (0.45, "unlikely"),
    (0.55, "roughly even chance"),
    (0.80, "likely"),
    (0.95, "very likely"),
    (float("inf"), "almost certain"),
)


def estimative_words(probability: float) -> str:
    """The term for a probability on the scale of US Intelligence Community Directive 203 (2015).

    >>> [estimative_words(p) for p in (0.01, 0.3, 0.5, 0.7, 0.99)]
    ['remote', 'unlikely', 'roughly even chance', 'likely', 'almost certain']
    """
    return next(word for limit, word in WORDS if probability < limit)


def words_of(probability: float, is_assumed: bool) -> str:
    """The estimative term for a probability; `assumed` or `assumed not` where the scenario says so, as that is no
    estimate.

    >>> words_of(0.3, False), words_of(1.0, True), words_of(0.0, True)
    ('unlikely', 'assumed', 'assumed not')
    """
    if not is_assumed:
        return estimative_words(probability)
    return ASSUMED if probability > 0.0 else ASSUMED_NOT


def band_of(score: float, bands: Sequence[Band]) -> str:
    """Name of the band that a score falls into."""
    return [band.name for band in bands if band.start <= score][-1]


def score_text(score: float, bands: Sequence[Band]) -> str:
    """A score in whole points, with as many digits after the point as keep it in its band.

    >>> bands = [Band(name="low", start=0), Band(name="high", start=45)]
    >>> score_text(44.4, bands), score_text(44.6, bands), score_text(45.2, bands)
    ('44', '44.6', '45')
    """
    texts = (f"{score:.{digits}f}" for digits in range(MOST_DIGITS + 1))
    return next((text for text in texts if band_of(float(text), bands) == band_of(score, bands)), str(score))


@dataclass(frozen=True)
class OutcomeRisk:
    """An outcome's probability of at least one event within the horizon, in numbers and words, and by period.

    words: as `words_of` gives them; assumed: whether the scenario says that it happens, or that it does not, so that
    the probability is 1 or 0 and no forecast; severity: points that it takes of 100; phase: whether one would be an
    onset or a continuation (`phases`); applies_to: of a shared outcome, the dyads that it can touch.
    """

    id: str
    label: str
    probability: Estimate
    words: str
    by_period: tuple[float, ...]
    assumed: bool = False
    recorded: Estimate | None = None
    severity: float = 0.0
    phase: Phase = ONSET

    @property
    def burden(self) -> float:
        """Severity times probability, in points."""
        return self.severity * self.probability.mean

    @property
    def verifiable(self) -> Estimate:
        """Probability that at least one event is recorded, which is what can be verified."""
        return self.recorded or self.probability

    applies_to: tuple[str, ...] = ()

    @property
    def is_ruled_out(self) -> bool:
        """Whether the scenario says that it does not happen."""
        return self.assumed and not self.probability.mean


@dataclass(frozen=True)
class DyadRisk:
    """A dyad's score, its band and its own outcomes; grave: the chance of at least one grave outcome, where the case
    says from which severity an outcome is grave; grave_is_assumed: whether the scenario says that one happens, or that
    none does, so that this chance is 1 or 0; exceedance: by severity of the case's own outcomes, from low to high, the
    chance that the dyad's worst own outcome has at least that severity."""

    id: str
    partner: str
    partner_name: str
    score: Estimate
    band: str
    outcomes: tuple[OutcomeRisk, ...]
    grave: float | None = None
    grave_is_assumed: bool = False
    exceedance: tuple[tuple[float, float], ...] = ()

    @property
    def burden(self) -> float:
        """Sum over own outcomes of severity times probability, in points: what scores would add up to, did outcomes
        not share the 100 points; it may exceed 100, and counts an outcome that another implies as well."""
        return sum(outcome.burden for outcome in self.outcomes)

    def burden_of(self, phase: Phase) -> float:
        """The part of the burden that outcomes of one phase hold: of onsets, or of continuations."""
        return sum(outcome.burden for outcome in self.outcomes if outcome.phase == phase)


@dataclass(frozen=True)
class Risk:
    """Risk scores of all dyads, and the outcomes that dyads share, which stand apart from scores."""

    forecast: Forecast
    dyads: tuple[DyadRisk, ...]
    shared: tuple[OutcomeRisk, ...]

    def touching(self, dyad: str) -> tuple[OutcomeRisk, ...]:
        """The shared outcomes that can touch a dyad."""
        return tuple(outcome for outcome in self.shared if dyad in outcome.applies_to)

    @cached_property
    def standings(self) -> Mapping[str, Standing]:
        """By dyad: the chance of having the highest score, and the expected rank (`find_standings`)."""
        return find_standings(self.forecast)

    def to_frame(self) -> pandas.DataFrame:
        """One row for each dyad: score with its interval, and band."""
        import pandas

        rows = [(d.id, d.partner, d.score.mean, d.score.low, d.score.high, d.band) for d in self.dyads]
        return pandas.DataFrame(rows, columns=["dyad", "partner", "score", "low", "high", "band"])

    def __repr__(self) -> str:
        bands = self.forecast.case.settings.bands
        scores = ", ".join(f"{d.id} {score_text(d.score.mean, bands)} ({d.band})" for d in self.dyads[:MOST_NAMED])
        return f"<Risk. Scores: {scores}{more(self.dyads)}. {self.forecast.origin}>"

    def _repr_html_(self) -> str:
        rows = []
        for dyad in sorted(self.dyads, key=lambda each: -each.score.mean):
            estimated = [outcome for outcome in (*dyad.outcomes, *self.touching(dyad.id)) if not outcome.assumed]
            most = max(estimated, key=lambda outcome: outcome.probability.mean, default=None)
            likeliest = "all assumed"
            if most is not None:
                likeliest = f"{most.label}: {most.words}, {percent(most.probability.mean)}"
            rows.append((dyad.partner_name or dyad.id, dyad.band, likeliest, dyad.score.mean, dyad.score))
        words = (Column("dyad"), Column("band"), Column("likeliest outcome"))
        columns = (*words, Column("score", form="score"), Column("90 %", form="score range"))
        note = f"Score, 0 to 100: {SCORE_IN_WORDS}. {self.forecast.origin}"
        return to_html(Table("Risk scores", columns, rows, note=note, warning=self.forecast.posterior.warning))


def score(forecast: Forecast) -> Risk:
    """Turn a forecast into scores: what each dyad's own outcomes within the horizon add up to, 0-100, on average.

    A score is the mean over futures of 100 (1 - prod over outcomes that occurred of (1 - severity / 100)). An outcome
    that another implies adds nothing where it occurs in the same periods only; what dyads share stands apart.
    """
    case = forecast.case
    outcomes = {event: _outcomes(forecast, event) for event in case.outcomes}
    own, known = [outcomes[event] for event in case.own_outcomes], frozenset(forecast.dyads)
    grave = repeat(None) if forecast.grave is None else forecast.grave.tolist()
    shared = tuple(
        replace(outcomes[event][0], applies_to=tuple(d for d in case.touched_by(event) if d in known))
        for event in case.outcomes
        if case.events[event].scope == "host"
    )
    by_dyad = zip(*own, strict=True) if own else repeat(())
    levels = tuple(forecast.exceedance)
    reached = zip(*(share.tolist() for share in forecast.exceedance.values()), strict=True) if levels else repeat(())
    dyads = []
    every = zip(forecast.dyads, forecast.scores, by_dyad, grave, reached, strict=False)
    for dyad, estimate, found, chance, shares in every:
        partner = case.pairs[dyad].second
        band, name = band_of(estimate.mean, case.settings.bands), case.state_names.get(partner, "")
        is_assumed = forecast.grave_is_assumed(dyad)
        curve = tuple(zip(levels, shares, strict=True))
        dyads.append(DyadRisk(dyad, partner, name, estimate, band, tuple(found), chance, is_assumed, curve))
    return Risk(forecast, tuple(dyads), shared)


def _outcomes(forecast: Forecast, event: str) -> list[OutcomeRisk]:
    """One outcome in every unit."""
    label, units = forecast.case.events[event].label, forecast.units(event)
    paths = forecast.paths_by_period[event].tolist()
    found = forecast.recorded_estimates[event]
    recorded = repeat(None) if found is forecast.estimates[event] else found
    severity, phases = float(forecast.case.events[event].severity or 0.0), forecast.phases[event]
    outcomes = []
    for unit, e, path, kept, phase in zip(units, forecast.estimates[event], paths, recorded, phases, strict=False):
        assumed = forecast.is_assumed(event, unit)
        words = words_of(e.mean, assumed)
        outcomes.append(OutcomeRisk(event, label, e, words, tuple(path), assumed, kept, severity, phase))
    return outcomes
