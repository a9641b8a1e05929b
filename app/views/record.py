"""What is known of the past, how far it reaches, and what it says beside the priors."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import riskcast
from parts import door as st, reasons, widgets
from parts.markdown import Markdown, code
from riskcast import charts
from state import results, session
from state.results import Result

STATUSES = ("located", "unverified", "judgement", "disputed")
EVERYONE = "ALL"
ALIKE = 0.35
DISAGREES = 0.1
READING = Markdown(
    "**The record alone** knows nothing of why: it repeats the average of the past, quiet years included, and takes "
    "what was not written down as not having happened. Scenarios and today's levels do not touch it.\n\n"
    "**The priors alone** start from today's levels and recent events too, but with effects and base rates as they "
    "were believed before the record was counted.\n\n"
    "**Both** lies between them where they disagree about a rate, nearer to the one that is surer. It lies above the "
    "past rate where today's levels or recent events are worse than in the average past year.\n\n"
    "**A conflict** means that the priors would hardly have produced the recorded count: look at the record's gaps and "
    "at the base rate before relying on the forecast of that event."
)


@dataclass(frozen=True)
class Voices:
    """One event type in one unit: what the record alone, the priors alone and both together say of the horizon."""

    past: riskcast.PastRate
    priors: Any
    both: Any


def show() -> None:
    """Draw the page."""
    now = session.view()
    result = results.current(now)
    widgets.heading("Record", "What is known of the past, how far it reaches, and what it says beside the priors.")
    st.info(
        Markdown(
            "**An absence in the record is no proof that nothing happened.** It holds what was found and written down; "
            "quiet years and quiet pairs may be quiet, or unreported."
        ),
        icon=":material/visibility_off:",
    )
    widgets.health(result)
    places = reasons.places_of(now.case)
    report = results.coverage(result.case)
    chronology, series, voices = st.tabs(["Events", "Indicator series", "Record and priors"])
    with chronology:
        _chronology(result.case, places)
    with series:
        _series(result.case, report, places)
    with voices:
        _voices(result, results.priors_alone(now), report)
        _year(result.case, results.simulated_year(now, result))


def filter_rows(
    rows: Sequence[Any],
    types: Collection[str] = (),
    units: Collection[str] = (),
    years: tuple[int, int] | None = None,
    statuses: Collection[str] = (),
) -> list[Any]:
    """The events of these types, pairs, years and statuses; an empty filter lets everything through."""
    return [
        row
        for row in rows
        if (not types or row.type in types)
        and (not units or row.dyad in units)
        and (not statuses or row.status in statuses)
        and (years is None or years[0] <= row.date.year <= years[1])
    ]


def _chronology(case: riskcast.Case, places: riskcast.Places | None) -> None:
    if case.panel is not None:
        chart = charts.timeline_chart(case, palette=widgets.palette())
        st.altair_chart(chart, theme=None, width="stretch")
        st.caption("The events stand in the case's panel, pair by pair and period by period, without text or sources.")
        return
    if not case.event_rows:
        st.caption("The record holds no event.")
        return
    rows = filter_rows(case.event_rows, *_filters(case))
    st.caption(f"{len(rows)} of {len(case.event_rows)} events.")
    if not rows:
        st.warning("No event passes these filters. Widen one of them.", icon=":material/filter_alt:")
        return
    st.altair_chart(charts.timeline_chart(case, rows=rows, palette=widgets.palette()), theme=None, width="stretch")
    rows = sorted(rows, key=lambda row: row.placed_on, reverse=True)
    st.caption("Choose a row for the whole of it, with every source.")
    chosen = st.dataframe(
        [event_cells(case, row, places) for row in rows],
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "What": st.column_config.TextColumn("What", width=320),
            "Status": st.column_config.TextColumn(
                "Status",
                help="located: a source was found. unverified: reported, no source found. judgement: a rule was "
                "judged to be met. disputed: sources disagree whether it happened; it is used as having happened, and "
                "backtests score both ways.",
            ),
            "Link": st.column_config.LinkColumn("Link", display_text="open"),
        },
        key="record_events",
    )
    for place in chosen.selection.rows[:1]:
        if place < len(rows):
            with st.container(border=True):
                st.markdown(event_card(case, rows[place], places))
    if places is not None:
        st.caption(Markdown("Files and lines are those of the case folder {}, as published.", code(places.folder.name)))


def _filters(case: riskcast.Case) -> tuple[list[str], list[str], tuple[int, int], list[str]]:
    rows = case.event_rows
    types = [name for name in (*case.events, "context") if any(row.type == name for row in rows)]
    units = [unit for unit in (*case.dyads, case.host, EVERYONE) if any(row.dyad == unit for row in rows)]
    first, last = min(row.date.year for row in rows), max(row.date.year for row in rows)
    one, two = st.columns(2)
    with one:
        chosen_types = st.multiselect(
            "Type",
            types,
            format_func=lambda name: type_label(case, name),
            placeholder="All types",
            key=f"record_types:{session.view().id}",
        )
        years = (first, last)
        if first < last:
            years = st.slider("Years", first, last, (first, last), key=f"record_years:{session.view().id}")
    with two:
        chosen_units = st.multiselect(
            "Pair",
            units,
            format_func=lambda unit: unit_label(case, unit),
            placeholder="All",
            key=f"record_units:{session.view().id}",
        )
        statuses = st.pills(
            "Status", STATUSES, selection_mode="multi", default=STATUSES, key=f"record_statuses:{session.view().id}"
        )
    return chosen_types, chosen_units, years, statuses


def event_cells(case: riskcast.Case, row: Any, places: riskcast.Places | None) -> dict[str, str | None]:
    """One event as a row of a table."""
    sources = [case.sources[name] for name in row.sources]
    return {
        "Date": row.when,
        "Type": type_label(case, row.type),
        "Pair": unit_label(case, row.dyad),
        "What": row.description,
        "Status": row.status,
        "Written in": reasons.written_row(places, row),
        "Link": next(filter(None, (riskcast.followed(source.url) for source in sources)), None),
        "Sources": "; ".join(f"{source.publisher}: {source.title}" for source in sources),
        "By": case.state_names.get(row.initiator, row.initiator),
    }


def event_card(case: riskcast.Case, row: Any, places: riskcast.Places | None) -> Markdown:
    """One event in full, as Markdown."""
    whom, what = unit_label(case, row.dyad), type_label(case, row.type)
    lead = Markdown("**{}, {}: {}**. {}", row.when, whom, what, row.description)
    if row.published is not None:
        lead = Markdown("{} Known from {} on.", lead, riskcast.long_date(row.published))
    return reasons.event_words(case, row, places, lead)


def type_label(case: riskcast.Case, name: str) -> str:
    """An event type as people read it; what is in the record as background only is context."""
    return case.events[name].label if name in case.events else "Context (not modelled)"


def unit_label(case: riskcast.Case, unit: str) -> str:
    """A dyad, the host or all pairs, as people read it."""
    if unit == EVERYONE:
        return "All pairs"
    return case.name_of(unit)


def _series(case: riskcast.Case, report: Any, places: riskcast.Places | None) -> None:
    st.dataframe(
        [
            {
                "Indicator": one.label,
                "Values": one.values,
                "From": "" if one.first is None else str(one.first),
                "To": "" if one.last is None else str(one.last),
                **({"Filled": one.filled or None} if case.panel is not None else {}),
                "Covers": 100 * one.share,
            }
            for one in report.series
            if one.values or one.filled
        ],
        hide_index=True,
        height="content",
        column_config={
            "Indicator": st.column_config.TextColumn("Indicator", width="large"),
            "Filled": st.column_config.NumberColumn(
                "Filled", help="Cells of the panel without a value: the last earlier one, or the reference, is used."
            ),
            "Covers": st.column_config.ProgressColumn(
                "Covers",
                format="%.0f %%",
                min_value=0,
                max_value=100,
                help="Share of the record's length that lies between first and last value, averaged over pairs; of a "
                "panel, the share of its rows that have a value.",
            ),
        },
        key="coverage",
    )
    without = [one.label for one in report.series if not one.values and not one.filled]
    if without:
        st.caption(f"Without a series, their past held at the reference level: {', '.join(without)}.")
    named = {one.indicator: one.label for one in report.series if one.values and case.series_rows}
    if not named:
        st.caption("No indicator of this case has a series of dated values.")
        return
    chosen = st.selectbox(
        "Series", list(named), format_func=named.__getitem__, key=f"record_series:{session.view().id}"
    )
    st.caption(case.indicators[chosen].question)
    st.altair_chart(charts.series_chart(case, chosen, palette=widgets.palette()), theme=None, width="stretch")
    with st.expander("Values with their sources"):
        rows = [row for row in case.series_rows if row.indicator == chosen]
        st.dataframe(
            [
                {
                    "Date": row.date.isoformat(),
                    "Unit": unit_label(case, row.unit),
                    "Value": row.value,
                    "Low": row.low,
                    "High": row.high,
                    "Published": row.published.isoformat(),
                    "Status": row.status,
                    "Sources": "; ".join(
                        f"{case.sources[name].publisher}: {case.sources[name].title}" for name in row.sources
                    ),
                    "Written in": reasons.written_row(places, row),
                }
                for row in rows
            ],
            hide_index=True,
            key="series_values",
        )


def compare(result: Result, priors: Result, dyad: str) -> list[Voices]:
    """What record, priors and both say of each event type in one dyad, or in the host."""
    return [
        Voices(
            past,
            priors.forecast.recorded(past.event, past.unit),
            result.forecast.recorded(past.event, past.unit),
        )
        for past in riskcast.past_rates(result.forecast, dyad)
    ]


def reading(voices: Voices) -> str:
    """How the forecast lies to what record and priors say alone, in a few words.

    >>> from types import SimpleNamespace as Estimate
    >>> past = riskcast.PastRate("a", "u", recorded=3, own=0.1, pooled=0.1)
    >>> reading(Voices(past, Estimate(mean=0.4), Estimate(mean=0.2)))
    'between the two'
    """
    both, priors, record = (_logit(p) for p in (voices.both.mean, voices.priors.mean, voices.past.own))
    with_priors, with_record = abs(both - priors) < ALIKE, abs(both - record) < ALIKE
    if with_priors and with_record:
        return "all agree"
    if with_priors:
        return f"as the priors, {'above' if both > record else 'below'} the past rate"
    if with_record:
        return f"as the record, {'above' if both > priors else 'below'} the priors"
    if min(priors, record) < both < max(priors, record):
        return "between the two"
    return "above both" if both > priors else "below both"


def _voices(result: Result, priors: Result, report: Any) -> None:
    case = result.case
    first, last = result.forecast.window
    held = "at least one event is recorded" if result.forecast.found_in_part else "at least one event happens"
    st.markdown(
        Markdown(
            "The chance that {} from {}, said by the **record alone** (how often the past held one), by "
            "the **priors alone** (what is believed, with nothing learned) and by **both** (the forecast).",
            held,
            f"{riskcast.long_date(first)} to {riskcast.long_date(last)}",
        )
    )
    odd = [check for check in report.priors if not check.tail >= DISAGREES]
    for check in odd:
        st.warning(
            Markdown(
                "**{}**: the record holds {}, the priors expect {:.0f} ({:.0f}–{:.0f}). Prior and record disagree: {}.",
                check.label,
                check.recorded,
                check.median,
                check.low,
                check.high,
                check.verdict,
            ),
            icon=":material/balance:",
        )
    jointly = [doubt for doubt in report.told if doubt.judgement == "priors-exceed-record"]
    if jointly:
        with st.expander("Priors that expect twice the record or more", icon=":material/balance:"):
            for doubt in jointly:
                st.caption(Markdown("**{}**: {}; {}.", doubt.key or doubt.file, doubt.wrong, doubt.mend))
    if not odd:
        st.success("No event type's record lies far from what its priors expect.", icon=":material/check:")
    if report.drawn:
        st.caption(
            Markdown(
                "{} of {} priors were drawn from this record (basis: record): it cannot confirm them.",
                len(report.drawn),
                sum(1 for _ in case.quantities()),
            )
        )
    dyad = widgets.choose_pair(result, f"record_pair:{session.view().id}")
    checks = {check.event: check for check in report.priors}
    st.dataframe(
        [voice_cells(case, one, checks[one.past.event]) for one in compare(result, priors, dyad)],
        hide_index=True,
        column_config=_voice_columns(case),
        height="content",
        key="voices",
    )
    with st.expander("How to read this"):
        st.markdown(READING)


def _year(case: riskcast.Case, counts: Sequence[riskcast.SimulatedCount]) -> None:
    """A simulated year ahead beside the record's years."""
    st.subheader("A year ahead beside the years of the record")
    st.caption(
        f"In how many {case.settings.period}s, counted pair by pair, each kind of event is recorded: in a simulated "
        "year under the baseline, and in the record. What comes many times as often as ever is to be doubted."
    )
    st.dataframe(
        [year_cells(one) for one in counts],
        hide_index=True,
        height="content",
        column_config={
            "Year ahead": st.column_config.TextColumn("Year ahead", help="Mean, and where 90 % of such years lie."),
            "A year": st.column_config.NumberColumn("A year", format="%.2f", help="Over the whole record."),
            "Of late": st.column_config.NumberColumn("Of late", format="%.2f", help="Over its last five years."),
            "Most": st.column_config.NumberColumn("Most", help="In the fullest calendar year of the record."),
        },
        key="year_ahead",
    )


