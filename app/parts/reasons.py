"""What stands behind a number: effects with their size now, levels, past events, evidence and where it is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import riskcast
from parts import door as st
from parts.markdown import Markdown, code, link
from state.results import Result

BASIS = {
    "data": "Counted",
    "source": "A source argues it",
    "judgement": "A judgement",
    "record": "Drawn from this case’s own record",
}
MOVED = {
    "fixed": "held fixed",
    "hardly": "hardly",
    "narrowed": "narrowed it",
    "raised": "raised it",
    "lowered": "lowered it",
}


@dataclass(frozen=True)
class Today:
    """What acts on one dyad today: effects with their size, levels of indicators, past events that are still felt."""

    result: Result
    dyad: str
    acting: riskcast.Acting
    levels: riskcast.LevelsToday
    past: riskcast.RememberedEvents

    @property
    def case(self) -> riskcast.Case:
        """The case that is looked at."""
        return self.result.case

    def effects_of(self, driver: str) -> tuple[riskcast.ActingEffect, ...]:
        """The effects that start from one driver of a score, the largest today first; of what past events have raised,
        those of the indicators that they lifted."""
        kind, _, event = driver.partition(":")
        if kind != "raised":
            return self.acting.of(event or driver)
        lifted = [name for name, level in self.levels.levels.items() if event in level.raised]
        return tuple(one for one in self.acting if one.source in lifted)


def today(result: Result, dyad: str) -> Today:
    """What acts on a dyad today."""
    ahead = result.forecast
    return Today(
        result,
        dyad,
        riskcast.acting(ahead, dyad),
        riskcast.levels_today(ahead, dyad),
        riskcast.remembered_events(result.posterior, dyad),
    )


def ratio(quantiles: riskcast.Quantiles) -> str:
    """A rate ratio with its 90 % interval."""
    middle, low, high = map(riskcast.factor_text, quantiles)
    return f"{middle} ({low}–{high})"


def factor(value: float) -> str:
    """A factor on a rate.

    >>> factor(1.724), factor(0.93), factor(12.3)
    ('×1.7', '×0.93', '×12')
    """
    return f"×{riskcast.factor_text(value)}"


def moved_words(moved: riskcast.Moved) -> str:
    """Whether the record moved a prior, in words.

    >>> moved_words(riskcast.moved_by_record(0.0, 0.5, -0.6, 0.2)), moved_words(riskcast.moved_by_record(0, 0, 0, 0))
    ('lowered it much', 'held fixed')
    """
    return MOVED[moved.verdict] + (" much" if moved.is_much else "")


def left(past: riskcast.RememberedEvent) -> str:
    """What is left of a past event's force."""
    return f"{100 * past.share:.0f} %"


def level_today(today: Today, name: str) -> str:
    """An indicator's level today with its 90 % interval and unit."""
    indicator, level = today.case.indicators[name], today.levels.levels[name].level
    if indicator.history != "panel":
        quantity = today.case.now_of(name, today.dyad if indicator.scope == "dyad" else today.case.host)
        text = riskcast.quantity_text(quantity)
    elif level.low == level.high:
        text = riskcast.plain_number(level.median, 4)
    else:
        middle, low, high = (riskcast.plain_number(value, 4) for value in (level.median, level.low, level.high))
        text = f"{middle} ({riskcast.span(low, high)})"
    return riskcast.with_unit(text, indicator.unit)


def reason(today: Today, contribution: Any) -> Markdown:
    """Why one driver adds to a score or takes away from it, as a sentence in Markdown."""
    points = abs(contribution.points)
    verb = "adds" if contribution.points > 0 else "takes away"
    label = contribution.label
    many = f"{points:.1f} point{'' if f'{points:.1f}' == '1.0' else 's'}"
    lead = Markdown("**{}** {} {}", label, verb, many)
    if contribution.kind == "indicator":
        because = _level_sentence(today, contribution.id)
    elif contribution.kind == "raised":
        because = _raised_sentence(today, contribution.id.removeprefix("raised:"))
    elif contribution.kind == "tension":
        return Markdown("{} because {}.", lead, _tension_sentence(today))
    else:
        because = _memory_sentence(today, contribution.id.removeprefix("recent:"))
    acting = strongest(today, contribution)
    if acting is None:
        return Markdown("{} because {}.", lead, because)
    felt = Markdown(
        "*{}*, whose rate it multiplies by {}", acting.target_label, riskcast.factor_text(acting.now.median)
    )
    return Markdown("{} because {}. Felt most in {}: {}", lead, because, felt, acting.rationale)


def _tension_sentence(today: Today) -> Markdown:
    found = riskcast.tension_today(today.result.posterior)
    if found is None:
        return Markdown("times are restless")
    level, low, high = map(riskcast.signed, found.level)
    return Markdown("tension in {} is at {} standard deviations ({} to {})", found.period, level, low, high)


def strongest(today: Today, contribution: Any) -> riskcast.ActingEffect | None:
    """The effect through which a driver is felt most today, among those that point the way its contribution does; none
    on what the scenario rules out."""
    ahead = today.result.forecast
    on_rates = (one for one in today.effects_of(contribution.id) if one.on == "rate")
    found = tuple(one for one in on_rates if not ahead.is_ruled_out(one.target, one.unit))
    alike = [one for one in found if (one.now.median > 1.0) == (contribution.points > 0)]
    return next(iter(alike or found), None)


