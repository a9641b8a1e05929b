"""How much of each dyad's score change every change between two cases is responsible for: Shapley values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from riskcast.case.model import Case
from riskcast.comparison.case_forecasts import CaseForecasts
from riskcast.comparison.change_games import GROUPS, Player, few_enough, periods_of, plan_game, player_label
from riskcast.comparison.changes import Change, compare_cases
from riskcast.comparison.shapley import Floats, shapley_values
from riskcast.engines.fitting import DRAWS
from riskcast.engines.mixing import refuse_mixture
from riskcast.engines.posterior import Posterior
from riskcast.engines.registry import DEFAULT_ENGINE
from riskcast.errors import OptionError
from riskcast.forecasting.contributions import Contribution, Split, contribution_rows, ranked, splits_html
from riskcast.forecasting.forecasts import Forecast, with_equal_paths
from riskcast.forecasting.requests import Request
from riskcast.forecasting.scoring import Risk
from riskcast.names import BASELINE
from riskcast.record.arrays import build_record
from riskcast.record.gaps import find_gaps
from riskcast.version import __version__

if TYPE_CHECKING:
    import pandas

PERMUTATIONS = 16
# Of fewer, a change can stand at the same places in all, and its error would seem to be 0.
LEAST_PERMUTATIONS = 8


class Run(Protocol):
    """A finished run, as `riskcast.runs.bundles` reads it: its case, posterior and risks."""

    @property
    def case(self) -> Case:
        """The case that was forecast, with its overlay."""

    @property
    def posterior(self) -> Posterior:
        """What was fitted."""

    @property
    def risks(self) -> Sequence[Risk]:
        """Risks by scenario, the headline first."""


@dataclass(frozen=True)
class Difference:
    """What changed from `first` to `second`, and what each change did to every score.

    changes: what can move a score; silent: what cannot; scores: by dyad, of the first and of the second case;
    contributions: by dyad, the largest first, which add up to the second score less the first; exact: whether all
    coalitions were forecast, rather than those of `permutations` sampled orders; only_first, only_second: dyads that
    cannot be compared; notes: what was grouped and why, and what a record lacks; failures: checks that a posterior
    failed.
    """

    first: str
    second: str
    changes: tuple[Change, ...]
    silent: tuple[Change, ...]
    scores: Mapping[str, tuple[float, float]]
    contributions: Mapping[str, tuple[Contribution, ...]]
    exact: bool
    permutations: int
    forecasts: int
    scenario: str
    horizons: tuple[int, int]
    draws: int
    seed: int
    hashes: tuple[str, str]
    only_first: tuple[str, ...] = ()
    only_second: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    def to_frame(self) -> pandas.DataFrame:
        """One row for each dyad and contribution: columns dyad, change, label, kind, points, error."""
        import pandas

        return pandas.DataFrame(contribution_rows(self), columns=["dyad", "change", "label", "kind", "points", "error"])

    def split(self, dyad: str) -> Split:
        """A dyad's score from the first case to the second."""
        return Split(*self.scores[dyad], (self.first, self.second), self.contributions[dyad])

    def _repr_html_(self) -> str:
        warning = f"A posterior failed its checks: {'; '.join(self.failures)}." if self.failures else ""
        note = "Shapley values, in points of the score: what each change adds when its turn comes, over all orders."
        return splits_html("What changed", self, "change", " ".join((note, *self.notes)), warning)


