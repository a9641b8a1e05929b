"""Which beliefs belong together: one place to look each, by indicator and event type, and whole kinds of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from riskcast.case.model import Case
from riskcast.case.quantity_ids import LEVEL, parse_id
from riskcast.challenge.beliefs import Belief
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.array_types import Floats

Kind = Literal["quantity", "place", "kind", "state"]
LEVELS: Final = "levels"
DYAD_EFFECTS: Final = "dyads"


@dataclass(frozen=True)
class Group:
    """Beliefs that are known together: `values` (draws, columns) of all of them.

    kind: one `quantity`, one `place` to look (an indicator or an event type), one `kind` of beliefs, or a `state` of
    the world that no quantity is; members: ids of its quantities.
    """

    key: str
    label: str
    kind: Kind
    members: tuple[str, ...]
    values: Floats


def place_of(case: Case, key: str) -> str:
    """The indicator or event type that a quantity is looked up under; empty for what all share.

    An effect of an indicator belongs to the indicator, one of an event to the event type that it acts on.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> place_of(case, "indicators.poverty.drift"), place_of(case, "effects.mass_casualty_attack->mass_expulsion")
    ('poverty', 'mass_expulsion')
    """
    found = parse_id(key)
    if found.section in ("indicators", "outcomes"):
        return found.name
    if found.section != "effects":
        return ""
    return found.source if found.source in case.indicators else found.target


def single_groups(beliefs: tuple[Belief, ...]) -> tuple[Group, ...]:
    """Every quantity by itself."""
    return tuple(Group(one.key, one.named.label, "quantity", (one.key,), one.values) for one in beliefs)


def place_groups(case: Case, beliefs: tuple[Belief, ...]) -> tuple[Group, ...]:
    """Quantities by indicator and event type, and last those that all share."""
    labels = {name: part.label for name, part in (*case.indicators.items(), *case.events.items())}
    labels[""] = "How long events are remembered, and spreads"
    by_place: dict[str, list[Belief]] = {name: [] for name in labels}
    for one in beliefs:
        by_place[place_of(case, one.key)].append(one)
    return tuple(_joined(name or "shared", labels[name], "place", own) for name, own in by_place.items() if own)


def kind_groups(case: Case, beliefs: tuple[Belief, ...]) -> tuple[Group, ...]:
    """Whole kinds of beliefs: today's levels, how levels move, base rates, effects of indicators and of events, how
    long events are remembered and spreads."""
    told: dict[str, tuple[str, list[Belief]]] = {
        LEVELS: ("All of today's levels", []),
        "moves": ("All that moves levels", []),
        "base_rates": ("All base rates", []),
        "indicator_effects": ("All effects of indicators", []),
        "event_effects": ("All effects of events", []),
        "spreads": ("All memories and spreads", []),
    }
    for one in beliefs:
        told[_kind_of(case, one)][1].append(one)
    return tuple(_joined(name, label, "kind", own) for name, (label, own) in told.items() if own)


def _kind_of(case: Case, one: Belief) -> str:
    found = one.named.id
    if found.section == "indicators":
        return LEVELS if found.kind is LEVEL else "moves"
    if found.section == "effects":
        return "indicator_effects" if found.source in case.indicators else "event_effects"
    return "base_rates" if found.kind.field == "base_rate" else "spreads"


def state_groups(ahead: Forecast) -> Iterator[Group]:
    """What no quantity is and a forecast does not know either: today's tension or shocks, and what dyads have of their
    own."""
    posterior, rows = ahead.posterior, ahead.simulated.rows
    shared, events = posterior.shared, posterior.events
    if shared is not None and shared.has_tension:
        yield Group("tension", "Today's tension", "state", (), shared.tension[rows, -1:])
    else:
        shocks = [drawn.shocks[rows, -1] for drawn in events.values() if drawn.shocks[:, -1].any()]
        if shocks:
            yield Group("shocks", "This year's shocks", "state", (), np.stack(shocks, axis=1))


def dyad_group(ahead: Forecast, dyad: str) -> Group | None:
    """What a dyad has of its own in every event type; None where there is no such thing."""
    if dyad not in ahead.case.dyads:
        return None
    place, rows = ahead.case.dyads.index(dyad), ahead.simulated.rows
    own = [
        drawn.effects[rows, place]
        for name, drawn in ahead.posterior.events.items()
        if ahead.posterior.models[name].has_dyad_effects
    ]
    return Group(DYAD_EFFECTS, "What is the dyad's own", "state", (), np.stack(own, axis=1)) if own else None


def _joined(key: str, label: str, kind: Kind, beliefs: list[Belief]) -> Group:
    values = np.concatenate([one.values for one in beliefs], axis=1)
    return Group(key, label, kind, tuple(one.key for one in beliefs), values)
