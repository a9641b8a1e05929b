"""Sheets that go out and come back: what is read is what was written, and feedback is what the prior implies."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from riskcast import Case, CaseError, Quantity, apply_overlay, elicit, load_case, make_sheet, read_answers, write_sheet
from riskcast.case.links import IDENTITY, LOG, BoundedLink, Link, base_rate_link
from riskcast.case.overlays import parse_overlay
from riskcast.errors import OptionError
from riskcast.experts.seed_table import read_seeds
from riskcast.experts.sheet_answers import add_seed_rows
from riskcast.experts.sheets import AskedQuantity, chips_to_quantiles, link_data, read_training
from riskcast.exports.elicitation import SCORES, quantile_formulas
from tests.support.places import ROOT
from tests.support.smallcase import write_files

ASKED = ["indicators.mood.now", "outcomes.*.base_rate", "effects.mood->protest"]
TRAINING = "question,answer,unit,scale\nHow far?,12,km,log\nHow many?,40,,linear\n"
FITS = [
    (IDENTITY, (48.0, 55.0, 62.0)),
    (LOG, (0.5, 2.0, 5.0)),
    (base_rate_link(12), (0.1, 0.3, 0.6)),
    (BoundedLink(0.0, 100.0), (20.0, 55.0, 70.0)),
    (BoundedLink(0.0, 100.0), (0.0, 0.3, 1.0)),
    (BoundedLink(0.5, 100.0, LOG), (0.5, 2.0, 9.0)),
]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_case(write_files(tmp_path_factory.mktemp("small")))


def filled(path: Path, rows: dict[str, dict[str, Any]], about: dict[str, str] | None = None) -> Path:
    """A workbook with cells filled in as a person does."""
    book = openpyxl.load_workbook(path)
    said = {"who": "Ann Ex: pert", "when": "2020-12-01", "why": 'Has "read" # the polls'} | (about or {})
    for row in book["About"].iter_rows(min_row=2):
        if row[0].value in said:
            row[1].value = said[str(row[0].value)]
    for name in book.sheetnames[2:]:
        sheet = book[name]
        heads = [cell.value for cell in sheet[1]]
        for row in sheet.iter_rows(min_row=2):
            own = rows.get(str(row[0].value), {}) | rows.get(str(row[1].value), {})
            for key, value in own.items():
                row[heads.index(key)].value = value
            # A spreadsheet works formulas out when it opens a file; what was worked out is not read.
            for cell in row:
                if cell.data_type == "f":
                    cell.value = "fits"
    back = path.with_name("back.xlsx")
    book.save(back)
    return back


def test_a_workbook_comes_back_as_an_overlay(case: Case, tmp_path: Path) -> None:
    table = tmp_path / "training.csv"
    table.write_text(TRAINING, encoding="utf-8")
    sheet = make_sheet(case, ASKED, training=table)
    assert [one.answer for one in sheet.training] == [None, None]
    assert [one.id for one in sheet.questions][:2] == ["indicators.mood.now", "outcomes.protest.base_rate"]
    out = write_sheet(sheet, tmp_path / "sheet.xlsx")
    rows = {
        "indicators.mood.now": {"low": 40, "median": 50, "high": 65, "why": "Polls: all of them"},
        "effects.mood->protest": {"low": "1,1", "median": "1,5", "high": "2,5"},
        "How far?": {"low": 5, "median": 10, "high": 20},
        "How many?": {"low": 41, "median": 50, "high": 60},
    }
    known = read_training(table)
    answers = read_answers(filled(out, rows), case, known)
    assert (answers.who, answers.quantities["effects.mood->protest"].interval) == ("Ann Ex: pert", (1.1, 2.5))
    assert set(answers.blanks) == {f"outcomes.{name}.base_rate" for name in ("protest", "decree", "spark")}
    overlay, document = parse_overlay(answers.overlay_text(), "ann.yaml")
    assert (overlay.who, str(overlay.when), overlay.why) == ("Ann Ex: pert", "2020-12-01", 'Has "read" # the polls')
    assert apply_overlay(case, overlay, document).indicators["mood"].now != case.indicators["mood"].now
    assert set(overlay.blank) == set(answers.blanks)
    claims = [one.evidence.claim for one in overlay.changes.values() if one.evidence is not None]
    # Who says nothing of a number rests it on what was said of all: the case's own evidence is for another number.
    assert claims == ["Polls: all of them", 'Has "read" # the polls']
    seeds = tmp_path / "seeds.csv"
    seeds.write_bytes(add_seed_rows(answers, known, seeds))
    found = read_seeds(seeds)
    assert (found.experts, found.answers.tolist(), found.logarithmic.tolist()) == (
        ("Ann Ex: pert",),
        [12.0, 40.0],
        [True, False],
    )
    with pytest.raises(OptionError, match="has answers of Ann Ex: pert already"):
        add_seed_rows(answers, known, seeds)


SAVED = {"who": "Bo", "when": "2020-12-02", "why": "W"}


def saved_form(case: Case, folder: Path, training: dict[str, str] | None = None, shown: bool = False) -> dict[str, Any]:
    """What a form that asks for one level saves when it is answered."""
    table = folder / "training.csv"
    table.write_text(TRAINING, encoding="utf-8")
    sheet = make_sheet(case, ["indicators.mood.now"], training=table, show_answers=shown)
    page = write_sheet(sheet, folder / f"sheet{shown:d}.html").read_text(encoding="utf-8")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    rows = [{"question": one["question"], "low": "5", "median": "10", "high": "20"} for one in data["training"]]
    return {
        "about": data["about"] | SAVED,
        "training": [row | (training or {}) for row in rows],
        "quantities": [{"quantity": "indicators.mood.now", "low": "40", "median": "50.5", "high": "60"}],
    }


def read_saved(case: Case, folder: Path, saved: Any) -> Any:
    file = folder / "answers.json"
    file.write_text(saved if isinstance(saved, str) else json.dumps(saved), encoding="utf-8")
    return read_answers(file, case, read_training(folder / "training.csv"))


HEAD = "question,expert,low,median,high,answer"


@pytest.mark.parametrize(
    ("before", "added"),
    [
        (b"question;expert;low;median;high;answer\r\nA;Cy;1,5;2,5;3,5;2\r\n", b"How far?;Bo;5;10;20;12;log\r\n"),
        (b"expert,question,answer,low,median,high,scale\nCy,A,2,1,2,3,linear\n", b"Bo,How far?,12,5,10,20,log\n"),
        (f"{HEAD}\nÄhre,Cy,1,2,3,2\n".encode("latin-1"), b"How far?,Bo,5,10,20,12,log\n"),
    ],
)
def test_a_table_of_seed_answers_stays_as_it_is_written(
    case: Case, tmp_path: Path, before: bytes, added: bytes
) -> None:
    answers = read_saved(case, tmp_path, saved_form(case, tmp_path))
    table = tmp_path / "seeds.csv"
    table.write_bytes(before)
    training = read_training(tmp_path / "training.csv")
    # Somebody who has answered other questions than the rest would make the table useless to all.
    with pytest.raises(CaseError, match="does not answer"):
        add_seed_rows(answers, training, table)
    table.write_bytes(before.split(b"\n")[0] + b"\n")
    made = add_seed_rows(answers, training, table)
    table.write_bytes(made)
    assert added in made
    assert read_seeds(table).answers.tolist() == [12.0, 40.0]


def test_what_was_practised_earns_nothing(case: Case, tmp_path: Path) -> None:
    answers = read_saved(case, tmp_path, saved_form(case, tmp_path, shown=True))
    assert answers.practised
    with pytest.raises(OptionError, match="for practice, so that it earns no weight; send a sheet without"):
        add_seed_rows(answers, read_training(tmp_path / "training.csv"), tmp_path / "seeds.csv")


def test_what_a_form_should_not_hold_is_refused(case: Case, tmp_path: Path) -> None:
    saved = saved_form(case, tmp_path)
    level, about = saved["quantities"][0], saved["about"]
    assert read_saved(case, tmp_path, saved | {"quantities": [level]}).training["How far?"] == (5.0, 10.0, 20.0)
    for wrong, said in (
        (saved | {"quantities": [level, level]}, "indicators.mood.now stands twice; keep one row"),
        (saved | {"quantities": [level | {"low": "1,234"}]}, "'1,234', which could be 1234 or 1.234"),
        (saved | {"quantities": [level | {"low": "0x10"}]}, "is '0x10'; give a number"),
        (saved | {"quantities": [level | {"low": 40}]}, "is not what a form saved"),
        (saved | {"more": []}, "is not what a form saved"),
        (saved | {"training": [{"low": "1", "median": "2", "high": "3"}]}, "has no ''"),
        (saved | {"training": saved["training"][:1]}, "has no answer to training question 'How many?'"),
        (saved_form_with(saved, {"low": "", "median": "", "high": ""}), "'How far?' is blank; answer all"),
        (saved_form_with(saved, {"low": "-5"}), "'How far?': -5 is not above 0"),
        (saved | {"about": about | {"when": "2020-12-02 and later"}}, "when: is '2020-12-02 and later'"),
        (saved | {"about": about | {"who": "=1+1"}}, "who: begins with =, which a spreadsheet takes for a formula"),
        (saved | {"about": about | {"who": "B\u2028o"}}, "who: has characters that cannot be seen"),
        ("[" * 100_000, "is not what a form saved"),
    ):
        with pytest.raises(CaseError) as caught:
            read_saved(case, tmp_path, wrong)
        assert said in str(caught.value)
    # A row that was taken out is blank, and told.
    gone = saved | {"about": about | {"asked": "indicators.mood.now effects.mood->protest"}}
    assert read_saved(case, tmp_path, gone).blanks == ("effects.mood->protest",)


def saved_form_with(saved: dict[str, Any], first: dict[str, str]) -> dict[str, Any]:
    return saved | {"training": [saved["training"][0] | first, *saved["training"][1:]]}


@pytest.mark.parametrize(
    ("row", "about", "said"),
    [
        ({"low": 40, "median": 50}, {}, "Questions:high: is blank beside the others"),
        ({"low": 60, "median": 50, "high": 70}, {}, "60, 50, 70 do not rise"),
        ({"low": 40, "median": "about 50", "high": 70}, {}, "median: is 'about 50'; give a number"),
        ({"low": -20, "median": 50, "high": 70}, {}, "indicators.mood.now: "),
        ({}, {}, "answers nothing; fill in at least one quantity"),
        ({"low": 40, "median": 50, "high": 70}, {"who": ""}, "who: is empty"),
        ({"low": 40, "median": 50, "high": 70}, {"when": "soon"}, "when: is 'soon'; write the day"),
        ({"low": 40, "median": 50, "high": 70}, {"case_hash": "0" * 12}, "asks about another case or edition"),
    ],
)
def test_answers_are_refused_with_their_place(
    case: Case, tmp_path: Path, row: dict[str, Any], about: dict[str, str], said: str
) -> None:
    out = write_sheet(make_sheet(case, ["indicators.mood.now"]), tmp_path / "sheet.xlsx")
    with pytest.raises(CaseError) as caught:
        read_answers(filled(out, {"indicators.mood.now": row}, about), case)
    assert said.removeprefix("Questions:") in str(caught.value)


def test_chips_come_back_as_quantiles(case: Case, tmp_path: Path) -> None:
    out = write_sheet(make_sheet(case, ["indicators.mood.now"], method="chips"), tmp_path / "sheet.xlsx")
    row = {"lowest": 30, "highest": 80, "bin 4": 5, "bin 5": 10, "bin 6": 5}
    found = read_answers(filled(out, {"indicators.mood.now": row}), case).quantities["indicators.mood.now"]
    # 20 chips from 45 to 60: 5 % lie below 46, the median is the middle.
    assert (found.interval, found.median) == ((46.0, 59.0), 52.5)
    with pytest.raises(CaseError, match="3 chips are placed; place 5 or more"):
        read_answers(filled(out, {"indicators.mood.now": {"lowest": 30, "highest": 80, "bin 4": 3}}), case)
    with pytest.raises(CaseError, match="no range; give lowest < highest"):
        read_answers(filled(out, {"indicators.mood.now": {"lowest": 90, "highest": 80, "bin 4": 9}}), case)


def test_a_question_leads_to_no_answer(case: Case) -> None:
    key = "effects.mood->protest"
    [asked], [shown] = make_sheet(case, [key]).questions, make_sheet(case, [key], show_published=True).questions
    rationale = next(effect.rationale for effect in case.effects if effect.id == "mood->protest")
    assert rationale not in asked.text
    assert rationale in shown.text
    fixed = apply_overlay(case, {key: {"value": 1.5}})
    assert key not in [one.id for one in make_sheet(fixed, ["effects.*"]).questions]
    assert make_sheet(fixed, [key]).questions[0].id == key


def test_what_cannot_be_asked_is_refused(case: Case, tmp_path: Path) -> None:
    with pytest.raises(
        OptionError, match=r"effects\.mod->protest is no quantity .* did you mean 'effects.mood->protest'"
    ):
        make_sheet(case, ["effects.mod->protest"])
    with pytest.raises(OptionError, match=r"neither \.xlsx nor \.html"):
        write_sheet(make_sheet(case), tmp_path / "sheet.docx")


def by_formula(text: str, low: float, middle: float, high: float) -> Any:
    """A spreadsheet's formula, worked out here."""
    import re

    for cell, value in zip(("$E2", "$F2", "$G2"), (low, middle, high), strict=True):
        text = text.replace(f"{cell}:$G2", "cells").replace(cell, f"({value!r})")
    text = re.sub(r"(?<![<>])=", "==", text.replace("^", "**"))
    names: dict[str, Any] = {
        "AND": lambda *all_of: all(all_of),
        "OR": lambda *any_of: any(any_of),
        "NOT": lambda one: not one,
        "COUNT": lambda cells: 3,
        "MAX": max,
        "MIN": min,
        "EXP": math.exp,
        "TRUE": True,
        "FALSE": False,
        "cells": None,
        "IF_": lambda test, yes, no: yes() if test() else no(),
        "LN": lambda x: math.log(x) if x > 0 else math.nan,
    }
    # Both branches of IF are written out by Excel's rules: only what is asked for is worked out.
    return eval(_lazy(text), names)


