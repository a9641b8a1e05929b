"""The table of a panel case: what is read from CSV and Parquet, what is refused and where, and the round trip."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given, settings, strategies as st

from riskcast import Case, load_case, write_case
from riskcast.case import panel_files
from riskcast.case.checks import find_problems
from riskcast.case.files import EVENT_COLUMNS, SERIES_COLUMNS
from riskcast.case.panel import Panel, Treated
from riskcast.case.periods import calendar_of, shift_months
from riskcast.errors import CaseError, Problem
from riskcast.machinery import table_files
from tests.support.cases import event, indicator, make_case, quantity
from tests.support.smallpanel import COVARIATES, EVENTS, JUDGED, as_of, panel_case, table, write_panel_case

Edit = Callable[[pandas.DataFrame], pandas.DataFrame]
Edits = tuple[tuple[str, str, str], ...]
Cell = tuple[str, str]
SUFFIXES = ("csv", "parquet")
REFERENCES = {"mood": "reference: 50", "trade": "reference: 10"}
A, B = ("AAA-BBB", "2003"), ("BBB-CCC", "2009")


def problems_of(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(CaseError) as caught:
        load_case(folder)
    return caught.value.problems


def digest_of(case: Case) -> str:
    assert case.panel is not None
    return case.panel.digest


def row_of(rows: pandas.DataFrame, cell: Cell) -> int:
    return int(np.flatnonzero((rows["dyad"] == cell[0]) & (rows["period"] == cell[1]))[0])


def same(rows: pandas.DataFrame) -> pandas.DataFrame:
    return rows


def put(column: str, value: Any, *cells: Cell) -> Edit:
    """An edit that writes a value into cells of one column, which becomes text where the value is one."""

    def edit(rows: pandas.DataFrame) -> pandas.DataFrame:
        values = rows[column].astype(object)
        for cell in cells:
            values.iloc[row_of(rows, cell)] = value
        if isinstance(value, str):
            values = values.map(lambda given: None if given != given else str(given))
        else:
            values = values.astype(float)
        return rows.assign(**{column: values})

    return edit


def last(column: str, value: str | None) -> Edit:
    """An edit that writes a text, or nothing, into the last row."""

    def edit(rows: pandas.DataFrame) -> pandas.DataFrame:
        values = rows[column].astype(object)
        values.iloc[-1] = value
        return rows.assign(**{column: values})

    return edit


def again(**changed: str) -> Edit:
    """An edit that repeats the last row with some cells changed."""
    return lambda rows: pandas.concat([rows, rows.tail(1).assign(**changed)], ignore_index=True)


def treat(indicator: str, ways: str) -> tuple[str, str, str]:
    """An edit of indicators.yaml that says how missing cells of an indicator are treated."""
    old = REFERENCES[indicator]
    return "indicators.yaml", old, f"{old}\n  missing: {ways}"


@dataclass(frozen=True)
class Bad:
    """One mistake in the table: the column told, the cell, `header` or `last` row, or no line at all, and the words.

    `others` counts the problems that follow from the same mistake.
    """

    edit: Edit
    column: str
    at: Cell | str | None
    words: tuple[str, ...]
    unit: str = "year"
    edits: Edits = ()
    suffixes: tuple[str, ...] = SUFFIXES
    others: int = 0


DURING = ("case.yaml", "covariates: before", "covariates: during")
BAD = {
    # Dyads.
    "no dash": Bad(last("dyad", "CCCDDD"), "dyad", "last", ("is 'CCCDDD'", "such as USA-CAN")),
    "small letters": Bad(last("dyad", "ccc-ddd"), "dyad", "last", ("is 'ccc-ddd'", "capitals")),
    "a state with itself": Bad(last("dyad", "CCC-CCC"), "dyad", "last", ("is 'CCC-CCC'", "two different states")),
    "three states": Bad(last("dyad", "AAA-BBB-CCC"), "dyad", "last", ("two different states",)),
    "empty dyad": Bad(last("dyad", ""), "dyad", "last", ("is ''",)),
    "no dyad": Bad(last("dyad", None), "dyad", "last", ("two different states",)),
    "reversed dyad": Bad(last("dyad", "DDD-BBB"), "dyad", "last", ("'DDD-BBB', and stands the other way", "one way")),
    # Periods.
    "quarter among years": Bad(last("period", "2010Q1"), "period", "last", ("'2010Q1', not a year", "as 1961")),
    "year of two digits": Bad(last("period", "09"), "period", "last", ("'09', not a year",)),
    "empty period": Bad(last("period", ""), "period", "last", ("not a year",)),
    "no period": Bad(last("period", None), "period", "last", ("not a year",)),
    "fifth quarter": Bad(last("period", "2003Q5"), "period", "last", ("not a quarter", "1961Q2"), unit="quarter"),
    "year among quarters": Bad(last("period", "2003"), "period", "last", ("'2003', not a quarter",), unit="quarter"),
    "month 13": Bad(last("period", "2001-13"), "period", "last", ("not a month", "1961-05"), unit="month"),
    "day in another order": Bad(last("period", "01.05.2001"), "period", "last", ("not a month",), unit="month"),
    "day that is none": Bad(last("period", "2001-02-30"), "period", "last", ("not a month",), unit="month"),
    "days of two months": Bad(
        last("period", "2001-05-28/2001-06-03"), "period", "last", ("not a month", "a day within"), unit="month"
    ),
    "row twice": Bad(again(), "period", "last", ("repeats CCC-DDD in 2009", "one row for each dyad and period")),
    "row before the record": Bad(again(period="2000"), "period", "last", ("'2000', before history_from (2001)",)),
    "row long after as_of": Bad(again(period="2014"), "period", "last", ("'2014', after as_of (2012)", "move as_of")),
    "row after as_of where covariates are known in the period": Bad(
        same, "period", ("AAA-BBB", "2013"), ("'2013', after as_of (2012)",), edits=(DURING,), others=3
    ),
    "event known after as_of": Bad(
        put("clash", 1.0, ("AAA-CCC", "2013")),
        "clash",
        ("AAA-CCC", "2013"),
        ("1", "after as_of (2012)", "leave the cell empty, or move as_of"),
    ),
    "no event, known after as_of": Bad(
        put("raid", 0.0, ("AAA-CCC", "2013")), "raid", ("AAA-CCC", "2013"), ("after as_of (2012)",)
    ),
    "table that ends before as_of": Bad(
        lambda rows: rows[rows["period"] < "2011"], "period", None, ("ends with 2010, before 2012", "move as_of")
    ),
    "rows of the next period alone": Bad(
        lambda rows: rows[rows["period"] == "2013"], "period", None, ("has no row up to 2012",)
    ),
    "event type that is never known": Bad(
        lambda rows: rows.assign(raid=np.nan), "raid", None, ("is known in no row up to 2012", "add what is missing")
    ),
    # Columns.
    "unknown column": Bad(
        lambda rows: rows.assign(moode=1.0),
        "moode",
        "header",
        ("unknown column", "did you mean 'mood'", "panel.ignore"),
    ),
    "no covariate": Bad(lambda rows: rows.drop(columns="trade"), "trade", "header", ("is missing", "add the column")),
    "no event type": Bad(lambda rows: rows.drop(columns="raid"), "raid", "header", ("is missing",)),
    "no dyads": Bad(lambda rows: rows.rename(columns={"dyad": "pair"}), "dyad", "header", ("is missing",), others=1),
    "column twice": Bad(
        lambda rows: rows.rename(columns={"trade": "mood"}),
        "mood",
        "header",
        ("stands twice", "keep one"),
        suffixes=("csv",),
        others=1,
    ),
    "no rows": Bad(lambda rows: rows.head(0), "", None, ("has no rows", "one row for every dyad and period")),
    # Cells.
    "words for a number": Bad(
        put("mood", "high", A), "mood", A, ("is 'high'", "plain number", "nothing where missing")
    ),
    "infinity in words": Bad(put("trade", "inf", A), "trade", A, ("is 'inf'",)),
    "NaN in words": Bad(put("trade", "NaN", A), "trade", A, ("is 'NaN'",)),
    "NA": Bad(put("clash", "NA", A), "clash", A, ("is 'NA'",)),
    "percent": Bad(put("mood", "40 %", A), "mood", A, ("is '40 %'", "percent sign")),
    "separated thousands": Bad(put("trade", "1_000", A), "trade", A, ("is '1_000'",)),
    "too large a number": Bad(put("trade", "1e999", A), "trade", A, ("is '1e999'",)),
    "infinity": Bad(put("trade", np.inf, A), "trade", A, ("inf",)),
    "fewer than no events": Bad(put("clash", -2.0, A), "clash", A, ("is ", "-2", "no number of events", "0 for none")),
    "half an event": Bad(put("raid", 0.5, A), "raid", A, ("0.5", "nothing where it is not known")),
    "two and a half events": Bad(put("raid", 2.5, A), "raid", A, ("2.5", "no number of events")),
    "too many events": Bad(put("raid", 1e300, A), "raid", A, ("1e+300", "give a number of at most")),
    "below bounds": Bad(put("mood", -1.0, A), "mood", A, ("-1", "outside what it can be", "check the unit")),
    "above bounds": Bad(put("mood", 100.5, B), "mood", B, ("100.5", "outside")),
    "zero on the log scale": Bad(put("trade", 0.0, A), "trade", A, ("0", "outside")),
    "missing cells": Bad(
        put("mood", np.nan, B, A),
        "mood",
        A,
        (
            "missing in 2 of 53 rows, first for AAA-BBB in 2003",
            "add to mood in indicators.yaml",
            "hold, reference, drop",
        ),
    ),
    "missing cell without an earlier value": Bad(
        put("mood", np.nan, ("AAA-CCC", "2005"), B),
        "mood",
        ("AAA-CCC", "2005"),
        ("missing in 1 of 53 rows that no `hold` treats, first for AAA-CCC in 2005",),
        edits=(treat("mood", "[hold]"),),
    ),
    "every row dropped": Bad(
        lambda rows: rows.assign(mood=np.nan),
        "period",
        None,
        ("has no row up to 2012",),
        edits=(treat("mood", "[drop]"),),
    ),
    "level of the system that differs": Bad(
        put("tension", 9.0, A), "tension", None, ("differs between dyads in 2003", "or set scope: dyad")
    ),
    "event of the system that differs": Bad(
        lambda rows: put("summit", 1.0 - rows["summit"][row_of(rows, A)], A)(rows),
        "summit",
        None,
        ("differs between dyads in 2003, but its scope is host",),
    ),
}


@pytest.mark.parametrize(("name", "suffix"), [(name, suffix) for name, bad in BAD.items() for suffix in bad.suffixes])
def test_every_mistake_in_the_table_is_told_with_its_row_and_column(name: str, suffix: str, tmp_path: Path) -> None:
    bad = BAD[name]
    rows = bad.edit(table(bad.unit)).reset_index(drop=True)
    problems = problems_of(write_panel_case(tmp_path, rows, unit=bad.unit, suffix=suffix, edits=bad.edits))
    assert len(problems) == 1 + bad.others, problems
    told = next(p for p in problems if p.key == bad.column and all(w in f"{p.wrong}; {p.mend}" for w in bad.words))
    assert told.file == f"history/panel.{suffix}"
    # The names of columns stand in the first line of a CSV file, and in no row of a Parquet file.
    header = 1 if suffix == "csv" else 0
    if isinstance(bad.at, tuple):
        assert told.line == row_of(rows, bad.at) + 1 + header
    else:
        assert told.line == {"last": len(rows) + header, "header": header or None, None: None}[bad.at]


PANEL = "panel:\n  file: history/panel.csv\n  covariates: before\n  ended_after: 1\n"
PEOPLE = "host: {id: AAA, name: A}\npartners: [{id: BBB, name: B}]\n"
TODAY = f"now: {{median: 1, interval: [0.5, 1.5], {JUDGED}}}"
BAD_FILES = {
    "as_of within a year": (
        ("case.yaml", "as_of: 2012-12-31", "as_of: 2012-06-30"),
        "as_of",
        ("is 2012-06-30, within a year of the panel", "such as 2012-12-31"),
    ),
    "no panel and no host": (("case.yaml", PANEL, ""), "", ("has no host", "or `panel:`")),
    "a host without partners": (
        ("case.yaml", PANEL, "host: {id: AAA, name: A}\n"),
        "",
        ("has no partners", "`panel:`"),
    ),
    "partners beside the panel": (
        ("case.yaml", PANEL, PANEL + PEOPLE),
        "",
        ("both partners and a panel", "remove `partners:`"),
    ),
    "covariates known at an unknown time": (
        ("case.yaml", "covariates: before", "covariates: later"),
        "panel.covariates",
        ("'later'", "known: before, during"),
    ),
    "covariates known at no time": (
        ("case.yaml", "  covariates: before\n", ""),
        "panel.covariates",
        ("is missing", "add it"),
    ),
    "unknown key": (("case.yaml", "  file:", "  files:"), "panel.files", ("unknown key", "did you mean 'file'")),
    "series": (
        ("indicators.yaml", "history: reference", "history: series"),
        "climate.history",
        ("is series, but the record of this case is its panel", "say panel"),
    ),
    "a level of today beside the panel's": (
        ("indicators.yaml", "scale: log", f"scale: log\n  now: {{value: 3, {JUDGED}}}"),
        "trade",
        ("level of today beside the panel's", "remove `now:`"),
    ),
    "no level of today": (
        ("indicators.yaml", f"  {TODAY}\n", ""),
        "climate",
        ("has no level of today", "add `now:`"),
    ),
    "a treatment without a column": (
        ("indicators.yaml", "history: reference", "history: reference\n  missing: [hold]"),
        "climate",
        ("missing cells of a panel", "remove `missing:`"),
    ),
    "an unknown treatment": (treat("mood", "[guess]"), "mood.missing.0", ("'guess'", "known: hold, reference, drop")),
    "a reference outside the bounds": (
        ("indicators.yaml", "bounds: [0, 100]", "bounds: [0, 49]"),
        "mood.reference",
        ("50 lies outside bounds 0..49", "correct one of the two"),
    ),
    "a scenario for a dyad that the table lacks": (
        ("scenarios.yaml", "AAA-BBB", "AAA-BBD"),
        "storm.events.0.dyads.0",
        ("'AAA-BBD' is not a dyad", "did you mean 'AAA-BBB'"),
    ),
    "an indicator named as a column": (
        ("indicators.yaml", "tension:", "period:"),
        "period",
        ("is the id of another column", "choose another id"),
    ),
}


@pytest.mark.parametrize("name", list(BAD_FILES))
def test_every_mistake_beside_the_table_is_told_with_its_key(name: str, tmp_path: Path) -> None:
    edit, key, words = BAD_FILES[name]
    folder = write_panel_case(tmp_path, table().assign(mood=49.0), edits=(edit,))
    if "panel:" not in (folder / "case.yaml").read_text(encoding="utf-8"):
        for table_name, columns in (("events", EVENT_COLUMNS), ("indicators", SERIES_COLUMNS)):
            (folder / "history" / f"{table_name}.csv").write_text(",".join(columns), encoding="utf-8")
    problems = problems_of(folder)
    found = [p for p in problems if (p.file, p.key) == (edit[0], key)]
    assert any(all(word in f"{p.wrong}; {p.mend}" for word in words) for p in found), problems


@pytest.mark.parametrize("fault", ["title: [Small\n", "title: \t Small: panel\n", "title: \x07\n"])
def test_a_case_that_cannot_be_read_is_not_said_to_lack_tables_of_its_own(fault: str, tmp_path: Path) -> None:
    folder = write_panel_case(tmp_path, edits=(("case.yaml", "title: Small panel\n", fault),))
    assert {problem.file for problem in problems_of(folder)} == {"case.yaml"}


@pytest.mark.parametrize(("column", "cell"), [("period", "FY2001"), ("dyad", None), ("trade", "2001-05-01")])
def test_a_column_that_is_wrong_throughout_is_told_once(column: str, cell: str | None, tmp_path: Path) -> None:
    rows = table()
    (problem,) = problems_of(write_panel_case(tmp_path, rows.assign(**{column: cell})))
    assert problem.key == column
    assert "in 53 of 53 rows" in problem.wrong


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_first_five_problems_of_a_kind_are_told_one_by_one(suffix: str, tmp_path: Path) -> None:
    rows = table().assign(mood=101.0)
    problems = problems_of(write_panel_case(tmp_path, rows, suffix=suffix))
    header = int(suffix == "csv")
    assert [p.line for p in problems] == [header + n for n in range(1, 7)]
    assert problems[-1].wrong == "and in 48 more rows"


def test_problems_of_all_columns_are_told_at_once(tmp_path: Path) -> None:
    rows = put("trade", "much", B)(put("clash", 0.3, A)(last("dyad", "X-Y")(table())))
    assert {p.key for p in problems_of(write_panel_case(tmp_path, rows))} == {"dyad", "trade", "clash"}


# The file itself.


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("../panel.csv", ("lies outside the case", "within the case's folder")),
        ("/etc/panel.csv", ("lies outside the case",)),
        ("history/panel.ods", ("no kind of table that is read", ".xlsx", ".parquet")),
        ("history/panel.xlsx", ("is missing", "history/panel.csv is there")),
        ("history", ("no kind of table",)),
        ("history/panels.csv", ("is missing", "correct `panel.file`")),
        ("history/folder.csv", ("is missing",)),
    ],
)
def test_a_file_that_cannot_be_the_table_is_refused(file: str, words: tuple[str, ...], tmp_path: Path) -> None:
    folder = write_panel_case(tmp_path / "case", edits=(("case.yaml", "history/panel.csv", file),))
    (folder / "history" / "folder.csv").mkdir()
    table().to_csv(tmp_path / "panel.csv", index=False)
    (problem,) = problems_of(folder)
    assert problem.file == file
    assert all(word in f"{problem.wrong}; {problem.mend}" for word in words)


@pytest.mark.parametrize(
    ("suffix", "content", "words"),
    [
        ("csv", b"", ("is empty", "start with the header dyad,period,mood")),
        ("csv", b"\n  \n,,\n", ("is empty",)),
        ("csv", b"dyad,period,mood,trade,tension,clash,raid,summit\n", ("has no rows",)),
        ("csv", b"dyad;period;mood\n", ("is missing", "the columns are dyad,period,mood")),
        ("csv", b"a,b,c\n", ("has none of the columns", "a, b, c", "start with the header")),
        ("csv", b"dyad,period\n\x81", ("neither UTF-8 nor Windows-1252", "byte 0x81")),
        ("csv", b'dyad,period\n"AAA-BBB,2001\n', ("not valid CSV", "close every quote")),
        ("csv", b"PAR1" + bytes(40), ("is a Parquet file", "end in .parquet")),
        ("parquet", b"", ("cannot be read", "write it anew")),
        ("parquet", b"dyad,period\nAAA-BBB,2001\n", ("cannot be read", "write it anew")),
        ("parquet", b"PAR1" + bytes(40) + b"PAR1", ("cannot be read",)),
    ],
)
def test_a_table_that_is_none_is_refused(suffix: str, content: bytes, words: tuple[str, ...], tmp_path: Path) -> None:
    problems = problems_of(write_panel_case(tmp_path, content, suffix=suffix))
    assert problems[0].file == f"history/panel.{suffix}"
    assert all(word in f"{problems[0].wrong}; {problems[0].mend}" for word in words), problems


@pytest.mark.parametrize("name", ["events.csv", "indicators.csv"])
def test_the_tables_of_a_host_case_are_refused_beside_a_panel(name: str, tmp_path: Path) -> None:
    folder = write_panel_case(tmp_path)
    (folder / "history" / name).write_text("date\n", encoding="utf-8")
    (problem,) = problems_of(folder)
    assert (problem.file, problem.wrong) == (f"history/{name}", "is not read in a panel case")


def test_an_empty_panel_key_is_no_panel_and_never_an_empty_record(tmp_path: Path) -> None:
    folder = write_panel_case(tmp_path, edits=(("case.yaml", PANEL, "panel:\n" + PEOPLE),))
    assert {p.file for p in problems_of(folder)} == {"history/events.csv", "history/indicators.csv"}


def csv_text(rows: pandas.DataFrame) -> str:
    return rows.to_csv(index=False, lineterminator="\n")


SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "quotes": lambda text: "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()
    ).encode(),
    "blanks": lambda text: text.replace(",", " , ").encode(),
    "empty lines": lambda text: f"\n{text.replace(chr(10), chr(10) * 2)},,\n\n".encode(),
    "whole numbers": lambda text: text.replace(".0,", ",").replace(".0\n", "\n").encode(),
    "years as decimals": lambda text: text.replace(",2005,", ",2005.0,").encode(),
}


@pytest.mark.parametrize("name", list(SPELLINGS))
def test_csv_may_be_spelt_in_several_ways(name: str, tmp_path: Path) -> None:
    content = SPELLINGS[name](csv_text(table()))
    assert content != csv_text(table()).encode()
    assert load_case(write_panel_case(tmp_path, content)).hash == panel_case().hash


def test_lines_are_counted_as_an_editor_shows_them(tmp_path: Path) -> None:
    rows = put("mood", 101.0, A)(table()).assign(note="one\nnote")
    text = "\n" + csv_text(rows).replace("BBB-CCC,2008", "\nBBB-CCC,2008")
    edits = (("case.yaml", "covariates: before", "covariates: before\n  ignore: [note]"),)
    (problem,) = problems_of(write_panel_case(tmp_path, text.encode(), edits=edits))
    at = next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith("AAA-BBB,2003"))
    assert problem.line == at


@pytest.mark.parametrize(("cut", "cells"), [(-1, 7), (None, 9)], ids=["short", "long"])
def test_a_row_with_too_few_or_too_many_cells_is_refused(cut: int | None, cells: int, tmp_path: Path) -> None:
    lines = csv_text(table()).splitlines()
    lines[4] = ",".join(lines[4].split(",")[:cut]) + ("" if cut else ",0")
    (problem,) = problems_of(write_panel_case(tmp_path, "\n".join(lines).encode()))
    assert problem.line == 5
    assert f"has {cells} cells where the header has 8" in problem.wrong


def test_ignored_columns_are_not_read(tmp_path: Path) -> None:
    rows = table().assign(remark="x", other=np.inf)
    for suffix in SUFFIXES:
        edits = (("case.yaml", "covariates: before", "covariates: before\n  ignore: [remark, other]"),)
        case = load_case(write_panel_case(tmp_path / suffix, rows, suffix=suffix, edits=edits))
        assert case.panel is not None
        assert set(case.panel.levels) == set(COVARIATES)
        assert digest_of(case) == digest_of(panel_case())


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_files, "MAX_ROWS", 52)
    for suffix in SUFFIXES:
        (problem,) = problems_of(write_panel_case(tmp_path / suffix, suffix=suffix))
        assert (problem.wrong, problem.mend) == ("has too many rows", "keep at most 52")
    monkeypatch.setattr(table_files, "MAX_ROWS", 53)
    panel = load_case(tmp_path / "parquet").panel
    assert panel is not None
    assert len(panel) == 53


def small_whole_numbers(rows: pandas.DataFrame) -> pandas.DataFrame:
    return rows.assign(clash=rows["clash"].astype("Int8"), raid=rows["raid"].astype("float32"))


STORED: dict[str, Edit] = {
    "years as whole numbers": lambda rows: rows.assign(period=rows["period"].astype(int)),
    "years as decimals": lambda rows: rows.assign(period=rows["period"].astype(float)),
    "small numbers": small_whole_numbers,
    "true and false": lambda rows: rows.assign(clash=rows["clash"].map({0.0: False, 1.0: True}).astype("boolean")),
    "categories": lambda rows: rows.assign(dyad=rows["dyad"].astype("category")),
    "dyads and periods as index": lambda rows: rows.set_index(["dyad", "period"]),
    "numbers as text": lambda rows: rows.assign(mood=rows["mood"].astype(str)),
}


@pytest.mark.parametrize("name", list(STORED))
def test_parquet_may_store_the_table_in_several_ways(name: str, tmp_path: Path) -> None:
    folder = write_panel_case(tmp_path, suffix="parquet")
    plain = load_case(folder).hash
    STORED[name](table()).to_parquet(folder / "history" / "panel.parquet")
    assert load_case(folder).hash == plain


# What is done about missing covariates.

HOLES: Edit = lambda rows: put("trade", np.nan, ("BBB-CCC", "2008"))(  # noqa: E731
    put("mood", np.nan, ("AAA-BBB", "2001"), ("AAA-BBB", "2003"), ("AAA-BBB", "2004"), ("AAA-CCC", "2005"))(rows)
)


def levels_of(case: Case, name: str) -> dict[Cell, float]:
    panel = case.panel
    assert panel is not None
    labels = [calendar_of(case.settings.period).label(number) for number in panel.period.tolist()]
    dyads = [panel.dyads[unit] for unit in panel.unit.tolist()]
    return dict(zip(zip(dyads, labels, strict=True), panel.levels[name].tolist(), strict=True))


@pytest.mark.parametrize(
    ("ways", "wanted", "treated"),
    [
        ("[hold, reference]", (50.0, "2002", "2002", 50.0), (("mood", "hold", 2), ("mood", "reference", 2))),
        ("[reference, hold]", (50.0, 50.0, 50.0, 50.0), (("mood", "reference", 4),)),
        ("[hold, drop]", (None, "2002", "2002", None), (("mood", "hold", 2), ("mood", "drop", 2))),
        ("[drop]", (None, None, None, None), (("mood", "drop", 4),)),
        ("[reference]", (50.0, 50.0, 50.0, 50.0), (("mood", "reference", 4),)),
    ],
)
def test_missing_covariates_are_treated_in_the_order_that_the_indicator_says(
    ways: str, wanted: tuple[float | str | None, ...], treated: tuple[tuple[str, str, int], ...], tmp_path: Path
) -> None:
    rows = HOLES(table())
    edits = (treat("mood", ways), treat("trade", "[hold]"))
    case = load_case(write_panel_case(tmp_path, rows, edits=edits))
    found = levels_of(case, "mood")
    cells = (("AAA-BBB", "2001"), ("AAA-BBB", "2003"), ("AAA-BBB", "2004"), ("AAA-CCC", "2005"))
    for cell, level in zip(cells, wanted, strict=True):
        if level is None:
            assert cell not in found
        elif isinstance(level, str):
            assert found[cell] == rows["mood"][row_of(rows, (cell[0], level))]
        else:
            assert found[cell] == level
    others = {cell: level for cell, level in levels_of(panel_case(), "mood").items() if cell not in cells}
    assert {cell: level for cell, level in found.items() if cell not in cells} == others
    assert case.panel is not None
    assert case.panel.treated == (*(Treated(*item) for item in treated), Treated("trade", "hold", 1))


@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.9))
def test_a_held_value_is_the_last_earlier_one_of_the_same_dyad(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    unit = np.sort(rng.integers(0, 4, 30))
    values = np.where(rng.random(30) < share, np.nan, rng.normal(size=30))
    held = panel_files._held(values, unit)
    for row in range(30):
        earlier = [values[i] for i in range(row + 1) if unit[i] == unit[row] and not np.isnan(values[i])]
        np.testing.assert_equal(held[row], earlier[-1] if earlier else np.nan)
    later = int(rng.integers(0, 30))
    changed = np.where(np.arange(30) > later, rng.normal(size=30), values)
    np.testing.assert_array_equal(panel_files._held(changed, unit)[: later + 1], held[: later + 1])


def test_a_dyad_of_which_every_row_is_dropped_is_none(tmp_path: Path) -> None:
    rows = table()
    rows.loc[rows["dyad"] == "AAA-CCC", "mood"] = np.nan
    case = load_case(write_panel_case(tmp_path, rows, edits=(treat("mood", "[drop]"),)))
    assert case.dyads == ("AAA-BBB", "BBB-CCC", "BBB-DDD", "CCC-DDD")
    without = rows[rows["dyad"] != "AAA-CCC"]
    assert digest_of(case) == digest_of(panel_case(without))


# Hash and round trip.


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("unit", ["year", "quarter", "month"])
def test_a_case_that_is_written_reads_back_to_the_same_hash(unit: str, suffix: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = table(unit).assign(mood=rng.uniform(0, 100, 53), trade=np.exp(rng.normal(0, 8, 53)))
    rows = rows.sample(frac=1, random_state=1)
    rows.loc[rows.index[:3], "clash"] = np.nan
    case = load_case(write_panel_case(tmp_path / "one", rows, unit=unit, suffix=suffix))
    write_case(case, tmp_path / "two")
    again = load_case(tmp_path / "two")
    assert again.hash == case.hash
    assert again.panel is not None
    assert case.panel is not None
    assert again.panel.digest == case.panel.digest
    assert not (tmp_path / "two" / "history" / "events.csv").exists()
    for name, values in case.panel.levels.items():
        np.testing.assert_array_equal(again.panel.levels[name], values)


def test_what_was_treated_is_written_as_it_is_used(tmp_path: Path) -> None:
    edits = (treat("mood", "[hold, drop]"), treat("trade", "[hold]"))
    case = load_case(write_panel_case(tmp_path / "one", HOLES(table()), edits=edits))
    write_case(case, tmp_path / "two")
    again = load_case(tmp_path / "two")
    assert again.hash == case.hash
    assert again.panel is not None
    assert again.panel.treated == ()


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_the_digest_is_blind_to_the_order_of_rows_and_columns(seed: int) -> None:
    rows = table()
    rng = np.random.default_rng(seed)
    mixed = rows.iloc[rng.permutation(len(rows))][list(rng.permutation(rows.columns))]
    assert panel_case(mixed).hash == panel_case().hash


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_no_cell_can_change_unseen_by_the_hash(data: st.DataObject) -> None:
    rows = table()
    row = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(["mood", "trade", "clash", "raid"]))
    ahead = rows["period"][row] == "2013"
    if column in EVENTS and ahead:
        column = "mood"
    old = rows[column][row]
    new = float(np.nextafter(old, 0)) if column in COVARIATES else data.draw(st.sampled_from([1.0 - old, np.nan]))
    changed = rows.copy()
    changed.loc[row, column] = new
    assert panel_case(changed).hash != panel_case().hash


def test_rows_dyads_and_periods_are_part_of_the_hash() -> None:
    rows, plain = table(), panel_case().hash
    gone, renamed, moved = rows.drop(index=7), rows.copy(), rows.copy()
    renamed.loc[renamed["dyad"] == "AAA-CCC", "dyad"] = "AAA-CCD"
    moved.loc[row_of(rows, ("CCC-DDD", "2009")), "period"] = "2010"
    moved.loc[row_of(rows, ("CCC-DDD", "2009")), ["tension", "summit"]] = rows.loc[
        row_of(rows, ("AAA-BBB", "2010")), ["tension", "summit"]
    ]
    hashes = {panel_case(changed).hash for changed in (gone, renamed, moved)} | {plain}
    assert len(hashes) == 4


def test_minus_zero_is_zero_in_the_digest() -> None:
    one = Panel(("A-B",), np.zeros(1, int), np.array([1960]), {"x": np.array([0.0])}, {"war": np.array([0.0])})
    assert replace(one, levels={"x": np.array([-0.0])}).digest == one.digest


# The calendar.


@given(
    number=st.integers(1000 * 12, 2999 * 12),
    unit=st.sampled_from(["year", "quarter", "month"]),
)
def test_labels_numbers_and_days_of_a_period_agree(number: int, unit: str) -> None:
    number //= {"year": 12, "quarter": 3, "month": 1}[unit]
    assert calendar_of(unit).read(calendar_of(unit).label(number)) == number
    end = calendar_of(unit).last_day(number)
    assert calendar_of(unit).number(end) == number
    assert calendar_of(unit).number(end + dt.timedelta(days=1)) == number + 1
    months = {"year": 12, "quarter": 3, "month": 1}[unit]
    assert shift_months(end, months) == calendar_of(unit).last_day(number + 1)
    assert shift_months(end, -months) == calendar_of(unit).last_day(number - 1)


def test_a_panel_case_made_in_code_is_checked_like_one_that_is_read() -> None:
    panel = Panel(("AAA-BBB",), np.zeros(1, int), np.array([2020]), {"mood": np.zeros(1)}, {"war": np.zeros(1)})
    case = make_case(
        {"war": event(quantity(0.3))},
        [],
        {"mood": indicator(scope="dyad", history="panel", now=None)},
        period="year",
        panel=panel,
    )
    assert find_problems(case, evidence=False) == []
    assert case.host == "SYSTEM"
    assert [pair.states for pair in case.pairs.values()] == [("AAA", "BBB")]
    assert case.state_names == {}
    lacking = case.revised(panel=None)
    (problem,) = find_problems(lacking, evidence=False)
    assert "is panel, but the case has none" in problem.wrong
    assert as_of("quarter") == dt.date(2003, 12, 31)
