"""The difference of two forecasts' numbers, split among what is new between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from riskcast.comparison.days_between import FORGETTING, LEVELS, WINDOW, days_gone_by, felt_change, what_days_do
from riskcast.comparison.in_between import RATES, TENSION, InBetween
from riskcast.comparison.news import DAYS, RELEARNING, New
from riskcast.comparison.owen import orders_by_group, owen_coalitions, owen_values
from riskcast.comparison.shapley import Floats, shapley_values
from riskcast.forecasting.forecasts import Forecast, with_equal_paths
from riskcast.forecasting.plan import Plan
from riskcast.machinery.array_types import Ints
from riskcast.machinery.random_streams import generator

# How many forecasts of all draws a group's members may take for all coalitions of them to be forecast.
MOST_EXACT: Final = 16
# Else orders are forecast, each pair of one and its reverse from its own draws, which are this share of all.
SHARE_OF_DRAWS: Final = 0.5
LEAST_PART: Final = 25

Worth = Callable[[frozenset[str], Ints | None], Floats]


@dataclass(frozen=True)
class Share:
    """What one thing is responsible for: points and their Monte Carlo standard errors, (numbers,) each; sampled:
    whether orders were sampled to tell it from others of its group."""

    new: New
    points: Floats
    errors: Floats
    sampled: bool = False


@dataclass
class Count:
    """How many fits and forecasts are done, of how many, as far as that is known."""

    report: Callable[[int, int], None] | None = None
    done: int = 0
    total: int = 4

    def expect(self, more: int) -> None:
        """So many more will be made."""
        self.total += more

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        if self.report is not None:
            self.report(min(self.done, self.total), self.total)


@dataclass(frozen=True)
class Splitting:
    """How a difference is split: start and end, (numbers,), and the shares that add up to the end less the start.

    felt: by event type of which memories changed as days went by, and dyad, whether more or less of them is felt.
    """

    start: Floats
    end: Floats
    shares: tuple[Share, ...]
    felt: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def split_difference(
    between: InBetween, kept: tuple[Forecast | None, Forecast | None], version: New, orders: int, count: Count
) -> Splitting:
    """Split the difference of two forecasts, each as it was kept where it was; `version`: what the newer software's
    part is called."""
    news, read = between.news, between.numbers.read
    # As many futures as kept runs have, so that they come out as they were kept.
    between.paths = max((ahead.paths for ahead in kept if ahead is not None), default=0) or None
    ends = with_equal_paths((between.end(False), between.end(True)))
    between.paths = ends[0].paths or None
    first, last = (read(ahead.case, ahead.simulated) for ahead in ends)
    shares, felt, rolled = [], {}, first
    if news.moves_window:
        before, after = between.first_plan(), between.planned((), ())
        count.expect(1)
        rolled = between.worth(after)
        found, felt = _days(between, before, after, (first, rolled), orders, count)
        shares += found
    shares += _groups(between, rolled, last, orders, count)
    start, end = first, last
    if any(ahead is not None for ahead in kept):
        start, end = (
            now if ahead is None else read(ahead.case, ahead.simulated)
            for ahead, now in zip(kept, (first, last), strict=True)
        )
        shares.append(_share(version, (first - start) + (end - last)))
    moved = tuple(share for share in shares if np.abs(share.points).max(initial=0.0) > 0.0)
    slack = np.abs(sum((share.points for share in moved), np.zeros(first.shape[1])) - (end - start)[0])
    assert slack.max(initial=0.0) <= 1e-9, f"parts miss the sum by {slack.max()}"
    return Splitting(start[0], end[0], moved, felt)


def _share(new: New, stack: Floats, sampled: bool = False) -> Share:
    """A share whose error is told by its means over batches of draws: (1 + batches, numbers)."""
    batches = stack[1:]
    errors = batches.std(axis=0, ddof=1) / np.sqrt(len(batches))
    return Share(new, stack[0], errors, sampled)


def _days(
    between: InBetween, before: Plan, after: Plan, ends: tuple[Floats, Floats], orders: int, count: Count
) -> tuple[list[Share], dict[str, Mapping[str, float]]]:
    """What days alone do: levels age, memories fade, the window moves on."""
    events = between.news.first.events
    told, felt = [], {}
    every = what_days_do(before, after)
    for what in every:
        kind, _, event = what.partition(":")
        if event:
            felt[event] = felt_change(before, after, event)
        label = {
            LEVELS: "Levels age",
            WINDOW: "The window moves on",
            FORGETTING: f"Memories of {events[event].label}" if event else "Other memories fade",
        }[kind]
        told.append(New(DAYS, f"{DAYS}.{what.replace(':', '.') if event else kind}", label, event))
    names = {new.id: what for new, what in zip(told, every, strict=True)}
    plans: dict[int, tuple[Plan, Plan]] = {}

    def worth(chosen: frozenset[str], part: Ints | None) -> Floats:
        if part is None:
            pair = before, after
        else:
            if id(part) not in plans:
                plans[id(part)] = between.first_plan(part), between.planned((), (), part)
            pair = plans[id(part)]
        return between.worth(days_gone_by(*pair, [names[name] for name in chosen], every))

    game = _Game([told], worth, orders, between.request.seed, between.request.draws, count)
    return game.within(0, {0: ends[0], 1: ends[1]}, ends[1] - ends[0]), felt


def _groups(between: InBetween, rolled: Floats, last: Floats, orders: int, count: Count) -> list[Share]:
    """Events, values, relearning and beliefs: groups and their members in all orders."""
    news = between.news
    one, two = between.fit((), False), between.fit(news.beliefs, True)
    others = [own for own in (news.events, news.values, news.beliefs) if own]
    again = [New(RELEARNING, f"{RELEARNING}.{RATES}", "Relearned rates and effects")]
    if between.has_tension:
        again.append(New(RELEARNING, f"{RELEARNING}.{TENSION}", "Relearned tension: how restless the times are"))
    learns = bool(news.beliefs) or one.fingerprints != two.fingerprints or not others
    groups = [list(own) for own in others] + [again] * learns
    known = {new.id: new for own in others for new in own}

    def worth(chosen: frozenset[str], part: Ints | None) -> Floats:
        picked = [known[name] for name in chosen if name in known]
        learned = [what for what in (RATES, TENSION) if f"{RELEARNING}.{what}" in chosen or not learns]
        return between.worth(between.planned(picked, learned, part))

    game = _Game(groups, worth, orders, between.request.seed, between.request.draws, count)
    k = len(groups)
    worths = {0: rolled, (1 << k) - 1: last}
    count.expect((1 << k) - 2)
    for mask in range(1 << k):
        if mask not in worths:
            worths[mask] = worth(game.members(mask), None)
    flat = {mask: own.ravel() for mask, own in worths.items()}
    totals, _ = shapley_values(flat, k, None, rolled.size)
    shares = []
    for place in range(k):
        shares += game.within(place, worths, totals[place].reshape(rolled.shape))
    return shares


@dataclass
class _Game:
    """Groups of what is new, and what coalitions of them are worth, from all draws or from a part of them."""

    groups: Sequence[Sequence[New]]
    worth: Worth
    orders: int
    seed: int
    draws: int
    count: Count
    _gains: dict[str, list[Floats]] | None = None

    def members(self, mask: int) -> frozenset[str]:
        """The members of the groups whose bits are set."""
        return frozenset(new.id for place, own in enumerate(self.groups) if mask >> place & 1 for new in own)

    def within(self, place: int, worths: Mapping[int, Floats], total: Floats) -> list[Share]:
        """The shares of one group's members, which add up to what the group has: (1 + batches, numbers)."""
        own = self.groups[place]
        if len(own) == 1:
            return [_share(own[0], total)]
        if self._is_exact(place):
            return self._exact(place, worths, total)
        if self._gains is None:
            self._gains = self._walk()
        gains = np.array([self._gains[new.id] for new in own])
        pairs = (gains[:, 0::2] + gains[:, 1::2]) / 2.0
        points = pairs.mean(axis=1)
        # Of a single pair, the spread between its two orders.
        errors = np.abs(gains[:, 0] - gains[:, 1]) / 2.0
        if pairs.shape[1] > 1:
            errors = pairs.std(axis=1, ddof=1) / np.sqrt(pairs.shape[1])
        rest = total[0] - points.sum(axis=0)
        weight = np.abs(points)
        whole = weight.sum(axis=0)
        even = np.full_like(weight, 1.0 / len(own))
        points = points + rest * np.divide(weight, whole, out=even, where=whole > 0.0)
        # What rounding leaves goes to the largest, so that nothing is missing.
        largest = np.abs(points).argmax(axis=0)
        points[largest, np.arange(len(largest))] += total[0] - points.sum(axis=0)
        return [Share(new, points[i], errors[i], sampled=True) for i, new in enumerate(own)]

    def _is_exact(self, place: int) -> bool:
        size, others = len(self.groups[place]), len(self.groups) - 1
        return (2**size - 2) * 2**others <= MOST_EXACT

    def _exact(self, place: int, worths: Mapping[int, Floats], total: Floats) -> list[Share]:
        """By all coalitions; other groups are whole."""
        own = self.groups[place]
        others = [k for k in range(len(self.groups)) if k != place]
        players = [list(range(len(own))), *([len(own) + n] for n in range(len(others)))]
        values: dict[int, Floats] = {}
        wanted = owen_coalitions(players)
        known = (1 << len(own)) - 1
        self.count.expect(sum(0 < (mask & known) < known for mask in wanted))
        for mask in wanted:
            inside = mask & known
            outside = sum(1 << k for n, k in enumerate(others) if mask >> (len(own) + n) & 1)
            if inside in (0, known):
                values[mask] = worths[outside | (1 << place if inside else 0)]
            else:
                chosen = frozenset(new.id for n, new in enumerate(own) if inside >> n & 1)
                values[mask] = self.worth(chosen | self.members(outside), None)
        flat = {mask: each.ravel() for mask, each in values.items()}
        found = owen_values(flat, players)[: len(own)]
        return [_share(new, found[n].reshape(total.shape)) for n, new in enumerate(own)]

    def _walk(self) -> dict[str, list[Floats]]:
        """What each member of a group that is not exact adds in every order, from the draws of its pair of orders."""
        places = [list(range(n)) for n in (len(own) for own in self.groups)]
        start = np.cumsum([0, *(len(own) for own in self.groups)])
        numbered = [[int(start[k]) + n for n in own] for k, own in enumerate(places)]
        flat = [new for own in self.groups for new in own]
        group_of = {n: k for k, own in enumerate(numbered) for n in own}
        sampled = {k for k in range(len(self.groups)) if len(self.groups[k]) > 1 and not self._is_exact(k)}
        orders = orders_by_group(numbered, self.orders, self.seed)
        turns = generator(self.seed, "draws of orders").permutation(self.draws)
        size = max(LEAST_PART, round(self.draws * SHARE_OF_DRAWS / (len(orders) / 2)))
        starts = np.linspace(0, max(0, self.draws - size), len(orders) // 2).astype(int)
        parts = [np.sort(turns[first : first + size]) for first in starts]
        gains: dict[str, list[Floats]] = {flat[n].id: [] for k in sampled for n in numbered[k]}
        self.count.expect(len(orders) * sum(len(numbered[k]) + 1 for k in sampled))
        for number, order in enumerate(orders):
            part, chosen = parts[number // 2], frozenset[str]()
            for own in order:
                if group_of[own[0]] in sampled:
                    held = self.worth(chosen, part)[0]
                    for n in own:
                        chosen |= {flat[n].id}
                        now = self.worth(chosen, part)[0]
                        gains[flat[n].id].append(now - held)
                        held = now
                else:
                    chosen |= {flat[n].id for n in own}
        return gains
