"""Why a score or a probability is what it is, down to the assumption, its sources and the line that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import riskcast
from parts import door as st, how_it_went, reasons, widgets
from parts.markdown import Markdown, code, lines
from parts.reasons import Today
from riskcast import charts
from state import looking_back, results, session
from state.results import Result

MOST_OPEN = 6
LEAST_POINTS = 0.05
WHOLE = ""


def show() -> None:
    """Draw the page."""
    now = session.view()
    result = results.current(now)
    widgets.heading("Why", "What makes a score or a probability what it is, down to the source and the line of a file.")
    dyad, event = _choose(result)
    widgets.health(result)
    places = reasons.places_of(now.case)
    today = reasons.today(result, dyad)
    if event == WHOLE:
        _score(today, results.explained(now), places)
    else:
        _outcome(today, event, places)
    if places is None:
        st.caption("This case has no folder here, so no file and line can be given.")
    else:
        st.caption(Markdown("Files and lines are those of the case folder {}, as published.", code(places.folder.name)))


def _choose(result: Result) -> tuple[str, str]:
    case, own = result.case, session.view().id
    dyad = widgets.choose_pair(result, f"why_pair:{own}")
    labels = {WHOLE: "The score as a whole"} | {name: case.events[name].label for name in case.outcomes}
    event = st.selectbox(
        "What to explain", list(labels), format_func=labels.__getitem__, key=f"why_event:{session.view().id}"
    )
    return dyad, event


def _score(today: Today, explanation: riskcast.Explanation, places: riskcast.Places | None) -> None:
    result, dyad = today.result, today.dyad
    risk = next(one for one in result.risk.dyads if one.id == dyad)
    own = explanation.contributions[dyad]
    start, end = explanation.reference[dyad], explanation.score[dyad]
    is_tense = any(one.kind == "tension" for one in own)
    st.markdown(
        Markdown(
            "**{}** scores **{}** of 100 ({:.0f}–{:.0f}) {}. With every indicator at its reference{} and nothing "
            "recent it would be {:.1f}; today's levels{} and recent events {} {:.1f}.",
            risk.partner_name or dyad,
            riskcast.score_text(end, result.case.settings.bands),
            risk.score.low,
            risk.score.high,
            widgets.band_badge(result.case, risk.band),
            ", average times" if is_tense else "",
            start,
            ", tension" if is_tense else "",
            "add" if end >= start else "take away",
            abs(end - start),
        )
    )
    st.altair_chart(
        charts.waterfall_chart(explanation, dyad, name=risk.partner_name or None, palette=widgets.palette()),
        theme=None,
        width="stretch",
    )
    st.caption(
        "Points are Shapley values: what each driver adds when its turn comes, averaged over all orders. They add up "
        "to the score exactly; ± is the error of the simulation, not of the knowledge."
    )
    _severity(result, dyad)
    _history(dyad)
    st.subheader("In words")
    shown = [one for one in own if abs(one.points) >= LEAST_POINTS]
    for one in shown[:MOST_OPEN]:
        _driver(today, one, places)
    rest = own[min(MOST_OPEN, len(shown)) :]
    if rest:
        together = riskcast.signed(sum(one.points for one in rest))
        many = (
            f"smaller driver ({together})" if len(rest) == 1 else f"{len(rest)} smaller drivers ({together} together)"
        )
        if st.toggle(f"Show the {many}", key="why_rest"):
            for one in rest:
                _driver(today, one, places)


def _history(dyad: str) -> None:
    """How the score of the published case went, or how to find out."""
    case = session.view().case
    history = looking_back.find(case)
    st.subheader("How the score went")
    if history is None:
        how_it_went.offer(case, "why")
        return
    if dyad not in history.dyads:
        st.caption("This pair is not in the history.")
        return
    st.altair_chart(charts.history_chart(history, dyad, palette=widgets.palette()), theme=None, width="stretch")
    own = history.of(dyad)
    told = [] if own.percentile is None else [f"Above {riskcast.percent(own.percentile)} of its earlier days."]
    told += [
        f"{riskcast.signed(change.difference.mean)} points ({riskcast.signed_ends(change.difference)}) since "
        f"{riskcast.long_date(change.since)}."
        for change in (own.since_month, own.since_year)
        if change is not None
    ]
    st.caption(" ".join([*told, "Of the case as published.", riskcast.HINDSIGHT]))


def _severity(result: Result, dyad: str) -> None:
    """How severe the worst outcome may be, where the pair stands, and what would be new."""
    risk = next(one for one in result.risk.dyads if one.id == dyad)
    standing = result.risk.standings[dyad]
    left, right = st.columns([3, 2], gap="large")
    with left:
        chart = charts.exceedance_chart(result.risk, dyad, palette=widgets.palette())
        st.altair_chart(chart, theme=None, width="stretch")
    with right:
        st.markdown(Markdown("##### Where it stands"))
        told = [
            Markdown("- Chance of the highest score: **{}**", riskcast.percent(standing.first)),
            Markdown("- Expected rank: **{:.1f}** of {:,}", standing.expected, len(result.risk.dyads)),
        ]
        shown = told if len(result.risk.dyads) > 1 else []
        onsets, onward = (risk.burden_of(phase) for phase in ("onset", "continuation"))
        shown.append(
            Markdown(
                "- Burden, the sum of severity times probability: **{:.0f}**; onsets, not recorded in the last year, "
                "hold {:.0f} of it, and what goes on holds {:.0f}",
                risk.burden,
                onsets,
                onward,
            )
        )
        st.markdown(lines(shown))


def _driver(today: Today, one: Any, places: riskcast.Places | None) -> None:
    with st.container(border=True, gap="small"):
        st.markdown(reasons.reason(today, one))
        if not st.toggle("Down to effects, events and sources", key=f"why_open:{one.id}"):
            return
        ends = "" if one.interval is None else f", {riskcast.signed_ends(one.interval)} with more knowledge (90 %)"
        st.caption(f"{riskcast.signed(one.points, 2)} points{ends}; simulation error ± {one.error:.2f}.")
        st.markdown(Markdown("**What it does to each event's rate**"))
        if one.kind == "tension":
            _tension_factors(today)
        else:
            _effects(today, today.effects_of(one.id), places, key=f"from:{one.id}", ahead=True)
        if one.kind in ("recent", "raised"):
            st.markdown(Markdown("**The events themselves**"))
            _events(today, [each for each in today.past if each.type == one.id.partition(":")[2]], places)
        st.markdown(Markdown("**What is assumed, and on what grounds**"))
        _evidence(today, reasons.driver_keys(today.result, one.id, today.dyad), places)


def _whom_shared(case: riskcast.Case, event: str) -> str:
    """Whom an event of the host can touch."""
    touched = case.touched_by(event)
    return "All pairs" if len(touched) == len(case.dyads) else ", ".join(map(case.name_of, touched))


def _outcome(today: Today, event: str, places: riskcast.Places | None) -> None:
    result, dyad, case = today.result, today.dyad, today.case
    kind = case.events[event]
    unit = dyad if kind.scope == "dyad" else case.host
    estimate = result.forecast.probability(event, unit)
    whom = case.name_of(dyad) if kind.scope == "dyad" else _whom_shared(case, event)
    if result.forecast.is_assumed(event, unit):
        told = "ruled out" if result.forecast.is_ruled_out(event, unit) else "taken as given"
        st.markdown(Markdown("**{}: {}** is {} by the scenario.", whom, kind.label, told))
    else:
        first, last = result.forecast.window
        st.markdown(
            Markdown(
                "**{}: {}**, {}: **{}** ({} to {}), *{}*.",
                whom,
                kind.label,
                f"{riskcast.long_date(first)} to {riskcast.long_date(last)}",
                *map(riskcast.percent, (estimate.mean, estimate.low, estimate.high)),
                riskcast.estimative_words(estimate.mean),
            )
        )
    st.caption(_phase(result, event, unit))
    with st.expander("What counts as this event"):
        st.markdown(
            Markdown(
                "**Yes**: {}\n\n**No**: {}\n\n**Resolved by**: {}",
                kind.resolution.yes,
                kind.resolution.no,
                kind.resolution.resolved_by,
            )
        )
        if kind.severity is not None:
            words = riskcast.severity_in_words(kind.severity)
            st.markdown(Markdown("**Severity {}** of 100: {}", f"{kind.severity:g}", words))
    if not result.forecast.is_assumed(event, unit) and st.toggle("What makes it up", key=f"why_parts:{event}"):
        _parts(today, results.explained(session.view(), event))
    acting = today.acting.on(event)
    st.subheader("What raises and lowers its rate now")
    st.markdown(_base_rate(result, event, unit))
    if acting:
        _effects(today, acting, places, key="effects")
        _one_effect(today, acting, places)
    else:
        st.info("Nothing drives this event type in the case: its rate is its base rate.")
    st.subheader("Past events that it still remembers")
    _events(today, today.past.by(effect.id for effect in case.effects_on(event)), places)
    st.subheader("Sources behind its priors")
    keys = reasons.outcome_keys(result, event, dyad)
    with st.expander(f"{len(keys)} assumptions with their claims, sources and lines"):
        _evidence(today, keys, places)


def _parts(today: Today, explanation: riskcast.Explanation) -> None:
    """What makes up the probability of an outcome, driver by driver."""
    dyad, own = today.dyad, explanation.contributions[today.dyad]
    chart = charts.waterfall_chart(explanation, dyad, name=today.case.name_of(dyad), palette=widgets.palette())
    st.altair_chart(chart, theme=None, width="stretch")
    shown = [one for one in own if one.interval is not None and abs(one.points) >= LEAST_POINTS]
    told = (
        Markdown("- {}: **{}** ({})", one.label, riskcast.signed(one.points), riskcast.signed_ends(one.interval))
        for one in shown[:MOST_OPEN]
        if one.interval is not None
    )
    st.markdown(lines(list(told)))
    st.caption(
        "Points are percentage points, Shapley values as those of the score; in brackets 90 % intervals: what more "
        "knowledge could change."
    )


def _phase(result: Result, event: str, unit: str) -> str:
    """Whether an event would be an onset or a continuation."""
    phase = result.forecast.phase(event, unit)
    if phase == "continuation":
        return "Continuation: one was recorded in the last year."
    if phase == "onset":
        return "Onset: none was recorded in the last year."
    return "The record lacks a part of the last year, so it is not known whether one would be an onset."


def _base_rate(result: Result, event: str, unit: str) -> Markdown:
    """Base rate before and after the record, and what sets this dyad and this year apart, as a list."""
    rate = riskcast.base_rate_after(result.posterior, event, unit)
    told = [
        Markdown(
            "- Base rate, the chance in a year at reference levels with nothing recent: believed **{}**, after the "
            "record **{}**",
            _percents(*rate.prior),
            _percents(*rate.posterior),
        )
    ]
    if rate.apart is not None:
        apart = reasons.factor(rate.apart)
        told.append(Markdown("- What sets this pair apart, beyond its indicators: **{}**", apart))
    told.append(Markdown("- What {} has in common for all: **{}**", rate.year, reasons.factor(rate.year_factor)))
    return lines(told)


def _percents(middle: float, low: float, high: float) -> str:
    return f"{riskcast.percent(middle)} ({riskcast.percent(low)} to {riskcast.percent(high)})"


def _tension_factors(today: Today) -> None:
    """By event type, what today's tension does to its rate."""
    found = riskcast.tension_today(today.result.posterior)
    if found is None:
        return
    st.dataframe(
        [
            {"Acts on": today.case.events[event].label, "Now": f"×{reasons.ratio(factors)}"}
            for event, factors in found.factors.items()
        ],
        hide_index=True,
        height="content",
        column_config={"Now": "Now (90 %), average times being ×1"},
        key="tension_factors",
    )


