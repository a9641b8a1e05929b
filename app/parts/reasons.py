"""What stands behind a number: effects with their size now, levels, past events, evidence and where it is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
import streamlit as st

import riskcast
from parts.markdown import plain
from state.results import Result

Z90 = 1.6448536269514722
UNMOVED = 0.3
STILL_AS_WIDE = 0.85
BASIS = {"data": "Counted", "source": "A source argues it", "judgement": "A judgement"}
SHOWN_DATE = {"day": 10, "month": 7, "year": 4}


@dataclass(frozen=True)
class Ratio:
    """A rate ratio: its median with a 90 % interval."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.low)}–{number(self.high)})"


@dataclass(frozen=True)
class Acting:
    """An effect on an event type with the size that it has now.

    `steps`: today's level in steps from its reference, or the memory of past events (1: one fresh event); `now`: the
    factor that it puts on the rate today, per-step rate ratio ^ steps.
    """

    key: str
    source: str
    target: str
    path: str
    rationale: str
    is_event: bool
    steps: float
    now: Ratio
    prior: Ratio
    posterior: Ratio
    moved: str


@dataclass(frozen=True)
class Remembered:
    """A past event that still acts; `row` is None where a panel holds it."""

    when: str
    left: str
    text: str
    type: str
    row: Any


def effects_now(result: Result, event: str, unit: str) -> tuple[Acting, ...]:
    """The effects on an event type in one dyad (or the host), those that change its rate most today first."""
    plan = next(p for p in result.forecast.plan.events if p.event == event)
    case, model, drawn = result.case, result.posterior.models[event], result.posterior.events[event]
    memories = dict(zip(_escalations(case, event), plan.edges, strict=True))
    found = []
    for effect in case.effects_on(event):
        column = model.coefficients.index(effect.id)
        size = drawn.coefficients[:, column]
        if effect.id in memories:
            start = memories[effect.id].start
            steps = np.log2(1.0 + _of_unit(start, case.units(event), unit))
        else:
            steps = steps_today(result, effect.source, unit)
        # Size and level are held apart by the prior, so the product of means is the mean of the log factor.
        middle = float(size.mean() * steps.mean())
        low, high = np.quantile(size * steps, [0.05, 0.95])
        mean, sd = float(model.mean[column]), float(model.sd[column])
        found.append(
            Acting(
                key=f"effects.{effect.id}",
                source=effect.source,
                target=event,
                path=effect.path or "",
                rationale=effect.rationale,
                is_event=effect.is_escalation,
                steps=float(steps.mean()),
                now=Ratio(math.exp(middle), math.exp(low), math.exp(high)),
                prior=Ratio(math.exp(mean), math.exp(mean - Z90 * sd), math.exp(mean + Z90 * sd)),
                posterior=Ratio(*np.exp(np.quantile(size, [0.5, 0.05, 0.95])).tolist()),
                moved=moved_by_record(mean, sd, float(size.mean()), float(size.std())),
            )
        )
    return tuple(sorted(found, key=lambda acting: -abs(math.log(acting.now.median))))


def effects_from(result: Result, driver: str, dyad: str) -> tuple[Acting, ...]:
    """The effects that start from one driver of a score, in one dyad, the largest today first."""
    case, source = result.case, driver.removeprefix("recent:")
    targets = dict.fromkeys(effect.target for effect in case.effects if effect.source == source)
    units = {target: dyad if case.events[target].scope == "dyad" else case.host for target in targets}
    found = [one for target in targets for one in effects_now(result, target, units[target]) if one.source == source]
    return tuple(sorted(found, key=lambda acting: -abs(math.log(acting.now.median))))


def base_rate_after(result: Result, event: str) -> tuple[float, float, float]:
    """Median and 90 % interval of a base rate after the record: the chance in a year at reference, nothing recent."""
    rate = np.exp(result.posterior.events[event].coefficients[:, 0]) * result.case.periods_per_year
    middle, low, high = (-np.expm1(-np.quantile(rate, [0.5, 0.05, 0.95]))).tolist()
    return middle, low, high


def apart(result: Result, event: str, unit: str) -> float | None:
    """The factor by which a dyad's rate differs beyond its indicators; None for an event of the host."""
    if result.case.events[event].scope != "dyad":
        return None
    return math.exp(float(result.posterior.events[event].effects[:, result.case.dyads.index(unit)].mean()))


