"""A panel is heard: every expert's forecast under the same chance, and what each belief does to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case
from riskcast.case.overlays import apply_overlay
from riskcast.case.quantities import Quantity
from riskcast.comparison.case_forecasts import CaseForecasts
from riskcast.comparison.change_games import Game, few_enough, periods_of, plan_game, player_label
from riskcast.comparison.changes import compare_cases
from riskcast.comparison.in_between import Numbers
from riskcast.comparison.shapley import shapley_values
from riskcast.engines.fitting import DRAWS
from riskcast.engines.registry import DEFAULT_ENGINE
from riskcast.errors import OptionError, UnknownNameError
from riskcast.experts.disagreement import Belief
from riskcast.experts.hearing import Hearing, Voice
from riskcast.experts.panels import (
    BLANKS,
    Blank,
    Blanks,
    Panel,
    Weighting,
    hindsight,
    published_quantities,
    settle_weights,
)
from riskcast.experts.pools import pool_quantities
from riskcast.forecasting.forecasts import Forecast, with_equal_paths
from riskcast.forecasting.requests import Request
from riskcast.machinery.array_types import Floats
from riskcast.names import BASELINE

POOL: Final = "pool"
PUBLISHED: Final = "published"
PERMUTATIONS: Final = 16
Progress = Callable[[int, int], None]


def consult_panel(
    case: Case,
    panel: Panel,
    *,
    weights: Weighting | None = None,
    earned: Sequence[float] | None = None,
    blanks: Blanks | None = None,
    against: str | None = None,
    scenario: str | None = None,
    horizon: int | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    engine: str = DEFAULT_ENGINE,
    prior_only: bool = False,
    allow_unreliable: bool = False,
    permutations: int = PERMUTATIONS,
    progress: Progress | None = None,
) -> Hearing:
    """Every expert's own forecast, how far they are apart, and which beliefs that is due to.

    All forecasts meet the same chance. Each expert's numbers are split from those of a center: the case as published,
    the case with the panel's pooled quantities (`against="pool"`), or that of a named expert; for a panel of two that
    of the first, so that parts are those of `diff`. The parts are Shapley values over beliefs, from all coalitions up
    to six that differ, else from `permutations` random orders and their reverses; 0 leaves them out. `weights`,
    `earned`: as for `settle_weights`. `blanks`: what stands where an expert gives no number. Raises CaseError for
    beliefs that do not fit the case, OptionError for a bad option, UnreliablePosteriorError as `fit` does.

    >>> import riskcast
    >>> from riskcast import Expert, Panel
    >>> from riskcast.case.yaml_lines import Document
    >>> said = {"A": (60.0, (52.0, 67.0)), "B": (45.0, (40.0, 50.0))}
    >>> panel = Panel(tuple(
    ...     Expert(riskcast.Overlay(who=who, changes={
    ...         "indicators.xenophobia.now": {"median": median, "interval": interval}
    ...     }), Document("overlay", {}))
    ...     for who, (median, interval) in said.items()
    ... ))
    >>> case = riskcast.load_case("central_asia_2024")
    >>> found = consult_panel(case, panel, draws=100, allow_unreliable=True).disagreement("RUS-TJK")
    >>> abs(found.causes[0].points - found.spread) < 1e-9, found.highest
    (True, 'A')
    """
    if permutations and (permutations < 8 or permutations > 10_000 or permutations % 2):
        raise OptionError(f"permutations is {permutations}; give an even number from 8 to 10000, or 0 for none")
    panel = replace(panel, blanks=blanks or panel.blanks)
    chosen = panel.blanks or PUBLISHED
    if chosen not in BLANKS:
        raise OptionError(f"blanks is {chosen!r}; give one of {', '.join(BLANKS)}")
    known = published_quantities(case, panel)
    way, shares = settle_weights(panel, weights, earned)
    side = against or (panel.names[0] if len(panel.names) == 2 else PUBLISHED)
    if side not in (POOL, PUBLISHED, *panel.names):
        raise UnknownNameError("center", side, (POOL, PUBLISHED, *panel.names))
    request = Request(
        base=case,
        scenarios=(scenario,),
        horizon=horizon,
        draws=draws,
        seed=seed,
        engine=engine,
        prior_only=prior_only,
        allow_unreliable=allow_unreliable,
    )
    periods_of(request, case)
    beliefs, left = believed(case, panel, known, shares, chosen)
    cases = [
        apply_overlay(case, expert.overlay.model_copy(update={"changes": _stated(own, left_by)}), expert.document)
        for expert, own, left_by in zip(panel.experts, beliefs, left, strict=True)
    ]
    center = _center(case, panel, cases, beliefs, shares, side)
    splits = _Splits(request, center, permutations, progress or (lambda done, total: None))
    forecasts, values, parts = splits.make(cases)
    told = (*hindsight(case, panel), *splits.notes)
    return Hearing(
        panel=panel,
        published=case,
        request=request,
        weighting=way,
        blanks=chosen,
        against=side,
        center=center,
        center_values=values[-1],
        voices=tuple(
            Voice(expert, weight, own, ahead, believes, left_by, value)
            for expert, weight, own, ahead, believes, left_by, value in zip(
                panel.experts, shares, cases, forecasts, beliefs, left, values[:-1], strict=True
            )
        ),
        beliefs=parts,
        numbers=splits.numbers,
        exact=splits.exact,
        is_split=permutations > 0,
        forecasts=splits.done,
        told=tuple(dict.fromkeys(told)),
        failures=tuple(splits.forecasts.failures),
    )


def believed(
    case: Case, panel: Panel, known: Mapping[str, Quantity], weights: Sequence[float], blanks: Blanks
) -> tuple[list[dict[str, Quantity]], list[tuple[Blank, ...]]]:
    """By expert: what is taken to be believed of every quantity that the panel speaks of, and what was left blank."""
    others: dict[str, Quantity] = {}
    if blanks == "others":
        for key in panel.stated:
            said = [
                (e.overlay.changes[key], w)
                for e, w in zip(panel.experts, weights, strict=True)
                if key in e.overlay.changes
            ]
            # Where nobody who speaks has a weight, all who speak count the same.
            own = [w for _, w in said] if any(w > 0.0 for _, w in said) else [1.0] * len(said)
            others |= pool_quantities(case, {key: [q for q, _ in said]}, own)
    beliefs, left = [], []
    for expert in panel.experts:
        blank = tuple(Blank(expert.name, key, others.get(key, known[key]), blanks) for key in panel.blank(expert))
        used = {one.id: one.used for one in blank}
        beliefs.append({key: expert.overlay.changes.get(key) or used[key] for key in panel.stated})
        left.append(blank)
    return beliefs, left


def _stated(beliefs: Mapping[str, Quantity], blanks: Sequence[Blank]) -> dict[str, Quantity]:
    """What an expert's case sets: a quantity that keeps its published number is not touched."""
    kept = {one.id for one in blanks if one.of == PUBLISHED}
    return {key: quantity for key, quantity in beliefs.items() if key not in kept}