def _effects(
    today: Today,
    acting: Sequence[riskcast.ActingEffect],
    places: riskcast.Places | None,
    key: str,
    ahead: bool = False,
) -> None:
    """Effects as a table; `ahead` names the event type that each acts on, else where each comes from."""
    rows = []
    trusted = any(one.acting != one.posterior for one in acting)
    for one in acting:
        path = f" ({one.path.replace('_', ' ')})" if one.path else ""
        name = one.target_label if ahead else one.source_label
        rows.append(
            {
                "Acts on" if ahead else "Driver": name + path,
                "Now": f"×{reasons.ratio(one.now)}",
                "Steps": one.steps,
                "Believed": reasons.ratio(one.prior),
                "After the record": reasons.ratio(one.posterior),
                **({"As it acts": reasons.ratio(one.acting)} if trusted else {}),
                "Record moved it": reasons.moved_words(one.moved),
                "Written in": reasons.written(places, one.key),
            }
        )
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        column_config={
            "Now": st.column_config.TextColumn(
                "Now", help="Factor on the rate today, with its 90 % interval: rate ratio ^ steps."
            ),
            "Steps": st.column_config.NumberColumn(
                "Steps",
                format="%+.2f",
                help="Of an indicator: how far today's level lies from its reference. Of an event: what is "
                "remembered, where 1 is one fresh event.",
            ),
            "Believed": st.column_config.TextColumn("Believed", help="Prior rate ratio, per step or per fresh event."),
            "After the record": st.column_config.TextColumn(
                "After the record", help="Posterior rate ratio: the prior joined with the record."
            ),
            "Record moved it": st.column_config.TextColumn(
                "Record moved it", help="Hardly: by less than a third of the prior's standard deviation."
            ),
        },
        key=key,
    )