def moved_by_record(mean: float, sd: float, mean_after: float, sd_after: float) -> str:
    """Whether the record moved a prior, in words; means and standard deviations on the log scale."""
    if sd == 0.0:
        return "held fixed"
    shift = (mean_after - mean) / sd
    if abs(shift) < UNMOVED:
        return "hardly" if sd_after > STILL_AS_WIDE * sd else "narrowed it"
    return ("raised it" if shift > 0 else "lowered it") + (" much" if abs(shift) >= 1.0 else "")


def steps_today(result: Result, indicator: str, unit: str) -> np.ndarray[Any, Any]:
    """Draws of an indicator's level today in one dyad, in steps from its reference."""
    case = result.case
    units = case.dyads if case.indicators[indicator].scope == "dyad" else (case.host,)
    return _of_unit(result.forecast.plan.today[indicator], units, unit)


def level_today(result: Result, name: str, dyad: str) -> str:
    """An indicator's level today with its 90 % interval and unit."""
    indicator = result.case.indicators[name]
    low, middle, high = indicator.level(np.quantile(steps_today(result, name, dyad), [0.05, 0.5, 0.95]))
    if indicator.now is not None:
        quantity = indicator.now_of(dyad if isinstance(indicator.now, dict) else result.case.host)
        text = riskcast.quantity_text(quantity)
    else:
        text = f"{middle:.4g}" if low == high else f"{middle:.4g} ({low:.4g}–{high:.4g})"
    return with_unit(text, indicator.unit)


def with_unit(number: str, unit: str) -> str:
    """A number and its unit, as a sentence can hold them.

    >>> with_unit("47", "% agreeing"), with_unit("7", "index 0-10"), with_unit("1", "0 or 1")
    ('47 % agreeing', '7 on an index 0-10', '1 (of 0 or 1)')
    """
    if unit.startswith("index"):
        return f"{number} on an {unit}"
    return f"{number} (of {unit})" if unit[:1].isdigit() else f"{number} {unit}"


def remembered(result: Result, dyad: str) -> tuple[Remembered, ...]:
    """The past events that a dyad's event types still remember, the freshest first."""
    case = result.case
    rows = {}
    for row in case.event_rows:
        if row.type in case.events:
            own = f"{case.events[row.type].label}. {row.description}"
            when = str(row.date)[: SHOWN_DATE[row.precision]]
            rows[when, own] = rows[when, f"{row.dyad}: {own}"] = row
    labels = {f"{event.label}.": name for name, event in case.events.items()}
    found = []
    for when, left, text in riskcast.remembered_events(result.posterior, dyad):
        row = rows.get((when, text))
        kind = row.type if row is not None else labels[text.partition(": ")[2] or text]
        found.append(Remembered(when, left, text, kind, row))
    return tuple(found)


def remembered_by(result: Result, effects: Sequence[Any], dyad: str) -> tuple[Remembered, ...]:
    """The past events that some effects remember in a dyad: of the types and the pairs that they can see."""
    seen: dict[str, set[str]] = {}
    for effect in effects:
        if effect.is_escalation:
            seen.setdefault(effect.source, set()).add(effect.whose)
    kept = []
    for past in remembered(result, dyad):
        own = past.row is None or past.row.dyad in (dyad, "ALL", result.case.host)
        whose = {"own", "host", "any"} if own else {"others", "any"}
        if seen.get(past.type, set()) & whose:
            kept.append(past)
    return tuple(kept)


def reason(result: Result, dyad: str, contribution: Any) -> str:
    """Why one driver adds to a score or takes away from it, as a sentence in Markdown."""
    points = abs(contribution.points)
    verb = "adds" if contribution.points > 0 else "takes away"
    label = contribution.label
    lead = f"**{plain(label)}** {verb} {points:.1f} point{'' if f'{points:.1f}' == '1.0' else 's'}"
    if contribution.kind == "indicator":
        because = _level_sentence(result, contribution.id, dyad)
    else:
        because = _memory_sentence(result, contribution.id.removeprefix("recent:"), dyad)
    acting = strongest(result, contribution, dyad)
    if acting is None:
        return f"{lead} because {because}."
    told = plain(result.case.events[acting.target].label)
    felt = f"Felt most in *{told}*, whose rate it multiplies by {number(acting.now.median)}: {plain(acting.rationale)}"
    return f"{lead} because {because}. {felt}"


