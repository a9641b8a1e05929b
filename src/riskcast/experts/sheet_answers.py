"""Elicitation sheets that come back: answers validated, and made an expert's overlay and rows of seed answers."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from riskcast.case.model import Case
from riskcast.case.overlays import apply_overlay, overlay_text, parse_overlay
from riskcast.case.quantities import Evidence, Quantity, find_misfit
from riskcast.case.quantity_ids import parse_id
from riskcast.case.quantity_names import link_of
from riskcast.errors import CaseError, OptionError, Problem, refusal, suggest, visible
from riskcast.experts.seed_table import COLUMNS, seeds_of_table
from riskcast.experts.sheet_files import CHIP_COLUMNS, NUMBERS, WHY, SheetRow, find_twice, read_sheet
from riskcast.experts.sheets import FEWEST_CHIPS, SHOWN, Training, bins_are_even_in, chips_to_quantiles
from riskcast.machinery.table_edits import new_table, open_table
from riskcast.machinery.table_files import Wanted
from riskcast.machinery.texts import read_bytes

DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)([ T]00:00:00)?")
# Decimals with a comma, as a table may have them.
COMMA: Final = re.compile(r"[-+]?\d*,\d+")
# What a spreadsheet takes for the start of a formula.
FORMULA: Final = ("=", "+", "-", "@")
MOST_BYTES: Final = 20_000_000
Said = tuple[float, float, float]


@dataclass(frozen=True)
class Answers:
    """What an expert answered: who, when and why; quantities by id; ids that were asked and left blank; the answers to
    training questions, by their text; practised: whether their true answers were sent along, so that they earn
    nothing."""

    who: str
    when: dt.date
    why: str
    case: Case
    quantities: Mapping[str, Quantity]
    blanks: tuple[str, ...]
    training: Mapping[str, Said]
    practised: bool = False

    def overlay_text(self) -> str:
        """The expert's overlay, as text; what was left blank stands in it."""
        head = f"who: {json.dumps(self.who, ensure_ascii=False)}\nwhen: {self.when.isoformat()}\n"
        head += f"why: {json.dumps(self.why, ensure_ascii=False)}\n"
        return head + overlay_text(self.quantities, f"Beliefs of {self.who}", self.case, self.blanks)

    def __repr__(self) -> str:
        told = f"{len(self.quantities)} answered, {len(self.blanks)} left blank, {len(self.training)} for training"
        return f"<Answers of {self.who}, {self.when}: {told}>"


def read_answers(file: str | Path, case: Case, training: Sequence[Training] | None = None) -> Answers:
    """The answers of a sheet that came back: a workbook, or what a form in a browser saved (.json).

    training: the questions with their answers that the sheet was made of, where answers to them are to be read too.
    Raises CaseError with the row or quantity of what cannot be used, and for a sheet of another case or edition.
    """
    name = str(file)
    sheet = read_sheet(Path(file), name)
    about, problems = sheet.about, list[Problem]()
    own = {"case": case.name, "case_hash": case.original_hash[:12]}
    if {key: about.get(key, "") for key in own} != own:
        shown = ", ".join(about.get(key, "") or "no case" for key in own)
        raise refusal(name, f"asks about another case or edition ({shown})", "send a sheet of this one")
    who, when, why = _who(about, name, problems)
    found, blanks = _quantities(sheet.rows, case, why, problems)
    asked = about.get("asked", "").split()
    known = {key for key, _, _ in case.quantities()}
    blanks += [key for key in asked if key in known and key not in found and key not in blanks]
    practice = {} if training is None else _practice(sheet.training, training, name, problems)
    if not found and not problems:
        problems.append(Problem(name, None, "", "answers nothing", "fill in at least one quantity"))
    if problems:
        raise CaseError(problems)
    answers = Answers(who, when, why, case, found, tuple(blanks), practice, about.get("answers", "") == SHOWN)
    apply_overlay(case, *parse_overlay(answers.overlay_text(), name))
    return answers


def _who(about: Mapping[str, str], name: str, problems: list[Problem]) -> tuple[str, dt.date, str]:
    """Who answers, when, and why."""
    who, why = (about.get(key, "").strip() for key in ("who", "why"))
    for key, own, mend in (("who", who, "say who answers"), ("why", why, "say on what the answers rest")):
        if not own:
            problems.append(Problem(name, None, key, "is empty", mend))
    if not who.replace("\u00a0", " ").isprintable():
        problems.append(Problem(name, None, "who", "has characters that cannot be seen", "write the name in one line"))
    if who.startswith(FORMULA):
        wrong = f"begins with {who[0]}, which a spreadsheet takes for a formula"
        problems.append(Problem(name, None, "who", wrong, "begin with a letter"))
    given = about.get("when", "").strip()
    told = DAY.fullmatch(given)
    try:
        when = dt.date.fromisoformat(told[1] if told is not None else given)
    except ValueError:
        when = dt.date.min
        problems.append(Problem(name, None, "when", f"is {given!r}", "write the day, such as 2024-05-02"))
    return who, when, why


