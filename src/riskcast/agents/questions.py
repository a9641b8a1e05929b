"""What can be asked, as functions from plain arguments to cited answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import Field

from riskcast.agents.citing import cite_case, cite_posterior, plain
from riskcast.agents.desk import Desk, read_day
from riskcast.errors import OptionError, UnknownNameError
from riskcast.version import __version__

CaseName = Annotated[str, Field(description="Name of an open case, as `cases` lists them.")]
DyadName = Annotated[str | None, Field(description="A pair such as RUS-TJK; all where none is given.")]
ScenarioName = Annotated[str | None, Field(description="A scenario of the case; the baseline where none is given.")]
Horizon = Annotated[int | None, Field(description="Periods ahead; the case's own where none is given.")]
AsOf = Annotated[str | None, Field(description="YYYY-MM-DD: know nothing later than this day.")]
Target = Annotated[str, Field(description="`score`, or the id of an outcome.")]
Changes = Annotated[
    dict[str, Any],
    Field(
        description=(
            "Ids of quantities (see `beliefs`) with {median, interval: [low, high]} or {value}, such as "
            '{"effects.abuse_incident->demarche": {"median": 8, "interval": [4, 16]}}.'
        )
    ),
]
MOST_ROWS, MOST_BELIEFS = 200, 12
RELEARNED: Final = "The record was learned from anew under the changed beliefs; both forecasts meet the same chance."
RETOLD: Final = (
    "An event is kept with the ratio of its chances (a monotone coupling), tension and levels as inferred from the "
    "whole record; effects are as causal as the case says. It is no statement of blame and no forecast."
)
HELD: Final = (
    "One quantity at a time is held; what they do together is no sum of these. A large swing is no likely one."
)
CONDITIONED: Final = "To condition is not to intervene: what makes the condition likely is learned with it."


class Questions:
    """The questions that a desk answers; each method is one, and its docstring tells whoever asks what it gives."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def cases(self) -> dict[str, Any]:
        """The open cases: hash, day, pairs, event types, indicators, scenarios, horizon. Ask this first."""
        return {
            "citation": f"riskcast {__version__}",
            "result": {"cases": [cite_case(case, _contents(case)) for case in self.desk.cases.values()]},
        }

    def record(
        self,
        case: CaseName,
        event: Annotated[str | None, Field(description="Of one event type, by its id.")] = None,
        unit: Annotated[str | None, Field(description="Of one pair, or of the host.")] = None,
        since: Annotated[str | None, Field(description="YYYY-MM-DD: on or after this day.")] = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """What the case knows to have happened: dated events with their sources, the latest first, at most 200."""
        found, first = self.desk.case(case, as_of), None if since is None else read_day(since)
        if event is not None and event not in found.events:
            raise UnknownNameError("event type", event, found.events)
        units = (*found.dyads, found.host)
        if unit is not None and unit not in units:
            raise UnknownNameError("unit", unit, units)
        rows = [
            row
            for row in found.event_rows
            if (event is None or row.type == event)
            and (unit is None or row.dyad == unit)
            and (first is None or row.span[1] >= first)
        ]
        rows.sort(key=lambda row: row.date, reverse=True)
        told = [
            {
                "date": row.when,
                "event": row.type,
                "unit": row.dyad,
                "description": row.description,
                "status": row.status,
                "sources": list(row.sources),
            }
            for row in rows[:MOST_ROWS]
        ]
        return cite_case(found, {"events": told, "found": len(rows)}, [_panel_note(found)] if found.panel else [])

    def beliefs(
        self,
        case: CaseName,
        about: Annotated[
            str | None, Field(description="Words that the id holds, such as xenophobia or ->demarche.")
        ] = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """What is believed: every elicited number with its interval, its basis, its claim and its sources, by id."""
        found, words = self.desk.case(case, as_of), (about or "").split()
        chosen = [(key, own) for key, own, _ in found.quantities() if all(word in key for word in words)]
        if not chosen:
            raise OptionError(f"no quantity's id holds {about!r}; ask for less, such as the id of an indicator")
        told = [
            {"id": key, **own.model_dump(mode="json", exclude_none=True, exclude={"evidence"})}
            | {"evidence": None if own.evidence is None else own.evidence.model_dump(mode="json")}
            for key, own in chosen[:MOST_ROWS]
        ]
        return cite_case(found, {"beliefs": told, "found": len(chosen)})

    def forecast(
        self,
        case: CaseName,
        dyad: DyadName = None,
        scenario: ScenarioName = None,
        horizon: Horizon = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Scores, 0 to 100, and the probability of every outcome within the horizon, by pair; shared outcomes apart. Of
        one pair also by period."""
        from riskcast.exports.plain_data import risk_data
        from riskcast.forecasting.scoring import score

        request = self.desk.request(case, as_of=as_of, scenarios=(scenario,), horizon=horizon)
        _check_dyad(request.case.dyads, dyad)
        [ahead] = self.desk.forecasts(request)
        result = risk_data(score(ahead), None if dyad is None else (dyad,))
        if dyad is None:
            for outcome in (*(one for own in result["dyads"] for one in own["outcomes"]), *result["shared"]):
                del outcome["by_month"]
        return cite_posterior(ahead.posterior, result, [f"scenario {ahead.scenario_name}"], self.desk.doubts(request))

    def what_if(
        self,
        case: CaseName,
        changes: Changes,
        scenario: ScenarioName = None,
        horizon: Horizon = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """What other beliefs would change: scores and probabilities under them less those of the case, paired."""
        from riskcast.exports.plain_data import contrast_data
        from riskcast.forecasting.contrasts import contrast
        from riskcast.forecasting.forecasts import with_equal_paths

        before = self.desk.request(case, as_of=as_of, scenarios=(scenario,), horizon=horizon)
        after = self.desk.request(case, as_of=as_of, changes=changes, scenarios=(scenario,), horizon=horizon)
        first, second = with_equal_paths([*self.desk.forecasts(before), *self.desk.forecasts(after)])
        result = contrast_data(contrast(second, first), first, second)
        named = {"first": "the case as it is", "second": "with the changes", "changes": dict(changes)}
        caveats = [RELEARNED, *self.desk.doubts(after)]
        return cite_posterior(second.posterior, result | named, [f"scenario {second.scenario_name}"], caveats)

    def compare(
        self,
        case: CaseName,
        first: Annotated[str, Field(description="A scenario of the case.")],
        second: Annotated[str, Field(description="What to compare with it.")],
        horizon: Horizon = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Two scenarios held against one another: differences of scores and probabilities, second less first."""
        from riskcast.exports.plain_data import contrast_data
        from riskcast.forecasting.contrasts import contrast

        request = self.desk.request(case, as_of=as_of, scenarios=(first, second), horizon=horizon)
        one, two = self.desk.forecasts(request)
        result = contrast_data(contrast(two, one), one, two)
        about = [f"scenario {two.scenario_name} less {one.scenario_name}"]
        return cite_posterior(two.posterior, result, about, self.desk.doubts(request))

    def explain(
        self,
        case: CaseName,
        dyad: Annotated[str, Field(description="A pair such as RUS-TJK.")],
        of: Target = "score",
        scenario: ScenarioName = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Why a score or a probability is what it is: contributions of drivers, which add up (Shapley values)."""
        from riskcast.exports.plain_data import outcome_data
        from riskcast.forecasting.attribution import check_explained, explain

        request = self.desk.request(case, as_of=as_of, scenarios=(scenario,))
        _check_dyad(request.case.dyads, dyad)
        check_explained(request.case, of)
        [ahead] = self.desk.forecasts(request)
        result = outcome_data(ahead, explain(ahead, of), dyad)
        return cite_posterior(ahead.posterior, result, [f"scenario {ahead.scenario_name}"], self.desk.doubts(request))

    def ask(
        self,
        case: CaseName,
        query: Annotated[str, Field(description='Such as "P(demarche by month 3 | mass_expulsion)"; see docs/ask.md.')],
        dyads: Annotated[list[str] | None, Field(description="Of which pairs, where the query names none.")] = None,
        scenario: ScenarioName = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """How probable something is given something else, on joint futures, and were the condition made to happen."""
        from riskcast.exports.answer_data import answers_data
        from riskcast.forecasting.questions import ask, check_query

        request = self.desk.request(case, as_of=as_of, scenarios=(scenario,))
        check_query(request.case, request.periods, query, dyads)
        [ahead] = self.desk.forecasts(request)
        result = answers_data(ask(ahead, query, dyads))
        caveats = [CONDITIONED, *self.desk.doubts(request)]
        return cite_posterior(ahead.posterior, result, [f"scenario {ahead.scenario_name}"], caveats)

    def counterfactual(
        self,
        case: CaseName,
        without: Annotated[
            list[str], Field(description="Events of the record: DATE:TYPE or DATE:TYPE:UNIT, as `record` has them.")
        ],
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """How probable each later event of the record was all the same without some events, given all that happened."""
        from riskcast.challenge.removals import find_removed
        from riskcast.challenge.retelling import retell
        from riskcast.exports.counterfactual_data import counterfactual_data

        request = self.desk.request(case, as_of=as_of)
        find_removed(request.case, without)
        posterior = self.desk.posterior(request)
        return cite_posterior(posterior, counterfactual_data(retell(posterior, without)), ["counterfactual"], [RETOLD])

    def changed(
        self,
        case: CaseName,
        since: Annotated[str, Field(description="YYYY-MM-DD: the first day.")],
        until: Annotated[str | None, Field(description="The second day; the case's own where none is given.")] = None,
    ) -> dict[str, Any]:
        """What changed from one day to a later one, and how much each thing is responsible for. Takes minutes."""
        from riskcast.comparison.change_splits import changed_data
        from riskcast.comparison.what_changed import changed

        request = self.desk.request(case, as_of=until)
        found = changed(
            self.desk.cases[case],
            since=read_day(since),
            until=None if until is None else read_day(until),
            draws=self.desk.draws,
            seed=self.desk.seed,
            prior_only=self.desk.prior_only,
            allow_unreliable=self.desk.allow_unreliable,
        )
        posterior = self.desk.posterior(request)
        return cite_posterior(posterior, changed_data(found), [f"since {since}"], list(found.failures))

    def evidence(
        self,
        case: CaseName,
        of: Annotated[
            list[str] | None, Field(description="score:RUS-TJK, demarche:RUS-TJK; all scores if none.")
        ] = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Which belief is worth looking into: what knowing it would do to intervals and bands. Takes a while."""
        from riskcast.challenge.evidence import value_evidence
        from riskcast.challenge.plain_evidence import evidence_data
        from riskcast.challenge.targets import find_targets

        request = self.desk.request(case, as_of=as_of)
        find_targets(request.case, request.periods, of or ())
        [ahead] = self.desk.forecasts(request)
        found = evidence_data(value_evidence(ahead, of, placebos=False))
        found["beliefs_weighed"] = len(found["beliefs"])
        found["beliefs"] = [one for one in found["beliefs"] if one["told_from_nothing"]][:MOST_BELIEFS]
        return cite_posterior(ahead.posterior, found, ["value of evidence"])

    def sensitivity(
        self,
        case: CaseName,
        of: Annotated[list[str], Field(description="score:RUS-TJK, demarche:RUS-TJK, or a query as `ask` takes it.")],
        quantities: Annotated[
            list[str] | None, Field(description="Ids of quantities to hold; all, which takes minutes, if none.")
        ] = None,
        scenario: ScenarioName = None,
        horizon: Horizon = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Which belief matters: what numbers gain with each quantity at its own 5 % and 95 %, the rest learned anew."""
        from riskcast.challenge.sensitivities import find_sensitivities
        from riskcast.challenge.sensitivity_records import sensitivities_data

        request = self.desk.request(case, as_of=as_of, scenarios=(scenario,), horizon=horizon)
        found = find_sensitivities(request, of, quantities=quantities, pairs=0, workers_count=1, use_cache=False)
        result = sensitivities_data(found)
        for target in result["targets"]:
            target["swings_found"] = len(target["swings"])
            target["swings"] = target["swings"][:MOST_BELIEFS]
        return cite_posterior(self.desk.posterior(request), result, [f"scenario {found.scenario}"], [HELD])

    def claims(
        self,
        case: CaseName,
        claim: Annotated[
            list[str] | None, Field(description="Ids of claims, to see each assertion and number.")
        ] = None,
        as_of: AsOf = None,
    ) -> dict[str, Any]:
        """Whether the model says what its sources say: each claim reproduced, weak, contradicted or not encoded. Named
        ones in full."""
        from riskcast.challenge.claim_data import claims_data
        from riskcast.challenge.claim_judging import check_claims, judge_claims

        request = self.desk.request(case, as_of=as_of)
        check_claims(request.case, claim, request.periods)
        [ahead] = self.desk.forecasts(request)
        result = claims_data(judge_claims(ahead, claim))
        if not claim:
            for one in result["claims"]:
                one["assertions"] = len(one["assertions"])
        return cite_posterior(ahead.posterior, result, ["claims"])

    def track(
        self, case: Annotated[str | None, Field(description="Of one case; all if none.")] = None
    ) -> dict[str, Any]:
        """How right published forecasts were, by forecaster, from the ledger; an error where there is none."""
        from riskcast.exports.track_report import track_data
        from riskcast.ledger.reading import read_ledger
        from riskcast.ledger.tracking import track

        contents = read_ledger(self.desk.ledger)
        found = plain(track_data(track(contents, case=case), contents.place))
        return {"citation": f"riskcast {__version__}, ledger {contents.place}", "result": found}

    def all(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Every question by its name."""
        return {name: getattr(self, name) for name in NAMES}


NAMES: Final = (
    *("cases", "record", "beliefs", "forecast", "what_if", "compare"),
    *("explain", "ask", "counterfactual", "changed", "evidence", "sensitivity", "claims", "track"),
)


def _contents(case: Any) -> dict[str, Any]:
    """What a case is about, as plain data."""
    return {
        "period": case.settings.period,
        "horizon": case.settings.horizon,
        "dyads": {dyad: case.name_of(dyad) for dyad in case.dyads},
        "events": [
            {"id": name, "label": one.label, "kind": one.kind, "scope": one.scope, "severity": one.severity}
            for name, one in case.events.items()
        ],
        "indicators": {name: one.label for name, one in case.indicators.items()},
        "scenarios": {name: one.label for name, one in case.scenarios.items()},
    }


def _panel_note(case: Any) -> str:
    return f"The record of {case.name} is a panel of pairs and periods, which are not listed one by one."


def _check_dyad(dyads: tuple[str, ...], dyad: str | None) -> None:
    if dyad is not None and dyad not in dyads:
        raise UnknownNameError("dyad", dyad, dyads)
