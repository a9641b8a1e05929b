"""What can be asked, as functions from plain arguments to cited answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from riskcast.agents import arguments, caveats
from riskcast.agents.case_answers import check_dyad, tell_beliefs, tell_contents, tell_record
from riskcast.agents.citing import cite_case, cite_fit, cite_forecast, cite_ledger, named
from riskcast.agents.desk import Desk, read_day
from riskcast.errors import OptionError, UnknownNameError
from riskcast.numbers import counted
from riskcast.version import __version__


class Questions:
    """The questions that a desk answers; each method is one, and its docstring tells whoever asks what it gives."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def cases(self) -> dict[str, Any]:
        """The open cases: hash, day, dyads, event types, indicators, scenarios, horizon. Ask this first."""
        return {
            "citation": f"riskcast {__version__}",
            "result": {"cases": [cite_case(case, tell_contents(case)) for case in self.desk.cases.values()]},
        }

    def record(
        self,
        case: arguments.CaseName,
        event: arguments.EventName = None,
        unit: arguments.UnitName = None,
        since: arguments.OnOrAfter = None,
        as_of: arguments.AsOf = None,
    ) -> dict[str, Any]:
        """What the case knows to have happened: dated events with their sources, the latest first, at most 200."""
        found = self.desk.case(case, as_of)
        result = tell_record(found, event, unit, None if since is None else read_day(since))
        about = ["record", *named("of", event), *named("unit", unit), *named("since", since)]
        return cite_case(found, result, about, [caveats.LISTED] if found.panel else [])

    def beliefs(
        self, case: arguments.CaseName, about: arguments.Words = None, as_of: arguments.AsOf = None
    ) -> dict[str, Any]:
        """What is believed: every elicited number with its interval, its basis, its claim and its sources, by id, at
        most 200."""
        found = self.desk.case(case, as_of)
        return cite_case(found, tell_beliefs(found, about), ["beliefs", *named("about", about)])

    def forecast(
        self,
        case: arguments.CaseName,
        dyad: arguments.AnyDyad = None,
        scenario: arguments.ScenarioName = None,
        horizon: arguments.Horizon = None,
        as_of: arguments.AsOf = None,
    ) -> dict[str, Any]:
        """Scores, 0 to 100, and the probability of every outcome within the horizon, by dyad; shared outcomes apart. Of
        one dyad also by period."""
        from riskcast.exports.plain_data import risk_data
        from riskcast.forecasting.scoring import score

        request = self.desk.request(case, as_of=as_of, scenarios=(scenario,), horizon=horizon)
        check_dyad(request.case, dyad)
        [ahead] = self.desk.forecasts(request)
        result = risk_data(score(ahead), None if dyad is None else (dyad,))
        if dyad is None:
            for outcome in (*(one for own in result["dyads"] for one in own["outcomes"]), *result["shared"]):
                del outcome["by_month"]
        return cite_forecast(request, ahead, result, ["forecast", *named("of", dyad)])

    def what_if(
        self,
        case: arguments.CaseName,
        changes: arguments.Changes,
        scenario: arguments.ScenarioName = None,
        horizon: arguments.Horizon = None,
        as_of: arguments.AsOf = None,
    ) -> dict[str, Any]:
        """What other beliefs would change: scores and probabilities under them less those of the case, paired."""
        from riskcast.exports.plain_data import contrast_data
        from riskcast.forecasting.contrasts import contrast
        from riskcast.forecasting.forecasts import with_equal_paths

        before = self.desk.request(case, as_of=as_of, scenarios=(scenario,), horizon=horizon)
        after = self.desk.request(case, as_of=as_of, changes=changes, scenarios=(scenario,), horizon=horizon)
        first, second = with_equal_paths([*self.desk.forecasts(before), *self.desk.forecasts(after)])
        result = contrast_data(contrast(second, first), first, second)
        sides = {"first": "the case as it is", "second": "with the changes", "changes": dict(changes)}
        return cite_forecast(after, second, result | sides, ["less the case as it is"], [caveats.RELEARNED])

    def compare(
        self,
        case: arguments.CaseName,
        first: arguments.FirstScenario,
        second: arguments.SecondScenario,
        horizon: arguments.Horizon = None,
        as_of: arguments.AsOf = None,
    ) -> dict[str, Any]:
        """Two scenarios held against one another: differences of scores and probabilities, second less first."""
        from riskcast.exports.plain_data import contrast_data
        from riskcast.forecasting.contrasts import contrast

        request = self.desk.request(case, as_of=as_of, scenarios=(first, second), horizon=horizon)
        one, two = self.desk.forecasts(request)
        result = contrast_data(contrast(two, one), one, two)
        return cite_forecast(request, two, result, [f"less scenario {one.scenario_name}"])

    def explain(
        self,
        case: arguments.CaseName,
        dyad: arguments.DyadName,
        of: arguments.Target = "score",
        scenario: arguments.ScenarioName = None,
        as_of: arguments.AsOf = None,
    ) -> dict[str, Any]:
        """Why a score or a probability is what it is: contributions of drivers, which add up (Shapley values)."""
        from riskcast.exports.plain_data import outcome_data
        from riskcast.forecasting.attribution import check_explained, explain

        request = self.desk.request(case, as_of=as_of, scenarios=(scenario,))
        check_dyad(request.case, dyad)
        check_explained(request.case, of)
        [ahead] = self.desk.forecasts(request)
        result = outcome_data(ahead, explain(ahead, of, progress=self.desk.progress), dyad)
        return cite_forecast(request, ahead, result, [f"contributions to {of} of {dyad}"])

    def ask(
        self,
        case: arguments.CaseName,
        query: arguments.Query,
        dyads: arguments.Dyads = None,
        scenario: arguments.ScenarioName = None,
        as_of: arguments.AsOf = None,
    ) -> dict[str, Any]:
        """How probable something is given something else, on joint futures, and were the condition made to happen."""
        from riskcast.exports.answer_data import answers_data
        from riskcast.forecasting.questions import ask, check_query

        request = self.desk.request(case, as_of=as_of, scenarios=(scenario,))
        check_query(request.case, request.periods, query, dyads)
        [ahead] = self.desk.forecasts(request)
        result = answers_data(ask(ahead, query, dyads, progress=self.desk.progress))
        return cite_forecast(request, ahead, result, [query, *named("of", dyads)], [caveats.CONDITIONED])

    def counterfactual(
        self, case: arguments.CaseName, without: arguments.Removed, as_of: arguments.AsOf = None
    ) -> dict[str, Any]:
        """How probable each later event of the record was all the same without some events, given all that happened."""
        from riskcast.challenge.removals import find_removed
        from riskcast.challenge.retelling import retell
        from riskcast.exports.counterfactual_data import counterfactual_data

        request = self.desk.request(case, as_of=as_of)
        find_removed(request.case, without)
        posterior = self.desk.posterior(request)
        result = counterfactual_data(retell(posterior, without, progress=self.desk.progress))
        return cite_fit(request, posterior, result, ["counterfactual", *named("without", without)], [caveats.RETOLD])

    def changed(
        self, case: arguments.CaseName, since: arguments.FirstDay, until: arguments.LastDay = None
    ) -> dict[str, Any]:
        """What changed from one day to a later one, and how much each thing is responsible for. Takes minutes."""
        from riskcast.comparison.change_splits import changed_data
        from riskcast.comparison.what_changed import changed

        request = self.desk.request(case, as_of=until)
        found = changed(
            request.base,
            since=read_day(since),
            until=request.as_of,
            draws=request.draws,
            seed=request.seed,
            prior_only=request.prior_only,
            allow_unreliable=request.allow_unreliable,
            progress=self.desk.progress,
        )
        about = [f"changed since {since}", counted(request.periods, request.case.settings.period)]
        return cite_fit(request, self.desk.posterior(request), changed_data(found), about, found.failures)

    def evidence(
        self, case: arguments.CaseName, of: arguments.AnyTargets = None, as_of: arguments.AsOf = None
    ) -> dict[str, Any]:
        """Which belief is worth looking into: what knowing it would do to intervals and bands. Takes a while."""
        from riskcast.agents.short_answers import shorten_evidence
        from riskcast.challenge.evidence import value_evidence
        from riskcast.challenge.targets import find_targets

        request = self.desk.request(case, as_of=as_of)
        find_targets(request.case, request.periods, of or ())
        [ahead] = self.desk.forecasts(request)
        found = value_evidence(ahead, of, placebos=False, progress=self.desk.progress)
        return cite_forecast(
            request, ahead, shorten_evidence(found), ["value of evidence", *named("on", of)], [caveats.EXACTLY]
        )

    def sensitivity(
        self,
        case: arguments.CaseName,
        of: arguments.Targets,
        quantities: arguments.Quantities = None,
        scenario: arguments.ScenarioName = None,
        horizon: arguments.Horizon = None,
        as_of: arguments.AsOf = None,
    ) -> dict[str, Any]:
        """Which belief matters: what numbers gain with each quantity at its own 5 % and 95 %, the rest learned anew."""
        from riskcast.agents.short_answers import shorten_sensitivities
        from riskcast.challenge.ends import UNRELIABLE
        from riskcast.challenge.sensitivities import find_sensitivities

        request = self.desk.request(case, as_of=as_of, scenarios=(scenario,), horizon=horizon)
        found = find_sensitivities(
            request,
            of,
            quantities=quantities,
            pairs=0,
            workers_count=1,
            use_cache=False,
            fitted=lambda: self.desk.posterior(request),
            progress=self.desk.progress,
        )
        limits = [caveats.HELD, *(f"{key} could not be held at its ends: {why}" for key, why in found.refused.items())]
        failed = [key for key, how in zip(found.quantities, found.how, strict=True) if how == UNRELIABLE]
        limits += [f"What {key} does rests on a fit that failed its checks" for key in failed]
        about = [
            f"scenario {found.scenario}",
            counted(request.periods, request.case.settings.period),
            *named("sensitivity of", of),
            *named("to", quantities),
        ]
        return cite_fit(request, self.desk.posterior(request), shorten_sensitivities(found), about, limits)

    def claims(
        self, case: arguments.CaseName, claim: arguments.ClaimNames = None, as_of: arguments.AsOf = None
    ) -> dict[str, Any]:
        """Whether the model says what its sources say: each claim reproduced, weak, contradicted or not encoded. Named
        ones in full."""
        from riskcast.agents.short_answers import shorten_claims
        from riskcast.challenge.claim_data import claims_data
        from riskcast.challenge.claim_judging import check_claims, judge_claims

        request = self.desk.request(case, as_of=as_of)
        check_claims(request.case, claim, request.periods)
        [ahead] = self.desk.forecasts(request)
        found = judge_claims(ahead, claim, progress=self.desk.progress)
        result = claims_data(found) if claim else shorten_claims(found)
        return cite_forecast(request, ahead, result, ["claims", *named("named", claim)], [caveats.IN_THE_MODEL])

    def track(self, case: arguments.AnyCase = None) -> dict[str, Any]:
        """How right published forecasts of open cases were, by forecaster, from the ledger."""
        from riskcast.exports.track_report import track_data
        from riskcast.ledger.reading import read_ledger
        from riskcast.ledger.tracking import track

        if self.desk.ledger is None:
            raise OptionError("this server has no ledger; start it with: riskcast mcp --ledger PATH")
        if case is not None and case not in self.desk.cases:
            raise UnknownNameError("case", case, self.desk.cases)
        contents = read_ledger(self.desk.ledger, upgrade=False)
        open_ones = contents.of_cases(self.desk.cases if case is None else (case,))
        if not open_ones.questions:
            raise OptionError(f"the ledger has no question of {case or 'an open case'}")
        record = track(open_ones)
        whose = [f"case {name}" for name in self.desk.cases if case in (None, name)]
        return cite_ledger(contents, track_data(record, ""), [*whose, f"as of {record.as_of}"])

    def all(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Every question by its name; of the track record only where there is a ledger."""
        return {name: getattr(self, name) for name in NAMES if name != "track" or self.desk.ledger is not None}


NAMES: Final = (
    *("cases", "record", "beliefs", "forecast", "what_if", "compare"),
    *("explain", "ask", "counterfactual", "changed", "evidence", "sensitivity", "claims", "track"),
)
# Answered from files at once: these need not wait for others.
AT_ONCE: Final = ("cases", "record", "beliefs")
