"""Assumptions that cannot be meant, and moves of which something else is used than what they say."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np

from riskcast.case.judgements import Found, Owner
from riskcast.case.model import Case, IndicatorMove, Scenario
from riskcast.case.moves import apply_move, bounded, indicator_order, levels_today
from riskcast.case.plausibility.levels import share_words
from riskcast.case.quantities import Quantity, check_domain
from riskcast.machinery.array_types import Floats
from riskcast.names import BASELINE
from riskcast.numbers import plain_number, signed_number

# Steps that rounding makes.
DUST: Final = 1e-9
MOST_STEPS_MOVED: Final = 10.0
LEAST_STEPS_MOVED: Final = 1e-4


def _owners(name: str) -> tuple[Owner, ...]:
    return (("scenarios", name),)


def _moves(case: Case, scenario: Scenario) -> Iterator[tuple[int, IndicatorMove]]:
    return ((i, move) for i, move in enumerate(scenario.indicators) if move.indicator in case.indicators)


def for_nobody(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    for key, listed in (("indicators", scenario.indicators), ("events", scenario.events)):
        for index, assumed in enumerate(listed):
            if assumed.dyads is not None and not assumed.dyads:
                path = (name, key, index, "dyads")
                wrong = "is empty, so that it is assumed of nobody"
                yield Found("scenarios", path, wrong, "name the pairs, or leave it out for all", _owners(name))


def _meeting(case: Case, scenario: Scenario) -> Iterator[tuple[int, IndicatorMove, int, IndicatorMove]]:
    """Pairs of moves that act on one indicator of one pair in one period, in the order of the file."""
    for (i, first), (j, second) in combinations(_moves(case, scenario), 2):
        together = first.start <= (second.until or math.inf) and second.start <= (first.until or math.inf)
        shared = first.dyads is None or second.dyads is None or set(first.dyads) & set(second.dyads)
        if first.indicator == second.indicator and together and shared:
            yield i, first, j, second


def _whom(move: IndicatorMove, dyads: tuple[str, ...]) -> set[str]:
    return set(dyads if move.dyads is None else move.dyads)


def _is_drowned(case: Case, first: IndicatorMove, second: IndicatorMove) -> bool:
    """Whether a later move sets a level wherever and whenever the first would act."""
    return (
        second.set is not None
        and second.start <= first.start
        and (second.until or math.inf) >= (first.until or math.inf)
        and _whom(second, case.dyads) >= _whom(first, case.dyads)
        and second.start + second.over <= first.start + first.over
    )


def drowned_moves(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    for i, first, j, second in _meeting(case, scenario):
        if _is_drowned(case, first, second):
            wrong = f"{first.verb} {first.size:g} of {first.indicator} leaves no trace: move {j + 1} sets it to "
            wrong += f"{second.set:g} from period {second.start} on"
            path = (name, "indicators", i, first.verb)
            yield Found("scenarios", path, wrong, "keep one of the two, or let them act at other times", _owners(name))


def meeting_moves(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    for i, first, j, second in _meeting(case, scenario):
        if _is_drowned(case, first, second):
            continue
        begun = max(first.start, second.start)
        if first.shift is not None and second.shift is not None:
            used = f"both add up to {first.shift + second.shift:g}"
        elif first.multiply is not None and second.multiply is not None:
            used = f"both multiply to {first.multiply * second.multiply:g}"
        elif second.set is not None:
            used = f"the level that move {j + 1} sets is used where they meet"
        elif first.set is not None and second.start >= first.start:
            # To go on from a level that is set is what the order of moves is for.
            continue
        else:
            used = "the first acts first, and the second on what it leaves"
        wrong = f"{first.indicator} is moved by {i + 1} and {j + 1} at once from period {begun} on: {used}"
        wrong += ", though they are word for word the same" if first == second else ""
        mend = "keep one of the two, or let them act at other times"
        yield Found("scenarios", (name, "indicators", j), wrong, mend, _owners(name))


def beyond_bounds(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    for index, move in _moves(case, scenario):
        bounds = case.indicators[move.indicator].bounds
        if move.shift is not None and bounds is not None and not abs(move.shift) <= bounds[1] - bounds[0]:
            wrong = f"is {move.shift:g}, and {move.indicator} lies between {bounds[0]:g} and {bounds[1]:g}"
            path = (name, "indicators", index, "shift")
            yield Found("scenarios", path, wrong, "give less, or set a level", _owners(name))


def clipped_moves(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    """Where the middle of today's levels, moved as the scenario says, would leave the bounds."""
    if not scenario.indicators or any(move.indicator not in case.indicators for move in scenario.indicators):
        return
    periods = max(case.settings.horizon, *(min(move.start + move.over, 600) for move in scenario.indicators))
    start: dict[str, Floats] = {}
    moved: dict[str, Floats] = {}
    for indicator_id in indicator_order(case):
        indicator = case.indicators[indicator_id]
        scale = indicator.measure
        steps = np.asarray(indicator.steps(levels_today(case, indicator_id)), dtype=float)
        path = start[indicator_id] = np.broadcast_to(steps, (periods, 1, len(steps)))
        for parent, weight in indicator.parents.items():
            path = path + weight.center * (moved[parent] - start[parent])
        own = None
        for index, move in _moves(case, scenario):
            if move.indicator == indicator_id and not _is_for_nobody(move):
                path = apply_move(case, move, path, path)
                own = (index, move) if own is None or move.set is None else own
        held = bounded(case, indicator_id, path)
        moved[indicator_id] = held
        before = bounded(case, indicator_id, start[indicator_id])
        excess = np.abs(path - held)
        # A level that stands at a bound today and is not moved is nobody's move.
        excess = np.where(np.abs(path - before) > DUST, excess, 0.0)
        if not np.all(excess <= DUST):
            period, _, unit = np.unravel_index(int(np.nanargmax(excess)), excess.shape)
            units = case.dyads if indicator.scope == "dyad" else (case.host,)
            asked, used, today = (float(scale.level(part[period, 0, unit])) for part in (path, held, before))
            now, then, at_bound = (plain_number(value, 4) for value in (today, asked, used))
            others = int((excess.max(axis=(0, 1)) > DUST).sum()) - 1
            whose = f" of {units[int(unit)]}" if indicator.scope == "dyad" else ""
            wrong = f"{indicator_id}{whose} would go from {now} to {then}; the bounds hold it at {at_bound}, "
            wrong += f"and {signed_number(used - today, 3)} is used in place of {signed_number(asked - today, 3)}"
            wrong += f" (and so for {others} other pair{'s' if others > 1 else ''})" if others else ""
            if own is None:
                at: tuple[str | int, ...] = (name,)
                mend = "move its parents by less, or widen `bounds:`"
            else:
                at = (name, "indicators", own[0], own[1].verb)
                mend = "give less for those pairs, set a level, or widen `bounds:`"
            yield Found("scenarios", at, wrong, mend, _owners(name))