def strongest(result: Result, contribution: Any, dyad: str) -> Acting | None:
    """The effect through which a driver is felt most today, among those that point the way its contribution does."""
    found = effects_from(result, contribution.id, dyad)
    alike = [one for one in found if (one.now.median > 1.0) == (contribution.points > 0)]
    return next(iter(alike or found), None)


def factor(value: float) -> str:
    """A factor on a rate.

    >>> factor(1.724), factor(0.93), factor(12.3)
    ('×1.7', '×0.93', '×12')
    """
    return f"×{number(value)}"


def driver_keys(result: Result, driver: str, dyad: str) -> tuple[str, ...]:
    """Ids of the quantities behind one driver: its level, how it drifts, what moves it, and its effects."""
    case, source = result.case, driver.removeprefix("recent:")
    effects = tuple(f"effects.{effect.id}" for effect in case.effects if effect.source == source)
    if source in case.indicators:
        indicator = case.indicators[source]
        parents = tuple(f"indicators.{source}.parents.{parent}" for parent in indicator.parents)
        return (*level_keys(case, source, dyad), f"indicators.{source}.drift", *parents, *effects)
    return (*_half_lives(case, [effect for effect in case.effects if effect.source == source]), *effects)


def outcome_keys(result: Result, event: str, dyad: str) -> tuple[str, ...]:
    """Ids of the quantities behind an outcome's probability: base rate, effects, levels, half-lives."""
    case = result.case
    effects = case.effects_on(event)
    levels = [key for effect in effects for key in level_keys(case, effect.source, dyad)]
    keys = [f"outcomes.{event}.base_rate", *(f"effects.{effect.id}" for effect in effects), *levels]
    return tuple(dict.fromkeys([*keys, *_half_lives(case, effects)]))


def level_keys(case: riskcast.Case, source: str, dyad: str) -> tuple[str, ...]:
    """The id of an indicator's level today in a dyad; none for an event type, or where a panel holds the level."""
    indicator = case.indicators.get(source)
    if indicator is None or indicator.now is None:
        return ()
    return (f"indicators.{source}.now" + (f".{dyad}" if isinstance(indicator.now, dict) else ""),)


def quantity_name(case: riskcast.Case, key: str) -> str:
    """A quantity as people read it."""
    head, _, rest = key.partition(".")
    if head == "effects":
        effect = next(effect for effect in case.effects if effect.id == rest)
        return f"{driver_label(case, effect.source)} → {case.events[effect.target].label}" + (
            f" ({effect.path.replace('_', ' ')})" if effect.path else ""
        )
    name, _, part = rest.partition(".")
    if head == "indicators":
        what, _, whose = part.partition(".")
        told = {"now": "level today", "drift": "drift in a year", "parents": "moved by"}[what]
        more = driver_label(case, whose) if what == "parents" else whose
        return f"{case.indicators[name].label}: {told} {more}".rstrip()
    if head == "outcomes":
        what, _, memory = part.partition(".")
        told = {"base_rate": "base rate in a year", "half_life": f"half-life, {memory}"}.get(what, what)
        return f"{case.events[name].label}: {told}"
    return f"{case.settings.memories[name].label}: half-life" if head == "memories" else rest


def driver_label(case: riskcast.Case, name: str) -> str:
    """The label of an indicator or event type."""
    return case.indicators[name].label if name in case.indicators else case.events[name].label


def evidence_words(case: riskcast.Case, key: str, places: riskcast.Places | None) -> str:
    """An assumption in Markdown: its prior and the line that holds it, claim, basis, and every source with its link."""
    quantity = next(quantity for name, quantity, _ in case.quantities() if name == key)
    evidence, place = quantity.evidence, written(places, key)
    head = f"**{plain(quantity_name(case, key))}**: {riskcast.quantity_text(quantity)}"
    lines = [" · ".join(part for part in (head, _code(place)) if part)]
    if evidence is None:
        return f"{lines[0]}  \n*No evidence is stated.*"
    lines.append(f"*{BASIS[evidence.basis]}.* {plain(evidence.claim)}")
    lines += [f"↳ {source_words(case, name, places)}" for name in evidence.sources]
    return "  \n".join(lines)


