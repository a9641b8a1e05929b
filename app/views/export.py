"""Take results along: tables, charts, the changed assumptions, and how to get the same digits elsewhere."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import downloads
import pictures
import results
import session
import streamlit as st
import widgets
import workbook
from downloads import Report, Table
from pictures import Wish
from session import View

import riskcast
from riskcast import theme

EVERYTHING = "Everything"
CSV, XLSX, JSON = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/json"
ZIP, YAML, PNG, SVG = "application/zip", "application/yaml", "image/png", "image/svg+xml"
MOST_SHOWN = 200
LABEL = "My view"
WORDS: Mapping[str, str] = {
    EVERYTHING: "All five tables: as a workbook with a first sheet to read, as the JSON that the command line "
    "prints with the assumptions beside it, or as a zip of CSV files.",
    "scores": "Each pair's score with its 90 % interval, and its band.",
    "probabilities": "The probability of at least one event of each kind within the horizon, with 90 % intervals and "
    "words.",
    "by period": "The same probabilities, by the end of each period of the horizon.",
    "contributions": "How many points of each pair's score are due to each driver; with the score at reference levels "
    "they add up to it.",
    "assumptions": "Every quantity as published and as it is now, with its evidence and sources.",
}


def show() -> None:
    """Draw the page."""
    now = session.view()
    result = results.current(now)
    report = Report(result, now.case, lambda: results.explained(now))
    widgets.heading(
        "Export",
        "Every file says which case, changes, scenario, engine and seed its numbers come from. "
        f"Scenario: {result.forecast.scenario.label}.",
    )
    widgets.health(result)
    with st.container(border=True):
        _numbers(report)
    with st.container(border=True):
        _chart(report, now)
    with st.container(border=True):
        _elsewhere(report, now)


def _numbers(report: Report) -> None:
    """Tables as CSV, workbook and JSON."""
    st.subheader("Numbers")
    labels = {name: name.capitalize() for name in downloads.TABLES} | {
        "scores": "Risk scores",
        "by period": f"By {report.result.case.settings.period}",
    }
    chosen = st.pills(
        "What to download",
        [EVERYTHING, *downloads.TABLES],
        format_func=lambda name: labels.get(name, name),
        default=EVERYTHING,
        key="export_table",
        label_visibility="collapsed",
        required=True,
    )
    chosen = chosen or EVERYTHING
    st.caption(WORDS[chosen])
    build = downloads.TABLES.get(chosen)
    stem = downloads.file_stem(report)
    if build is None:
        _buttons(
            {
                "Excel": (lambda: workbook.all_tables(report), f"{stem}.xlsx", XLSX),
                "JSON": (lambda: downloads.all_json(report), f"{stem}.json", JSON),
                "CSV (zip)": (lambda: downloads.all_csv(report), f"{stem}-csv.zip", ZIP),
            }
        )
        return
    stem = f"{stem}-{downloads.safe_name(chosen)}"
    _buttons(
        {
            "Excel": (lambda: workbook.one_table(report, build(report)), f"{stem}.xlsx", XLSX),
            "JSON": (lambda: downloads.to_json(report, build(report)), f"{stem}.json", JSON),
            "CSV": (lambda: downloads.to_csv(report, build(report)), f"{stem}.csv", CSV),
        }
    )
    _preview(build(report))


def _preview(table: Table) -> None:
    """The first rows of a table."""
    forms = {"score": "%.1f", "points": "%+.1f", "share": "percent"}
    columns: dict[str, Any] = {
        column.name: st.column_config.NumberColumn(format=forms[column.form])
        for column in table.columns
        if column.form in forms
    }
    columns |= {c.name: st.column_config.DateColumn(format="D MMM YYYY") for c in table.columns if c.form == "day"}
    st.dataframe(table.records()[:MOST_SHOWN], hide_index=True, column_config=columns, height="auto", placeholder="–")
    if len(table.rows) > MOST_SHOWN:
        st.caption(f"The first {MOST_SHOWN} of {len(table.rows):,} rows; files hold all.")


def _chart(report: Report, now: View) -> None:
    """Any page's chart as PNG and SVG."""
    st.subheader("Chart")
    left, right = st.columns([2, 3])
    kind = left.selectbox("Which chart", pictures.KINDS, key="export_chart")
    dyads = {dyad.id: dyad.partner_name or dyad.id for dyad in report.result.risk.dyads}
    dyad, against = next(iter(dyads)), report.result
    if kind in pictures.OF_ONE_DYAD:
        dyad = right.selectbox("Pair", list(dyads), format_func=lambda name: dyads[name], key="export_dyad")
    if kind == pictures.CHANGE:
        against = _against(now, right)
    wish = Wish(kind, dyad, against)
    shown = pictures.draw(report, replace(wish, palette=widgets.palette()), "container")
    if shown is None:
        st.info("This case has nothing to draw here: choose another chart.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        files = st.container(width="content")
        dark = st.toggle("Dark paper", key="export_dark", help="For slides with a dark background.")
    wish = replace(wish, palette=theme.DARK if dark else theme.LIGHT)
    stem = f"{downloads.file_stem(report)}-{downloads.safe_name(kind)}"
    stem += f"-{dyad}" if kind in pictures.OF_ONE_DYAD else ""
    with files:
        _buttons(
            {
                "PNG": (lambda: pictures.to_png(report, wish), f"{stem}.png", PNG),
                "SVG": (lambda: pictures.to_svg(report, wish), f"{stem}.svg", SVG),
            }
        )
    st.altair_chart(shown, theme=None, width="stretch")


def _against(now: View, place: Any) -> results.Result:
    """The result that a chart of changes starts from."""
    known = now.scenarios
    labels = {"": "the case as published, at baseline"}
    labels |= {name: f"scenario: {found.label}" for name, found in known.items() if name != now.scenario}
    name = place.selectbox("From", list(labels), format_func=lambda key: labels[key], key="export_against")
    return results.current(now, name) if name else results.published(now.case)


def _elsewhere(report: Report, now: View) -> None:
    """The changes as an overlay, and the commands that give the same digits."""
    st.subheader("The same digits elsewhere")
    label, overlay = "", ""
    if now.changes:
        label = st.text_input("Name of your changes", value=LABEL, max_chars=80, key="export_label").strip() or LABEL
        overlay = f"{downloads.safe_name(label)}.yaml"
    handed = _handed_over(now)
    bundled = handed is now.case and now.case.name in riskcast.list_cases()
    buttons: dict[str, tuple[Callable[[], bytes], str, str]] = {}
    if overlay:
        buttons["Overlay (YAML)"] = (lambda: riskcast.overlay_text(now.changes, label).encode(), overlay, YAML)
    buttons["Case (zip)"] = (lambda: downloads.case_zip(handed), f"{handed.name}.zip", ZIP)
    _buttons(buttons)
    if not overlay:
        st.caption("Nothing is changed yet: once an assumption is, its overlay can be downloaded here.")
    if not bundled:
        st.caption(
            "This view is not a case that comes with riskcast: its zip holds the case with the events and scenarios "
            "that were added here. Unpack it, and run the commands beside it."
        )
    name = handed.name if bundled else f"./{handed.name}"
    shell, notebook = st.tabs(["Command line", "Notebook"])
    shell.code(command(report, name, overlay), language="bash", wrap_lines=True)
    notebook.code(notebook_code(report, name, overlay), language="python")


def command(report: Report, case: str, overlay: str) -> str:
    """The command that prints the same numbers as JSON."""
    posterior, ahead = report.result.posterior, report.result.forecast
    words = ["uv", "run", "riskcast", "forecast", case]
    words += ["--scenario", ahead.scenario_name] if ahead.scenario_name != "baseline" else []
    words += ["--overlay", overlay] if overlay else []
    words += ["--draws", str(posterior.draws), "--seed", str(posterior.seed)]
    words += [] if posterior.is_reliable else ["--allow-unreliable"]
    return shlex.join([*words, "--json"])


def notebook_code(report: Report, case: str, overlay: str) -> str:
    """The lines of Python that give the same numbers."""
    posterior, ahead = report.result.posterior, report.result.forecast
    options = f"draws={posterior.draws}, seed={posterior.seed}"
    options += "" if posterior.is_reliable else ", allow_unreliable=True"
    lines = ["import riskcast", "", f"case = riskcast.load_case({case!r})"]
    lines += [f"case = riskcast.apply_overlay(case, *riskcast.load_overlay({overlay!r}))"] if overlay else []
    lines += [
        f"posterior = riskcast.fit(case, {options})",
        f"forecast = riskcast.forecast(posterior, scenario={ahead.scenario_name!r})",
        "risk = riskcast.score(forecast)",
        "risk.to_frame()",
    ]
    return "\n".join(lines)


def _handed_over(now: View) -> riskcast.Case:
    """The case that the changes apply to: with the events and scenarios that were added in the app."""
    if not now.built:
        return now.recorded
    own = {name: found for name, found in now.scenarios.items() if name in now.built}
    return now.recorded.revised(scenarios={**now.case.scenarios, **own})


def _buttons(files: Mapping[str, tuple[Callable[[], bytes], str, str]]) -> None:
    """Buttons that make their file when they are pressed."""
    with st.container(horizontal=True):
        for label, (make, name, mime) in files.items():
            st.download_button(
                label,
                data=make,
                file_name=name,
                mime=mime,
                key=f"download:{label}",
                icon=":material/download:",
                on_click="ignore",
            )
