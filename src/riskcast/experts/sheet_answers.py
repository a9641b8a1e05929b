"""Elicitation sheets that come back: answers read, validated, and made an expert's overlay."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from riskcast.case.model import Case
from riskcast.case.overlays import apply_overlay, overlay_text, parse_overlay
from riskcast.case.quantities import Evidence, Quantity, find_misfit
from riskcast.case.quantity_ids import parse_id
from riskcast.case.quantity_names import link_of
from riskcast.errors import CaseError, OptionError, Problem, refusal, suggest
from riskcast.experts.seed_table import COLUMNS, read_seeds
from riskcast.experts.sheets import BINS, FEWEST_CHIPS, Training, bins_are_even_in, chips_to_quantiles
from riskcast.machinery.table_files import TableFile, Wanted, read_table
from riskcast.machinery.texts import read_bytes

ABOUT: Final = ("entry", "value")
NUMBERS: Final = ("low", "median", "high")
CHIP_COLUMNS: Final = ("lowest", "highest", *(f"bin {n}" for n in range(1, BINS + 1)))
ASKED: Final = ("quantity", "question", "unit", "published")
FEEDBACK: Final = ("told", "1 %", "25 %", "75 %", "99 %")
WHY: Final = "why"
MOST_BYTES: Final = 5_000_000


@dataclass(frozen=True)
class Answers:
    """What an expert answered: who, when and why; quantities by id; ids that were left blank; and the answers to
    training questions, by their text."""

    who: str
    when: dt.date
    why: str
    case: Case
    quantities: Mapping[str, Quantity]
    blanks: tuple[str, ...]
    training: Mapping[str, tuple[float, float, float]]

    def overlay_text(self) -> str:
        """The expert's overlay, as text."""
        head = f"who: {json.dumps(self.who, ensure_ascii=False)}\nwhen: {self.when.isoformat()}\n"
        head += f"why: {json.dumps(self.why, ensure_ascii=False)}\n"
        return head + overlay_text(self.quantities, f"Beliefs of {self.who}", self.case)

    def seed_text(self, known: Mapping[str, Training], before: str = "") -> str:
        """The table of seed answers with this expert's rows; raises OptionError where they are there already."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        if not before:
            writer.writerow((*COLUMNS, "scale"))
        for text, said in self.training.items():
            one = known.get(text)
            if one is None or one.answer is None:
                raise OptionError(
                    f"the table of training questions has no {text!r}; give that which the sheet was made of"
                )
            low, median, high = said
            writer.writerow((text, self.who, low, median, high, one.answer, one.scale))
        return before + out.getvalue()


def read_answers(file: str | Path, case: Case) -> Answers:
    """The answers of a sheet that came back: a workbook, or what a form in a browser saved (.json).

    Raises CaseError with the row or quantity of what cannot be used, and for a sheet of another case or edition.
    """
    path = Path(file)
    problems: list[Problem] = []
    about, rows, training = (_of_json if path.suffix.lower() == ".json" else _of_workbook)(path, str(file))
    own = {"case": case.name, "case_hash": case.original_hash[:12]}
    if {key: about.get(key, "") for key in own} != own:
        shown = ", ".join(about.get(key, "") or "no case" for key in own)
        raise refusal(str(file), f"asks about another case or edition ({shown})", "send a sheet of this one")
    for key, mend in (("who", "say who answers"), ("why", "say on what the answers rest")):
        if not about.get(key, "").strip():
            problems.append(Problem(str(file), None, key, "is empty", mend))
    try:
        when = dt.date.fromisoformat(about.get("when", "").strip()[:10])
    except ValueError:
        when = dt.date.min
        problems.append(
            Problem(str(file), None, "when", f"is {about.get('when', '')!r}", "write the day, such as 2024-05-02")
        )
    known = {key for key, _, _ in case.quantities()}
    found, blanks = dict[str, Quantity](), list[str]()
    for row in rows:
        key = row.texts.get("quantity", "")
        if key not in known:
            problems.append(row.problem("quantity", f"{key!r} is no quantity of the case", suggest(key, known)))
            continue
        link = link_of(case, parse_id(key))
        said = _said(row, bins_are_even_in(link), problems)
        if said is None:
            blanks.append(key)
            continue
        if not said[0] < said[1] < said[2]:
            shown = ", ".join(f"{number:g}" for number in said)
            problems.append(row.problem("median", f"{key}: {shown} do not rise", "give low < median < high"))
            continue
        claim = row.texts.get(WHY, "").strip()
        quantity = Quantity(
            median=said[1],
            interval=(said[0], said[2]),
            evidence=Evidence(basis="judgement", claim=claim) if claim else None,
        )
        misfit = find_misfit(quantity, link)
        if misfit is not None:
            problems.append(row.problem(misfit.part, f"{key}: {misfit.wrong}", misfit.mend))
        found[key] = quantity
    practised = {}
    for row in training:
        said = _said(row, row.texts.get("scale", "linear"), problems)
        if said is not None and not said[0] < said[1] < said[2]:
            problems.append(row.problem("median", "low, median and high do not rise", "give low < median < high"))
        elif said is not None:
            practised[row.texts["question"]] = said
    if not found and not problems:
        problems.append(Problem(str(file), None, "", "answers nothing", "fill in at least one quantity"))
    if problems:
        raise CaseError(problems)
    answers = Answers(about["who"].strip(), when, about["why"].strip(), case, found, tuple(blanks), practised)
    apply_overlay(case, *parse_overlay(answers.overlay_text(), str(file)))
    return answers


def add_seed_rows(answers: Answers, known: Mapping[str, Training], table: str | Path) -> str:
    """The text of a table of seed answers with this expert's rows added; raises OptionError for one who is there."""
    path = Path(table)
    if not path.is_file():
        return answers.seed_text(known)
    if answers.who in read_seeds(path).experts:
        raise OptionError(f"{table} has answers of {answers.who} already; name another table, or take them out")
    before = path.read_text(encoding="utf-8")
    return answers.seed_text(known, before if before.endswith("\n") else before + "\n")