def _quantities(
    rows: Sequence[SheetRow], case: Case, why: str, problems: list[Problem]
) -> tuple[dict[str, Quantity], list[str]]:
    """By id, what was answered; and what was left blank."""
    known = {key for key, _, _ in case.quantities()}
    found, blanks = dict[str, Quantity](), list[str]()
    twice = find_twice([row.texts.get("quantity", "") for row in rows])
    for row in rows:
        key = row.texts.get("quantity", "")
        if key not in known:
            problems.append(row.problem("quantity", f"{key!r} is no quantity of the case", suggest(key, known)))
            continue
        if key in twice:
            problems.append(row.problem("quantity", f"{key} stands twice", "keep one row"))
            continue
        link = link_of(case, parse_id(key))
        told = len(problems)
        said = _said(row, bins_are_even_in(link), problems, key)
        if said is None:
            blanks += [key] if len(problems) == told else []
            continue
        evidence = Evidence(basis="judgement", claim=row.texts.get(WHY, "").strip() or why or "no reason given")
        quantity = Quantity(median=said[1], interval=(said[0], said[2]), evidence=evidence)
        misfit = find_misfit(quantity, link)
        if misfit is not None:
            problems.append(row.problem(misfit.part, f"{key}: {misfit.wrong}", misfit.mend))
        found[key] = quantity
    return found, blanks


def _practice(
    rows: Sequence[SheetRow], training: Sequence[Training], name: str, problems: list[Problem]
) -> dict[str, Said]:
    """By question, what was answered to each of the table; all of them are to be answered."""
    found = dict[str, Said]()
    numbered = {str(place): one for place, one in enumerate(training, 1)}
    known = {one.text: one for one in training}
    for row in rows:
        text = row.texts.get("question", "")
        # A workbook numbers its questions, as it may not show every character of one.
        one = numbered.get(row.texts["training"]) if "training" in row.texts else known.get(text)
        if one is None or text not in (one.text, visible(one.text)):
            wrong = f"the table of training questions has no {text!r}"
            problems.append(row.problem("question", wrong, "give the table that the sheet was made of"))
            continue
        if one.text in found:
            problems.append(row.problem("question", f"{text!r} stands twice", "keep one row"))
            continue
        told = len(problems)
        said = _said(row, one.scale, problems, repr(text))
        if said is None and len(problems) == told:
            wrong, mend = (
                f"training question {text!r} is blank",
                "answer all of them, or leave --training and --seeds out",
            )
            problems.append(row.problem("low", wrong, mend))
        elif said is not None and one.scale == "log" and not said[0] > 0.0:
            problems.append(row.problem("low", f"{text!r}: {said[0]:g} is not above 0", "give numbers above 0"))
        elif said is not None:
            found[one.text] = said
    lacking = [one.text for one in training if one.text not in found]
    if lacking and not problems:
        wrong = f"has no answer to training question {lacking[0]!r}"
        problems.append(Problem(name, None, "", wrong, "send a sheet that was made of this table"))
    return found


def add_seed_rows(answers: Answers, training: Sequence[Training], table: str | Path) -> bytes:
    """A table of seed answers with this expert's rows added, as it is written otherwise; a new one where it is none.

    Raises OptionError for an expert who is there, or whose training answers were given with the true ones in sight;
    CaseError where the table could not be read with them.
    """
    path, name = Path(table), str(table)
    if answers.practised:
        wrong = f"true answers went out with the sheet of {answers.who}, for practice, so that it earns no weight"
        raise OptionError(f"{wrong}; send a sheet without --show-answers, or leave --seeds out")
    columns = (*COLUMNS, "scale")
    if path.is_file():
        raw = read_bytes(path, name, MOST_BYTES, "split it")
        before = open_table(raw, name, Wanted(COLUMNS, optional=("scale",)))
        if before.rows and answers.who in seeds_of_table(raw, name).experts:
            raise OptionError(f"{table} has answers of {answers.who} already; name another table, or take them out")
    else:
        before = new_table(name, columns)
    comma = any(COMMA.fullmatch(cell) for row in before.rows for cell in row.cells)
    rows = []
    for one in training:
        low, median, high = answers.training[one.text]
        numbers = (_written(each, comma) for each in (low, median, high, one.answer or 0.0))
        cells = (one.text, answers.who, *numbers)
        scale = {"scale": one.scale} if "scale" in before.header or one.scale != "linear" else {}
        rows.append(dict(zip(COLUMNS, cells, strict=True)) | scale)
    after = before.with_rows(rows).to_bytes()
    seeds_of_table(after, name)
    return after


def _written(number: float, comma: bool) -> str:
    text = f"{number:g}" if float(f"{number:g}") == number else repr(number)
    return text.replace(".", ",") if comma else text


def _said(row: SheetRow, scale: str, problems: list[Problem], what: str) -> Said | None:
    """Low, median and high, which rise; None where all is blank, or where a problem is told."""
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
    said = given["low"], given["median"], given["high"]
    if not said[0] < said[1] < said[2]:
        shown = ", ".join(f"{number:g}" for number in said)
        problems.append(row.problem("median", f"{what}: {shown} do not rise", "give low < median < high"))
        return None
    return said


def _of_chips(row: SheetRow, given: Mapping[str, float], scale: str, problems: list[Problem]) -> Said | None:
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
