"""A panel is heard: every expert's forecast under the same chance, and what each belief does to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case
from riskcast.case.overlays import apply_overlay
from riskcast.comparison.case_forecasts import CaseForecasts
from riskcast.comparison.change_games import Game, few_enough, periods_of, plan_game, player_label
from riskcast.comparison.changes import compare_cases
from riskcast.comparison.in_between import Numbers
from riskcast.comparison.shapley import shapley_values
from riskcast.errors import OptionError, UnknownNameError
from riskcast.experts.beliefs import PUBLISHED, Belief, beliefs_of
from riskcast.experts.coalitions import Setup, read_coalitions, with_paths
from riskcast.experts.disagreement import BeliefParts
from riskcast.experts.hearing import Hearing, Voice
from riskcast.experts.mixture import check_blanks
from riskcast.experts.panels import Blanks, ExpertPanel, hindsight
from riskcast.experts.pools import pool_quantities
from riskcast.experts.weighing import weigh_panel
from riskcast.forecasting.forecasts import Forecast, with_equal_paths
from riskcast.forecasting.requests import Request, refuse_experts
from riskcast.machinery.array_types import Floats
from riskcast.names import BASELINE

if TYPE_CHECKING:
    from riskcast.verification.track_rows import TrackRecord

POOL: Final = "pool"
PERMUTATIONS: Final = 16
Progress = Callable[[int, int], None]


def consult_panel(
    request: Request,
    panel: ExpertPanel,
    *,
    weights: str | None = None,
    cutoff: float | None = None,
    track: TrackRecord | None = None,
    earned: Sequence[float] | None = None,
    blanks: Blanks | None = None,
    against: str | None = None,
    permutations: int = PERMUTATIONS,
    workers_count: int | None = None,
    cluster: str | None = None,
    cache: str | Path | None = None,
    use_cache: bool = True,
    progress: Progress | None = None,
) -> Hearing:
    """Every expert's own forecast, how far they are apart, and which beliefs that is due to.

    All forecasts meet the same chance. Each expert's numbers are split from those of a center: the case as published,
    the case with the panel's pooled quantities (`against="pool"`), or that of a named expert; for a panel of two that
    of the first, so that parts are those of `diff`. The parts are Shapley values over beliefs, from all coalitions up
    to six that differ, else from `permutations` random orders and their reverses; 0 leaves them out.

    request: case, day, overlays, one scenario, horizon, draws, seed, engine. `weights`, `cutoff`, `track`, `earned`: as
    for `weigh_panel`. `blanks`: what stands where an expert gives no number. Cases with some of an expert's beliefs are
    forecast on `workers_count` processes or on a cluster, and kept below the folder `cache` (`cache_folder()` where
    none is given), so that a hearing that was interrupted goes on. Raises CaseError for beliefs that do not fit the
    case, OptionError for a bad option, UnreliablePosteriorError as `fit` does.

    >>> import riskcast
    >>> from riskcast import Expert, ExpertPanel
    >>> from riskcast.case.yaml_lines import Document
    >>> said = {"A": (60.0, (52.0, 67.0)), "B": (45.0, (40.0, 50.0))}
    >>> panel = ExpertPanel(tuple(
    ...     Expert(riskcast.Overlay(who=who, changes={
    ...         "indicators.xenophobia.now": {"median": median, "interval": interval}
    ...     }), Document("overlay", {}))
    ...     for who, (median, interval) in said.items()
    ... ))
    >>> asked = riskcast.Request(riskcast.load_case("central_asia_2024"), draws=100, allow_unreliable=True)
    >>> found = consult_panel(asked, panel).disagreement("RUS-TJK")
    >>> abs(found.causes[0].points - found.spread) < 1e-9, found.highest
    (True, 'A')
    """
    refuse_experts(request, "hearing")
    if permutations and (permutations < 8 or permutations > 10_000 or permutations % 2):
        raise OptionError(f"permutations is {permutations}; give an even number from 8 to 10000, or 0 for none")
    if len(request.scenarios) != 1:
        raise OptionError(f"a panel is heard on one scenario, and {len(request.scenarios)} are given; give one")
    if request.outside:
        raise OptionError("numbers from outside are of the forecast as it is; leave them out")
    case, chosen = request.case, check_blanks(blanks or panel.blanks)
    request = replace(request, base=case, as_of=None, overlays=())
    weighed = weigh_panel(panel, weights, cutoff=cutoff, track=track, day=case.as_of, earned=earned)
    side = against or (panel.names[0] if len(panel.names) == 2 else PUBLISHED)
    if side not in (POOL, PUBLISHED, *panel.names):
        raise UnknownNameError("center", side, (POOL, PUBLISHED, *panel.names))
    periods_of(request, case)
    beliefs = beliefs_of(case, panel, weighed.shares, chosen)
    cases = [
        apply_overlay(case, one.expert.overlay.model_copy(update={"changes": one.stated}), one.expert.document)
        for one in beliefs
    ]
    center = _center(case, panel, cases, beliefs, weighed.shares, side)
    tasks = partial(read_coalitions, workers_count=workers_count, cluster=cluster, cache=cache, use_cache=use_cache)
    splits = _Splits(request, center, permutations, tasks, progress or (lambda done, total: None))
    forecasts, values, parts = splits.make(cases)
    told = (*weighed.told, *hindsight(case, panel), *splits.notes)
    return Hearing(
        panel=panel,
        published=case,
        request=request,
        weighting=weighed.way,
        blanks=chosen,
        is_chosen=(blanks or panel.blanks) is not None,
        against=side,
        center=center,
        center_values=values[-1],
        voices=tuple(
            Voice(belief.expert, weight, own, ahead, belief.quantities, belief.blanks, value)
            for belief, weight, own, ahead, value in zip(
                beliefs, weighed.shares, cases, forecasts, values[:-1], strict=True
            )
        ),
        beliefs=parts,
        numbers=splits.numbers,
        exact=splits.exact,
        is_split=permutations > 0,
        forecasts=splits.done,
        told=tuple(dict.fromkeys(told)),
        failures=tuple(splits.failures),
    )


def _center(
    case: Case,
    panel: ExpertPanel,
    cases: Sequence[Case],
    beliefs: Sequence[Belief],
    weights: Sequence[float],
    side: str,
) -> Case:
    if side == PUBLISHED:
        return case
    if side == POOL:
        said = {key: [own.quantities[key] for own in beliefs] for key in panel.stated}
        return apply_overlay(case, pool_quantities(case, said, weights))
    return cases[panel.names.index(side)]


@dataclass
class _Splits:
    """Forecasts of experts and of all that lies between the center and them."""

    request: Request
    center: Case
    permutations: int
    tasks: Callable[..., Mapping[str, tuple[Floats, Sequence[str]]]]
    progress: Progress

    def make(self, cases: Sequence[Case]) -> tuple[list[Forecast], list[Floats], tuple[BeliefParts, ...]]:
        """Every expert's forecast; the numbers of each, those of the center last; and what each belief adds."""
        self.notes: list[str] = []
        self.exact = True
        games = [self._game(case) for case in cases] if self.permutations else []
        forecasts = CaseForecasts(self.request, ())
        # Experts come first, in their order: what is fitted after them goes on from them.
        first = {case.hash: case for case in (*cases, self.center)}
        between = self._between(games, first)
        total, made = len(first) + len(between), dict[str, Forecast]()
        for name, case in first.items():
            self.progress(len(made), total)
            made[name] = forecasts.make(case)
        equal = with_equal_paths(tuple(made[case.hash] for case in (*cases, self.center)))
        self._read_from(equal[0])
        asked = with_paths(self.request, equal[0].paths)
        forecasts.keep_paths(equal[0].paths)
        setup = Setup(asked, self.numbers, tuple(first.values()))
        setup.hand(forecasts)
        read = self.tasks(setup, between, progress=lambda done, _: self.progress(len(first) + done, total))
        self.done = total
        self.failures = dict.fromkeys([*forecasts.failures, *(told for _, failed in read.values() for told in failed)])
        values: list[Floats] = [self.numbers.read(ahead.case, ahead.simulated) for ahead in equal]
        worth = {name: own for name, (own, _) in read.items()}
        worth |= {ahead.case.hash: own for ahead, own in zip(equal, values, strict=True)}
        parts = [self._split(game, worth, values[-1].shape) for game in games]
        self.progress(total, total)
        return list(equal[:-1]), values, _joined(parts, values[-1].shape)

    def _read_from(self, ahead: Forecast) -> None:
        numbers = Numbers.of(self.center, self.center)
        alive = tuple(dyad for dyad in numbers.dyads if dyad in ahead.dyads)
        outcomes = tuple(o for o in numbers.outcomes if o[1] in alive or o[1] == self.center.host)
        self.numbers = replace(numbers, dyads=alive, outcomes=outcomes)

    def _game(self, case: Case) -> Game:
        comparison = compare_cases(self.center, case, str(self.request.scenarios[0] or BASELINE), self.request.horizon)
        moving = tuple((step,) for step in comparison.steps if step.change.moves)
        players, notes = few_enough(moving, None)
        game = plan_game(comparison, players, self.permutations, self.request)
        self.notes += [*notes, *game.notes]
        self.exact = self.exact and game.orders is None
        return game

    def _between(self, games: Sequence[Game], first: Mapping[str, Any]) -> dict[str, tuple[Case, str]]:
        """By hash, cases that hold some beliefs of an expert, each once, and which these are."""
        found = {}
        for game in games:
            for mask, case in game.cases.items():
                if case.hash not in first and case.hash not in found:
                    named = [s.change.id for i, player in enumerate(game.players) if mask >> i & 1 for s in player]
                    found[case.hash] = case, f"with {', '.join(named)} alone changed"
        return found

    def _split(self, game: Game, worth: Mapping[str, Floats], shape: tuple[int, ...]) -> dict[tuple[str, ...], _Part]:
        """By ids of the quantities: label, points (1 + batches, numbers) and errors of sampled orders (numbers,)."""
        k = len(game.players)
        if not k:
            return {}
        flat = {mask: _flat(worth[case.hash]) for mask, case in game.cases.items()}
        points, errors = shapley_values(flat, k, game.orders, int(np.prod(shape)))
        added, off = points.reshape(k, *shape), errors.reshape(k, *shape)[:, 0]
        found = {}
        for place, player in enumerate(game.players):
            changes = [step.change for step in player]
            found[tuple(change.id for change in changes)] = player_label(changes), added[place], off[place]
        return found


def _flat(stack: Floats) -> NDArray[np.float64]:
    return stack.ravel().astype(np.float64)


_Part = tuple[str, Floats, Floats]


def _joined(parts: Sequence[Mapping[tuple[str, ...], _Part]], shape: tuple[int, ...]) -> tuple[BeliefParts, ...]:
    """Beliefs that some expert's split takes together are taken together in all; errors of sampled orders then add up,
    as what they have in common is not known."""
    groups: list[tuple[str, ...]] = []
    for own in parts:
        for ids in own:
            touched = [group for group in groups if set(group) & set(ids)]
            merged = dict.fromkeys([*(key for group in touched for key in group), *ids])
            groups = [group for group in groups if group not in touched] + [tuple(merged)]
    found = []
    for group in groups:
        points, errors = np.zeros((len(parts), *shape)), np.zeros((len(parts), shape[-1]))
        labels: dict[str, None] = {}
        for place, own in enumerate(parts):
            for ids, (label, added, error) in own.items():
                if set(ids) <= set(group):
                    points[place] += added
                    errors[place] += error
                    labels[label] = None
        found.append(BeliefParts(group, "; ".join(labels), points, errors))
    return tuple(found)
