"""Somebody's own probabilities: one number for a chosen question, or a table of them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from riskcast.errors import CaseError, OptionError, Problem, UnknownNameError, shorten, show
from riskcast.ledger.reading import LEAST_DIGITS, LedgerContents
from riskcast.ledger.records import ID_LENGTH, LedgerQuestion
from riskcast.machinery.table_files import Wanted, read_table

QUESTION, UNIT, OUTCOME, UNTIL, PROBABILITY = "question", "unit", "outcome", "until", "probability"
AS_OF, SOURCE = "as_of", "source"
MOST_LISTED: Final = 5
MOST_SOURCE: Final = 500
HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class OutsideNumber:
    """A probability for a question, which is named by the first digits of its id or by unit and outcome.

    question: `4f21c09a`, `RUS-TJK demarche`, or that with the last day of the window; known: the day of what its
    forecaster knew; source: where it is to be seen; place: file and line, for errors.
    """

    question: str
    probability: float
    known: dt.date | None = None
    source: str = ""
    place: str = ""


def read_probability(given: str | float, place: str = "") -> float:
    """A probability from 0 to 1; raises OptionError for what is none, such as 30 for 30 %.

    >>> read_probability("0.3")
    0.3
    """
    at = f"{place}: " if place else ""
    try:
        found = float(given)
    except (TypeError, ValueError):
        percent = str(given).replace(" ", "").rstrip("%")
        hint = f"write {float(percent) / 100:g}" if _is_number(percent) and str(given).strip().endswith("%") else ""
        raise OptionError(f"{at}{show(given)} is no probability; {hint or 'give a number from 0 to 1'}") from None
    if math.isfinite(found) and 1.0 < found <= 100.0:
        raise OptionError(f"{at}{found:g} is no probability; write {found / 100:g} for {found:g} %")
    if not 0.0 <= found <= 1.0:
        raise OptionError(f"{at}{found:g} is no probability; give a number from 0 to 1")
    return found


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def read_numbers(file: str | Path) -> tuple[OutsideNumber, ...]:
    """The probabilities of a table: columns `probability` and either `question` or `unit` and `outcome`; `until` (the
    last day of the window), `as_of` (the day of what was known) and `source` where they are there.

    Any table that riskcast reads will do: CSV, Excel, Parquet, decimals with points or with commas. Raises CaseError
    with the lines of what is wrong.
    """
    path = Path(file)
    optional = frozenset({QUESTION, UNIT, OUTCOME, UNTIL, AS_OF, SOURCE})
    table = read_table(path, path.name, Wanted((PROBABILITY,), optional=tuple(sorted(optional))))
    has = optional.intersection(table.columns)
    if QUESTION not in has and not {UNIT, OUTCOME} <= has:
        wrong = "has neither a column `question` nor columns `unit` and `outcome`"
        raise CaseError([Problem(path.name, 1, "", wrong, "say which question each probability is of")])
    found, problems = [], []
    cells = {name: table.texts(name) for name in (*has, PROBABILITY)}
    chances = table.numbers([PROBABILITY])[PROBABILITY].tolist()
    for row, line in enumerate(table.lines.tolist()):

        def cell(name: str, row: int = row) -> str:
            return cells[name][row] if name in cells else ""

        try:
            pair = " ".join(part for part in (cell(UNIT), cell(OUTCOME), cell(UNTIL)) if part)
            found.append(
                OutsideNumber(
                    cell(QUESTION) or pair,
                    # What is no number is refused in its own words.
                    read_probability(cell(PROBABILITY) if math.isnan(chances[row]) else chances[row]),
                    _day(cell(AS_OF)),
                    shorten(cell(SOURCE), MOST_SOURCE),
                    f"{path.name}:{line}",
                )
            )
        except OptionError as error:
            wrong, _, mend = str(error).partition("; ")
            problems.append(Problem(path.name, line, "", wrong, mend))
    if problems:
        raise CaseError(problems)
    if not found:
        raise CaseError([Problem(path.name, None, "", "holds no probability", "write at least one row")])
    return tuple(found)


def _day(text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise OptionError(f"as_of is {show(text)}; give a day as YYYY-MM-DD") from None


def matched(
    numbers: Sequence[OutsideNumber], contents: LedgerContents, run: str | None = None
) -> Iterator[tuple[OutsideNumber, LedgerQuestion]]:
    """Each number with the question that it is of; `run`: whose questions are meant where others are alike.

    Raises UnknownNameError for a question that is not in the ledger, and OptionError where several could be meant.
    """
    for number in numbers:
        yield number, _found(number, contents, run)


def _found(number: OutsideNumber, contents: LedgerContents, run: str | None) -> LedgerQuestion:
    at = f"{number.place}: " if number.place else ""
    words = number.question.replace(",", " ").replace("/", " ").split()
    if len(words) == 1 and LEAST_DIGITS <= len(words[0]) <= ID_LENGTH and set(words[0].lower()) <= HEX:
        try:
            return contents.question(words[0])
        except UnknownNameError as error:
            raise OptionError(f"{at}{error}") from None
    if len(words) not in (2, 3):
        wrong = f"{at}{shorten(repr(number.question), 80)} names no question"
        raise OptionError(f"{wrong}; give its id, or unit and outcome, such as 'RUS-TJK demarche'")
    unit, outcome, *until = words
    alike = [q for q in contents.questions.values() if (q.unit, q.outcome) == (unit, outcome)]
    if not alike:
        known = sorted({f"{q.unit} {q.outcome}" for q in contents.questions.values()})
        raise OptionError(f"{at}{UnknownNameError('question', f'{unit} {outcome}', known)}")
    chosen = [q for q in alike if not until or q.last.isoformat() == until[0]]
    if len(chosen) > 1 and run is not None:
        chosen = [q for q in chosen if q.run == run] or chosen
    if len(chosen) > 1:
        chosen = [q for q in chosen if q.id not in contents.answers] or chosen
    if len(chosen) != 1:
        listed = ", ".join(f"{q.id} (until {q.last})" for q in (chosen or alike)[:MOST_LISTED])
        wrong = f"{at}{len(chosen) or 'none'} of the questions about {outcome} in {unit} could be meant"
        raise OptionError(f"{wrong}; name it by id: {listed}")
    return chosen[0]