def year_cells(one: riskcast.SimulatedCount) -> dict[str, Any]:
    """One event type's year ahead as a row of a table.

    >>> year_cells(riskcast.SimulatedCount("a", "Advisory", 13.2, 1.0, 39.0, 0.16, float("nan"), 2))["Year ahead"]
    '13.2 (1–39)'
    """
    a_year, lately = (None if math.isnan(value) else value for value in (one.a_year, one.lately))
    return {
        "Event": one.label,
        "Year ahead": f"{one.mean:.1f} ({one.low:.0f}–{one.high:.0f})",
        "A year": a_year,
        "Of late": lately,
        "Most": one.most,
        "Reading": one.verdict,
    }


def _voice_columns(case: riskcast.Case) -> dict[str, Any]:
    return {
        "Event": st.column_config.TextColumn("Event", width=195, help="⚠: prior and record disagree."),
        "Record: pair": st.column_config.TextColumn(
            "Record: pair",
            width=85,
            help="The record alone: share of this pair's past windows, as long as the horizon, that held an event, "
            "drawn a little towards all pairs.",
        ),
        "Record: all": st.column_config.TextColumn(
            "Record: all", width=85, help="The record alone: the same share over all pairs."
        ),
        "Priors alone": st.column_config.TextColumn(
            "Priors alone", help="Nothing learned from the record. 90 % interval."
        ),
        "Forecast": st.column_config.TextColumn("Forecast", help="Priors and record. 90 % interval."),
        "Reading": st.column_config.TextColumn("Reading", width=215),
        "Recorded": st.column_config.NumberColumn(
            "Recorded", help=f"{case.settings.period.capitalize()}s of this pair's record that hold one."
        ),
        "Prior against record": st.column_config.TextColumn(
            "Prior against record", help="Whether the priors could have produced what the record counts, all pairs."
        ),
    }


def voice_cells(case: riskcast.Case, one: Voices, check: Any) -> dict[str, Any]:
    """One event type as a row of a table."""
    trigger = " (trigger)" if case.events[one.past.event].kind == "trigger" else ""
    shared = " (all pairs)" if one.past.unit == case.host else ""
    warned = "" if check.tail >= DISAGREES else "⚠ "
    return {
        "Event": warned + case.events[one.past.event].label + trigger + shared,
        "Record: pair": riskcast.percent(one.past.own),
        "Record: all": riskcast.percent(one.past.pooled),
        "Priors alone": _estimate(one.priors),
        "Forecast": _estimate(one.both),
        "Reading": reading(one),
        "Recorded": one.past.recorded,
        "Prior against record": warned + check.verdict,
    }


def _estimate(estimate: Any) -> str:
    low, high = riskcast.percent(estimate.low), riskcast.percent(estimate.high)
    between = " to " if high.startswith(">") else "–"
    return f"{riskcast.percent(estimate.mean)} ({low.removesuffix(' %')}{between}{high})"


def _logit(probability: float) -> float:
    held = min(max(probability, 1e-4), 1.0 - 1e-4)
    return math.log(held / (1.0 - held))
