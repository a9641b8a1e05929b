"""Assumed futures in words and as the text of a file, and what does not go together in them."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

import riskcast
from parts.markdown import Markdown

VERBS = {"set": "Set to", "shift": "Shift by", "multiply": "Multiply by"}


@dataclass(frozen=True)
class Clash:
    """Two assumptions about one indicator, in Markdown; a contradiction where both say at which level it stands."""

    is_contradiction: bool
    words: Markdown


def verb_of(move: Any) -> tuple[str, float]:
    """What a move does, and by how much."""
    return next((verb, getattr(move, verb)) for verb in VERBS if getattr(move, verb) is not None)


def change_words(verb: str, value: float, unit: str) -> str:
    """A change of an indicator as people say it.

    >>> change_words("shift", 4.0, "points"), change_words("multiply", 0.7, "points")
    ('+4 (points)', '×0.7')
    """
    if verb == "multiply":
        return f"×{value:g}"
    number = riskcast.signed_number(value) if verb == "shift" else riskcast.plain_number(value)
    return f"{number} ({unit})"


def whom_words(case: riskcast.Case, dyads: Sequence[str] | None) -> str:
    """For whom something is assumed; nothing where it is for all."""
    if dyads is None:
        return ""
    return "for " + ", ".join(map(case.name_of, dyads))


def move_words(case: riskcast.Case, move: Any) -> str:
    """A move of an indicator in words."""
    indicator, period = case.indicators[move.indicator], case.settings.period
    verb, value = verb_of(move)
    to = "to " if verb == "set" else ""
    when = f"from {period} {move.start}"
    if move.over > 1:
        when += f", in full from {period} {move.start + move.over - 1}"
    if move.until is not None:
        when += f", until {period} {move.until}"
    whom = whom_words(case, move.dyads)
    return f"{indicator.label} {to}{change_words(verb, value, indicator.unit)}{' ' + whom if whom else ''} {when}"


def event_words(case: riskcast.Case, assumed: Any) -> str:
    """An assumed event in words, or one that is ruled out."""
    event = case.events[assumed.event]
    whom = whom_words(case, assumed.dyads) if event.scope == "dyad" else ""
    everywhere = "for every pair" if event.scope == "dyad" and assumed.dyads is None else whom
    what, period = f"{event.label}{' ' + everywhere if everywhere else ''}", case.settings.period
    if assumed.happens:
        return f"{what} in {period} {assumed.month}"
    if assumed.month is None and assumed.until is None:
        return f"No {what[:1].lower()}{what[1:]} within the horizon"
    first, last = assumed.span(0)
    when = f"in {period} {first}" if first == last else f"from {period} {first} to {last}"
    return f"No {what[:1].lower()}{what[1:]} {when}"


def story_of(case: riskcast.Case, moves: Iterable[Any], events: Iterable[Any]) -> str:
    """What is assumed, as a story for a scenario that was given none."""
    told = [*(move_words(case, move) for move in moves), *(event_words(case, event) for event in events)]
    return "Assumed: " + "; ".join(told) + "."


def period_words(forecast: riskcast.Forecast, number: int) -> str:
    """The days of a period of the horizon."""
    first, last = forecast.days_of(number)
    return f"{riskcast.short_date(first)} to {riskcast.short_date(last)}"


def name_of(label: str) -> str:
    """A name for scenarios.yaml from what people call a scenario; empty where they call it nothing.

    >>> name_of("2nd attack, & visas!"), name_of("Ärger"), name_of("Тревога"), name_of(" ")
    ('s_2nd_attack_visas', 'arger', 'future_bdd0eb7b', '')
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:60].rstrip("_")
    if not name and label.strip():
        return f"future_{hashlib.sha256(label.encode()).hexdigest()[:8]}"
    return f"s_{name}" if name[:1].isdigit() else name


def join(label: str, parts: Iterable[riskcast.Scenario], story: str | None = None) -> riskcast.Scenario:
    """One scenario of the moves and events of several, each event once."""
    parts = list(parts)
    events = []
    for event in itertools.chain.from_iterable(part.events for part in parts):
        if event not in events:
            events.append(event)
    return riskcast.Scenario(
        label=label,
        story=story or " ".join(part.story.rstrip() for part in parts),
        indicators=tuple(itertools.chain.from_iterable(part.indicators for part in parts)),
        events=tuple(events),
        allow=tuple(dict.fromkeys(itertools.chain.from_iterable(part.allow for part in parts))),
    )


def find_clashes(case: riskcast.Case, parts: Mapping[str, Sequence[Any]]) -> list[Clash]:
    """Moves of different parts, by their labels, that meet in one indicator, contradictions first."""
    found = []
    for (one, first), (other, second) in itertools.combinations(parts.items(), 2):
        for a, b in itertools.product(first, second):
            if a.indicator == b.indicator and _meet(a, b) and not (a.set is not None and a == b):
                found.append(_clash(case, (one, a), (other, b)))
    return sorted(found, key=lambda clash: not clash.is_contradiction)


def _meet(a: Any, b: Any) -> bool:
    """Whether two moves of one indicator act on the same dyads at the same time."""
    together = a.start <= (b.until or math.inf) and b.start <= (a.until or math.inf)
    return together and (a.dyads is None or b.dyads is None or bool(set(a.dyads) & set(b.dyads)))


def _clash(case: riskcast.Case, first: tuple[str, Any], second: tuple[str, Any]) -> Clash:
    (one, a), (other, b) = first, second
    verbs = {"set": "sets it to", "shift": "shifts it by", "multiply": "multiplies it by"}

    def told(owner: str, move: Any) -> str:
        verb, value = verb_of(move)
        number = riskcast.signed_number(value) if verb == "shift" else riskcast.plain_number(value)
        return f"“{owner}” {verbs[verb]} {number}"

    both = Markdown("**{}**: {}, {}. ", case.indicators[a.indicator].label, told(one, a), told(other, b))
    if a.set is not None and b.set is not None:
        return Clash(True, both + "It cannot stand at two levels at once.")
    if a.set is None and b.set is None:
        return Clash(False, both + "The two add up.")
    if b.set is not None:
        return Clash(False, both + "The level that is set comes last and drowns the other.")
    return Clash(False, both + "The second starts from the level that is set.")


def cut_short(case: riskcast.Case, moves: Iterable[Any]) -> list[Markdown]:
    """Moves that the horizon ends before they are whole."""
    horizon, period = case.settings.horizon, case.settings.period
    return [
        Markdown(
            "**{}** would be moved in full only in {} {}, beyond the horizon of {} {}s: by then {:.0f} % of the move "
            "is done.",
            case.indicators[move.indicator].label,
            period,
            full,
            horizon,
            period,
            100 * (horizon - move.start + 1) / move.over,
        )
        for move in moves
        if (full := move.start + move.over - 1) > horizon and (move.until is None or move.until > horizon)
    ]


def scenarios_text(scenarios: Mapping[str, riskcast.Scenario]) -> str:
    """Scenarios as text for scenarios.yaml."""
    lines = []
    for name, scenario in scenarios.items():
        lines += [f"{name}:", f"  label: {_quoted(scenario.label)}", f"  story: {_quoted(scenario.story)}"]
        for key, assumed in (("indicators", scenario.indicators), ("events", scenario.events)):
            if assumed:
                lines.append(f"  {key}:")
                lines += [f"    - {_flow(one.model_dump(mode='json', exclude_defaults=True))}" for one in assumed]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _flow(plain: Mapping[str, Any]) -> str:
    return yaml.safe_dump(
        dict(plain), default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000
    ).strip()
