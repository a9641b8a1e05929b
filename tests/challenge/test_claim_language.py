"""The language of claims: what is read, what is refused, and that nothing is taken for what it does not say."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import riskcast
from riskcast.case.claims import Claim
from riskcast.case.model import Case, Scenario
from riskcast.challenge.claim_counts import count_recorded, hold_counts
from riskcast.challenge.claim_names import ClaimError, Names
from riskcast.challenge.claim_parser import parse_assertion
from riskcast.challenge.claim_reading import check_claims, read_claims
from riskcast.challenge.claim_scenarios import scenario_of
from riskcast.challenge.claim_terms import Chance, Comparison, Number, Recorded, Step
from riskcast.errors import CaseError
from riskcast.forecasting.scenarios import Moves
from tests.support import smallpanel
from tests.support.scales import write_on_scale
from tests.support.smallcase import INDICATORS, write_files

CLAIM = "{id}:\n  claim: It is said.\n  source: survey\n  at: page 1\n  asserts: ['{text}']\n"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return riskcast.load_case(write_files(tmp_path_factory.mktemp("language") / "small"))


@pytest.fixture(scope="module")
def names(case: Case) -> Names:
    return Names.of(case)


BAD = [
    ("mod raises protest", 1, "did you mean 'mood'"),
    ("mood raises protst", 13, "did you mean 'protest'"),
    ("mood raises CCC:protest", 13, "known: HHH-AAA"),
    ("mood raises AAA:decree", 13, "write decree alone"),
    ("AAA:mood raises protest", 1, "write mood alone"),
    ("spark raises protest", 1, "HHH-AAA:spark"),
    ("AAA:spark +1 step raises protest", 11, "write spark alone"),
    ("mood +11 steps raises protest", 6, "up to 10"),
    ("mood raises protest by at least 3 %", 35, "give points"),
    ("mood raises protest by at least 3", 33, "write 3 points"),
    ("mood raises protest by at least 0 points", 33, "leave out"),
    ("mood raises the score by at least 101 points", 35, "100 or less"),
    ("mood lowers the rate of protest by at least 100 %", 45, "less than 100 %"),
    ("mood raises the rate of protest by at least 0.2", 45, "write 0.2 %"),
    ("mood raises the rate of protest through thick", 41, "known: spillover"),
    ("mood raises protest more in AAA than in AAA", 41, "another dyad"),
    ("mood adds from the score of AAA", 1, "docs/claims.md"),
    ("in AAA, mood outweighs (trade, mood)", 24, "on one of them"),
    ("(mood, mood) adds to the score of AAA", 1, "named twice"),
    ("P(AAA:protst) > 0.5", 7, "did you mean 'protest'"),
    ("P(AAA:protest) > score of AAA", 18, "hold like against like"),
    ("level of mood > level of AAA:trade", 17, "hold like against like"),
    ("0.5 < P(AAA:protest)", 1, "turn it around"),
    ("0.1 < P(AAA:protest) < 0.5", 1, "turn it around"),
    ("P(AAA:protest) > 50", 18, "write 50 %"),
    ("P(AAA:protest) > 1", 18, "write 1 %"),
    ("P(AAA:protest) > 120 %", 18, "ever 120 %"),
    ("P(AAA:protest) > -5 %", 18, "ever −5 %"),
    ("P(AAA:protest) > 50 points", 18, "per cent"),
    ("base rate of protest < 20", 24, "write 20 %"),
    ("P(AAA:protest) > twice 20 %", 18, "what it comes to"),
    ("P(AAA:protest) > 3 of P(BBB:protest)", 18, "write 3 times"),
    ("score of AAA > 40 %", 16, "points from 0 to 100"),
    ("score of AAA > 0.4", 16, "write 40"),
    ("score of AAA < 400", 16, "ever 400"),
    ("contribution of mood to AAA > 20 %", 31, "points"),
    ("effect of mood on protest > 20 %", 29, "1.2 for a fifth more"),
    ("effect of mood on protest > 0", 29, "above 0"),
    ("half-life of fast < 1 year", 21, "give months"),
    ("half-life of fest < 3", 14, "did you mean 'fast'"),
    ("level of trade > 3", 1, "level of HHH-AAA:trade"),
    ("level of AAA:trade > 3 %", 22, "billion dollars"),
    ("level of AAA:trade > 3 million dollars", 22, "billion dollars"),
    ("level of AAA:trade > 3 dollars", 22, "billion dollars"),
    ("level of mood > 120", 17, "give 0 to 100"),
    ("records of protest from 2016-13-01 > 3", 1, "year-month-day"),
    ("records of protest from 2018-01-01 to 2017-01-01 > 1", 1, "earlier day first"),
    ("records of AAA:decree from 2016-01-01 >= 1", 1, "write records of decree"),
    ("records of protest from 2016-01-01 >= 4 %", 39, "a number of events"),
    ("P(protest in month 2) falls below half of month 1 by month 4", 1, "leave the time out"),
    ("P(protest and score > 5) falls below month 1 by month 4", 1, "events alone"),
    ("P(protest) falls below month 4 by month 1", 41, "later one last"),
    ("P(protest) rises above month 1 by month 40", 41, "give 1 to 12"),
    ("P(protest) rises above week 1 by week 4", 24, "write month 1"),
    ("the mood is bad", 1, "docs/claims.md"),
    ("trade < mood", 1, "write P(...)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "column", "mend"), BAD, ids=[text for text, *_ in BAD])
def test_what_cannot_be_read_is_told_with_its_column_and_mend(names: Names, text: str, column: int, mend: str) -> None:
    with pytest.raises(ClaimError) as error:
        parse_assertion(text, names)
    assert mend in f"{error.value.wrong}; {error.value.mend}"
    assert error.value.column == column


def test_in_one_dyad_nothing_happens_more_than_elsewhere(names: Names) -> None:
    with pytest.raises(ClaimError, match="there is no other dyad"):
        parse_assertion("mood raises protest more in AAA than elsewhere", replace(names, dyads=("HHH-AAA",)))


def test_ways_of_writing_the_same(names: Names) -> None:
    for one, other in (
        ("mood raises protest", "mood +1 step  raises protest"),
        ("mood −2 steps lowers AAA:protest", "mood - 2 steps lowers HHH-AAA:protest"),
        ("mood shortens the memory of protest", "mood up: shorter memory of protest"),
        (
            "P(protest) falls below a third of month 1 by month 4",
            "P(protest in month 4) < 1/3 of P(protest in month 1)",
        ),
        ("P(AAA:protest) > 50 %", "P(AAA:protest) > 0.5"),
        ("level of AAA:trade > 3 billion", "level of AAA:trade > 3"),
        ("half-life of fast < 4 months", "half-life of fast < 4"),
        ("score of AAA > 40 points", "score of AAA > 40"),
    ):
        assert parse_assertion(one, names).parts == parse_assertion(other, names).parts
    part = parse_assertion("mood lowers protest by at least 2 points", names).parts[0]
    assert isinstance(part, Comparison)
    assert (part.sign, part.right) == ("<", Number(-2.0))


def test_per_cent_of_a_level_in_per_cent_are_its_own() -> None:
    part = parse_assertion("level of TJK:poverty >= 26 %", Names.of(riskcast.load_case("central_asia_2024"))).parts[0]
    assert isinstance(part, Comparison)
    assert part.right == Number(26.0)


@pytest.mark.parametrize(
    ("falls", "late"),
    [
        ("P(AAA:protest or decree)", "P((AAA:protest or decree) in month 4)"),
        ("P(AAA:protest | AAA:spark)", "P(AAA:protest in month 4 | AAA:spark)"),
        ("P(not AAA:protest and decree)", "P((not AAA:protest and decree) in month 4)"),
    ],
)
def test_what_falls_is_every_event_in_one_month_and_no_condition(names: Names, falls: str, late: str) -> None:
    part = parse_assertion(f"{falls} falls below month 1 by month 4", names).parts[0]
    other = parse_assertion(f"{late} > 0 %", names).parts[0]
    assert isinstance(part, Comparison)
    assert isinstance(other, Comparison)
    assert isinstance(part.left, Chance)
    assert isinstance(other.left, Chance)
    assert (part.left.query.event, part.left.query.given) == (other.left.query.event, other.left.query.given)


def _read(tmp_path: Path, texts: dict[str, str], **files: str) -> Case:
    made = write_files(tmp_path / "case", **files)
    claims = "".join(CLAIM.format(id=id, text=text) for id, text in texts.items())
    (made / "claims.yaml").write_text(claims, encoding="utf-8")
    return riskcast.load_case(made)


def test_what_a_short_forecast_cannot_tell_is_read_and_says_so(tmp_path: Path) -> None:
    case = _read(
        tmp_path,
        {
            "late": "P(protest in month 6) < P(protest in month 1)",
            "stormy": "scenario storm raises protest",
            "soon": "mood raises protest",
        },
    )
    short = {id: found[0].beyond for id, found in read_claims(case, 1).items()}
    assert short["late"] == "the horizon ends in month 1"
    assert "reaches period 2" in short["stormy"]
    assert not short["soon"]
    assert not any(one.beyond for many in read_claims(case).values() for one in many)


def test_a_step_of_no_size_is_refused_before_anything_is_forecast_and_only_where_it_is_named(tmp_path: Path) -> None:
    steep = INDICATORS.replace("step: 1.5", "step: 1.0e+12")
    texts = {"steep": "trade +9 steps raises protest", "plain": "mood raises protest"}
    case = _read(tmp_path, texts, indicators_yaml=steep)
    with pytest.raises(CaseError, match=r"claims\.yaml.*steep\.asserts\.0: column 1: .*; write a smaller step"):
        read_claims(case)
    assert list(check_claims(case, ["plain"])) == ["plain"]


@pytest.mark.parametrize("scale", ["identity", "logit"])
def test_a_step_moves_every_path_as_far_whatever_the_scale(tmp_path: Path, scale: str) -> None:
    case = riskcast.load_case(write_on_scale(tmp_path / "scale", scale))
    assumed = scenario_of(case, Step("mood", -2.0), case.dyads)
    assert isinstance(assumed, Scenario)
    path = np.array([-1.0, 0.5, 2.5])[None, :, None] * np.ones((3, 1, 1))
    np.testing.assert_allclose(Moves(case, assumed, 3).apply("mood", path.copy()), path - 2.0, atol=1e-9)


def test_a_panel_moves_the_dyads_that_are_there_and_holds_no_days(tmp_path: Path) -> None:
    bent = (("indicators.yaml", "scale: identity", "scale: logit"),)
    case = riskcast.load_case(smallpanel.write_panel_case(tmp_path / "panel", edits=bent))
    names = Names.of(case)
    assumed = scenario_of(case, Step("mood", 1.0), names.dyads)
    assert isinstance(assumed, Scenario)
    assert [move.dyads for move in assumed.indicators] == [(dyad,) for dyad in smallpanel.PRESENT]
    for text, told in (
        ("records of clash from 2005-01-01 > 1", "a panel holds no events"),
        (f"{smallpanel.GONE}:raid raises clash", "unknown dyad"),
    ):
        with pytest.raises(ClaimError, match=told):
            parse_assertion(text, names)
    claim = Claim(claim="It is said.", source="s", at="page 1", asserts=("mood raises clash",))
    assert read_claims(case.model_copy(update={"claims": {"one": claim}}))


DAY = dt.date.fromisoformat


def _recorded(event: str, whom: str | None, first: str, last: str) -> Recorded:
    return Recorded(event, whom, DAY(first), DAY(last))


def test_counts_are_those_of_the_rows_as_far_as_days_are_known(case: Case) -> None:
    for term, least, found in (
        (_recorded("protest", None, "2016-01-01", "2020-12-31"), 4, 4),
        (_recorded("protest", "HHH-AAA", "2016-01-01", "2020-12-31"), 2, 2),
        # One dated to June 2017, of which the days are not known.
        (_recorded("protest", "HHH-BBB", "2017-06-10", "2018-12-31"), 0, 1),
        (_recorded("decree", None, "2018-01-01", "2018-12-31"), 1, 1),
        (_recorded("decree", None, "2018-06-01", "2018-12-31"), 0, 1),
        # One of all dyads is one of each.
        (_recorded("spark", None, "2019-01-01", "2019-12-31"), 2, 2),
        (_recorded("spark", "HHH-BBB", "2019-01-01", "2019-12-31"), 1, 1),
    ):
        counted = count_recorded(case, term)
        assert (counted.least, counted.found, counted.missing) == (least, found, ""), term


@pytest.mark.parametrize(
    ("term", "sign", "value", "holds"),
    [
        (_recorded("protest", None, "2016-01-01", "2020-12-31"), ">=", 4.0, True),
        (_recorded("protest", None, "2016-01-01", "2020-12-31"), ">", 4.0, False),
        (_recorded("protest", None, "2016-01-01", "2020-12-31"), "<=", 3.0, False),
        (_recorded("protest", "HHH-BBB", "2017-06-10", "2018-12-31"), "<=", 0.0, None),
        # Days before the record and after it are missing: what is there counts, what is not tells nothing.
        (_recorded("protest", None, "2010-01-01", "2020-12-31"), ">=", 4.0, True),
        (_recorded("protest", None, "2010-01-01", "2020-12-31"), "<=", 3.0, False),
        (_recorded("protest", None, "2010-01-01", "2020-12-31"), "<=", 4.0, None),
        (_recorded("decree", None, "2016-01-01", "2017-12-31"), "<=", 0.0, None),
        (_recorded("protest", None, "2021-01-01", "2020-12-31"), "<=", 0.0, None),
    ],
)
def test_what_the_record_lacks_is_never_zero(
    case: Case, term: Recorded, sign: str, value: float, holds: bool | None
) -> None:
    found, missing = hold_counts(case, term, Number(value), 1.0, sign)  # ty: ignore[invalid-argument-type]
    assert found is holds
    assert bool(missing) == (holds is None and term.first != DAY("2017-06-10"))
