"""A kept run, made again: the same digits, or what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from riskcast.case.files import load_case
from riskcast.case.model import Case, Scenario
from riskcast.comparison.changes import Change, compare_cases
from riskcast.errors import OptionError, shorten, show
from riskcast.forecasting.forecasts import check_horizon
from riskcast.forecasting.scoring import Risk
from riskcast.numbers import more
from riskcast.runs.bundles import draw_arrays, forecast_arrays, read_bundle, risk_data
from riskcast.runs.making import Progress, Run, run_inputs

MOST_SHOWN: Final = 5
SHOWN_HASH: Final = 12


@dataclass(frozen=True)
class Rerun:
    """A run as it was kept and as it came out now.

    `same`: whether every draw, forecast, score and explanation is equal, bit for bit. `differences` says in sentences
    what differs, in software, inputs and results; software may differ though the digits are the same.
    """

    same: bool
    differences: tuple[str, ...]
    before: Run
    after: Run

    def __repr__(self) -> str:
        found = "the same digits" if self.same else "; ".join(self.differences)
        return f"<Rerun of {self.before.name}: {found}>"


def rerun(path: str | Path, case: str | Path | Case | None = None, progress: Progress | None = None) -> Rerun:
    """Make a kept run again from its own case, overlays and options, or from `case` in place of its own.

    Raises what `read_bundle` and `run` raise; a scenario that `case` no longer has is an unknown name.

    >>> import tempfile
    >>> import riskcast
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = riskcast.run(riskcast.load_case("central_asia_2024"), draws=200)
    ...     rerun(riskcast.write_bundle(kept, folder)).same
    True
    """
    before = read_bundle(path)
    inputs = before.inputs
    if case is not None:
        base = case if isinstance(case, Case) else load_case(case)
        if inputs.as_of is not None and inputs.as_of > base.as_of:
            wrong = f"the run is as of {inputs.as_of}, and {base.name} knows nothing after {base.as_of}"
            raise OptionError(f"{wrong}; give a case that reaches as far")
        inputs = replace(inputs, base=base, horizon=check_horizon(base, inputs.horizon))
    after = run_inputs(inputs, progress)
    results = tuple(_results(before, after))
    return Rerun(not results, (*_software(before, after), *_inputs(before, after), *results), before, after)


def _software(before: Run, after: Run) -> Iterator[str]:
    """Versions that differ, by name."""
    then, now = before.provenance["versions"], after.provenance["versions"]
    for name in dict.fromkeys([*then, *now]):
        if then.get(name) != now.get(name):
            yield f"{name} was {show(then.get(name, 'absent'))} and is {show(now.get(name, 'absent'))}"


def _inputs(before: Run, after: Run) -> Iterator[str]:
    """Hashes that differ, and what in the case does."""
    then, now = before.provenance, after.provenance
    for key, label in (("case_hash", "the case's hash"), ("history_hash", "the record's hash")):
        if then[key] != now[key]:
            yield f"{label} was {str(then[key])[:SHOWN_HASH]} and is {now[key][:SHOWN_HASH]}"
    if then["case_hash"] != now["case_hash"]:
        changes = _changes(before, after)
        for change in changes[:MOST_SHOWN]:
            aside = "" if change.moves else " (moves no score)"
            yield f"{change.id} was {_told(change.before)} and is {_told(change.after)}{aside}"
        if len(changes) > MOST_SHOWN:
            yield f"the case differs in {len(changes) - MOST_SHOWN} more"


def _changes(before: Run, after: Run) -> list[Change]:
    """What differs between the two cases, what can move a score under any scenario of the run first."""
    found: dict[str, Change] = {}
    for given, ahead in zip(before.inputs.scenarios, before.forecasts, strict=True):
        name, first, second = ahead.scenario_name, before.case, after.case
        if isinstance(given, Scenario):
            # One made in code is the same in both runs, and no entry of either case.
            first, second = (
                case.model_copy(update={"scenarios": {**case.scenarios, name: given}}) for case in (first, second)
            )
        for step in compare_cases(first, second, name, ahead.horizon).steps:
            known = found.get(step.change.id)
            if known is None or step.change.moves:
                found[step.change.id] = step.change
    return sorted(found.values(), key=lambda change: not change.moves)


def _told(value: Any) -> str:
    return "absent" if value is None else shorten(str(value), 120)


def _results(before: Run, after: Run) -> Iterator[str]:
    """What differs in draws, forecasts, scores and explanations; nothing where all is equal bit for bit."""
    yield from _arrays("draws", draw_arrays(before.posterior), draw_arrays(after.posterior))
    if before.posterior.diagnostics != after.posterior.diagnostics:
        yield f"the checks were {_checks(before)} and are {_checks(after)}"
    for one, two, (_, first), (_, second) in zip(
        before.risks, after.risks, before.explanations, after.explanations, strict=True
    ):
        name = one.forecast.scenario_name
        simulated = forecast_arrays(one.forecast.simulated), forecast_arrays(two.forecast.simulated)
        yield from _arrays(f"the forecast of {name}", *simulated)
        yield from _largest(f"the probability, {name}, of", _probabilities(one), _probabilities(two), 6)
        yield from _largest(f"the score, {name}, of", _scores(one), _scores(two), 4)
        if first != second:
            yield f"the explanation of {name} differs"
        elif risk_data(one, first) != risk_data(two, second) and _scores(one) == _scores(two):
            yield f"the risks of {name} differ in more than probabilities and scores"


def _checks(run: Run) -> str:
    return "passed" if run.posterior.is_reliable else f"failed ({'; '.join(run.posterior.diagnostics.failures)})"


def _arrays(label: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    names = list(dict.fromkeys([*then, *now]))
    other = [name for name in names if name not in then or name not in now or not _equal(then[name], now[name])]
    if other:
        named = ", ".join(other[:MOST_SHOWN])
        yield f"{label}: {len(other)} of {len(names)} arrays differ ({named}{more(other, MOST_SHOWN)})"


def _equal(one: Any, two: Any) -> bool:
    """Whether two arrays are equal bit for bit: as numbers, NaN would differ from itself, and -0.0 not from 0.0."""
    return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()


def _largest(
    label: str, then: Mapping[str, tuple[float, ...]], now: Mapping[str, tuple[float, ...]], digits: int
) -> Iterator[str]:
    """The largest differences of means, then whatever only one of the two has."""
    moved = [(abs(now[key][0] - then[key][0]), key) for key in then if key in now and then[key] != now[key]]
    for size, key in sorted(moved, key=lambda item: -item[0])[:MOST_SHOWN]:
        was, is_now = f"{then[key][0]:.{digits}f}", f"{now[key][0]:.{digits}f}"
        yield f"{label} {key} was {was} and is {is_now} (a difference of {size:.1e})"
    if len(moved) > MOST_SHOWN:
        yield f"{label} {len(moved) - MOST_SHOWN} more differs by less"
    for key in [*(key for key in then if key not in now), *(key for key in now if key not in then)][:MOST_SHOWN]:
        yield f"{label} {key} {'is gone' if key in then else 'is new'}"


def _probabilities(risk: Risk) -> dict[str, tuple[float, ...]]:
    found = {}
    for unit, outcomes in (*((dyad.id, dyad.outcomes) for dyad in risk.dyads), ("all dyads", risk.shared)):
        for outcome in outcomes:
            estimate = outcome.probability
            found[f"{outcome.id} for {unit}"] = (estimate.mean, estimate.low, estimate.high, *outcome.by_period)
    return found


def _scores(risk: Risk) -> dict[str, tuple[float, ...]]:
    return {dyad.id: (dyad.score.mean, dyad.score.low, dyad.score.high) for dyad in risk.dyads}