def _one_effect(today: Today, acting: Sequence[riskcast.ActingEffect], places: riskcast.Places | None) -> None:
    """One effect down to its prior, events and sources."""
    case, by_key = today.case, {one.key: one for one in acting}
    chosen = st.selectbox(
        "Look into one of them",
        list(by_key),
        format_func=lambda key: (
            f"{riskcast.name_quantity(case, key).label}, {reasons.factor(by_key[key].now.median)} now"
        ),
        key=f"why_effect:{acting[0].target}",
    )
    one = by_key[chosen]
    with st.container(border=True):
        effect = next(effect for effect in case.effects if effect.quantity_id == one.key)
        unit = riskcast.ratio_is_for(case, effect)
        st.markdown(
            Markdown(
                "{}\n\nBelieved: {} multiplies the {} by **{}**. After the record: **{}**; the record {}.",
                one.rationale,
                unit,
                "rate" if one.on == "rate" else "half-life",
                reasons.ratio(one.prior),
                reasons.ratio(one.posterior),
                _moved(reasons.moved_words(one.moved)),
            )
        )
        if one.is_event:
            _events(today, today.past.by([one.key.removeprefix("effects.")]), places)
        else:
            level = reasons.level_today(today, one.source)
            st.markdown(Markdown("Level today: **{}**, {} steps.", level, riskcast.signed(one.steps, 2)))
        _evidence(today, (one.key, *riskcast.level_ids(case, one.source, today.dyad)), places)


def _moved(words: str) -> str:
    return {"hardly": "hardly moved it", "held fixed": "cannot move it: it is held fixed"}.get(words, words)


def _events(today: Today, past: Sequence[riskcast.RememberedEvent], places: riskcast.Places | None) -> None:
    if not past:
        st.caption("No past event is still felt.")
        return
    for one in past:
        lead = Markdown("**{}**, {} of its force left. {}", one.when, reasons.left(one), one)
        st.markdown(lead if one.row is None else reasons.event_words(today.case, one.row, places, lead))


def _evidence(today: Today, keys: Sequence[str], places: riskcast.Places | None) -> None:
    for key in keys:
        st.markdown(reasons.evidence_words(today.case, key, places))