def event_words(case: riskcast.Case, row: Any, places: riskcast.Places | None, lead: str) -> str:
    """An event in Markdown after a lead: how sure it is, the line that holds it, and every source with its link."""
    lines = [" · ".join(part for part in (lead, f"*{row.status}*", _code(written_row(places, row))) if part)]
    lines += [f"↳ {source_words(case, name, places)}" for name in row.sources]
    return "  \n".join(lines)


def source_words(case: riskcast.Case, name: str, places: riskcast.Places | None) -> str:
    """A source in Markdown: author, title with its link, publisher, date, and the line that holds it."""
    source = case.sources[name]
    title, address = plain(source.title), link(source.url)
    linked = title if address is None else f"[{title}]({address})"
    author = f"{plain(source.author)}: " if source.author else ""
    place = None if places is None else places.source(name)
    return f"{author}{linked}, {plain(source.publisher)}, {source.date:%-d %B %Y}" + (f" · `{place}`" if place else "")


def link(url: str | None) -> str | None:
    """An address that may be opened from the app: of the web, nothing else."""
    if url is None or not url.startswith(("https://", "http://")):
        return None
    return quote(url, safe="/:?#@!$&'*+,;=%~-._")


def written(places: riskcast.Places | None, key: str) -> str:
    """File and line of a quantity; empty where there are no files."""
    place = None if places is None else places.quantity(key)
    return "" if place is None else str(place)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def written_row(places: riskcast.Places | None, row: Any) -> str:
    """File and line of an event or dated value; empty where the case has no files."""
    return "" if places is None else str(places.row(row) or "added in the app")


@st.cache_resource(
    max_entries=4, show_spinner=False, hash_funcs={riskcast.Case: lambda case: f"{case.name} {case.hash}"}
)
def places_of(case: riskcast.Case) -> riskcast.Places | None:
    """Where the case is written, read once."""
    return riskcast.find_places(case)


def _level_sentence(result: Result, name: str, dyad: str) -> str:
    indicator = result.case.indicators[name]
    steps = float(steps_today(result, name, dyad).mean())
    moved = any(move.indicator == name for move in result.forecast.scenario.indicators)
    scenario = ", and the scenario moves it" if moved else ""
    today = plain(level_today(result, name, dyad))
    if abs(steps) < 0.05:
        return f"it stands at {today}, its reference, and may drift from there{scenario}"
    side = "above" if steps > 0 else "below"
    size = f"{abs(steps):.1f} step{'' if f'{abs(steps):.1f}' == '1.0' else 's'}"
    return f"it stands at {today}, {size} {side} its reference of {indicator.reference:g}{scenario}"


def _memory_sentence(result: Result, event: str, dyad: str) -> str:
    past = [one for one in remembered(result, dyad) if one.type == event]
    if not past:
        return "a trace of such events is left"
    last = past[0]
    if len(past) == 1:
        return f"the one of {last.when} is still felt ({last.left} of its force is left)"
    return f"{len(past)} of them are still felt, the last of {last.when} ({last.left} of its force is left)"


def _half_lives(case: riskcast.Case, effects: Sequence[Any]) -> list[str]:
    keys = []
    for effect in effects:
        if effect.is_escalation:
            own = effect.memory in case.events[effect.target].half_life
            keys.append(
                f"outcomes.{effect.target}.half_life.{effect.memory}" if own else f"memories.{effect.memory}.half_life"
            )
    return list(dict.fromkeys(keys))


def _escalations(case: riskcast.Case, event: str) -> list[str]:
    return [effect.id for effect in case.effects_on(event) if effect.is_escalation]


def _of_unit(values: Any, units: Sequence[str], unit: str) -> np.ndarray[Any, Any]:
    """One unit's column of (draws, units); what all share has a single column."""
    return np.asarray(values[:, list(units).index(unit) if values.shape[1] > 1 else 0], dtype=float)


def number(value: float) -> str:
    """A factor with two digits that count.

    >>> number(0.934), number(1.724), number(612.3)
    ('0.93', '1.7', '612')
    """
    if value >= 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.995 else f"{value:.2g}"