def diff(
    a: Case | Run,
    b: Case | Run,
    *,
    scenario: str | None = None,
    horizon: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    permutations: int = PERMUTATIONS,
    group: str | None = None,
    prior_only: bool | None = None,
    allow_unreliable: bool = False,
    names: tuple[str, str] = ("A", "B"),
    progress: Callable[[int, int], None] | None = None,
) -> Difference:
    """What differs between two cases or runs, and how much of each score change every change is responsible for.

    phi[i] = sum over S of |S|! (k - |S| - 1)! / k! * (v(S + i) - v(S)), where v(S) is the score of case `a` with the
    changes S made (Shapley, 1953): it does not depend on an order, and the values add up to the difference exactly.
    All forecasts meet the same chance. Up to six changes, and where it is cheaper, all 2^k cases are forecast; else
    those of `permutations` random orders, each with its reverse (Mitchell, Cooper, Frank and Holmes, 2022). `group`
    gives the changes of one part, file or kind one value together; more than 24 are grouped by part or file in any
    case. What an option leaves open is as in the runs. Raises OptionError for a bad option, two runs that disagree on
    one, and cases without a common dyad; UnreliablePosteriorError where a posterior fails its checks.

    >>> from riskcast import apply_overlay, load_case
    >>> case = load_case("central_asia_2024")
    >>> hotter = apply_overlay(case, {"indicators.xenophobia.now": {"median": 55.0, "interval": (48.0, 62.0)}})
    >>> found = diff(case, hotter, draws=200)
    >>> one, two = found.scores["RUS-TJK"]
    >>> bool(abs(found.contributions["RUS-TJK"][0].points - (two - one)) < 1e-9)
    True
    """
    if not LEAST_PERMUTATIONS <= permutations <= 10_000 or permutations % 2:
        raise OptionError(f"permutations is {permutations}; give an even number from {LEAST_PERMUTATIONS} to 10000")
    if group is not None and group not in GROUPS:
        raise OptionError(f"group is {group!r}; give one of {', '.join(GROUPS)}")
    request, sampled = settle_options(a, b, scenario, horizon, draws, seed, prior_only, allow_unreliable)
    first, second = _case_of(a), _case_of(b)
    common = tuple(dyad for dyad in first.dyads if dyad in second.dyads)
    if not common:
        shown = " and ".join(f"{', '.join(case.dyads[:3])}{' ...' * (len(case.dyads) > 3)}" for case in (first, second))
        raise OptionError(f"the two cases have no dyad in common ({shown}); compare cases about the same dyads")
    horizons = tuple(periods_of(request, case) for case in (first, second))
    shown_scenario = str(request.scenarios[0])
    comparison = compare_cases(first, second, shown_scenario, request.horizon)
    moving = tuple(step for step in comparison.steps if step.change.moves)
    silent = tuple(step.change for step in comparison.steps if not step.change.moves)
    players, notes = few_enough(tuple((step,) for step in moving), group)
    game = plan_game(comparison, players, permutations, request)
    players, cases, orders = game.players, game.cases, game.orders
    forecasts = CaseForecasts(request, _kept(a, b, request))
    shown, values = common, dict[int, Floats]()
    if moving:
        shown, values = _worth(forecasts, cases, players, common, progress or (lambda done, total: None))
    points, errors = shapley_values(values, len(players), orders, len(shown))
    last = (1 << len(players)) - 1
    lacking = dict.fromkeys(told for case in (first, second) for told in find_gaps(case, build_record(case)).told)
    return Difference(
        first=names[0],
        second=names[1],
        changes=tuple(step.change for step in moving),
        silent=silent,
        scores={d: (float(values[0][i]), float(values[last][i])) for i, d in enumerate(shown)} if moving else {},
        contributions={d: _ranked(players, points[:, i], errors[:, i]) for i, d in enumerate(shown)},
        exact=orders is None,
        permutations=0 if orders is None else len(orders),
        forecasts=len(values),
        scenario=shown_scenario,
        horizons=(horizons[0], horizons[1]),
        draws=request.draws,
        seed=request.seed,
        hashes=(first.hash, second.hash),
        only_first=tuple(d for d in first.dyads if d not in shown),
        only_second=tuple(d for d in second.dyads if d not in shown),
        notes=(*sampled, *notes, *game.notes, *lacking),
        failures=tuple(forecasts.failures),
    )


def difference_data(difference: Difference) -> dict[str, Any]:
    """A difference as plain data, with all digits: changes, and by dyad both scores and every contribution."""
    dyads = [
        {"id": dyad, "first": one, "second": two, "shares": [_share(c) for c in difference.contributions[dyad]]}
        for dyad, (one, two) in difference.scores.items()
    ]
    told = {field.name: getattr(difference, field.name) for field in fields(difference)}
    listed = {name: [asdict(change) for change in told[name]] for name in ("changes", "silent")}
    return (
        {name: value for name, value in told.items() if name not in ("scores", "contributions")}
        | listed
        | {
            "riskcast_version": __version__,
            "dyads": dyads,
        }
    )


def _share(contribution: Contribution) -> dict[str, Any]:
    plain = asdict(contribution)
    return plain | {"changes": plain.pop("parts")}


def _case_of(side: Case | Run) -> Case:
    return side if isinstance(side, Case) else side.case


