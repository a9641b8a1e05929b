"""Whether published forecasts were right: last month's misses first, then who says too much, and who beats whom."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import riskcast
from parts import door as st, widgets
from parts.markdown import Markdown, code, lines
from riskcast import charts
from state import results, session

MOST_MISSES = 10
FEWEST_CURVE = 10
HEADINGS = {"outcome": "Outcome", "unit": "Dyad", "horizon": "Horizon"}


def show() -> None:
    """Draw the page."""
    widgets.heading("Track record", "What became of forecasts that were published before anybody could know.")
    try:
        contents = riskcast.read_ledger()
    except riskcast.RiskcastError as error:
        _nothing(str(error))
        return
    name = session.view().case.name
    names = {question.case_name for question in contents.questions.values()}
    alone = name in names and (
        len(names) < 2
        or st.toggle("This case alone", value=True, key="track_case", help="Else all cases of the ledger.")
    )
    record = results.track_record(contents, name if alone else None)
    data = riskcast.track_data(record, contents.place)
    st.markdown(Markdown("**{}** {}", data["verdict"], data["detail"]))
    left = data["left_out"]
    if left:
        st.caption(left)
    if not record.forecasters:
        _nothing("")
        return
    st.subheader("Last month")
    _misses(data)
    st.subheader("Who says too much, and who too little")
    st.markdown(lines(Markdown("- {}", each["in_words"]) for each in data["forecasters"]))
    _scores(data["forecasters"])
    if data["pairs"]:
        st.subheader("Who beats whom")
        st.caption("On the questions that both answered; below, how many more would tell them apart.")
        st.markdown(lines(Markdown("- {}", pair["in_words"]) for pair in data["pairs"]))
    labels = {each["forecaster"]: each["label"] for each in data["forecasters"]}
    _reliability(record, labels)
    _slices(data["slices"])
    told = code("riskcast ledger verify")
    st.caption(Markdown("Ledger {}. {} says whether anything in it was changed.", contents.place, told))


def _nothing(why: str) -> None:
    """What to do where there is no track record."""
    if why:
        st.info(why, icon=":material/target:")
    st.markdown(
        Markdown(
            "A forecast is worth what became of it. To begin, keep a run, publish it, and answer its questions "
            "as the record of the case grows:\n\n"
            "```sh\nriskcast run CASE --out runs\nriskcast publish runs/RUN\nriskcast resolve CASE\nriskcast track\n"
            "```\n\nThis page reads the ledger that RISKCAST_LEDGER names, or ledger.sqlite in the folder in which the "
            "app was started."
        )
    )
    if os.environ.get("RISKCAST_LEDGER") is None:
        st.caption("RISKCAST_LEDGER is not set.")


def _misses(data: Mapping[str, Any]) -> None:
    st.markdown(Markdown("{}", data["last_month"]))
    rows = [Markdown("| Question | Forecaster | Said | Answer |"), Markdown("|---|---|---:|---|")]
    for miss in data["misses"][:MOST_MISSES]:
        said = riskcast.percent(miss["probability"])
        rows.append(Markdown("| {} | {} | **{}** | {} |", miss["text"], miss["label"], said, miss["answer"]))
    if data["misses"]:
        st.markdown(lines(rows))


def _scores(forecasters: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        Markdown("| Forecaster | Questions | Brier | 90 % | Log score | Said | Came |"),
        Markdown("|---|---:|---:|:---:|---:|---:|---:|"),
    ]
    for each in forecasters:
        brier, log = each["brier"], each["log_score"]["value"]
        rows.append(
            Markdown(
                "| {} | {} | {:.3f} | {} | {} | {} | {} |",
                each["label"],
                each["questions"],
                brier["value"],
                "–" if brier["low"] is None else f"{brier['low']:.3f}–{brier['high']:.3f}",
                "∞" if log is None else f"{log:.3f}",
                riskcast.percent(each["mean_forecast"]),
                riskcast.percent(each["frequency"]),
            )
        )
    st.markdown(lines(rows), help="Lower scores are better. Forecasters may have answered different questions.")


def _reliability(record: riskcast.TrackRecord, labels: Mapping[str, str]) -> None:
    curves = {each.forecaster: each.reliability for each in record.forecasters if each.questions >= FEWEST_CURVE}
    if not curves:
        st.caption(f"Curves of reliability are drawn from {FEWEST_CURVE} answered questions of a forecaster on.")
        return
    st.subheader("Reliability: when we said 20 %, did it happen in 20 % of cases?")
    names = list(curves)
    chosen = st.selectbox("Forecaster", names, format_func=lambda name: labels[name], key="track_curve")
    chart = charts.reliability_chart({chosen: curves[chosen]}, palette=widgets.palette())
    st.altair_chart(chart, theme=None)


def _slices(slices: Sequence[Mapping[str, Any]]) -> None:
    kinds = [by for by in HEADINGS if any(part["by"] == by for part in slices)]
    if not kinds:
        return
    st.subheader("By outcome, dyad and horizon")
    by = st.segmented_control(
        "Cut by", kinds, default=kinds[0], format_func=lambda name: HEADINGS[name], key="track_by"
    )
    rows = [
        Markdown("| {} | Forecaster | Questions | Came | Brier | Bias, points |", HEADINGS[by or kinds[0]]),
        Markdown("|---|---|---:|---:|---:|---:|"),
    ]
    for part in (each for each in slices if each["by"] == (by or kinds[0])):
        bias = riskcast.signed(100 * part["bias"]["value"], 0)
        rows.append(
            Markdown(
                "| {} | {} | {} | {} | {:.3f} | {} |",
                part["name"],
                part["label"],
                part["questions"],
                part["events"],
                part["brier"]["value"],
                bias,
            )
        )
    with st.expander("Scores by outcome, dyad or horizon", expanded=False):
        st.markdown(lines(rows))
