"""An elicitation sheet as a file: a workbook, or a form that stands alone in a browser."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, Final

from riskcast.case.links import MOST_LOPSIDED
from riskcast.case.quantities import BEND_AT_END, KNEE, Z90, quantity_text
from riskcast.errors import OptionError, visible
from riskcast.experts.sheet_files import ABOUT, CHIP_COLUMNS, FEEDBACK, NUMBERS, WHY
from riskcast.experts.sheets import (
    BINS,
    CHIPS,
    FEWEST_CHIPS,
    KEPT,
    SHOWN,
    AskedQuantity,
    Sheet,
    bins_are_even_in,
    link_data,
)
from riskcast.exports.html_pages import render_page
from riskcast.machinery.staging import write_atomically
from riskcast.numbers import long_date

# Standard normal scores of the quantiles that say what an answer implies.
SCORES: Final = dict(
    zip(FEEDBACK[1:], (-2.3263478740408408, -0.6744897501960817, 0.6744897501960817, 2.3263478740408408), strict=True)
)
HOW: Final = (
    "Answer what you know something of, and leave the rest blank: what is blank is told as blank.",
    "low, median, high: it is as likely to be below the median as above; one time in twenty it is below low, and one "
    "time in twenty above high.",
    "The columns beside say what your three numbers imply. If that is not what you believe, change them.",
    "Say why. A sentence is enough.",
)
CHIP_HOW: Final = (
    f"Say what is the lowest and the highest that it could be. Then place {CHIPS} chips in the {BINS} bins between: "
    "the more chips, the more likely."
)


def write_sheet(sheet: Sheet, file: str | Path) -> Path:
    """Write a sheet as a workbook (.xlsx) or as a form (.html), by its ending; whole or not at all.

    Raises OptionError for another ending, or a file that is there.
    """
    path = Path(file)
    writers = {".xlsx": workbook_bytes, ".html": form_page}
    if path.suffix.lower() not in writers:
        raise OptionError(f"{path} ends in neither .xlsx nor .html; give one of the two")
    if path.exists():
        raise OptionError(f"{path} exists; name another file")
    write_atomically(path, writers[path.suffix.lower()](sheet))
    return path


def _about(sheet: Sheet) -> dict[str, str]:
    return {
        "who": "",
        "when": "",
        "why": "",
        "case": sheet.case.name,
        "case_hash": sheet.case.original_hash[:12],
        "method": sheet.method,
        "training": str(len(sheet.training) or ""),
        "answers": SHOWN if any(one.answer is not None for one in sheet.training) else KEPT,
        "asked": " ".join(one.id for one in sheet.questions),
    }


def form_page(sheet: Sheet) -> str:
    """The form as a page that stands alone: nothing is fetched, and answers are saved as a file."""
    data = {
        "about": _about(sheet),
        "method": sheet.method,
        "bins": BINS,
        "chips": CHIPS,
        "fewest": FEWEST_CHIPS,
        "z": Z90,
        "knee": KNEE,
        "bend": BEND_AT_END,
        "most": MOST_LOPSIDED,
        "scores": SCORES,
        "training": [
            {
                "question": one.text,
                "unit": one.unit,
                "scale": one.scale,
                "answer": one.answer,
                "links": [
                    {"name": "log" if one.scale == "log" else "identity", "held": False, "low": None, "high": None}
                ],
            }
            for one in sheet.training
        ],
        "quantities": [
            {
                "quantity": one.id,
                "question": one.text,
                "label": one.label,
                "unit": one.unit,
                "published": "" if one.published is None else quantity_text(one.published),
                "scale": bins_are_even_in(one.link),
                "links": link_data(one.link),
            }
            for one in sheet.questions
        ],
    }
    # What ends a script, or a line of it, is written as an escape.
    text = json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")
    return render_page(
        "elicitation",
        title=sheet.case.settings.title,
        day=long_date(sheet.case.as_of),
        how=HOW[:2] if sheet.method == "quantiles" else (HOW[0], CHIP_HOW),
        data=text,
        trained=len(sheet.training),
        count=len(sheet.questions),
    )


def workbook_bytes(sheet: Sheet) -> bytes:
    """The sheet as a workbook, with formulas that say what answers imply."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"title": sheet.case.settings.title, "author": "riskcast"})
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    text = book.add_format({"text_wrap": True, "valign": "top"})
    fill = book.add_format({"bg_color": "#FFF6D6", "border": 1, "border_color": "#D8C98A", "valign": "top"})
    words = book.add_format({"bg_color": "#FFF6D6", "border": 1, "border_color": "#D8C98A", "text_wrap": True})
    told = book.add_format({"font_color": "#666666", "num_format": "0.####", "valign": "top"})

    read = book.add_worksheet("Read me")
    read.set_column(0, 0, 100, text)
    first = f"{visible(sheet.case.settings.title)}, as of {long_date(sheet.case.as_of)}"
    how = HOW if sheet.method == "quantiles" else (HOW[0], CHIP_HOW, HOW[3])
    order = "Fill in the yellow cells: first About, then Training where there is one, then Questions."
    for row, line in enumerate((first, order, *how)):
        read.write_string(row, 0, line, head if row == 0 else text)

    about = book.add_worksheet("About")
    about.set_column(0, 0, 14)
    about.set_column(1, 1, 60)
    for column, name in enumerate(ABOUT):
        about.write_string(0, column, name, head)
    for row, (entry, value) in enumerate(_about(sheet).items(), 1):
        about.write_string(row, 0, entry)
        about.write_string(row, 1, value, words if entry in ("who", "when", "why") else text)

    numbers = NUMBERS if sheet.method == "quantiles" else CHIP_COLUMNS
    if sheet.training:
        page = book.add_worksheet("Training")
        columns = ("training", "question", "unit", "scale", *numbers)
        page.set_column(1, 1, 50)
        for column, name in enumerate(columns):
            page.write_string(0, column, name, head)
        for row, one in enumerate(sheet.training, 1):
            page.write_number(row, 0, row)
            for column, value in enumerate((one.text, one.unit, one.scale), 1):
                page.write_string(row, column, visible(value), text)
            for column in range(4, len(columns)):
                page.write_blank(row, column, None, fill)
        page.freeze_panes(1, 0)
        if any(one.answer is not None for one in sheet.training):
            known = book.add_worksheet("Answers (look last)")
            known.set_column(0, 0, 60)
            for row, one in enumerate(sheet.training):
                known.write_string(row, 0, visible(one.text), text)
                if one.answer is not None:
                    known.write_number(row, 1, one.answer)

    page = book.add_worksheet("Questions")
    columns = ("quantity", "question", "unit", "published", *numbers, WHY, *FEEDBACK)
    if sheet.method == "chips":
        columns = columns[: -len(FEEDBACK) + 1]
    page.set_column(0, 0, 24)
    page.set_column(1, 1, 60)
    page.set_column(columns.index(WHY), columns.index(WHY), 36)
    page.set_column(columns.index("told"), columns.index("told"), 30)
    for column, name in enumerate(columns):
        page.write_string(0, column, name, head)
    for row, one in enumerate(sheet.questions, 1):
        said = "" if one.published is None else quantity_text(one.published)
        for column, value in enumerate((one.id, one.text, one.unit, said)):
            page.write_string(row, column, visible(value), text)
        for column in range(4, 4 + len(numbers)):
            page.write_blank(row, column, None, fill)
        page.write_blank(row, columns.index(WHY), None, words)
        formulas = quantile_formulas(one, row + 1) if sheet.method == "quantiles" else chip_formula(one, row + 1)
        for name, formula in formulas.items():
            page.write_formula(row, columns.index(name), f"={formula}", told, "blank" if name == "told" else "")
    page.freeze_panes(1, 2)
    book.close()
    return out.getvalue()