def _center(
    case: Case,
    panel: Panel,
    cases: Sequence[Case],
    beliefs: Sequence[Mapping[str, Quantity]],
    weights: Sequence[float],
    side: str,
) -> Case:
    if side == PUBLISHED:
        return case
    if side == POOL:
        return apply_overlay(
            case, pool_quantities(case, {key: [own[key] for own in beliefs] for key in panel.stated}, weights)
        )
    return cases[panel.names.index(side)]


@dataclass
class _Splits:
    """Forecasts of experts and of all that lies between the center and them."""

    request: Request
    center: Case
    permutations: int
    progress: Progress

    def make(self, cases: Sequence[Case]) -> tuple[list[Forecast], list[Floats], tuple[Belief, ...]]:
        """Every expert's forecast; the numbers of each, those of the center last; and what each belief adds."""
        self.notes: list[str] = []
        self.exact, self.done = True, 0
        games = [self._game(case) for case in cases] if self.permutations else []
        self.forecasts = CaseForecasts(self.request, ())
        total = 1 + sum(len(game.cases) - 1 for game in games if game.players) if games else 1 + len(cases)
        made: list[Forecast] = []
        for case in (self.center, *cases):
            known = next((ahead for ahead in made if ahead.case.hash == case.hash), None)
            made.append(known or self._forecast(case, total))
        equal = with_equal_paths(tuple(made))
        self.forecasts.keep_paths(equal[0].paths)
        self.numbers = Numbers.of(self.center, self.center)
        alive = [dyad for dyad in self.numbers.dyads if dyad in equal[0].dyads]
        self.numbers = replace(
            self.numbers,
            dyads=tuple(alive),
            outcomes=tuple(o for o in self.numbers.outcomes if o[1] in alive or o[1] == self.center.host),
        )
        values = [self.numbers.read(ahead.case, ahead.simulated) for ahead in equal]
        parts = [self._split(game, values[0], own, total) for game, own in zip(games, values[1:], strict=bool(games))]
        self.progress(total, total)
        return list(equal[1:]), [*values[1:], values[0]], _joined(parts, values[0].shape)

    def _forecast(self, case: Case, total: int, told: str = "") -> Forecast:
        self.progress(self.done, total)
        self.done += 1
        return self.forecasts.make(case, told)

    def _game(self, case: Case) -> Game:
        comparison = compare_cases(self.center, case, str(self.request.scenarios[0] or BASELINE), self.request.horizon)
        moving = tuple((step,) for step in comparison.steps if step.change.moves)
        players, notes = few_enough(moving, None)
        game = plan_game(comparison, players, self.permutations, self.request)
        self.notes += [*notes, *game.notes]
        self.exact = self.exact and game.orders is None
        return game

    def _split(self, game: Game, start: Floats, end: Floats, total: int) -> dict[tuple[str, ...], _Part]:
        """By ids of the quantities: label, points (1 + batches, numbers) and errors of sampled orders (numbers,)."""
        k = len(game.players)
        if not k:
            return {}
        worth = {0: _flat(start), (1 << k) - 1: _flat(end)}
        for mask, case in game.cases.items():
            if mask not in worth:
                named = [s.change.id for i, player in enumerate(game.players) if mask >> i & 1 for s in player]
                ahead = self._forecast(case, total, f"with {', '.join(named)} alone changed")
                worth[mask] = _flat(self.numbers.read(ahead.case, ahead.simulated))
        points, errors = shapley_values(worth, k, game.orders, start.size)
        shape = (k, *start.shape)
        added, off = points.reshape(shape), errors.reshape(shape)[:, 0]
        found = {}
        for place, player in enumerate(game.players):
            changes = [step.change for step in player]
            found[tuple(change.id for change in changes)] = player_label(changes), added[place], off[place]
        return found


def _flat(stack: Floats) -> NDArray[np.float64]:
    return stack.ravel().astype(np.float64)


_Part = tuple[str, Floats, Floats]


def _joined(parts: Sequence[Mapping[tuple[str, ...], _Part]], shape: tuple[int, ...]) -> tuple[Belief, ...]:
    """Beliefs that some expert's split takes together are taken together in all."""
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
                    errors[place] = np.hypot(errors[place], error)
                    labels[label] = None
        found.append(Belief(group, "; ".join(labels), points, errors))
    return tuple(found)
