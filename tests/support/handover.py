"""Dossiers that tests of exports share: a changed case under two scenarios, held against an earlier run."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import riskcast
from riskcast.forecasting.forecasts import with_equal_paths

CHANGES = {
    "indicators.xenophobia.now": {"median": 55.0, "interval": [47.0, 63.0]},
    "hyperpriors.persistence": {"value": 0.7},
}
SCENARIO = "second_attack"
BAITS = ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", '=HYPERLINK("http://127.0.0.1","x")')


@cache
def published() -> riskcast.Case:
    return riskcast.load_case("central_asia_2024")


@cache
def dossier() -> riskcast.Dossier:
    """Baseline and a second scenario of a changed case, and what was forecast of it as published."""
    posterior = riskcast.fit(riskcast.apply_overlay(published(), CHANGES), draws=300, seed=1)
    ahead = with_equal_paths([riskcast.forecast(posterior, name) for name in ("baseline", SCENARIO)])
    risks = [riskcast.score(each) for each in ahead]
    earlier = riskcast.score(riskcast.forecast(riskcast.fit(published(), draws=300, seed=2)))
    return riskcast.make_dossier(risks, published(), earlier)


@cache
def single() -> riskcast.Dossier:
    """One scenario and nothing to hold it against."""
    posterior = riskcast.fit(published(), draws=200, seed=1)
    return riskcast.make_dossier(riskcast.score(riskcast.forecast(posterior)), published())


@cache
def failed() -> riskcast.Dossier:
    """A dossier whose posterior failed a check."""
    ahead = single().headline.forecast
    diagnostics = replace(ahead.posterior.diagnostics, failures=("demarche: Pareto k-hat 0.90 is above 0.7",))
    bad = replace(ahead, posterior=replace(ahead.posterior, diagnostics=diagnostics))
    return riskcast.make_dossier(riskcast.score(bad), published())


@cache
def baited() -> riskcast.Dossier:
    """A small forecast of a case whose texts begin like formulas."""
    case = published()
    names = list(case.events)
    events = {
        name: event.model_copy(update={"label": BAITS[names.index(name) % len(BAITS)]})
        for name, event in case.events.items()
    }
    evidence = {"basis": "judgement", "claim": BAITS[0]}
    changes = {"indicators.xenophobia.now": {"median": 50.0, "interval": [40.0, 60.0], "evidence": evidence}}
    case = riskcast.apply_overlay(case.revised(events=events), changes)
    ahead = riskcast.forecast(riskcast.fit(case, draws=200, allow_unreliable=True))
    given = [(ahead.scenario_name, riskcast.explain(ahead, paths=50))]
    return riskcast.make_dossier(riskcast.score(ahead), case, explanations=given)
