"""Take results along: tables, charts, the changed assumptions, and how to get the same digits elsewhere."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import riskcast
from files import downloads
from parts import door as st, widgets
from riskcast import charts, exports
from riskcast.exports import Picture
from state import results, session
from state.session import View

EVERYTHING = "Everything"
CSV, XLSX, JSON = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/json"
ZIP, YAML, PNG, SVG = "application/zip", "application/yaml", "image/png", "image/svg+xml"
BYTES = "application/octet-stream"
TYPES = {".xlsx": XLSX, ".json": JSON, ".pdf": "application/pdf", ".html": "text/html"}
MOST_SHOWN = 200
LABEL = "My view"
EXPLAINED = "contributions"
WORDS: Mapping[str, str] = {
    EVERYTHING: "All tables, as CSV or Parquet, as JSON, or as a workbook with a first sheet to brief from; every draw "
    "as NetCDF; and files for a forecast hub. They are the same as the command below writes.",
    "scores": "Each pair's score with its 90 % interval, and its band.",
    "exceedance": "The chance that each pair's worst outcome has at least each severity, within the horizon.",
    "history": "Each pair's score, rank and place in its own history as of each earlier day that was looked back on.",
    "probabilities": "The probability of at least one event of each kind within the horizon, with 90 % intervals and "
    "words.",
    "by_period": "The same probabilities, by the end of each period of the horizon.",
    "contributions": "How many points of each pair's score are due to each driver; with the score at reference levels "
    "they add up to it.",
    "acting": "What every effect does to the rate of its event today, and its rate ratio before and after the record; "
    "the same under every scenario.",
    "assumptions": "Every quantity as published and as it is now, with its evidence and sources.",
    "diagnostics": "How healthy the engine's draws are, for each kind of event.",
    "notes": "What is not used as the case or a scenario says it, or can hardly be meant, with what is used in its "
    "place.",
}


def show() -> None:
    """Draw the page."""
    now = session.view()
    result = results.current(now)
    dossier = downloads.dossier_of(now)
    widgets.heading(
        "Export",
        "Every file says which case, changes, scenario, engine and seed its numbers come from. "
        f"Scenario: {result.forecast.scenario.label}.",
    )
    widgets.health(result)
    if results.handed(now).posterior is not result.posterior:
        st.caption(
            "Files hold what anybody gets who makes the forecast again, fitted from nothing. Other pages go on from "
            "the published fit after a change, and may differ from files by Monte Carlo error."
        )
    with st.container(border=True):
        _numbers(dossier, now)
    with st.container(border=True):
        _brief(dossier, now)
    with st.container(border=True):
        _chart(dossier, now)
    with st.container(border=True):
        _elsewhere(dossier, now)


def _numbers(dossier: riskcast.Dossier, now: View) -> None:
    """Tables as workbook, JSON, CSV and Parquet."""
    st.subheader("Numbers")
    tables = exports.names_of_tables(dossier)
    labels = {name: name.capitalize() for name in tables} | {
        "scores": "Risk scores",
        "acting": "What acts now",
        "by_period": f"By {dossier.case.settings.period}",
    }
    chosen = st.pills(
        "What to download",
        [EVERYTHING, *tables],
        format_func=lambda name: labels.get(name, name),
        default=EVERYTHING,
        key="export_table",
        label_visibility="collapsed",
        required=True,
    )
    chosen = chosen or EVERYTHING
    st.caption(WORDS[chosen])
    stem = downloads.file_stem(dossier)
    if chosen == EVERYTHING:

        def make(form: str) -> Callable[[], bytes]:
            return lambda: downloads.everything(downloads.dossier_of(now, explained=True), form)

        _buttons(dict(_offer(writer, stem, make) for writer in exports.WRITERS if writer.kind == "numbers"))
        return
    table = exports.make_table(downloads.dossier_of(now, explained=chosen == EXPLAINED), chosen)
    stem = f"{stem}-{downloads.safe_name(chosen)}"
    _buttons(
        {
            "Excel": (lambda: downloads.one_table(dossier, table, "xlsx"), f"{stem}.xlsx", XLSX),
            "JSON": (lambda: downloads.one_table(dossier, table, "json"), f"{stem}.json", JSON),
            "CSV": (lambda: downloads.one_table(dossier, table, "csv"), f"{stem}.csv", CSV),
        }
    )
    _preview(table)


def _brief(dossier: riskcast.Dossier, now: View) -> None:
    """Pages to hand over."""
    st.subheader("Brief")
    moved = " What you changed is held against the case as published." if now.changes else ""
    st.caption(
        "A few pages to hand over: the judgement, who is at risk of what, drivers with their sources, method and "
        f"limits.{moved}"
    )
    stem = downloads.file_stem(dossier)

    def make(form: str) -> Callable[[], bytes]:
        return lambda: downloads.everything(downloads.brief_of(now), form)

    pages = dict(_offer(writer, f"{stem}-brief", make) for writer in exports.WRITERS if writer.kind == "pages")
    _buttons({f"Brief ({label})": file for label, file in pages.items()})


def _offer(
    writer: exports.Writer, stem: str, make: Callable[[str], Callable[[], bytes]]
) -> tuple[str, tuple[Callable[[], bytes], str, str]]:
    """A format as a button: its label, and how its file is made, called and typed."""
    if writer.is_single:
        suffix = PurePosixPath(writer.files[0]).suffix
        return writer.label, (make(writer.name), f"{stem}{suffix}", TYPES.get(suffix, BYTES))
    return f"{writer.label} (zip)", (make(writer.name), f"{stem}-{writer.name}.zip", ZIP)


def _preview(table: exports.Table) -> None:
    """The first rows of a table."""
    forms = {"score": "%.1f", "figure": "%.3f", "points": "%+.1f", "share": "percent"}
    columns: dict[str, Any] = {
        column.name: st.column_config.NumberColumn(format=forms[column.form])
        for column in table.columns
        if column.form in forms
    }
    columns |= {c.name: st.column_config.DateColumn(format="D MMM YYYY") for c in table.columns if c.form == "day"}
    st.dataframe(table.records()[:MOST_SHOWN], hide_index=True, column_config=columns, height="auto", placeholder="–")
    if len(table.rows) > MOST_SHOWN:
        st.caption(f"The first {MOST_SHOWN} of {len(table.rows):,} rows; files hold all.")


def _chart(dossier: riskcast.Dossier, now: View) -> None:
    """Any page's chart as PNG and SVG."""
    st.subheader("Chart")
    left, right = st.columns([2, 3])
    with left:
        kind = st.selectbox("Which chart", list(Picture), key="export_chart")
    dyads = {dyad.id: dyad.partner_name or dyad.id for dyad in dossier.headline.dyads}
    dyad, against = next(iter(dyads)), dossier.headline
    if kind.is_of_one_dyad:
        with right:
            dyad = st.selectbox("Pair", list(dyads), format_func=lambda name: dyads[name], key="export_dyad")
    if kind is Picture.CHANGE:
        with right:
            against = _against(now).risk
    if kind is Picture.WHY:
        dossier = downloads.dossier_of(now, explained=True)
    wish = exports.Wish(kind, dyad, against)
    shown = exports.draw_picture(dossier, replace(wish, palette=widgets.palette()), "container")
    if shown is None:
        st.info("This case has nothing to draw here: choose another chart.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        files = st.container(width="content")
        dark = st.toggle("Dark paper", key="export_dark", help="For slides with a dark background.")
    wish = replace(wish, palette=charts.DARK if dark else charts.LIGHT)
    stem = f"{downloads.file_stem(dossier)}-{downloads.safe_name(kind)}"
    stem += f"-{dyad}" if kind.is_of_one_dyad else ""
    with files:
        _buttons(
            {
                "PNG": (lambda: exports.to_png(dossier, wish), f"{stem}.png", PNG),
                "SVG": (lambda: exports.to_svg(dossier, wish), f"{stem}.svg", SVG),
            }
        )
    st.altair_chart(shown, theme=None, width="stretch")


def _against(now: View) -> results.Result:
    """The result that a chart of changes starts from."""
    known = now.scenarios
    labels = {"": "the case as published, at baseline"}
    labels |= {name: f"scenario: {found.label}" for name, found in known.items() if name != now.scenario}
    name = st.selectbox("From", list(labels), format_func=lambda key: labels[key], key="export_against")
    return results.current(now, name) if name else results.published(now.case)


def _elsewhere(dossier: riskcast.Dossier, now: View) -> None:
    """The changes as an overlay, and the commands that give the same digits."""
    st.subheader("The same digits elsewhere")
    label, overlay = "", ""
    if now.changes:
        label = st.text_input("Name of your changes", value=LABEL, max_chars=80, key="export_label").strip() or LABEL
        overlay = f"{downloads.safe_name(label)}.yaml"
    handed = now.handed
    bundled = handed is now.case and now.case.name in riskcast.list_cases()
    buttons: dict[str, tuple[Callable[[], bytes], str, str]] = {}
    if overlay:
        buttons["Overlay (YAML)"] = (lambda: riskcast.overlay_text(now.changes, label, handed).encode(), overlay, YAML)
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
    with shell:
        st.code(command(dossier, name, overlay), language="bash", wrap_lines=True)
    with notebook:
        st.code(notebook_code(dossier, name, overlay), language="python")


def command(dossier: riskcast.Dossier, case: str, overlay: str) -> str:
    """The command that writes the same files."""
    ahead = dossier.headline.forecast
    posterior = ahead.posterior
    words = ["uv", "run", "riskcast", "export", case, "--out", "export"]
    words += ["--formats", ",".join(writer.name for writer in exports.WRITERS if writer.kind == "numbers")]
    words += ["--scenario", ahead.scenario_name] if ahead.scenario_name != "baseline" else []
    words += ["--overlay", overlay] if overlay else []
    words += ["--draws", str(posterior.draws), "--seed", str(posterior.seed)]
    words += [] if posterior.is_reliable else ["--allow-unreliable"]
    return shlex.join(words)


def notebook_code(dossier: riskcast.Dossier, case: str, overlay: str) -> str:
    """The lines of Python that give the same numbers."""
    ahead = dossier.headline.forecast
    posterior = ahead.posterior
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
