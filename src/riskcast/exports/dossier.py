"""All that is handed over of a forecast: its risks under one or more scenarios, and what they are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from riskcast.case.model import Case
from riskcast.challenge.claim_records import JudgedClaims
from riskcast.comparison.change_splits import WhatChanged
from riskcast.errors import OptionError
from riskcast.forecasting.attribution import Explanation, explain
from riskcast.forecasting.contrasts import Contrast, contrast
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.scoring import Risk
from riskcast.verification.history_records import ScoreHistory
from riskcast.verification.track_rows import TrackRecord


@dataclass(frozen=True)
class Dossier:
    """The risks of one case, the headline first, then those of other scenarios from the same posterior.

    `published`: the case before any overlay, to tell what was changed. `previous`: an earlier run's risks, to tell what
    moved since. `given`: explanations that are known already, by scenario. `history`: the scores as of earlier days;
    `changed`: what changed since an earlier forecast, and why; `track`: what became of published forecasts; `claims`:
    what sources say, held against the model; the last three for the brief.
    """

    risks: tuple[Risk, ...]
    published: Case
    previous: Risk | None = None
    given: tuple[tuple[str, Explanation], ...] = ()
    history: ScoreHistory | None = None
    changed: WhatChanged | None = None
    track: TrackRecord | None = None
    claims: JudgedClaims | None = None

    @property
    def headline(self) -> Risk:
        """The risks that the dossier is about."""
        return self.risks[0]

    @property
    def case(self) -> Case:
        """The case that is forecast, with its overlay."""
        return self.headline.forecast.case

    @cached_property
    def explanations(self) -> dict[str, Explanation]:
        """Why each scenario's scores are what they are, by name of scenario."""
        known = dict(self.given)
        names = [risk.forecast.scenario_name for risk in self.risks]
        return {
            name: known[name] if name in known else explain(risk.forecast)
            for name, risk in zip(names, self.risks, strict=True)
        }

    @cached_property
    def contrasts(self) -> dict[str, Contrast]:
        """What each further scenario changes against the headline, by name of scenario."""
        first = self.headline.forecast
        return {risk.forecast.scenario_name: contrast(risk.forecast, first) for risk in self.risks[1:]}


def make_dossier(
    risks: Risk | Sequence[Risk],
    published: Case | None = None,
    previous: Risk | None = None,
    explanations: Sequence[tuple[str, Explanation]] = (),
    history: ScoreHistory | None = None,
    changed: WhatChanged | None = None,
    track: TrackRecord | None = None,
    claims: JudgedClaims | None = None,
) -> Dossier:
    """A dossier of one case's risks; raises OptionError for no risks, a scenario given twice, several cases, an earlier
    run that shares no pair or no outcome with them, a history of another case, an explanation of other scores,
    changes that led elsewhere, or claims held against another case or forecast.

    >>> import riskcast
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> risks = [riskcast.score(riskcast.forecast(posterior, name)) for name in ("baseline", "second_attack")]
    >>> list(make_dossier(risks).contrasts)
    ['second_attack']
    """
    chosen = (risks,) if isinstance(risks, Risk) else tuple(risks)
    if not chosen:
        raise OptionError("there are no risks to hand over; give at least one, as score(forecast(...)) returns it")
    names = [risk.forecast.scenario_name for risk in chosen]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise OptionError(f"the scenario {twice!r} is given twice; give each scenario once")
    if any(risk.forecast.posterior is not chosen[0].forecast.posterior for risk in chosen):
        raise OptionError("the risks come from different fits; forecast all scenarios from the same posterior")
    case = chosen[0].forecast.case
    if previous is not None:
        check_previous(previous, case)
    if history is not None and (history.case.name, history.days[-1]) != (case.name, case.as_of):
        wrong = f"the history is of {history.case.name} as of {history.days[-1]}, not of {case.name} as of {case.as_of}"
        raise OptionError(f"{wrong}; give score_history(case) of the case that is forecast")
    scores = {risk.forecast.scenario_name: {dyad.id: dyad.score.mean for dyad in risk.dyads} for risk in chosen}
    for name, explanation in explanations:
        if explanation.score != scores.get(name):
            wrong = f"the explanation of {name!r} is of none of the risks"
            raise OptionError(f"{wrong}; give explain(forecast) of one of them, under its scenario's name")
    if changed is not None and changed.hashes[1] != case.hash:
        wrong = (
            f"what changed leads to another case ({changed.hashes[1][:12]}) than that of the risks ({case.hash[:12]})"
        )
        raise OptionError(f"{wrong}; give what changed up to these risks")
    if claims is not None and claims.forecast.case.hash != case.hash:
        wrong = f"the claims were held against another case ({claims.forecast.case.hash[:12]}) than that of the risks"
        raise OptionError(f"{wrong} ({case.hash[:12]}); give judge_claims(forecast) of the same case")
    if claims is not None:
        _check_claims(claims.forecast, chosen[0].forecast)
    given = tuple(explanations)
    return Dossier(chosen, published or chosen[0].forecast.case, previous, given, history, changed, track, claims)


def _check_claims(claimed: Forecast, headline: Forecast) -> None:
    """Raise OptionError for claims that were held against another forecast of the case."""
    asked = [
        (one.horizon, one.seed, one.posterior.draws, one.posterior.seed, one.posterior.engine, one.posterior.prior_only)
        for one in (claimed, headline)
    ]
    if asked[0] != asked[1]:
        what = ("horizon", "seed", "number of draws", "seed of the fit", "engine", "use of the priors alone")
        named = next(name for name, one, other in zip(what, *asked, strict=True) if one != other)
        wrong = f"the claims were held against a forecast with another {named} than that of the risks"
        raise OptionError(f"{wrong}; give judge_claims(forecast) of the forecast itself")


def check_previous(previous: Risk, case: Case) -> None:
    """Raise OptionError for an earlier run with which nothing of a case can be compared, as it is of another case."""
    then = previous.forecast
    for what, before, after in (("pair", then.dyads, case.dyads), ("outcome", then.case.outcomes, case.outcomes)):
        if set(before).isdisjoint(after):
            wrong = f"the earlier run is of another case ({then.case.name}): it shares no {what} with {case.name}"
            raise OptionError(f"{wrong}; give an earlier run of the same case")
    if then.case.name != case.name and then.case.settings.title != case.settings.title:
        wrong = f"the earlier run is of another case ({then.case.name}, {then.case.settings.title})"
        raise OptionError(f"{wrong}; give an earlier run of {case.name}")