def quantile_formulas(question: AskedQuantity, row: int) -> dict[str, str]:
    """What an answer in E, F and G of a row implies, as formulas: whether it fits, and four more quantiles.

    On the link, middle + spread z + bend (sqrt(z^2 + k^2) - k), as `elicit` has it.
    """
    low, middle, high = (f"${column}{row}" for column in "EFG")
    links = link_data(question.link)
    fits = [f"AND({_inside(link, low)},{_inside(link, high)},{_even(link, low, middle, high)})" for link in links]
    ok = "IFERROR(" + fits[0] + ",FALSE)"
    held = f"IFERROR({fits[1]},FALSE)" if len(fits) > 1 else "FALSE"
    domain = _domain(links[-1])
    told = (
        f'IF(COUNT({low}:{high})=0,"blank",IF(COUNT({low}:{high})<3,"fill in all three",'
        f'IF(NOT(AND({low}<{middle},{middle}<{high})),"give low < median < high",'
        f'IF(OR({ok},{held}),"fits","does not fit: {domain}, and neither side much longer than the other"))))'
    )
    found = {"told": told}
    for name, z in SCORES.items():
        values = [_quantile(link, low, middle, high, z) for link in links]
        value = values[0] if len(values) == 1 else f"IF({ok},{values[0]},{values[1]})"
        found[name] = f'IFERROR(IF(AND(COUNT({low}:{high})=3,{low}<{middle},{middle}<{high}),{value},""),"")'
    return found