def settle_options(
    a: Case | Run,
    b: Case | Run,
    scenario: str | None,
    horizon: int | None,
    draws: int | None,
    seed: int | None,
    prior_only: bool | None,
    allow_unreliable: bool,
) -> tuple[Request, tuple[str, ...]]:
    """The options as given, else as in the runs, else the defaults, and what to tell of them.

    Raises OptionError where two runs disagree.
    """
    runs = [side for side in (a, b) if not isinstance(side, Case)]
    for run in runs:
        refuse_mixture(run.posterior, "list of what differs")

    def agreed(name: str, given: Any, kept: list[Any], default: Any) -> Any:
        if given is not None or not kept:
            return default if given is None else given
        if any(value != kept[0] for value in kept):
            listed = " and ".join(str(value) for value in kept)
            raise OptionError(f"the two runs differ in their {name} ({listed}); say which, with {_OPTIONS[name]}")
        return kept[0]

    heads = [run.risks[0].forecast for run in runs]
    own = [None if ahead.horizon == ahead.case.settings.horizon else ahead.horizon for ahead in heads]
    other = next((run.posterior.engine for run in runs if run.posterior.engine != DEFAULT_ENGINE), None)
    sampled = f"The posterior of a run was sampled by {other}; here both cases are fitted by {DEFAULT_ENGINE}."
    request = Request(
        base=_case_of(a),
        scenarios=(agreed("scenario", scenario, [ahead.scenario_name for ahead in heads], BASELINE),),
        horizon=agreed("horizon", horizon, own, None),
        draws=agreed("draws", draws, [run.posterior.draws for run in runs], DRAWS),
        seed=agreed("seed", seed, [run.posterior.seed for run in runs], 1),
        prior_only=agreed("posterior", prior_only, [run.posterior.prior_only for run in runs], False),
        allow_unreliable=allow_unreliable,
    )
    return request, () if other is None else (sampled,)


_OPTIONS = {
    "scenario": "--scenario",
    "horizon": "--horizon",
    "draws": "--draws",
    "seed": "--seed",
    "posterior": "prior_only= in Python, or make both with or without --prior-only",
}


def _kept(a: Case | Run, b: Case | Run, request: Request) -> tuple[Posterior, ...]:
    """Posteriors of runs whose draws can be used as they are."""
    posteriors = [side.posterior for side in (a, b) if not isinstance(side, Case)]
    return tuple(p for p in posteriors if (p.engine, p.draws, p.seed) == (request.engine, request.draws, request.seed))


def _worth(
    forecasts: CaseForecasts,
    cases: Mapping[int, Case],
    players: Sequence[Player],
    dyads: Sequence[str],
    progress: Callable[[int, int], None],
) -> tuple[tuple[str, ...], dict[int, Floats]]:
    """The dyads that both ends forecast, and the scores of every coalition's case: (dyads,) by mask."""
    last = (1 << len(players)) - 1
    ends: dict[int, Forecast] = {}
    for mask in (0, last):
        progress(len(ends), len(cases))
        ends[mask] = forecasts.make(cases[mask])
    shown = tuple(dyad for dyad in dyads if all(dyad in ahead.dyads for ahead in ends.values()))
    if not shown:
        raise OptionError("no dyad exists at the start of both horizons; compare cases about the same dyads")
    equal = with_equal_paths(tuple(ends.values()))
    forecasts.keep_paths(equal[0].paths)
    values = {mask: _scores(ahead, shown) for mask, ahead in zip(ends, equal, strict=True)}
    ends.clear()
    for mask, case in cases.items():
        if mask not in values:
            progress(len(values), len(cases))
            labels = [step.change.id for i, player in enumerate(players) if mask >> i & 1 for step in player]
            values[mask] = _scores(forecasts.make(case, f"with {', '.join(labels)} alone changed"), shown)
    progress(len(cases), len(cases))
    return shown, values


def _scores(ahead: Forecast, dyads: Sequence[str]) -> Floats:
    """Scores as `Forecast.score` has them, without their intervals: (dyads,)."""
    columns = dict(zip(ahead.dyads, ahead.columns.tolist(), strict=True))
    return ahead.simulated.mean_score[[columns[dyad] for dyad in dyads]].astype(np.float64)


def _ranked(players: Sequence[Player], points: Floats, errors: Floats) -> tuple[Contribution, ...]:
    """One dyad's contributions, the largest first."""
    found = []
    for player, value, error in zip(players, points.tolist(), errors.tolist(), strict=True):
        changes = [step.change for step in player]
        kinds = dict.fromkeys(change.kind for change in changes)
        name = " + ".join(change.id for change in changes[:2]) + (f" + {len(changes) - 2} more" if changes[2:] else "")
        found.append(
            Contribution(
                name, player_label(changes), " + ".join(kinds), value, error, tuple(change.id for change in changes)
            )
        )
    return ranked(found)