def large_moves(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    """Moves that take the middle of today's levels ten steps away or more."""
    for index, move in _moves(case, scenario):
        indicator = case.indicators[move.indicator]
        if move.verb in indicator.measure.refused or _is_for_nobody(move):
            continue
        steps = np.asarray(indicator.steps(levels_today(case, move.indicator)), dtype=float)
        if not np.isfinite(steps).all():
            continue
        path = np.broadcast_to(steps, (move.over, 1, len(steps)))
        whole = move.model_copy(update={"start": 1, "until": None})
        moved = bounded(case, move.indicator, apply_move(case, whole, path, path))
        most = float(np.abs(moved - path).max())
        if not most <= MOST_STEPS_MOVED:
            wrong = f"{move.verb} {move.size:g} moves {move.indicator} by {most:.3g} steps"
            path_ = (name, "indicators", index, move.verb)
            yield Found("scenarios", path_, wrong, "check the size and its unit", _owners(name))


def _is_for_nobody(move: IndicatorMove) -> bool:
    return move.dyads is not None and not move.dyads


def assumed_twice(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    for key, listed in (("indicators", scenario.indicators), ("events", scenario.events)):
        for index, assumed in enumerate(listed):
            if assumed.dyads and len(set(assumed.dyads)) < len(assumed.dyads):
                twice = next(dyad for dyad in assumed.dyads if assumed.dyads.count(dyad) > 1)
                path = (name, key, index, "dyads")
                yield Found("scenarios", path, f"names {twice} twice; once is used", "keep one", _owners(name))
    for (_, first), (j, second) in combinations(enumerate(scenario.events), 2):
        if (first.event, first.happens) != (second.event, second.happens):
            continue
        spans = [each.span(case.settings.horizon) for each in (first, second)]
        begin, end = max(span[0] for span in spans), min(span[1] for span in spans)
        shared = set(first.dyads or case.dyads) & set(second.dyads or case.dyads)
        if begin <= end and (None in (first.dyads, second.dyads) or shared):
            wrong = f"{second.event} is assumed in period {begin} already; one event is used"
            if not second.happens:
                wrong = f"{second.event} is assumed not to happen in period {begin} already"
            path = (name, "events", j, "event")
            yield Found("scenarios", path, wrong, "keep one of the two", _owners(name))


def empty_moves(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    if name != BASELINE and not scenario.indicators and not scenario.events:
        wrong = "assumes nothing: its numbers are those of the baseline"
        yield Found("scenarios", (name,), wrong, "add `indicators:` or `events:`, or remove it", _owners(name))
    driving = {effect.source for effect in case.effects}
    for child in reversed(indicator_order(case)):
        if child in driving:
            driving |= set(case.indicators[child].parents)
    for index, move in _moves(case, scenario):
        wrong = ""
        step = case.indicators[move.indicator].step
        is_still = move.shift is not None and not abs(move.shift) > LEAST_STEPS_MOVED * step
        if is_still or move.multiply == 1:
            wrong = f"{move.verb} {move.size:g} changes nothing of {move.indicator}"
        elif move.indicator not in driving:
            wrong = f"{move.indicator} is moved, and drives nothing"
        if wrong:
            path = (name, "indicators", index, move.verb)
            yield Found("scenarios", path, wrong, "remove the move, or give another size or an effect", _owners(name))


def late_moves(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    horizon = case.settings.horizon
    for index, move in _moves(case, scenario):
        full = move.start + move.over - 1
        end = min(horizon, move.until or horizon)
        wrong = ""
        if move.start > horizon:
            wrong = f"{move.indicator} is moved from period {move.start} on, beyond the horizon of {horizon}"
        elif full > end:
            done = 100 * (end - move.start + 1) / move.over
            wrong = (
                f"the move of {move.indicator} would be whole in period {full} and ends in {end}: {done:.0f} % of it "
            )
            wrong += "is used"
        if wrong:
            path = (name, "indicators", index, "start" if move.start > horizon else "over")
            yield Found("scenarios", path, wrong, "let it start or be whole earlier", _owners(name))


def set_shares(case: Case, name: str, scenario: Scenario) -> Iterator[Found]:
    for index, move in _moves(case, scenario):
        indicator = case.indicators[move.indicator]
        if move.set is None or check_domain(Quantity(value=move.set), indicator.link) is not None:
            continue
        wrong = share_words(move.set, indicator.reference)
        if wrong and all(share_words(move.set, float(level)) for level in levels_today(case, move.indicator)):
            path = (name, "indicators", index, "set")
            mend = "write shares or per cent, not both, in the unit of the indicator"
            yield Found("scenarios", path, f"{wrong}, the reference, and today's level", mend, _owners(name))