def chip_formula(question: AskedQuantity, row: int) -> dict[str, str]:
    """How wide each bin is, and how many chips are placed, as a formula over E to P of a row."""
    low, high, chips = f"$E{row}", f"$F{row}", f"SUM($G{row}:$P{row})"
    if bins_are_even_in(question.link) == "log":
        width = f'"each bin reaches "&TEXT(({high}/{low})^(1/{BINS}),"0.00")&" times as far"'
    else:
        width = f'"each bin is "&TEXT(({high}-{low})/{BINS},"0.###")&" wide"'
    told = f'IF(COUNT({low}:{high})<2,"blank",IFERROR({width}&", "&{chips}&" of {CHIPS} chips",""))'
    return {"told": told}


def _domain(link: dict[str, Any]) -> str:
    low, high = link["low"], link["high"]
    if low is None:
        return "any numbers"
    return f"above {low:g}" if high is None else f"{low:g} to {high:g}"


def _forward(link: dict[str, Any], x: str) -> str:
    low, high = link["low"], link["high"]
    return {
        "identity": x,
        "log": f"LN({x})",
        "logit": f"LN(({x}-({low}))/({high}-{x}))",
        "cloglog": f"LN(-LN(1-{x}))",
    }[link["name"]]


def _inverse(link: dict[str, Any], y: str) -> str:
    low, high = link["low"], link["high"]
    value = {
        "identity": f"({y})",
        "log": f"EXP({y})",
        "logit": f"({low}+({high}-({low}))/(1+EXP(-({y}))))",
        "cloglog": f"(1-EXP(-EXP({y})))",
    }[link["name"]]
    return f"MAX({low},MIN({high},{value}))" if link["held"] else value


def _inside(link: dict[str, Any], x: str) -> str:
    less = "<=" if link["held"] else "<"
    tests = [f"{link['low']}{less}{x}"] if link["low"] is not None else []
    tests += [f"{x}{less}{link['high']}"] if link["high"] is not None else []
    return f"AND({','.join(tests)})" if tests else "TRUE"


def _even(link: dict[str, Any], low: str, middle: str, high: str) -> str:
    below = f"({_forward(link, middle)}-{_forward(link, low)})"
    above = f"({_forward(link, high)}-{_forward(link, middle)})"
    return f"AND({below}<={MOST_LOPSIDED}*{above},{above}<={MOST_LOPSIDED}*{below})"


def _quantile(link: dict[str, Any], low: str, middle: str, high: str, z: float) -> str:
    one, center, two = (_forward(link, x) for x in (low, middle, high))
    reach = ((z * z + KNEE * KNEE) ** 0.5 - KNEE) / BEND_AT_END
    on_link = f"{center}+({two}-{one})*({z / (2 * Z90)})+(({two}+{one})/2-{center})*({reach})"
    return _inverse(link, on_link)
