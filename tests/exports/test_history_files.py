"""A history that is handed over stands in the brief, the workbook and the tables; one of another case is refused."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import openpyxl
import pypdf
import pytest

import riskcast
from riskcast.errors import OptionError
from riskcast.exports import make_table, names_of_tables
from riskcast.exports.brief.files import brief_html, brief_pdf
from riskcast.exports.workbook import all_tables
from tests.support.cases import random_case
from tests.support.histories import made_up


@pytest.fixture(scope="module")
def dossier() -> riskcast.Dossier:
    case = random_case(1)
    ahead = riskcast.forecast(riskcast.fit(case, draws=100), paths=2)
    days = riskcast.history_days(case, 2)
    history = made_up(case, days, np.linspace(10.0, 40.0, len(days))[:, None] + np.arange(len(case.dyads)))
    explanation = riskcast.explain(ahead, paths=20)
    given = [(ahead.scenario_name, explanation)]
    return riskcast.make_dossier(riskcast.score(ahead), case, explanations=given, history=history)


def test_the_tables_hold_every_day(dossier: riskcast.Dossier) -> None:
    history = dossier.history
    assert history is not None
    assert "history" in names_of_tables(dossier)
    table = make_table(dossier, "history")
    assert len(table.rows) == len(history.days) * len(history.dyads)
    assert table.rows[-1][:3] == (history.days[-1], history.dyads[-1], history.of(history.dyads[-1]).today.mean)


def test_the_workbook_has_lines_in_cells_beside_the_scores(dossier: riskcast.Dossier) -> None:
    history = dossier.history
    assert history is not None
    content = all_tables(dossier)
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book["scores over time"]
    highest = max(history.dyads, key=lambda dyad: history.of(dyad).today.mean)
    assert sheet["A2"].value == history.case.name_of(highest)
    shown = [cell.value for cell in sheet[2]][5:]
    assert shown == pytest.approx(history.of(highest).score.tolist())
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
    assert [text.count("<x14:sparkline>") for text in sheets if "<x14:sparkline>" in text] == [len(history.dyads)]


def test_the_brief_says_how_scores_went(dossier: riskcast.Dossier) -> None:
    page = brief_html(dossier)
    assert "How the scores went" in page
    assert "knew what came later" in page
    text = "".join(each.extract_text() for each in pypdf.PdfReader(io.BytesIO(brief_pdf(dossier))).pages)
    assert "How the scores went" in text
    assert "█" in text


def test_a_history_of_another_day_or_case_is_refused(dossier: riskcast.Dossier) -> None:
    other = riskcast.score(riskcast.forecast(riskcast.fit(random_case(2), draws=100, prior_only=True), paths=2))
    case = other.forecast.case
    earlier = riskcast.history_days(case, 2)[:-1]
    history = made_up(case, earlier, np.zeros((len(earlier), len(case.dyads))))
    with pytest.raises(OptionError, match="the history is of"):
        riskcast.make_dossier(other, history=history)
