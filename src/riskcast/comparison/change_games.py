"""The game that changes between two cases play: which cases are to be forecast, and what each player is called."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from riskcast.case.model import Case
from riskcast.comparison.changes import Change, Comparison, Step
from riskcast.comparison.parts import file_of
from riskcast.comparison.shapley import antithetic_orders, coalitions, find_culprits
from riskcast.errors import RiskcastError
from riskcast.forecasting.requests import Request, check_request

Player = tuple[Step, ...]
EXACT = 6
MOST_CHANGES = 24
GROUPS: Mapping[str, tuple[str, Callable[[Change], Hashable]]] = {
    "part": ("those of one indicator, outcome or effect", lambda change: tuple(change.id.split(".")[:2])),
    "file": ("those of one file", lambda change: file_of(change.id)),
    "kind": ("those of one kind", lambda change: change.kind),
}


def few_enough(players: tuple[Player, ...], group: str | None) -> tuple[tuple[Player, ...], tuple[str, ...]]:
    """The changes one by one or as asked for, else those of one part together, then those of one file."""
    count, notes = len(players), ()
    for way, (told, key) in GROUPS.items():
        if way != group and (len(players) <= MOST_CHANGES or group in ("file", "kind")):
            continue
        groups: dict[Hashable, list[Step]] = {}
        for player in players:
            for step in player:
                groups.setdefault(key(step.change), []).append(step)
        players = tuple(tuple(own) for own in groups.values())
        why = "" if way == group else f" are more than {MOST_CHANGES}"
        notes = () if len(players) == count else (f"{count} changes{why}: {told} share one value.",)
    return players, notes


@dataclass(frozen=True)
class Game:
    """The cases to forecast, by the mask of the players whose changes they hold."""

    players: tuple[Player, ...]
    cases: dict[int, Case]
    orders: tuple[tuple[int, ...], ...] | None
    notes: tuple[str, ...]


def is_affordable(k: int, permutations: int) -> bool:
    """Whether all coalitions of `k` changes are forecast: there are few, or no more than so many orders would meet.

    >>> [k for k in range(1, 12) if is_affordable(k, 16)]
    [1, 2, 3, 4, 5, 6]
    """
    return k <= EXACT or 2**k - 2 <= permutations * (k - 1)


def plan_game(comparison: Comparison, players: tuple[Player, ...], permutations: int, request: Request) -> Game:
    """All cases that are needed; changes without which some of them would not be valid become one player."""
    built: dict[frozenset[str], Case | None] = {}
    notes: list[str] = []

    def case_of(members: Iterable[int]) -> Case | None:
        steps = [step for i in sorted(members) for step in players[i]]
        if len(steps) == sum(map(len, players)):
            return comparison.second
        name = frozenset(step.change.id for step in steps)
        if name not in built:
            try:
                case = comparison.between(steps) if steps else comparison.first
                periods_of(request, case)
                built[name] = case
            except RiskcastError:
                built[name] = None
        return built[name]

    while True:
        k = len(players)
        orders = None if is_affordable(k, permutations) else antithetic_orders(k, permutations, request.seed)
        cases: dict[int, Case] = {}
        for mask in coalitions(k, orders):
            members = [i for i in range(k) if mask >> i & 1]
            case = case_of(members)
            if case is None:
                i, j = find_culprits(members, k, lambda chosen: case_of(chosen) is not None)
                labels = " and ".join(step.change.label for step in players[i] + players[j])
                notes.append(f"{labels} share one value: a case with only one of them would not be valid.")
                players = tuple(p + players[j] if n == i else p for n, p in enumerate(players) if n != j)
                break
            cases[mask] = case
        else:
            return Game(players, cases, orders, tuple(notes))


def periods_of(request: Request, case: Case) -> int:
    """The horizon of a case; raises what its forecast would raise of scenario and horizon."""
    asked = replace(request, base=case)
    check_request(asked)
    return asked.periods


def player_label(changes: Sequence[Change]) -> str:
    """What one contribution is for: a change, or several by what they have in common."""
    if len(changes) == 1:
        return changes[0].label
    subjects = {change.label.partition(": ")[0] for change in changes}
    kinds, files = {change.kind for change in changes}, {file_of(change.id) for change in changes}
    if len(subjects) == 1:
        return f"{changes[0].label.partition(': ')[0]}: {len(changes)} changes"
    if len(files) == 1 and len(changes) > 2:
        return f"{files.pop()}: {len(changes)} changes"
    if len(kinds) == 1 and len(changes) > 2:
        return f"{len(changes)} changes of kind {changes[0].kind}"
    return f"{changes[0].label}, and {len(changes) - 1} more"
