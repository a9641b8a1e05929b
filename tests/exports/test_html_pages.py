"""Pages stand alone, say what the numbers say, and stay whole where parts are missing."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from types import MappingProxyType

import pandas as pd
import pytest

from riskcast.exports.html_pages import backtest_page, calibration_page
from riskcast.verification.calibration import Calibration
from riskcast.verification.evaluation import Evaluation, Measured, Slice
from riskcast.verification.verdicts import PARTS, calibration_verdict, shape_in_words, skill_verdict
from tests.support.scores import calibration_of, origins_of, small_evaluation

VOID = {"meta", "link", "br", "img", "hr", "input"}
HOSTILE = "<img src=x onerror=alert(1)> & 'quoted' {{ 7 * 7 }}"


class Outline(HTMLParser):
    """Checks that tags balance, and collects text, ids, addresses and tags."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.addresses += [value for name, value in attrs if name in ("href", "src", "xlink:href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag) -> None:
        assert self.open, tag
        assert self.open[-1] == tag, (self.open[-3:], tag)
        self.open.pop()

    def handle_data(self, data) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text.append(data)


def outline_of(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    outline.close()
    assert not outline.open
    return outline


def words_of(page: str) -> str:
    return re.sub(r"\s+", " ", " ".join(outline_of(page).text))


def page_of(
    evaluation: Evaluation,
    *,
    title: str = "Backtest of a case",
    provenance: Mapping[str, str] = MappingProxyType({"Case": "made up", "Seed": "7"}),
    summary: Sequence[str] = ("A sentence for the top.",),
    origins: pd.DataFrame | None = None,
    cautions: Sequence[str] = ("Dyads are not independent.",),
    conflicts: pd.DataFrame | None = None,
    origin_health: pd.DataFrame | None = None,
    labels: Mapping[str, str] | None = None,
) -> str:
    return backtest_page(
        title=title,
        provenance=provenance,
        summary=summary,
        evaluation=evaluation,
        origins=origins_of(evaluation, 6) if origins is None else origins,
        cautions=cautions,
        conflicts=conflicts,
        origin_health=origin_health,
        labels=labels,
    )


@functools.cache
def whole_page() -> str:
    conflicts = pd.DataFrame(
        [("event_0", 66, 9, 20, 44, "conflict: far more than expected"), ("event_1", 15, 9, 20, 44, "as expected")],
        columns=["event", "recorded", "low", "median", "high", "verdict"],
    )
    health = pd.DataFrame(
        [("2019-01-01", 2.51, 0.31, 812.0, True), ("2020-01-01", 3.02, 0.83, 95.0, False)],
        columns=["origin", "seconds", "khat", "ess", "reliable"],
    )
    return page_of(small_evaluation(), conflicts=conflicts, origin_health=health, labels={"event_0": "Demarche"})


def with_skill(skill: Measured | None, dyads: int = 40) -> Slice:
    whole = small_evaluation().slices["all"]
    model = replace(whole.performances["model"], skill=skill)
    return replace(whole, dyads=dyads, performances=dict(whole.performances) | {"model": model})


@pytest.mark.parametrize("make", [whole_page, lambda: calibration_page(calibration_of())], ids=["backtest", "ranks"])
def test_a_page_is_whole_and_fetches_nothing(make) -> None:
    page = make()
    outline = outline_of(page)
    assert page.startswith("<!DOCTYPE html>")
    assert {"html", "head", "title", "main", "h1", "svg", "table"} <= set(outline.tags)
    assert not {"script", "iframe", "img", "object", "embed"} & set(outline.tags)
    assert all(address.startswith("#") or address == "data:," for address in outline.addresses)
    assert not re.search(r"@import|url\((?!#)", page)
    assert len(set(outline.ids)) == len(outline.ids)
    assert {address[1:] for address in outline.addresses if address.startswith("#")} <= set(outline.ids)
    assert "NaN" not in page
    assert "nan" not in re.findall(r"\bnan\b", words_of(page))


def test_backtest_page_holds_the_numbers_given() -> None:
    words = words_of(whole_page())
    whole = small_evaluation().slices["all"]
    model = whole.performances["model"]
    assert f"{whole.forecasts:,}" in words
    assert f"{model.brier.value:.3f}" in words
    assert f"{model.brier.low:.3f}–{model.brier.high:.3f}" in words
    assert model.auc is not None
    assert f"{model.auc.value:.3f}" in words
    for given in ("A sentence for the top.", "Dyads are not independent.", "made up", "Demarche", "9–44", "0.83"):
        assert given in words
    assert "1 of 2 origins passed" in words
    assert "riskcast without the dyad's own record" in words
    assert not re.search(r"[ (>]-\d", words)


def test_sections_come_in_order() -> None:
    ids = [name for name in outline_of(whole_page()).ids if not re.match(r"c[0-9a-f]{8}-", name)]
    assert ids == [
        "verdict",
        "scores",
        "parts",
        "types",
        "reliability",
        "murphy",
        "origins",
        "severity",
        "dyad_scores",
        "conflicts",
        "health",
        "cautions",
        "words",
        "provenance",
    ]


@pytest.mark.parametrize(
    ("skill", "kind", "said"),
    [
        (Measured(0.08, 0.03, 0.13), "better", "better than the best reference"),
        (Measured(-0.08, -0.13, -0.03), "worse", "worse than the best reference"),
        (Measured(0.02, -0.01, 0.05), "open", "Skill is not shown"),
        (Measured(0.02, math.nan, math.nan), "open", "Skill is not shown"),
        (None, "open", "Skill cannot be stated"),
    ],
)
def test_the_verdict_claims_no_more_than_the_interval(skill, kind, said) -> None:
    verdict = skill_verdict(with_skill(skill))
    assert verdict.kind == kind
    assert said in verdict.headline
    if skill is not None and skill.low < 0 < skill.high:
        assert "interval includes 0 (90 % interval of the skill: −1.0 to +5.0 %)" in verdict.detail


def test_a_page_says_plainly_that_skill_is_not_shown() -> None:
    unsure = replace(small_evaluation(), slices={"all": with_skill(Measured(0.02, -0.01, 0.05))})
    words = words_of(page_of(unsure))
    assert "Skill is not shown: the difference from the best reference may be chance" in words
    assert "forecast better" not in words


def test_few_dyads_make_a_verdict_tentative() -> None:
    firm, tentative = (skill_verdict(with_skill(Measured(0.08, 0.03, 0.13), dyads)) for dyads in (40, 5))
    assert firm.firm
    assert not tentative.firm
    assert "seems to have forecast better" in tentative.headline
    assert "Only 5 dyads" in tentative.detail


def test_missing_parts_leave_no_gap() -> None:
    evaluation = small_evaluation()
    whole = evaluation.slices["all"]
    model = replace(
        whole.performances["model"],
        auc=None,
        average_precision=None,
        skill=None,
        log_score=Measured(math.inf, math.inf, math.inf),
        brier=Measured(0.04, math.nan, math.nan),
    )
    alone = replace(
        whole,
        performances={"model": model},
        reliability={"model": whole.reliability["model"]},
        murphy={"model": whole.murphy["model"]},
    )
    bare = Evaluation({"all": alone}, {})
    page = page_of(bare, origins=origins_of(bare, 1))
    ids = outline_of(page).ids
    assert not {"parts", "types", "severity", "dyad_scores", "conflicts", "health"} & set(ids)
    assert {"scores", "reliability", "murphy", "origins"} <= set(ids)
    assert "∞" in words_of(page)
    without = outline_of(page_of(bare, origins=origins_of(bare, 1).iloc[:0], cautions=[], provenance={}))
    assert not {"origins", "cautions", "provenance"} & set(without.ids)
    assert {address[1:] for address in without.addresses if address.startswith("#")} <= set(without.ids)


def test_hostile_text_stays_text() -> None:
    case = calibration_of().case
    page = page_of(
        small_evaluation(), title=HOSTILE, summary=[HOSTILE], cautions=[HOSTILE], labels={"event_0": HOSTILE}
    )
    hostile = calibration_of()
    event = case.order[0]
    labelled = case.revised(
        events=dict(case.events) | {event: case.events[event].model_copy(update={"label": HOSTILE})}
    )
    ranks = calibration_page(replace(hostile, case=labelled), title=HOSTILE, provenance={HOSTILE: HOSTILE})
    for text in (page, ranks):
        outline = outline_of(text)
        assert "img" not in outline.tags
        assert "{{ 7 * 7 }}" in " ".join(outline.text)
        assert HOSTILE in " ".join(outline.text)


def test_the_best_reference_has_no_skill_against_itself() -> None:
    from riskcast.verification.score_tables import forecaster_table, severity_table

    whole = small_evaluation().slices["all"]
    for table in (forecaster_table(whole), severity_table(small_evaluation().severity)):
        place = [column.name for column in table.columns].index("Skill")
        skills = [row[place].text for row in table.shown() if row[0].small == "best reference"]
        assert skills == ["–"]


def test_best_values_are_marked() -> None:
    from riskcast.verification.score_tables import forecaster_table

    whole = small_evaluation().slices["all"]
    rows = forecaster_table(whole).shown()
    lowest = min(whole.performances.values(), key=lambda item: item.brier.value)
    marked = [row[0].text for row in rows if row[1].mark == "best"]
    assert len(marked) == 1
    assert marked[0] == {"model": "riskcast"}.get(lowest.forecaster, marked[0])
    assert rows[0][1].text == f"{whole.performances['model'].brier.value:.3f}"


def test_calibration_page_says_what_is_wrong() -> None:
    words = words_of(calibration_page(calibration_of()))
    assert "Not calibrated" in words
    assert "Outside their bands: Dyad effects." in words
    assert "posteriors too narrow" in words
    assert f"{300 * len(calibration_of().case.order):,}" in words
    assert calibration_of().case.events[calibration_of().case.order[0]].label in words


def test_calibration_that_passes_is_said_to_pass_as_far_as_it_was_tested() -> None:
    sound = calibration_of(wrong="none")
    verdict = calibration_verdict(sound)
    assert verdict.kind == "better"
    assert re.search(r"below about \d+ percentage points? could have gone unseen", verdict.detail)
    assert verdict.firm
    assert "as far as this test can see" in words_of(calibration_page(sound))


def test_a_small_calibration_is_not_sold_as_proof() -> None:
    sound = calibration_of(wrong="none")
    wide = {
        name: replace(one, ecdf=replace(one.ecdf, low=10 * one.ecdf.low, high=10 * one.ecdf.high))
        for name, one in sound.histograms.items()
    }
    verdict = calibration_verdict(replace(sound, histograms=wide))
    assert not verdict.firm
    assert "too small to see much" in verdict.headline


def test_shapes_are_told_apart() -> None:
    import numpy as np

    base = calibration_of().histograms["dyad_effects"]
    rng = np.random.default_rng(5)
    shapes = {
        "posteriors too narrow": rng.beta(0.7, 0.7, 2000),
        "posteriors too wide": rng.beta(1.6, 1.6, 2000),
        "posteriors lie too low": rng.beta(1.5, 1.0, 2000),
        "posteriors lie too high": rng.beta(1.0, 1.5, 2000),
    }
    for said, ranks in shapes.items():
        assert shape_in_words(replace(base, ranks=ranks)) == said
    assert shape_in_words(calibration_of().histograms["effects"]) == ""


def test_calibration_page_without_event_types() -> None:
    bare: Calibration = replace(calibration_of(), by_event={}, unreliable_by_event={})
    assert "events" not in outline_of(calibration_page(bare)).ids


def test_parts_have_names_for_people() -> None:
    words = words_of(whole_page())
    assert "Onset" in words
    assert "Continuation" in words
    assert set(PARTS) == {"all", "onset", "continuation"}
