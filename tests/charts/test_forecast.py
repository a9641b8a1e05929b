"""Charts of forecasts and assumptions hold the numbers of the results, in colours that can be read."""

from __future__ import annotations

import colorsys
import datetime as dt
import functools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from riskcast.case.files import load_case
from riskcast.case.links import IDENTITY, LOG, BoundedLink, Link, base_rate_link
from riskcast.case.model import Case, Scenario
from riskcast.case.quantities import Quantity, elicit
from riskcast.case.settings import State
from riskcast.case.states import states
from riskcast.charts import forecast as forecast_charts, verification as charts
from riskcast.charts.canvas import DARK_RAMPS, LIGHT_RAMPS, contrast_ratio, ink_on, ramps_of, two_lines
from riskcast.charts.geography import countries, label_place, view_of
from riskcast.charts.theme import DARK, LIGHT, Palette
from riskcast.engines.fitting import fit
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError, UnknownNameError
from riskcast.forecasting.attribution import Explanation, explain
from riskcast.forecasting.contrasts import Contrast, contrast
from riskcast.forecasting.contributions import Contribution
from riskcast.forecasting.estimates import Estimate
from riskcast.forecasting.forecasts import Forecast, forecast
from riskcast.forecasting.scoring import Risk, score
from riskcast.numbers import interval, percent
from tests.support.cases import event, event_row, make_case, quantity
from tests.support.origins import panel_case

CASE = "central_asia_2024"
EFFECT = "security_pressure->mass_expulsion"
BANDS = {"low": (0, 12), "guarded": (12, 24), "elevated": (24, 40), "high": (40, 60), "severe": (60, 100)}


@functools.cache
def case() -> Case:
    return load_case(CASE)


@functools.cache
def posterior() -> Posterior:
    return fit(case(), draws=200)


@functools.cache
def baseline() -> Forecast:
    return forecast(posterior())


@functools.cache
def attack() -> Forecast:
    return forecast(posterior(), "second_attack")


@functools.cache
def risk() -> Risk:
    return score(baseline())


@functools.cache
def explanation() -> Explanation:
    return explain(baseline(), paths=100)


@functools.cache
def change() -> Contrast:
    return contrast(attack(), baseline())


@functools.cache
def panel_risk() -> Risk:
    return score(forecast(fit(panel_case(), draws=100)))


def many_dyads(count: int) -> Risk:
    """A risk of many dyads without names, whose scores rise with their number."""
    dyads = tuple(
        replace(
            risk().dyads[i % 5], id=f"AAA-S{i:02d}", partner=f"S{i:02d}", partner_name="", score=Estimate(i / 2, 0, 90)
        )
        for i in range(count)
    )
    return replace(risk(), dyads=dyads)


def base_rate() -> Any:
    return elicit(case().events["demarche"].base_rate, base_rate_link(12))


def effect_draws() -> np.ndarray:
    column = posterior().models["mass_expulsion"].coefficients.index(EFFECT)
    return np.exp(posterior().events["mass_expulsion"].coefficients[:, column])


@functools.cache
def pictures(palette: Palette, width: Any) -> dict[str, Any]:
    """Every chart of the case; by the beginning of its title."""
    look: dict[str, Any] = {"palette": palette, "width": width}
    f = forecast_charts
    prior = elicit(Quantity(median=1.4, interval=(1.15, 1.7)), LOG)
    changed = elicit(Quantity(median=1.8, interval=(1.3, 2.5)), LOG)
    return {
        "Risk scores of partners of Russia": f.map_chart(risk(), selected="RUS-TJK", **look),
        "Risk scores": f.score_chart(risk(), **look),
        "Probability of at least one event": f.heatmap_chart(risk(), **look),
        "Probability by month": f.months_chart(risk(), **look),
        "Why the score of Kazakhstan": f.waterfall_chart(explanation(), "RUS-KAZ", name="Kazakhstan", **look),
        "Pressure": f.density_chart(prior, changed, effect_draws(), label="Pressure", unit="rate ratio", **look),
        "Events on record": f.timeline_chart(case(), **look),
        "Xenophobia in Russia": f.series_chart(case(), "xenophobia", **look),
        "What changes": f.contrast_chart(change(), case(), **look),
        "Scores by scenario": f.scenarios_chart({"now": risk(), "attack": score(attack())}, **look),
        "Effects of indicators": f.effects_matrix_chart(case(), changed=[f"effects.{EFFECT}"], **look),
        "Effects of past events": f.effects_matrix_chart(case(), events=True, **look),
    }


@functools.cache
def drawn(palette: Palette, width: Any) -> dict[str, str]:
    """The same as SVG."""
    return {title: charts.to_svg(chart) for title, chart in pictures(palette, width).items()}


