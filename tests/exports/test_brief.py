"""The brief, read as other programs read it: its numbers, its words, and nothing else in it."""

from __future__ import annotations

import io
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pypdf
import pytest
from pypdf.generic import ArrayObject, DictionaryObject, PdfObject
from rich.console import Console
from typer.testing import CliRunner

import riskcast
from riskcast.cli.commands import app
from riskcast.exports.brief.content import make_brief
from riskcast.exports.brief.files import brief_html, brief_pdf
from riskcast.exports.json_file import dossier_data, export_schema
from riskcast.exports.tables import dyad_score_table
from riskcast.forecasting.scoring import estimative_words
from riskcast.numbers import interval, percent, signed, signed_range
from riskcast.terminal.forecasts import forecast_view
from tests.support import handover
from tests.support.cases import event, indicator, make_case, quantity

HOSTILE = ('<script>alert("1")</script>', '"><img src=x onerror=alert(1)>', '#import "x" $y$ *b* @z \\ _u_ `c` ]')
VOID = frozenset({"meta", "link", "br", "img", "path", "rect", "line", "circle"})


class Reader(HTMLParser):
    """Words, rows, tags, and whatever could ask something of the network."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.asked: list[tuple[str, str, str]] = []
        self.handlers: list[str] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\u00a0", " ").split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.asked.append((tag, name, value or ""))
            if name.startswith("on"):
                self.handlers.append(name)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if {"style", "title"} & set(self.open):
            return
        self.words.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data.replace("\u00a0", " ")


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text().replace("\u00a0", " ") for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def flat(text: str) -> str:
    """Text without white space, as a PDF breaks lines where it likes."""
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def page() -> Reader:
    return Reader(brief_html(handover.dossier()))


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return brief_pdf(handover.dossier())


def numbers(dossier: riskcast.Dossier) -> list[str]:
    """Digits that a brief of a dossier must hold, from the results themselves."""
    risk = dossier.headline
    found = []
    for dyad in risk.dyads:
        found.append(f"{dyad.score.mean:.0f}")
        found += [f"{percent(o.probability.mean)} {interval(o.probability)[:-2]}" for o in dyad.outcomes]
    for change in dossier.contrasts.values():
        found += [signed_range(estimate) for estimate in change.score.values()]
    return found


def test_the_page_holds_the_numbers_of_the_results(page: Reader) -> None:
    dossier = handover.dossier()
    for number in numbers(dossier):
        assert number in page.text, number
    rows = {row[0]: row for row in reversed(page.rows)}
    for dyad in dossier.headline.dyads:
        whole = f"{dyad.score.low:.0f}–{dyad.score.high:.0f}"
        assert rows[dyad.partner_name][1:] == [dyad.band, f"{dyad.score.mean:.0f}", whole]
    for heading in ("Who is at risk of what", "What has moved", "What drives the scores", "What if", "Method"):
        assert heading in page.text


def dictionary(found: PdfObject) -> DictionaryObject:
    known = found.get_object()
    assert isinstance(known, DictionaryObject)
    return known


def inside(holder: DictionaryObject, name: str) -> list[PdfObject]:
    """What a part of a PDF lists under a name, if anything."""
    if name not in holder:
        return []
    found = holder[name]
    assert isinstance(found, ArrayObject | DictionaryObject)
    return list(found.values() if isinstance(found, DictionaryObject) else found)


def test_the_pdf_holds_the_same_in_two_to_four_pages(pdf: bytes) -> None:
    read = pages(pdf)
    assert 2 <= len(read) <= 4
    whole = flat(" ".join(read))
    for number in numbers(handover.dossier()):
        assert flat(number) in whole, number
    overlaid = handover.dossier().case.overlay_hash
    assert overlaid is not None
    for number, text in enumerate(read, 1):
        assert f"{number} / {len(read)}" in text
        assert f"{handover.published().hash[:12]} + overlay {overlaid[:12]}" in text
    info = pypdf.PdfReader(io.BytesIO(pdf))
    assert info.metadata is not None
    assert info.metadata.title == handover.published().settings.title
    assert dictionary(info.trailer["/Root"])["/Lang"] == "en"


def test_every_font_of_the_pdf_is_in_it(pdf: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    resources = [dictionary(page["/Resources"]) for page in reader.pages]
    for each in resources:
        # Charts are objects with resources of their own.
        inner = (dictionary(part) for part in inside(each, "/XObject"))
        resources += [dictionary(part["/Resources"]) for part in inner if "/Resources" in part]
    fonts = [dictionary(font) for each in resources for font in inside(each, "/Font")]
    described = [dictionary(inside(font, "/DescendantFonts")[0])["/FontDescriptor"] for font in fonts]
    assert described
    for each in described:
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(dictionary(each))


def test_the_headline_says_who_what_and_how_sure() -> None:
    dossier = handover.dossier()
    ranked = sorted(dossier.headline.dyads, key=lambda dyad: -dyad.score.mean)
    first, second = ranked[:2]
    standing, order, *_ = (sentence.replace("\u00a0", " ") for sentence in make_brief(dossier).headline)
    assert standing.startswith(
        f"{first.partner_name} has the highest score: {first.score.mean:.0f} of 100 ({first.band};"
    )
    assert f"90 % interval {first.score.low:.0f}–{first.score.high:.0f}" in standing
    sure = dossier.headline.forecast.chance_above(first.id, second.id)
    expected = f"That {first.partner_name} stands above {second.partner_name} ({second.score.mean:.0f}) is "
    assert order.startswith(f"{expected}{estimative_words(sure)} ({percent(sure)})")
    assert ("their order is open" in order.partition(". ")[0]) == (sure < 0.8)
    assert first.score.low < second.score.high
    assert ("intervals overlap" in order) == (sure >= 0.8)


def test_what_has_moved_is_held_against_the_earlier_run(page: Reader) -> None:
    dossier = handover.dossier()
    assert dossier.previous is not None
    then = {dyad.id: dyad.score.mean for dyad in dossier.previous.dyads}
    for dyad in dossier.headline.dyads:
        old, new = then[dyad.id], dyad.score.mean
        assert [dyad.partner_name, "Score", f"{old:.1f}", f"{new:.1f}", signed(new - old)] in page.rows
    assert "What has moved" not in Reader(brief_html(handover.single())).text


def test_points_of_drivers_add_up_to_the_scores(page: Reader) -> None:
    start = next(place for place, row in enumerate(page.rows) if row[0] == "Driver")
    end = next(place for place, row in enumerate(page.rows) if row[0] == "Score" and place > start)
    for column in range(1, len(page.rows[start])):
        parts = [float(row[column].replace("−", "-")) for row in page.rows[start + 1 : end]]
        assert sum(parts) == pytest.approx(float(page.rows[end][column]), abs=0.05 * (len(parts) + 1))


def test_changed_quantities_are_named_with_what_they_were(page: Reader) -> None:
    level = "indicators.xenophobia.now"
    [published] = [q for key, q, _ in riskcast.load_case("central_asia_2024").quantities() if key == level]
    low, high = published.range
    assert f"{level}: {published.center:g} ({low:g}–{high:g}) → 55 (47–63)" in page.text
    assert "hyperpriors.persistence" in page.text


def test_the_page_asks_nothing_of_the_network(page: Reader) -> None:
    assert not {"script", "iframe", "object", "embed", "form"} & set(page.tags)
    assert not page.handlers
    for tag, name, value in page.asked:
        assert tag == "a" or value.startswith(("data:", "#")), (tag, name, value)
        if tag == "a":
            assert value.startswith(("https://", "http://", "#"))


def test_the_page_can_be_read_aloud(page: Reader) -> None:
    levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in itertools.pairwise(levels))
    html = brief_html(handover.single())
    assert '<html lang="en">' in html
    assert html.count("<svg") == html.count('<svg role="img" aria-label=')
    assert 'role="img" aria-label="Risk scores of partners of Russia' in html
    assert len(re.findall(r"<th\b", html)) == html.count("<th scope=")


def test_a_posterior_that_failed_its_checks_is_marked_first_and_on_every_page() -> None:
    html = Reader(brief_html(handover.failed())).text
    assert "has the highest score" in html
    assert html.index("The posterior failed its checks") < html.index("has the highest score")
    read = pages(brief_pdf(handover.failed()))
    assert "The posterior failed its checks" in read[0]
    assert all("CHECKS FAILED" in text for text in read)


def hostile() -> riskcast.Dossier:
    """A small case of unknown states, whose texts are traps."""
    case = make_case(
        {
            "a": event(quantity(0.6, 0.3, 0.9), label=HOSTILE[0]),
            "b": event(quantity(0.3, 0.1, 0.6), label=HOSTILE[2], severity=80.0),
        },
        effects=[
            {"from": "x", "to": "a", "rate_ratio": quantity(1.5, 1.1, 2.0), "rationale": "A test."},
            {"from": "x", "to": "b", "rate_ratio": quantity(1.5, 1.1, 2.0), "rationale": "A test."},
        ],
        indicators={"x": indicator(label=HOSTILE[1], now=quantity(2.0, 1.0, 3.0))},
        scenarios={"s": {"label": HOSTILE[0], "story": HOSTILE[2], "indicators": [{"indicator": "x", "shift": 1.0}]}},
    )
    posterior = riskcast.fit(case, draws=200, seed=1)
    return riskcast.make_dossier([riskcast.score(riskcast.forecast(posterior, name)) for name in ("baseline", "s")])


def test_texts_of_a_case_stay_texts() -> None:
    dossier = hostile()
    page = Reader(brief_html(dossier))
    assert not {"script", "img"} & set(page.tags)
    assert not page.handlers
    for text in HOSTILE:
        assert " ".join(text.split()) in page.text
    whole = flat(" ".join(pages(brief_pdf(dossier))))
    for text in HOSTILE:
        assert flat(text) in whole


def test_a_link_that_is_no_web_address_is_not_followed() -> None:
    case = handover.published()
    sources = {name: source.model_copy(update={"url": "javascript:alert(1)"}) for name, source in case.sources.items()}
    ahead = riskcast.forecast(riskcast.fit(case.revised(sources=sources), draws=200, seed=1))
    page = Reader(brief_html(riskcast.make_dossier(riskcast.score(ahead))))
    assert not [value for _, _, value in page.asked if "javascript" in value]


def test_the_same_dossier_gives_the_same_bytes(pdf: bytes) -> None:
    assert brief_pdf(handover.dossier()) == pdf
    assert brief_html(handover.dossier()) == brief_html(handover.dossier())


def test_many_pairs_are_cut_and_counted() -> None:
    case = make_case({"a": event(quantity(0.4, 0.1, 0.8))}, partners=60, sd_dyad=quantity(0.5, 0.2, 1.2))
    dossier = riskcast.make_dossier(riskcast.score(riskcast.forecast(riskcast.fit(case, draws=200, seed=1))))
    text = Reader(brief_html(dossier)).text
    assert "The 12 highest of 60 pairs; the table scores of the export has all" in text
    assert "The 6 highest of 60 pairs; the table probabilities of the export has all" in text
    assert "Of 60 pairs, by band:" in text or "All 60 pairs stand in the band" in text
    assert 2 <= len(pages(brief_pdf(dossier))) <= 4


def test_one_pair_has_nobody_to_stand_above() -> None:
    case = make_case({"a": event(quantity(0.4, 0.1, 0.8))}, partners=1)
    dossier = riskcast.make_dossier(riskcast.score(riskcast.forecast(riskcast.fit(case, draws=200, seed=1))))
    brief = make_brief(dossier)
    assert brief.headline[0].startswith("Partner 1 scores ")
    assert not [sentence for sentence in brief.headline if "stands above" in sentence or "other" in sentence]
    assert brief_pdf(dossier).startswith(b"%PDF")


def test_pairs_that_are_the_same_are_not_put_in_an_order() -> None:
    case = make_case({"a": event(quantity(0.4))}, partners=3)
    dossier = riskcast.make_dossier(riskcast.score(riskcast.forecast(riskcast.fit(case, draws=400, seed=1))))
    standing, order, *_ = make_brief(dossier).headline
    assert re.match(r"(Partner \d, )?Partner \d and Partner \d score highest", standing)
    one, other = dossier.headline.dyads[:2]
    ahead = dossier.headline.forecast
    assert ahead.chance_above(one.id, other.id) == pytest.approx(1 - ahead.chance_above(other.id, one.id))
    assert ahead.chance_above(one.id, one.id) == 0.5
    assert "order is open" in order


def test_a_scenario_is_told_by_what_it_assumes_and_changes(page: Reader) -> None:
    dossier = handover.dossier()
    change = dossier.contrasts[handover.SCENARIO].score
    after = {dyad.id: dyad for dyad in dossier.risks[1].dyads}
    for dyad in dossier.headline.dyads:
        moved = change[dyad.id]
        read = "rises" if moved.low > 0 else "falls" if moved.high < 0 else "not distinguishable from zero"
        ends = [f"{dyad.score.mean:.0f}", f"{after[dyad.id].score.mean:.0f}"]
        assert [dyad.partner_name, read, *ends, signed_range(moved)] in page.rows
    told = sum(moved.low > 0 or moved.high < 0 for moved in change.values())
    assert f"{told} of {len(change)} changes of scores can be told from zero" in page.text
    assert "Mass-casualty attack for Tajikistan happens in month 2." in page.text


def test_a_forecast_of_a_scenario_says_what_it_assumes() -> None:
    posterior = handover.single().headline.forecast.posterior
    ahead = riskcast.forecast(posterior, handover.SCENARIO)
    brief = make_brief(riskcast.make_dossier(riskcast.score(ahead), handover.published()))
    assert "Mass-casualty attack for Tajikistan happens in month 2." in brief.given
    assert dict(brief.origin)["The same digits"].endswith("--scenario second_attack --draws 200 --seed 1")


def test_what_is_ruled_out_and_whom_a_shared_act_touches_is_told() -> None:
    posterior = handover.single().headline.forecast.posterior
    events = [
        {"event": "mass_expulsion", "dyads": ["RUS-TJK"], "happens": False},
        {"event": "trade_ban", "happens": False, "month": 2, "until": 3},
        {"event": "rupture", "happens": False, "month": 4},
    ]
    quiet = riskcast.Scenario.model_validate({"label": "Quiet", "story": "Little comes.", "events": events})
    risk = riskcast.score(riskcast.forecast(posterior, quiet))
    brief = make_brief(riskcast.make_dossier(risk, handover.published()))
    assert brief.given == (
        "Mass expulsion or entry refusals for Tajikistan does not happen within the horizon.",
        "Trade ban does not happen from month 2 to 3.",
        "Rupture does not happen in month 4.",
    )
    told = " ".join(brief.headline)
    assert "Shared, and in no score: Restrictive federal act (" in told
    assert "for all pairs but Turkmenistan." in told
    labels = [label for label, _ in brief.outcomes.rows]
    assert "Restrictive federal act (all pairs but Turkmenistan)" in labels
    chances = dict(brief.outcomes.rows)["Mass expulsion or entry refusals"]
    assert [chance.text for chance in chances].count("ruled out") == 1


def test_the_chance_of_a_grave_outcome_is_told_where_the_case_says_which_are() -> None:
    case = handover.published()
    assert case.settings.grave is not None
    assert "grave outcome" in " ".join(make_brief(handover.single()).headline)
    silent = case.revised(settings=case.settings.model_copy(update={"grave": None}))
    risk = riskcast.score(riskcast.forecast(riskcast.fit(silent, draws=200)))
    assert "grave outcome" not in " ".join(make_brief(riskcast.make_dossier(risk, silent)).headline)
    grave = case.revised(settings=case.settings.model_copy(update={"grave": 60.0}))
    risk = riskcast.score(riskcast.forecast(riskcast.fit(grave, draws=200)))
    dossier = riskcast.make_dossier(risk, grave)
    chances = {dyad.partner_name: dyad.grave or 0.0 for dyad in risk.dyads}
    first = max(chances, key=chances.__getitem__)
    told = " ".join(make_brief(dossier).headline).replace("\u00a0", " ")
    assert f"A grave outcome (severity 60 or more) is likeliest for {first} {percent(chances[first])}" in told
    table = dyad_score_table(dossier)
    assert table.columns[-1].name == "grave"
    assert [row[-1] for row in table.rows] == [dyad.grave for dyad in risk.dyads]
    plain = dossier_data(dossier)
    jsonschema.validate(plain, export_schema())
    graves = [dyad["grave"] for dyad in plain["scenarios"][0]["dyads"]]
    assert graves == pytest.approx([dyad.grave for dyad in risk.dyads], abs=1e-9)
    printed = io.StringIO()
    Console(file=printed, width=80, color_system=None).print(forecast_view(risk, riskcast.explain(risk.forecast)))
    assert "Grave" in printed.getvalue()
    assert "Restrictive federal act can touch RUS-KAZ, RUS-KGZ, RUS-TJK" in printed.getvalue()


def test_an_earlier_run_of_another_case_is_compared_as_far_as_it_goes() -> None:
    kept = {"a": event(quantity(0.6, 0.3, 0.9), label="Kept")}
    cases = [
        make_case(kept, partners=3),
        make_case(kept | {"b": event(quantity(0.2, 0.1, 0.4))}, partners=2, horizon=6),
    ]
    before, now = (
        riskcast.score(riskcast.forecast(riskcast.fit(c, draws=200, seed=s))) for s, c in enumerate(cases, 1)
    )
    brief = make_brief(riskcast.make_dossier(now, previous=before))
    said = " ".join(brief.since)
    assert "Pairs in one of the two runs only, and not compared: HHH-P003." in said
    assert "Outcomes in one of the two runs only, and not compared: b." in said
    assert "different horizons" in said
    assert "different seeds" in said
    for case in cases:
        assert f"case {case.hash[:12]}" in said
    assert brief.moved is not None
    assert {row[0] for row in brief.moved.rows} == {"Partner 1", "Partner 2"}


def test_the_command_gives_the_same_digits(tmp_path: Path) -> None:
    words = dict(make_brief(handover.single()).origin)["The same digits"].split()
    words[words.index("OUT")] = str(tmp_path / "out")
    result = CliRunner().invoke(app, words[1:])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "brief.html").read_text() == brief_html(handover.single())


def test_scripts_that_typst_has_no_font_for_do_not_stop_the_pdf() -> None:
    for label in ("\u4e2d\u56fd", "a\x00b \u0007 c", "\U0001f600"):
        case = make_case({"a": event(quantity(0.6, 0.3, 0.9), label=label)})
        ahead = riskcast.forecast(riskcast.fit(case, draws=200, seed=1))
        assert brief_pdf(riskcast.make_dossier(riskcast.score(ahead))).startswith(b"%PDF")
