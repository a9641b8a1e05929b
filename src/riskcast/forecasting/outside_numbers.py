"""Probabilities from outside: a crowd's or a market's numbers, as they are given and as they are weighed in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from riskcast.errors import CaseError, OptionError, Problem, show
from riskcast.forecasting.simulation import Simulated
from riskcast.machinery.table_files import TableFile, Wanted, read_table
from riskcast.numbers import number, percent

COLUMNS: Final = ("question", "probability", "forecaster", "date")
MOST_NUMBERS: Final = 100


@dataclass(frozen=True)
class OutsideProbability:
    """A probability that somebody else gives, on a day, to what a query asks."""

    question: str
    probability: float
    forecaster: str
    day: dt.date
    weight: float | None = None

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "question": self.question,
            "probability": self.probability,
            "forecaster": self.forecaster,
            "date": self.day.isoformat(),
            "weight": self.weight,
        }


@dataclass(frozen=True)
class WeighedNumber:
    """An outside number as it was used: the model's own probability, the weight, what both pool to, and by how much
    futures on which the event happens weigh more for it, in log."""

    number: OutsideProbability
    model: float
    weight: float
    target: float
    tilt: float

    @property
    def told(self) -> str:
        """In words."""
        said = f"{self.number.forecaster} of {self.number.day.isoformat()}: {percent(self.number.probability)}"
        used = f"weight {number(self.weight, 2)}"
        return f"{self.number.question}: model {percent(self.model)}, {said}, {used}, used {percent(self.target)}"


@dataclass(frozen=True)
class Outside:
    """What a forecast was adjusted by: numbers with their weights; effective: how many futures the weighted ones are
    worth (Kish), of `paths`; effective_draws: the same of draws; before: what was simulated, without them."""

    numbers: tuple[WeighedNumber, ...]
    effective: float
    paths: int
    effective_draws: float
    before: Simulated

    @property
    def acts(self) -> bool:
        """Whether any number has a weight, so that anything is adjusted."""
        return any(one.weight > 0.0 for one in self.numbers)

    @property
    def told(self) -> str:
        """That the forecast was adjusted, by whom and with which weight, in a sentence."""
        if not self.acts:
            names = ", ".join(dict.fromkeys(one.number.forecaster for one in self.numbers))
            return (
                f"Numbers from outside ({names}) have weight 0, as no track record has earned one: nothing is adjusted."
            )
        parts = "; ".join(one.told for one in self.numbers)
        worth = f"{self.paths:,} futures are worth {self.effective:,.0f}"
        return f"Adjusted by numbers from outside. {parts}. With their weights {worth}."


def read_outside(file: str | Path) -> tuple[OutsideProbability, ...]:
    """Outside numbers from a table: columns question, probability, forecaster, date and, where it is there, weight.

    Raises CaseError with the row of what cannot be used.
    """
    path = Path(file)
    table = read_table(path, str(file), Wanted(COLUMNS, optional=("weight",)))
    problems: list[Problem] = []
    found = list(_numbers(table, str(file), problems))
    if not found and not problems:
        problems.append(Problem(str(file), None, "", "holds no number", "write at least one row"))
    if len(found) > MOST_NUMBERS:
        wrong = f"holds {len(found)} numbers"
        problems.append(Problem(str(file), None, "", wrong, f"give at most {MOST_NUMBERS}"))
    if problems:
        raise CaseError(problems)
    return tuple(found)


def _numbers(table: TableFile, name: str, problems: list[Problem]) -> Iterator[OutsideProbability]:
    texts = {column: table.texts(column) for column in table.columns}
    values = table.numbers(("probability", "weight"))
    for row, line in enumerate(table.lines.tolist()):
        cells = {column: own[row].strip() for column, own in texts.items()}

        def wrong(key: str, what: str, mend: str, line: int = line) -> None:
            problems.append(Problem(name, line, key, what, mend))

        probability, day = float(values["probability"][row]), _day(cells["date"])
        weight = float(values["weight"][row]) if cells.get("weight") else None
        before = len(problems)
        if not cells["question"]:
            wrong("question", "is empty", "write a query, such as RUS-TJK:demarche by month 6")
        if not cells["forecaster"]:
            wrong("forecaster", "is empty", "say whose number it is")
        if not 0.0 < probability < 1.0:
            wrong("probability", f"is {show(cells['probability'])}", "give a number between 0 and 1, such as 0.35")
        if day is None:
            wrong("date", f"is {show(cells['date'])}", "give the day of the number, year-month-day")
        if weight is not None and not 0.0 <= weight <= 1.0:
            wrong("weight", f"is {show(cells['weight'])}", "give a number from 0 to 1, or leave it empty")
        if len(problems) == before and day is not None:
            yield OutsideProbability(cells["question"], probability, cells["forecaster"], day, weight)


def check_outside(numbers: tuple[OutsideProbability, ...], as_of: dt.date) -> None:
    """Raise OptionError for a number that was not known on the day of the forecast, or is given twice."""
    for one in numbers:
        if one.day > as_of:
            wrong = f"{one.forecaster}'s number of {one.day} for {one.question} was not known on {as_of}"
            raise OptionError(f"{wrong}; leave it out, or give a later --as-of")
    questions = [one.question for one in numbers]
    twice = next((one for one in questions if questions.count(one) > 1), None)
    if twice is not None:
        raise OptionError(f"two outside numbers are for {twice}; give the one that counts, or their mean")


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        return None