def driver_keys(result: Result, driver: str, dyad: str) -> tuple[str, ...]:
    """Ids of the quantities behind one driver: its level, how it drifts, what moves it, and its effects; of what past
    events have raised, by how much they do and for how long."""
    return riskcast.ids_behind_driver(result.case, driver.removeprefix("recent:"), dyad)


def outcome_keys(result: Result, event: str, dyad: str) -> tuple[str, ...]:
    """Ids of the quantities behind an outcome's probability: base rate, effects, levels, half-lives."""
    return riskcast.ids_behind_outcome(result.case, event, dyad)


def evidence_words(case: riskcast.Case, key: str, places: riskcast.Places | None) -> Markdown:
    """An assumption in Markdown: its prior and the line that holds it, claim, basis, and every source with its link."""
    quantity = next(quantity for name, quantity, _ in case.quantities() if name == key)
    evidence, place = quantity.evidence, written(places, key)
    head = Markdown("**{}**: {}", riskcast.name_quantity(case, key).label, riskcast.quantity_text(quantity))
    told = _written_in(head, place)
    if evidence is None:
        return Markdown("{}  \n*No evidence is stated.*", told)
    told = Markdown("{}  \n*{}.* {}", told, BASIS[evidence.basis], evidence.claim)
    return _cited(case, told, evidence.sources, places)


def event_words(case: riskcast.Case, row: Any, places: riskcast.Places | None, lead: Markdown) -> Markdown:
    """An event in Markdown after a lead: how sure it is, the line that holds it, and every source with its link."""
    told = _written_in(Markdown("{} · *{}*", lead, row.status), written_row(places, row))
    return _cited(case, told, row.sources, places)


def source_words(case: riskcast.Case, name: str, places: riskcast.Places | None) -> Markdown:
    """A source in Markdown: author, title with its link, publisher, date, and the line that holds it."""
    source = case.sources[name]
    author = Markdown("{}: ", source.author) if source.author else ""
    place = None if places is None else places.source(name)
    told = Markdown("{}{}, {}, ", author, link(source.title, source.url), source.publisher)
    return _written_in(told + f"{riskcast.long_date(source.date)}", "" if place is None else str(place))


def _cited(case: riskcast.Case, told: Markdown, sources: Iterable[str], places: riskcast.Places | None) -> Markdown:
    """A text with the sources of it, each on a line of its own."""
    for name in sources:
        told = Markdown("{}  \n↳ {}", told, source_words(case, name, places))
    return told


def written(places: riskcast.Places | None, key: str) -> str:
    """File and line of a quantity; empty where there are no files."""
    place = None if places is None else places.quantity(key)
    return "" if place is None else str(place)


def _written_in(told: Markdown, place: str) -> Markdown:
    return Markdown("{} · {}", told, code(place)) if place else told


def written_row(places: riskcast.Places | None, row: Any) -> str:
    """File and line of an event or dated value; empty where the case has no files."""
    return "" if places is None else str(places.row(row) or "added in the app")


@st.cache_resource(
    max_entries=4, show_spinner=False, hash_funcs={riskcast.Case: lambda case: f"{case.name} {case.hash}"}
)
def places_of(case: riskcast.Case) -> riskcast.Places | None:
    """Where the case is written, read once."""
    return riskcast.find_places(case)


def _level_sentence(today: Today, name: str) -> str:
    indicator, steps = today.case.indicators[name], today.levels.levels[name].steps
    moved = any(move.indicator == name for move in today.result.forecast.scenario.indicators)
    scenario = ", and the scenario moves it" if moved else ""
    one = today.levels.levels[name]
    level = level_today(today, name) + (", inferred from its dated values" if one.basis == "inferred" else "")
    if abs(sum(one.raised.values())) >= 0.05:
        labels = [today.case.events[event].label for event in one.raised]
        scenario = f" ({riskcast.signed(sum(one.raised.values()))} of it raised by {', '.join(labels)}){scenario}"
    if abs(steps) < 0.05:
        return f"it stands at {level}, its reference, and may drift from there{scenario}"
    side = "above" if steps > 0 else "below"
    size = f"{abs(steps):.1f} step{'' if f'{abs(steps):.1f}' == '1.0' else 's'}"
    usual = riskcast.plain_number(indicator.reference)
    return f"it stands at {level}, {size} {side} its reference of {usual}{scenario}"


def _raised_sentence(today: Today, event: str) -> str:
    lifted = [one for one in today.levels.levels.values() if event in one.raised]
    told = ", ".join(f"{one.label} by {riskcast.signed(one.raised[event])} steps" for one in lifted)
    return f"what happened has moved {told}, which fades" if told else "a trace of what it has moved is left"


def _memory_sentence(today: Today, event: str) -> str:
    past = [one for one in today.past if one.type == event]
    if not past:
        return "a trace of such events is left"
    last = past[0]
    if len(past) == 1:
        return f"the one of {last.when} is still felt ({left(last)} of its force is left)"
    return f"{len(past)} of them are still felt, the last of {last.when} ({left(last)} of its force is left)"