def walk(part: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a chart, its rows too."""
    if isinstance(part, dict):
        yield part
        for child in part.values():
            yield from walk(child)
    elif isinstance(part, list):
        for child in part:
            yield from walk(child)


def rows_with(chart: Any, *fields: str) -> list[dict[str, Any]]:
    """Rows of a chart that have all of the fields, each set of rows once."""
    found: list[list[dict[str, Any]]] = []
    for part in walk(chart.to_dict()):
        values = part.get("values")
        if isinstance(values, list) and values and isinstance(values[0], dict) and values not in found:
            found.append(values)
    return [row for rows in found for row in rows if all(field in row for field in fields)]


def words_of(chart: Any) -> str:
    """All texts that the drawn chart shows."""
    root = ElementTree.fromstring(charts.to_svg(chart))
    return " ".join(
        text for element in root.iter("{http://www.w3.org/2000/svg}text") for text in element.itertext() if text
    )


def scales(chart: Any, channel: str) -> list[dict[str, Any]]:
    found = (part["encoding"][channel] for part in walk(chart.to_dict()) if channel in part.get("encoding", {}))
    return [one["scale"] for one in found if isinstance(one.get("scale"), dict)]


def colours_of(palette: Palette) -> set[str]:
    ramps = ramps_of(palette)
    return {*asdict(palette).values(), *ramps.risk, *ramps.chance, *ramps.change}


def test_every_chart_is_drawn_whole_and_in_colours_of_the_palette() -> None:
    for title, svg in drawn(LIGHT, 358).items():
        root = ElementTree.fromstring(svg)
        assert title in (root.get("aria-label") or ""), title
        assert "NaN" not in svg
        assert not re.search(r'(?:href|src)="(?!#)', svg)
        colours = set(re.findall(r'(?:fill|stroke)="(#[0-9a-fA-F]{3,6})"', svg))
        assert colours <= colours_of(LIGHT), (title, colours - colours_of(LIGHT))


def test_on_dark_paper_every_colour_is_another_one() -> None:
    for title, chart in pictures(DARK, 358).items():
        colours = set(re.findall(r"#[0-9a-f]{6}", json.dumps(chart.to_dict())))
        assert colours
        assert colours <= colours_of(DARK), (title, colours - colours_of(DARK))


def test_every_chart_is_described_and_explains_itself_on_hover() -> None:
    for title, chart in pictures(LIGHT, 358).items():
        assert len(chart.description) > 30, title
        assert "tooltip" in json.dumps(chart.to_dict()), title


def test_charts_are_as_wide_as_asked_and_their_headings_fit() -> None:
    wide = {"Risk scores": charts.to_svg(forecast_charts.score_chart(risk(), width=1280))}
    for width, found in ((358, drawn(LIGHT, 358)), (1280, wide)):
        for title, svg in found.items():
            root = ElementTree.fromstring(svg)
            assert abs(float(root.get("viewBox", "0 0 0 0").split()[2]) - width) <= 4, title
    for chart in pictures(LIGHT, 358).values():
        assert max(len(line) for line in chart.title.text) <= 42
        assert all(len(line) <= 56 for line in chart.title.subtitle)


def test_charts_fill_their_container_unless_told_otherwise() -> None:
    assert all(chart.to_dict()["width"] == "container" for chart in pictures(LIGHT, "container").values())
    assert forecast_charts.score_chart(risk()).to_dict()["width"] == "container"


def test_map_holds_scores_of_partners_and_what_lies_around_them() -> None:
    chart = forecast_charts.map_chart(risk(), width=900)
    assert chart is not None
    shapes = {row["dyad"]: row for row in rows_with(chart, "geometry", "dyad")}
    assert {name: (row["score"], row["band"]) for name, row in shapes.items()} == {
        dyad.id: (dyad.score.mean, dyad.band) for dyad in risk().dyads
    }
    tajikistan = next(dyad for dyad in risk().dyads if dyad.id == "RUS-TJK")
    low, high = tajikistan.score.low, tajikistan.score.high
    assert shapes["RUS-TJK"]["interval"] == f"{low:.0f}–{high:.0f}"
    around = {row["state"] for row in rows_with(chart, "geometry", "state") if "dyad" not in row}
    assert {"Afghanistan", "China", "Russia"} <= around
    assert not {"Brazil", "Australia", "Kazakhstan"} & around
    labels = rows_with(chart, "lon", "ink")
    assert {row["state"] for row in labels} == {dyad.partner_name for dyad in risk().dyads}
    assert all(contrast_ratio(row["ink"], row["fill"]) >= 4.5 for row in labels)
    shown = words_of(chart)
    for band, (low, high) in BANDS.items():
        if band in ("low", "elevated", "severe"):
            assert f"{band} {low}–{high}" in shown
    assert "Kazakhstan" in shown
    assert "KAZ" in words_of(forecast_charts.map_chart(risk(), width=390))
    assert len(json.dumps(chart.to_dict())) < 100_000


def test_map_marks_the_chosen_dyad_and_refuses_an_unknown_one() -> None:
    plain, chosen = (forecast_charts.map_chart(risk(), selected=dyad) for dyad in (None, "RUS-TJK"))
    assert plain is not None
    assert chosen is not None
    assert len(chosen.to_dict()["layer"]) == len(plain.to_dict()["layer"]) + 1
    with pytest.raises(UnknownNameError):
        forecast_charts.map_chart(risk(), selected="RUS-XXX")


def with_partners(*partners: tuple[str, str], host: tuple[str, str] = ("RUS", "Russia")) -> Risk:
    """The risk of the case with other partners, each an id and a name."""
    case_ = risk().forecast.case
    settings = case_.settings.model_copy(
        update={
            "host": State(id=host[0], name=host[1]),
            "partners": tuple(State(id=id, name=name) for id, name in partners),
        }
    )
    dyads = tuple(
        replace(dyad, id=f"{host[0]}-{id}", partner=id, partner_name=name)
        for dyad, (id, name) in zip(risk().dyads, partners, strict=False)
    )
    behind = replace(posterior(), case=case_.revised(settings=settings))
    return replace(risk(), forecast=replace(baseline(), posterior=behind), dyads=dyads)


def test_states_without_an_outline_are_points_at_their_capitals() -> None:
    drawn_ = forecast_charts.map_chart(
        with_partners(("SGP", "Singapore"), ("MYS", "Malaysia"), ("SUN", "Soviet Union")), width=900
    )
    assert drawn_ is not None
    points = {row["state"]: row for row in rows_with(drawn_, "lon", "fill") if row["dyad"] != "RUS-MYS"}
    assert {name: (round(row["lon"]), round(row["lat"])) for name, row in points.items()} == {
        "Singapore": (104, 1),
        "Soviet Union": (38, 56),
    }
    assert {row["state"] for row in rows_with(drawn_, "geometry", "dyad")} == {"Malaysia"}
    assert points["Singapore"]["score"] == risk().dyads[0].score.mean
    shown = words_of(drawn_)
    assert all(name in shown for name in ("Singapore", "Soviet Union", "Malaysia"))
    assert "on the map" not in shown
    channel = next(layer for layer in walk(drawn_.to_dict()) if layer.get("mark", {}).get("type") == "circle")[
        "encoding"
    ]
    assert channel["color"]["field"] == "band"
    assert [tip["field"] for tip in channel["tooltip"]] == ["state", "text", "interval", "band"]


@pytest.mark.parametrize(
    ("partners", "around"),
    [
        ([("SGP", "Singapore")], {"Malaysia", "Indonesia"}),
        ([("MLT", "Malta"), ("SGP", "Singapore")], {"Italy", "India", "Malaysia"}),
        ([("FJI", "Fiji"), ("TON", "Tonga")], {"Fiji"}),
        ([("NIU", "Niue")], set()),
    ],
)
def test_a_map_of_small_states_alone_shows_what_lies_about_them(
    partners: list[tuple[str, str]], around: set[str]
) -> None:
    for palette in (LIGHT, DARK):
        drawn_ = forecast_charts.map_chart(with_partners(*partners), width=700, palette=palette)
        assert drawn_ is not None
        assert all(name in words_of(drawn_) for _, name in partners)
        assert around <= {row["state"] for row in rows_with(drawn_, "geometry", "state")}


def test_who_has_no_place_is_named_above_the_map_and_in_its_alternative_text() -> None:
    drawn_ = forecast_charts.map_chart(with_partners(("KAZ", "Kazakhstan"), ("ZZZ", "Atlantis")), width=900)
    assert drawn_ is not None
    assert "not on the map: Atlantis" in words_of(drawn_)
    assert drawn_.description.endswith("Not on the map: Atlantis.")


def test_the_name_of_a_state_goes_before_an_id_that_another_state_has() -> None:
    drawn_ = forecast_charts.map_chart(with_partners(("AUS", "Austria")), width=900)
    assert drawn_ is not None
    (label,) = {(row["state"], round(row["lon"], -1), round(row["lat"], -1)) for row in rows_with(drawn_, "lon", "ink")}
    assert label == ("Austria", 10, 50)


@pytest.mark.parametrize(
    ("host", "partner", "told"),
    [
        (("RUS", "Russia"), ("KAZ", "Kazakhstan"), "Russia is outlined."),
        (("HKG", "Hong Kong"), ("CHN", "China"), "Hong Kong is marked with a ring."),
        (("USA", "United States"), ("SGP", "Singapore"), ""),
        (("SGP", "Singapore"), ("KAZ", "Kazakhstan"), ""),
    ],
)
def test_the_alternative_text_tells_of_the_host_where_it_is_in_sight(
    host: tuple[str, str], partner: tuple[str, str], told: str
) -> None:
    drawn_ = forecast_charts.map_chart(with_partners(partner, host=host))
    assert drawn_ is not None
    assert drawn_.description.partition("). ")[2] == told


def test_there_is_no_map_without_places() -> None:
    assert forecast_charts.map_chart(panel_risk()) is None
    assert forecast_charts.map_chart(many_dyads(3)) is None
    assert view_of(["UMI"]) is None


def test_every_outline_is_that_of_a_state_of_the_table() -> None:
    assert set(countries()) <= set(states())


def test_views_pass_the_antimeridian_and_labels_stand_inside() -> None:
    view = view_of(["JPN", "FJI", "NZL", "MEX"])
    assert view is not None
    assert abs(view.centre[0]) > 150
    assert view_of(["XX1", "XX2"]) is None
    for state in ("KGZ", "RUS", "CHL", "NOR", "FJI"):
        lon, lat = label_place(state)
        ring = countries()[state].main
        crossings = [
            a[0] + (lat - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
            for a, b in pairwise(ring.tolist())
            if (a[1] > lat) != (b[1] > lat)
        ]
        assert sum(x > lon for x in crossings) % 2 == 1, state


def test_score_chart_holds_scores_from_the_highest_and_the_bands() -> None:
    chart = forecast_charts.score_chart(risk(), width=900)
    rows = rows_with(chart, "score", "low")
    expected = sorted(risk().dyads, key=lambda dyad: -dyad.score.mean)
    assert [(row["dyad"], row["score"], row["low"], row["high"]) for row in rows] == [
        (d.id, d.score.mean, d.score.low, d.score.high) for d in expected
    ]
    bands = {row["band"]: (row["from"], row["to"]) for row in rows_with(chart, "from", "to")}
    assert bands == BANDS
    scale = scales(chart, "color")[0]
    assert tuple(scale["range"]) == LIGHT_RAMPS.risk


def test_many_dyads_are_cut_to_the_twenty_highest() -> None:
    crowd = many_dyads(60)
    chart = forecast_charts.score_chart(crowd)
    assert [row["dyad"] for row in rows_with(chart, "score", "low")] == [f"AAA-S{i:02d}" for i in range(59, 39, -1)]
    assert "20 highest of 60 dyads" in " ".join(chart.to_dict()["title"]["subtitle"])
    table = forecast_charts.heatmap_chart(crowd)
    assert len({row["dyad"] for row in rows_with(table, "word") if row["dyad"]}) == 20
    assert scales(table, "y")[0]["domain"] == [f"AAA-S{i:02d}" for i in range(59, 39, -1)]
    shares = forecast_charts.months_chart(crowd, outcome="demarche")
    assert len({row["curve"] for row in rows_with(shares, "word")}) == 20


def test_heatmap_holds_probabilities_in_honest_digits_by_severity() -> None:
    chart = forecast_charts.heatmap_chart(risk(), width=900)
    found = {(row["dyad"], row["outcome"]): row for row in rows_with(chart, "word", "probability")}
    expected = {(d.id, o.id): o for d in risk().dyads for o in d.outcomes} | {("", o.id): o for o in risk().shared}
    assert found.keys() == expected.keys()
    for key, outcome in expected.items():
        row = found[key]
        assert row["probability"] == outcome.probability.mean
        assert (row["text"], row["interval"]) == (percent(outcome.probability.mean), interval(outcome.probability))
        assert row["word"] == outcome.words
    order = scales(chart, "y")[0]["domain"]
    severity = [case().events[name].severity for name in order if case().events[name].scope == "dyad"]
    assert severity == sorted(severity, key=lambda size: -(size or 0))
    assert order[-1] == "restrictive_act"
    shown = words_of(chart)
    assert all(text in shown for text in ("<1 %", "remote, below 5 %", "Kazakhstan"))
    assert "KAZ" in words_of(forecast_charts.heatmap_chart(risk(), width=390))


def test_what_a_scenario_assumes_is_called_so() -> None:
    given = Scenario.model_validate(
        {"label": "Given", "story": "Given.", "events": [{"event": "demarche", "dyads": ["RUS-TJK"], "month": 1}]}
    )
    assumed = score(forecast(posterior(), given))
    row = next(
        row
        for row in rows_with(forecast_charts.heatmap_chart(assumed), "word")
        if (row["dyad"], row["outcome"]) == ("RUS-TJK", "demarche")
    )
    assert (row["text"], row["word"]) == ("given", "assumed")
    end = rows_with(forecast_charts.months_chart(assumed, "RUS-TJK", outcomes=["demarche"]), "word")
    assert [one["text"] for one in end] == ["assumed"]
    moved = contrast(forecast(posterior(), given), baseline())
    left = rows_with(forecast_charts.contrast_chart(moved, case(), scenarios=[given]), "difference")
    assert "demarche RUS-TJK" not in {row["row"] for row in left}
    assert "demarche RUS-TJK" in {row["row"] for row in rows_with(forecast_charts.contrast_chart(moved, case()), "row")}


def test_months_chart_holds_cumulative_probabilities_at_ends_of_periods() -> None:
    chart = forecast_charts.months_chart(risk(), "RUS-KAZ")
    points = rows_with(chart, "by", "probability")
    own = next(dyad for dyad in risk().dyads if dyad.id == "RUS-KAZ")
    for outcome in (*own.outcomes, *risk().shared):
        curve = [row for row in points if row["curve"] == outcome.id]
        assert [row["probability"] for row in curve] == [0.0, *outcome.by_period]
        assert (curve[0]["day"], curve[1]["day"], curve[-1]["day"]) == ("2024-05-06", "2024-05-31", "2025-05-06")
    ends = {row["curve"]: row for row in rows_with(chart, "interval", "ceiling")}
    assert ends["demarche"]["interval"] == interval(own.outcomes[2].probability)
    one = rows_with(forecast_charts.months_chart(risk(), "RUS-KAZ", outcomes=["rupture"]), "by")
    assert {row["curve"] for row in one} == {"rupture"}
    # A rare outcome alone fills its row.
    assert max(row["height"] for row in one) > 0.1


def test_months_chart_of_an_outcome_shows_every_dyad_and_of_a_shared_one_all_at_once() -> None:
    rows = rows_with(forecast_charts.months_chart(risk(), outcome="travel_advisory"), "word")
    assert {row["curve"]: row["probability"] for row in rows} == {
        dyad: baseline().probability("travel_advisory", dyad).mean for dyad in case().dyads
    }
    shared = rows_with(forecast_charts.months_chart(risk(), outcome="restrictive_act"), "word")
    assert [row["label"] for row in shared] == ["4 of 5 dyads"]
    spared = rows_with(forecast_charts.months_chart(risk(), dyad="RUS-TKM"), "word")
    assert "restrictive_act" not in {row["curve"] for row in spared}
    highest = max(risk().dyads, key=lambda dyad: dyad.score.mean)
    assert highest.partner_name in " ".join(forecast_charts.months_chart(risk()).to_dict()["title"]["text"])


@pytest.mark.parametrize(
    ("draw", "error"),
    [
        (lambda: forecast_charts.months_chart(risk(), "RUS-XXX"), UnknownNameError),
        (lambda: forecast_charts.months_chart(risk(), outcome="war"), UnknownNameError),
        (lambda: forecast_charts.months_chart(risk(), "RUS-KAZ", outcomes=["war"]), UnknownNameError),
        (lambda: forecast_charts.months_chart(risk(), "RUS-KAZ", outcome="demarche"), OptionError),
        (lambda: forecast_charts.waterfall_chart(explanation(), "RUS-XXX"), UnknownNameError),
        (lambda: forecast_charts.series_chart(case(), "weather"), UnknownNameError),
        (lambda: forecast_charts.series_chart(case(), "poverty", units=["RUS-XXX"]), UnknownNameError),
        (lambda: forecast_charts.scenarios_chart({}), OptionError),
        (lambda: forecast_charts.scenarios_chart({str(i): risk() for i in range(5)}), OptionError),
        (lambda: forecast_charts.effects_matrix_chart(make_case({"a": event(quantity(0.2))})), OptionError),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        draw()


def test_waterfall_leads_from_reference_to_score() -> None:
    own = explanation().contributions["RUS-TJK"]
    rows = rows_with(forecast_charts.waterfall_chart(explanation(), "RUS-TJK", most=4), "points")
    assert [row["row"] for row in rows] == [*(c.id for c in own[:4]), "others"]
    assert [row["points"] for row in rows[:-1]] == [c.points for c in own[:4]]
    assert [row["error"] for row in rows[:-1]] == [c.error for c in own[:4]]
    assert rows[0]["from"] == explanation().reference["RUS-TJK"]
    assert all(a["to"] == b["from"] for a, b in pairwise(rows))
    assert rows[-1]["to"] == pytest.approx(explanation().score["RUS-TJK"])
    assert rows[-1]["label"] == f"{len(own) - 4} others"
    assert {row["colour"] for row in rows if row["points"] > 0} == {LIGHT.persistence}
    assert all(row["colour"] == LIGHT.model for row in rows if row["points"] < 0)


def test_waterfall_takes_labels_and_joins_nothing_where_few_act() -> None:
    few = (Contribution("a", "Label", "indicator", 3.0, 0.1), Contribution("b", "Other", "recent", -1.0, 0.2))
    simple = Explanation({"X-Y": 10.0}, {"X-Y": 12.0}, {"X-Y": few})
    rows = rows_with(forecast_charts.waterfall_chart(simple, "X-Y", labels={"a": "Renamed"}, most=1), "points")
    assert [(row["label"], row["text"]) for row in rows] == [("Renamed", "+3.0"), ("Other", "−1.0")]


def test_density_is_that_of_the_elicited_quantity() -> None:
    quantity = Quantity(median=1.4, interval=(1.15, 1.7))
    chart = forecast_charts.density_chart(elicit(quantity, LOG), unit="rate ratio")
    curve = rows_with(chart, "density")
    value, density = (np.array([row[field] for row in curve]) for field in ("value", "density"))
    assert float(((density[1:] + density[:-1]) / 2 * np.diff(value)).sum()) == pytest.approx(0.995, abs=0.004)
    (mark,) = rows_with(chart, "median", "strip")
    assert (mark["low"], mark["median"], mark["high"]) == pytest.approx((1.15, 1.4, 1.7), rel=0.01)
    assert "as published: 1.4 (1.15 to 1.7)" in words_of(chart)


@pytest.mark.parametrize(
    ("median", "interval", "link"),
    [
        (3.0, (0.9, 6.0), LOG),
        (41.0, (38.0, 57.0), BoundedLink(0.0, 100.0)),
        (50.0, (1e-9, 100 - 1e-9), BoundedLink(0.0, 100.0)),
    ],
)
def test_the_chart_of_a_lopsided_interval_is_of_what_was_said(
    median: float, interval: tuple[float, float], link: Link
) -> None:
    chart = forecast_charts.density_chart(elicit(Quantity(median=median, interval=interval), link))
    (mark,) = rows_with(chart, "median", "strip")
    assert (mark["low"], mark["median"], mark["high"]) == pytest.approx((interval[0], median, interval[1]), rel=1e-9)
    values = np.array([row["value"] for row in rows_with(chart, "density")])
    assert (np.diff(values) > 0).all()
    assert np.isfinite([row["density"] for row in rows_with(chart, "density")]).all()


def test_a_curve_ends_at_a_bound_and_what_is_held_there_is_told() -> None:
    prior = elicit(Quantity(median=0.3, interval=(0.0, 1.0)), BoundedLink(0.0, 100.0))
    chart = forecast_charts.density_chart(prior)
    curve = rows_with(chart, "density")
    assert min(row["value"] for row in curve) > 0
    value, density = (np.array([row[field] for row in curve]) for field in ("value", "density"))
    assert float(((density[1:] + density[:-1]) / 2 * np.diff(value)).sum()) == pytest.approx(0.95, abs=0.02)
    assert "0.3 (0 to 1, 5 % at 0 itself)" in words_of(chart)


def test_densities_of_a_change_and_of_draws_stand_beside_the_first() -> None:
    prior, changed = (elicit(Quantity(median=m, interval=(m - 1, m + 1)), IDENTITY) for m in (2.0, 3.0))
    draws = np.random.default_rng(1).normal(5.0, 0.5, 4000)
    chart = forecast_charts.density_chart(prior, changed, draws)
    marks = rows_with(chart, "median", "strip")
    assert [row["name"] for row in marks] == ["as published", "as changed", "with the record"]
    assert marks[2]["median"] == pytest.approx(np.median(draws))
    smooth = [row for row in rows_with(chart, "density") if row["name"] == "with the record"]
    peak = max(smooth, key=lambda row: row["density"])
    assert peak["value"] == pytest.approx(5.0, abs=0.15)
    assert peak["density"] == pytest.approx(0.798, rel=0.08)
    assert [row["name"] for row in rows_with(forecast_charts.density_chart(prior, prior), "strip")] == ["as published"]


def test_probabilities_are_in_percent_and_fixed_quantities_a_line() -> None:
    assert "as published: 3.5 % (1.1 % to 10 %)" in words_of(forecast_charts.density_chart(base_rate()))
    for value, link in ((0.8, LOG), (0.0, LOG), (2.0, IDENTITY)):
        chart = forecast_charts.density_chart(elicit(Quantity(value=value), link))
        assert not rows_with(chart, "density")
        assert [row["median"] for row in rows_with(chart, "held")] == [pytest.approx(value)]
        assert "held fixed" in words_of(chart)
    same = forecast_charts.density_chart(base_rate(), draws=np.full(50, 0.1))
    assert {row["name"] for row in rows_with(same, "density")} == {"as published"}


def test_timeline_holds_every_event_with_its_sources() -> None:
    chart = forecast_charts.timeline_chart(case())
    rows = rows_with(chart, "when")
    assert len(rows) == len(case().event_rows)
    for row, given in zip(rows, sorted(case().event_rows, key=lambda one: one.placed_on), strict=True):
        assert (row["day"], row["type"], row["description"]) == (
            given.placed_on.isoformat(),
            given.type,
            given.description,
        )
        assert row["exact"] == (given.precision == "day")
        assert all(case().sources[source].title in row["sources"] for source in given.sources)
    order = scales(chart, "y")[0]["domain"]
    apart = order.index("triggers:")
    assert all(case().events[name].kind == "outcome" for name in order[:apart])
    assert {name for name, one in case().events.items() if one.kind == "trigger"} == set(order[apart + 1 : -1])
    assert order[-1] == "context"
    month = next(row for row in rows if row["precision"] == "month")
    assert re.fullmatch(r"\d{4}-\d{2}", month["when"])


def test_timeline_shows_what_it_is_given_and_the_latest_of_very_many() -> None:
    some = [row for row in case().event_rows if row.type == "demarche"]
    rows = rows_with(forecast_charts.timeline_chart(case(), rows=some), "when")
    assert {row["type"] for row in rows} == {"demarche"}
    assert len(rows) == len(some)
    days = [dt.date(2010, 1, 1) + dt.timedelta(days=i) for i in range(2500)]
    toy = make_case({"a": event(quantity(0.2))}, years=12, rows=tuple(event_row(d, "a", "HHH-P001") for d in days))
    crowded = forecast_charts.timeline_chart(toy, width=390)
    shown = rows_with(crowded, "when")
    assert len(shown) == 2000
    assert shown[-1]["day"] == days[-1].isoformat()
    assert "the latest 2,000 of 2,500" in words_of(crowded)
    assert not rows_with(forecast_charts.timeline_chart(toy, rows=[]), "when")


def test_timeline_of_a_panel_stands_at_the_ends_of_its_periods() -> None:
    toy = panel_case()
    assert toy.panel is not None
    rows = rows_with(forecast_charts.timeline_chart(toy), "when")
    assert len(rows) == int(toy.panel.events["war"].sum())
    assert all(row["day"] == f"{row['when']}-12-31" for row in rows)


def test_series_holds_values_today_and_reference() -> None:
    chart = forecast_charts.series_chart(case(), "unpredictability")
    given = [row for row in case().series_rows if row.indicator == "unpredictability"]
    rows = [row for row in rows_with(chart, "level", "unit") if not row["when"].startswith("today")]
    assert [(row["day"], row["level"], row["low"], row["high"]) for row in rows] == [
        (row.date.isoformat(), row.value, row.low, row.high) for row in given
    ]
    (today,) = [row for row in rows_with(chart, "level", "unit") if row["when"].startswith("today")]
    now = case().now_of("unpredictability", case().host)
    assert (today["level"], today["low"], today["high"]) == (now.center, *now.range)
    assert {"level": 4.0} in rows_with(chart, "level")
    assert "reference, 4" in words_of(chart)


def test_series_of_dyads_of_a_panel_and_of_no_values() -> None:
    chart = forecast_charts.series_chart(case(), "migrant_exposure")
    assert {scale["type"] for scale in scales(chart, "y")} == {"log"}
    assert {row["where"] for row in rows_with(chart, "where")} == {dyad.partner_name for dyad in risk().dyads}
    one = rows_with(forecast_charts.series_chart(case(), "migrant_exposure", units=["RUS-UZB"]), "where")
    assert {row["where"] for row in one} == {"Uzbekistan"}
    empty = forecast_charts.series_chart(case(), "recruitment_targets")
    assert "no dated values" in words_of(empty)
    toy = panel_case()
    assert toy.panel is not None
    crowd = forecast_charts.series_chart(toy, "mood")
    rows = rows_with(crowd, "level", "unit")
    assert {row["unit"] for row in rows} == set(toy.dyads[:7])
    assert [row["level"] for row in rows if row["unit"] == toy.dyads[0]] == toy.panel.levels["mood"][
        toy.panel.unit == 0
    ].tolist()
    assert "7 of 12 dyads" in words_of(crowd)


def test_contrast_holds_scores_then_the_outcomes_that_move_most() -> None:
    rows = rows_with(forecast_charts.contrast_chart(change(), case(), most=6), "difference")
    scores, chances = rows[:5], rows[5:]
    assert {row["row"]: row["difference"] for row in scores} == {
        f"score {d}": e.mean for d, e in change().score.items()
    }
    assert len(chances) == 6
    sizes = [abs(row["difference"]) for row in chances]
    assert sizes == sorted(sizes, reverse=True)
    for row in chances:
        name, unit = row["row"].split()
        e = change().probability[name, unit]
        assert (row["value"], row["low"], row["high"]) == (100 * e.mean, 100 * e.low, 100 * e.high)
        assert case().events[name].kind == "outcome"
        sure = LIGHT.persistence if e.low > 0 else LIGHT.model if e.high < 0 else LIGHT.pooled_rate
        assert row["colour"] == sure


def test_scenarios_stand_side_by_side() -> None:
    other = score(attack())
    chart = forecast_charts.scenarios_chart({"Now": risk(), "Attack": other})
    found = {
        (row["scenario"], row["dyad"]): (row["score"], row["low"], row["high"]) for row in rows_with(chart, "scenario")
    }
    assert found == {
        (name, d.id): (d.score.mean, d.score.low, d.score.high)
        for name, one in (("Now", risk()), ("Attack", other))
        for d in one.dyads
    }
    assert scales(chart, "color")[0]["domain"] == ["Now", "Attack"]


def test_effects_matrix_multiplies_paths_marks_changes_and_can_be_clicked() -> None:
    chart = forecast_charts.effects_matrix_chart(case(), changed=[f"effects.{EFFECT}", "hyperpriors.sd_dyad"])
    rows = {(row["source"], row["target"]): row for row in rows_with(chart, "ratio")}
    expected: dict[tuple[str, str], float] = {}
    for effect in case().effects:
        if not effect.is_escalation and effect.on == "rate":
            key = (effect.source, effect.target)
            expected[key] = expected.get(key, 1.0) * effect.rate_ratio.center
    assert {key: row["ratio"] for key, row in rows.items()} == pytest.approx(expected)
    assert [key for key, row in rows.items() if row["changed"]] == [("security_pressure", "mass_expulsion")]
    several = rows["security_diversification", "trade_ban"]
    assert several["text"].endswith("*")
    assert "boldness: 1.12 (0.97–1.3); steadiness: 0.9" in several["paths"]
    (pick,) = [part for part in walk(chart.to_dict()) if part.get("name") == "cell"]
    assert pick["select"]["fields"] == ["source", "target"]
    events = rows_with(forecast_charts.effects_matrix_chart(case(), events=True), "ratio")
    assert {(row["source"], row["target"]) for row in events} == {
        (effect.source, effect.target) for effect in case().effects if effect.is_escalation
    }


def test_a_panel_of_one_outcome_can_be_drawn() -> None:
    small = panel_risk()
    ahead, toy = small.forecast, small.forecast.case
    every = [
        forecast_charts.score_chart(small),
        forecast_charts.heatmap_chart(small),
        forecast_charts.months_chart(small),
        forecast_charts.waterfall_chart(explain(ahead, paths=50), ahead.dyads[0]),
        forecast_charts.contrast_chart(contrast(ahead, ahead), toy),
        forecast_charts.scenarios_chart({"only": small}),
        forecast_charts.effects_matrix_chart(toy),
    ]
    for chart in every:
        ElementTree.fromstring(charts.to_svg(chart))
    assert ahead.dyads[0] in words_of(every[0])
    assert len(rows_with(every[1], "word")) == len(ahead.dyads)


def test_colours_tell_grades_apart_and_text_on_them_can_be_read() -> None:
    for palette, ramps in ((LIGHT, LIGHT_RAMPS), (DARK, DARK_RAMPS)):
        assert ramps_of(palette) is ramps
        colours = [*ramps.risk, *ramps.chance, *ramps.change, *asdict(palette).values()]
        assert len(set(colours)) == len(colours)
        for colour in (*ramps.risk, *ramps.chance, *ramps.change):
            assert contrast_ratio(colour, ink_on(colour, palette)) >= 4.5
        for grades in (ramps.risk, ramps.chance, ramps.change[4:], ramps.change[4::-1]):
            # Readers who see no colour tell grades apart by how much they stand out from the paper.
            distance = [contrast_ratio(colour, palette.paper) for colour in grades]
            assert distance == sorted(distance)
        warm, cold = (colorsys.rgb_to_hls(*(int(c[i : i + 2], 16) for i in (1, 3, 5)))[0] for c in ramps.change[::8])
        assert abs(warm - cold) > 0.3
    # Cells keep readable text where one palette is exchanged for the other in a drawn chart.
    for light, dark in zip(asdict(LIGHT_RAMPS).values(), asdict(DARK_RAMPS).values(), strict=True):
        assert [ink_on(c, LIGHT) == LIGHT.ink for c in light] == [ink_on(c, DARK) == DARK.ink for c in dark]


def test_hostile_labels_stay_text() -> None:
    name = "</script><b>\"x' \\n ${1}"
    dyads = tuple(replace(dyad, partner_name=name) for dyad in risk().dyads)
    for draw in (forecast_charts.score_chart, forecast_charts.heatmap_chart, forecast_charts.months_chart):
        svg = charts.to_svg(draw(replace(risk(), dyads=dyads), width=900))
        ElementTree.fromstring(svg)
        assert "<b>" not in svg
    assert two_lines("a very long label that does not end soon enough")[1].endswith("…")