def _lazy(text: str) -> str:
    """IF and IFERROR as Python's conditional expressions."""
    at = min((place for place in (text.find("IF("), text.find("IFERROR(")) if place >= 0), default=-1)
    if at < 0:
        return text
    name = "IFERROR" if text.startswith("IFERROR(", at) else "IF"
    depth, parts, start, quoted = 0, [], at + len(name) + 1, False
    for end in range(start, len(text)):
        sign = text[end]
        quoted ^= sign == '"'
        if quoted:
            continue
        if sign == "(":
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
        elif (sign == "," or sign == ")") and not depth:
            parts.append(_lazy(text[start:end]))
            start = end + 1
            if sign == ")":
                break
    made = f"(({parts[1]}) if ({parts[0]}) else ({parts[2]}))" if name == "IF" else f"({parts[0]})"
    return text[:at] + made + _lazy(text[end + 1 :])


@pytest.mark.parametrize(("link", "said"), FITS)
def test_formulas_say_what_the_prior_implies(link: Link, said: tuple[float, float, float]) -> None:
    prior = elicit(Quantity(median=said[1], interval=(said[0], said[2])), link)
    found = quantile_formulas(AskedQuantity("q", "Q", "Q?", "", link), 2)
    assert by_formula(found["told"], *said) == "fits"
    for name, z in SCORES.items():
        assert by_formula(found[name], *said) == pytest.approx(float(prior.quantile(z)), rel=1e-9), name


@pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript here")
def test_the_form_says_what_the_prior_implies(tmp_path: Path) -> None:
    asked = [{"links": link_data(link), "q": said} for link, said in FITS]
    chips = [0, 2, 5, 0, 8, 3, 1, 1, 0, 0]
    script = ROOT / "src" / "riskcast" / "templates" / "elicitation.js"
    told = {"z": 1.6448536269514722, "knee": 0.5, "bend": math.sqrt(1.6448536269514722**2 + 0.25) - 0.5, "most": 6.7}
    code = f"""
    const form = require({json.dumps(str(script))}), d = {json.dumps(told)};
    const found = {json.dumps(asked)}.map(one => {json.dumps(list(SCORES.values()))}.map(
      z => form.quantile(d, form.fitting(d, one.links, one.q), one.q, z)));
    const bad = form.fitting(d, {json.dumps(link_data(LOG))}, [1, 1.01, 50]);
    const numbers = ['', '50,5', '1234', '.5', '1,234', '1_000', '0x10', '1.5e3'].map(form.number).map(String);
    const data = {{about: {{case: 'a', case_hash: 'h', method: 'chips', asked: 'q'}}}};
    const given = {{about: {{...data.about, who: 'Bo'}}, training: [], quantities: [{{quantity: 'q', low: '1'}}]}};
    const other = {{...given, about: {{...given.about, case_hash: 'i'}}}};
    const unfit = [given, {{...given, training: undefined}}, other, null].map(one => form.unfit(data, one));
    console.log(JSON.stringify([found, bad, form.fromChips({json.dumps(chips)}, 2, 90, 'log'), numbers, unfit]));
    """
    run = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True, timeout=60)
    found, bad, quantiles, numbers, unfit = json.loads(run.stdout)
    assert numbers == ["null", "50.5", "1234", "0.5", "NaN", "NaN", "NaN", "1500"]
    assert [one[:23] for one in unfit] == [
        "",
        "That file is not what t",
        "That file answers anoth",
        "That file is not what t",
    ]
    for (link, said), own in zip(FITS, found, strict=True):
        prior = elicit(Quantity(median=said[1], interval=(said[0], said[2])), link)
        assert own == pytest.approx(prior.quantile(list(SCORES.values())).tolist(), rel=1e-9), link
    assert bad is None
    assert quantiles == pytest.approx(chips_to_quantiles(chips, 2.0, 90.0, "log"), rel=1e-3)


def test_what_a_form_saves_is_read(case: Case, tmp_path: Path) -> None:
    page = write_sheet(make_sheet(case, ASKED), tmp_path / "sheet.html").read_text(encoding="utf-8")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert data["quantities"][0]["quantity"] == "indicators.mood.now"
    assert "http" not in page.replace("http-equiv", "")
    rows = [{"quantity": one["quantity"], "low": "", "median": "", "high": "", "why": ""} for one in data["quantities"]]
    rows[0] |= {"low": "40", "median": "50,5", "high": "60"}
    saved = {
        "about": data["about"] | {"who": "Bo", "when": "2020-12-02", "why": "W"},
        "training": [],
        "quantities": rows,
    }
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(saved), encoding="utf-8")
    [found] = read_answers(file, case).quantities.values()
    assert (found.median, found.interval) == (50.5, (40.0, 60.0))
    file.write_text('{"about": 3}', encoding="utf-8")
    with pytest.raises(CaseError, match="is not what a form saved"):
        read_answers(file, case)