@dataclass(frozen=True)
class _Row:
    """One row of answers: what stands in its cells, as text and as numbers, and how to tell what is wrong with it."""

    texts: Mapping[str, str]
    numbers: Mapping[str, float]
    problem: Callable[[str, str, str], Problem]


def _said(row: _Row, scale: str, problems: list[Problem]) -> tuple[float, float, float] | None:
    """Low, median and high; None where all is blank, or where a problem is told."""
    given = {key: row.numbers[key] for key in (*NUMBERS, *CHIP_COLUMNS) if row.texts.get(key, "").strip()}
    if not given:
        return None
    wrong = [key for key, number in given.items() if not math.isfinite(number)]
    if wrong:
        problems.append(row.problem(wrong[0], f"is {row.texts[wrong[0]]!r}", "give a number"))
        return None
    if any(key in given for key in CHIP_COLUMNS):
        return _of_chips(row, given, scale, problems)
    lacking = [key for key in NUMBERS if key not in given]
    if lacking:
        problems.append(row.problem(lacking[0], "is blank beside the others", "fill in all three, or none"))
        return None
    return given["low"], given["median"], given["high"]


def _of_chips(
    row: _Row, given: Mapping[str, float], scale: str, problems: list[Problem]
) -> tuple[float, float, float] | None:
    low, high = given.get("lowest"), given.get("highest")
    chips = [given.get(key, 0.0) for key in CHIP_COLUMNS[2:]]
    if low is None or high is None or not low < high or (scale == "log" and low <= 0.0):
        above = ", above 0" if scale == "log" else ""
        problems.append(row.problem("lowest", "and highest are no range", f"give lowest < highest{above}"))
        return None
    if min(chips) < 0.0 or sum(chips) < FEWEST_CHIPS:
        wrong = f"{sum(chips):g} chips are placed"
        problems.append(row.problem("bin 1", wrong, f"place {FEWEST_CHIPS} or more, none below 0"))
        return None
    return chips_to_quantiles(chips, low, high, scale)


Parts = tuple[dict[str, str], list[_Row], list[_Row]]


def _of_workbook(path: Path, name: str) -> Parts:
    about = read_table(path, name, Wanted(ABOUT))
    entries = dict(zip(about.texts("entry"), about.texts("value"), strict=True))
    numbers = (*NUMBERS, *CHIP_COLUMNS)
    asked = read_table(path, name, Wanted(("quantity", WHY), optional=(*ASKED[1:], *numbers, *FEEDBACK)))
    rows = _rows(asked, name, numbers)
    training: list[_Row] = []
    if entries.get("training"):
        practice = read_table(
            path, name, Wanted(("training", "question"), optional=("unit", "scale", "answer", *numbers))
        )
        training = _rows(practice, name, numbers)
    return entries, rows, training


def _rows(table: TableFile, name: str, numbers: tuple[str, ...]) -> list[_Row]:
    texts = {column: table.texts(column) for column in table.columns}
    values = table.numbers(numbers)
    return [
        _Row(
            {column: own[place] for column, own in texts.items()},
            {column: float(own[place]) for column, own in values.items()},
            lambda key, wrong, mend, line=line: Problem(name, line, key, wrong, mend),
        )
        for place, line in enumerate(table.lines.tolist())
    ]


def _of_json(path: Path, name: str) -> Parts:
    try:
        data = json.loads(read_bytes(path, name, MOST_BYTES, "send the file that the form saved"))
        entries = {str(key): str(value) for key, value in data["about"].items()}
        found = [[_json_row(row, name) for row in data[part]] for part in ("quantities", "training")]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise refusal(name, "is not what a form saved", "save the form again, and send that file") from None
    return entries, found[0], found[1]


def _json_row(row: Mapping[str, Any], name: str) -> _Row:
    texts = {str(key): "" if value is None else str(value) for key, value in row.items()}

    def number(text: str) -> float:
        try:
            return float(text.replace(",", "."))
        except ValueError:
            return math.nan

    at = texts.get("quantity") or texts.get("question", "")
    return _Row(
        texts,
        {key: number(texts.get(key, "")) for key in (*NUMBERS, *CHIP_COLUMNS)},
        lambda key, wrong, mend: Problem(name, None, f"{at}: {key}", wrong, mend),
    )
