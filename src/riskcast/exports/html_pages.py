"""Results -> pages of HTML that stand alone: no script, nothing fetched, fit for print, dark rooms and telephones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from riskcast.case.model import Case
from riskcast.charts.theme import DARK, FONT, LIGHT, Palette
from riskcast.errors import visible
from riskcast.forecasting.lineage import case_lineage
from riskcast.machinery.tables import WIDE, Column, Shown
from riskcast.numbers import p_value, share, skill as skill_text
from riskcast.verification.calibration import Calibration
from riskcast.verification.evaluation import ALL, CONTINUATION, ONSET, Evaluation, Slice
from riskcast.verification.rival_words import rivals_in_words, rivals_table, steps_table
from riskcast.verification.score_tables import (
    blocks_table,
    conflicts_table,
    day_in_words,
    disputed_table,
    events_table,
    forecaster_table,
    health_in_words,
    health_table,
    parts_table,
    score_accuracy_table,
    score_bins_table,
    severity_table,
    types_table,
    vectors_table,
)
from riskcast.verification.verdicts import (
    BACKTEST_WORDS,
    CALIBRATION_WORDS,
    PARTS,
    calibration_verdict,
    disputed_in_words,
    label_of,
    part_in_words,
    resampling_in_words,
    scores_in_words,
    sentence,
    severity_in_words,
    skill_verdict,
    vectors_in_words,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Figure:
    """A number that stands for itself."""

    name: str
    value: str
    small: str = ""


def backtest_page(
    *,
    title: str,
    provenance: Mapping[str, str],
    summary: Sequence[str],
    evaluation: Evaluation,
    origins: pd.DataFrame,
    cautions: Sequence[str],
    conflicts: pd.DataFrame | None = None,
    origin_health: pd.DataFrame | None = None,
    labels: Mapping[str, str] | None = None,
    period: str = "period",
) -> str:
    """A backtest as one page of HTML: verdict, scores, reliability, cautions, and how to read them.

    summary: sentences for the top; origins: columns origin, forecaster, brier, forecasts, events; conflicts: columns
    event, recorded, low, median, high, verdict; origin_health: columns origin, seconds, khat, ess, reliable; labels:
    event types as people call them; period: that of the case.
    """
    from riskcast.charts import verification as charts

    whole = evaluation.slices[ALL]
    reference = whole.best_reference
    named = PARTS | dict(labels or {})
    types = {name: part for name, part in evaluation.slices.items() if name not in PARTS}
    parts = {name: evaluation.slices[name] for name in (ONSET, CONTINUATION) if name in evaluation.slices}
    limit, stretched = charts.reliability_limit(whole.reliability), charts.is_rare(whole.reliability)
    forest = (
        charts.slices_chart(replace(evaluation, slices=types), labels=named, title="Skill by event type")
        if types
        else None
    )
    drawn = {
        "scores": charts.to_svg(charts.skill_chart(evaluation)),
        "types": charts.to_svg(forest) if forest is not None else None,
        "reliability": [
            charts.to_svg(charts.reliability_chart({name: curve}, limit=limit, stretched=stretched))
            for name, curve in whole.reliability.items()
        ],
        "murphy": charts.to_svg(charts.murphy_chart(whole)),
        "origins": charts.to_svg(charts.origins_chart(origins, reference=reference)) if len(origins) else None,
    }
    steps = steps_table(evaluation, period) if evaluation.rivals else None
    shown = {
        "scores": "Scores",
        "parts": "Onset and continuation" if parts else "",
        "rivals": "Rivals" if evaluation.rivals else "",
        "types": "Event types" if types else "",
        "reliability": "Reliability",
        "murphy": "Decisions",
        "origins": "Origins" if len(origins) else "",
        "severity": "Severity" if evaluation.severity else "",
        "dyad_scores": "Scores of dyads" if evaluation.scores else "",
        "vectors": "All together" if evaluation.vectors else "",
        "disputed": "Disputed events" if evaluation.undisputed is not None else "",
        "cautions": "Cautions" if cautions else "",
        "words": "How to read",
        "provenance": "Provenance" if provenance else "",
    }
    return render_page(
        "backtest",
        title=title,
        provenance=provenance,
        summary=summary,
        cautions=cautions,
        words=BACKTEST_WORDS,
        verdict=skill_verdict(whole),
        others=[
            *(part_in_words(named[name], part) for name, part in parts.items()),
            *([severity_in_words(evaluation.severity)] if evaluation.severity else []),
            *([scores_in_words(evaluation.scores)] if evaluation.scores else []),
            *([vectors_in_words(evaluation.vectors)] if evaluation.vectors else []),
            *([disputed_in_words(evaluation)] if evaluation.undisputed is not None else []),
            resampling_in_words(evaluation.resampling),
        ],
        figures=_test_figures(whole, origins),
        contents=[(anchor, name) for anchor, name in shown.items() if name],
        scores=forecaster_table(whole),
        parts=parts_table(parts, named) if parts else None,
        part_cautions=[sentence(part.caution) for part in parts.values() if part.caution],
        types=types_table(types, named) if types else None,
        rivals=rivals_table(evaluation) if evaluation.rivals else None,
        rival_words=rivals_in_words(evaluation, period),
        steps=steps if steps is not None and steps.rows else None,
        stretched=stretched,
        severity=severity_table(evaluation.severity) if evaluation.severity else None,
        dyad_scores=score_accuracy_table(evaluation.scores) if evaluation.scores else None,
        vectors=vectors_table(evaluation.vectors) if evaluation.vectors else None,
        disputed=disputed_table(evaluation) if evaluation.undisputed is not None else None,
        resampled=evaluation.resampling.by,
        score_bins=score_bins_table(next(iter(evaluation.scores.values()))) if evaluation.scores else None,
        won=_won(origins, whole),
        conflicts=conflicts_table(conflicts, named) if conflicts is not None and len(conflicts) else None,
        health=health_table(origin_health) if origin_health is not None and len(origin_health) else None,
        health_sentence=health_in_words(origin_health) if origin_health is not None and len(origin_health) else "",
        charts=drawn,
    )


def calibration_page(
    calibration: Calibration,
    *,
    title: str = "",
    provenance: Mapping[str, str] | None = None,
    summary: Sequence[str] = (),
    cautions: Sequence[str] = (),
) -> str:
    """A calibration as one page of HTML: verdict, p-values by kind of parameter, ranks, and event types.

    title, provenance: those of the case if they are not given.
    """
    from riskcast.charts import verification as charts

    case = calibration.case
    given = {
        **case_rows(case),
        "Records": f"{calibration.records:,}",
        "Draws per fit": f"{calibration.draws:,}",
        "Seed": str(calibration.seed),
    }
    pairs = [
        (charts.to_svg(charts.rank_chart(histogram)), charts.to_svg(charts.ecdf_chart(histogram)))
        for histogram in calibration.histograms.values()
    ]
    failed = calibration.unreliable / max(calibration.fits, 1)
    told = f"{share(failed)}, ranked all the same" if failed else ""
    return render_page(
        "calibration",
        title=title or f"Calibration: {case.settings.title}",
        provenance=given if provenance is None else provenance,
        summary=summary,
        cautions=cautions,
        words=CALIBRATION_WORDS,
        verdict=calibration_verdict(calibration),
        figures=[
            Figure("Simulated records", f"{calibration.records:,}"),
            Figure("Fits", f"{calibration.fits:,}", f"{len(calibration.by_event)} for each record"),
            Figure(
                "Fits that failed their checks",
                f"{calibration.unreliable:,}",
                told,
            ),
            Figure("All blocks together", p_value(calibration.p_value), "corrected for their number"),
        ],
        blocks=blocks_table(calibration),
        charts=pairs,
        events=events_table(calibration) if calibration.by_event else None,
    )


def case_rows(case: Case) -> dict[str, str]:
    """Which case a page is about."""
    found = case_lineage(case)
    return {"Case": f"{found.name}, as of {found.as_of}", "sha256": found.hash}


def _test_figures(whole: Slice, origins: pd.DataFrame) -> list[Figure]:
    figures = [Figure("Forecasts", f"{whole.forecasts:,}", f"on {whole.dyads:,} dyads")]
    if whole.forecasts:
        figures.append(
            Figure("Came true", f"{whole.events:,}", share(whole.events / whole.forecasts) + " of forecasts")
        )
    first = next(iter(whole.performances.values()))
    if first.skill is not None:
        value, small = skill_text(first.skill)
        figures.append(Figure("Brier skill", value, f"{small}, against {label_of(whole.best_reference)}".lstrip(", ")))
    if len(origins):
        days = sorted(day_in_words(day) for day in origins["origin"])
        figures.append(Figure("Origins", f"{len(set(days)):,}", f"{days[0]} to {days[-1]}"))
    return figures


def _won(origins: pd.DataFrame, whole: Slice) -> str:
    """At how many origins the first forecaster beat the best reference."""
    first = next(iter(whole.performances))
    if not len(origins) or not {first, whole.best_reference} <= set(origins["forecaster"]):
        return ""
    wide = origins.pivot(index="origin", columns="forecaster", values="brier")
    better = int((wide[first] < wide[whole.best_reference]).sum())
    names = f"{sentence(label_of(first))[:-1]} was better than {label_of(whole.best_reference)}"
    return f"{names} at {better:,} of {len(wide):,} origins."


def render_page(name: str, **parts: Any) -> str:
    """A page from its template, with the colours of light and dark; texts are escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("riskcast"),
        autoescape=True,
        finalize=lambda value: visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["classes"] = lambda pair: _classes(*pair)
    return environment.get_template(f"{name}.html.jinja").render(colours=_colours(LIGHT, DARK), **parts) + "\n"


def _classes(column: Column, cell: Shown) -> str:
    """The classes of a cell: words stand flush left, and wrap in a wide column."""
    text = ("text", "wrap") if column.width > WIDE else ("text",) if column.is_text else ()
    return " ".join((*text, *([cell.mark] if cell.mark else [])))


def _colours(light: Palette, dark: Palette) -> str:
    """Style rules: colours by name, and in the dark those of drawn charts exchanged one by one."""
    names = [field.name for field in fields(Palette)]

    def variables(palette: Palette) -> str:
        return " ".join(f"--{name}: {getattr(palette, name)};" for name in names)

    swaps = "\n".join(
        f'  svg [{part}="{getattr(light, name)}"] {{ {part}: {getattr(dark, name)}; }}'
        for name in names
        for part in ("fill", "stroke")
    )
    return (
        f":root {{ color-scheme: light; --font: {FONT}; {variables(light)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{\n"
        f"  :root {{ color-scheme: dark; {variables(dark)} }}\n{swaps}\n}}"
    )
