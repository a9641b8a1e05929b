"""Elicitation sheets: which questions go out to an expert, in which unit, and on which scale answers are fitted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from riskcast.case.links import BoundedLink, HeldLink, Link
from riskcast.case.model import Case
from riskcast.case.quantities import Quantity
from riskcast.case.quantity_ids import BASE_RATE, LEVEL, RATE_RATIO, parse_id
from riskcast.case.quantity_names import name_quantity, ratio_is_for
from riskcast.errors import CaseError, OptionError, Problem, suggest
from riskcast.machinery.table_files import Wanted, read_table

Method = Literal["quantiles", "chips"]
METHODS: Final[tuple[Method, ...]] = ("quantiles", "chips")
BINS: Final = 10
CHIPS: Final = 20
# Fewer chips do not tell where the ends lie.
FEWEST_CHIPS: Final = 5
USUAL: Final = ("indicators.*.now", "indicators.*.now.*")
MOST_QUESTIONS: Final = 200
DIGITS: Final = 4
# Whether the answers of training questions went out with a sheet.
SHOWN, KEPT = "shown", "kept"


@dataclass(frozen=True)
class AskedQuantity:
    """A quantity that is asked for: its id, what it is called, the question in words, unit, link, and the published
    number, None where it is not shown, so that it does not anchor what is answered."""

    id: str
    label: str
    text: str
    unit: str
    link: Link
    published: Quantity | None = None


@dataclass(frozen=True)
class Training:
    """A question whose answer is known to whoever sends the sheet; answer: shown to the expert after answering, None
    where the sheet is to earn weights; scale: linear or log."""

    text: str
    unit: str
    scale: str
    answer: float | None


@dataclass(frozen=True)
class Sheet:
    """Questions to one expert about a case: training questions first, then quantities."""

    case: Case
    method: Method
    training: tuple[Training, ...]
    questions: tuple[AskedQuantity, ...]

    def __repr__(self) -> str:
        told = f"{len(self.questions)} quantities, {len(self.training)} training questions, by {self.method}"
        return f"<Sheet about {self.case.name} as of {self.case.as_of}: {told}>"


def make_sheet(
    case: Case,
    quantities: Iterable[str] = USUAL,
    *,
    method: Method = "quantiles",
    training: str | Path | None = None,
    show_answers: bool = False,
    show_published: bool = False,
) -> Sheet:
    """A sheet that asks for quantities of a case, named by ids or patterns such as `effects.*->demarche`.

    training: a table of questions whose answers are known, with columns question, answer, unit and scale; they come
    first. show_answers: whether their answers go out too, to be seen after answering, for practice; without, answers
    that come back can earn weights. show_published: whether the case's own numbers stand beside. Raises OptionError
    for a pattern that meets nothing, CaseError for a table that cannot be used.

    >>> import riskcast
    >>> sheet = make_sheet(riskcast.load_case("central_asia_2024"), ["indicators.xenophobia.now"])
    >>> sheet.questions[0].unit, sheet.questions[0].published
    ('% agreeing', None)
    """
    if method not in METHODS:
        raise OptionError(f"method is {method!r}; give one of {', '.join(METHODS)}")
    known = {key: quantity for key, quantity, _ in case.quantities()}
    chosen: dict[str, None] = {}
    for pattern in quantities:
        # A pattern does not ask for what is held fixed, and no fit draws.
        met = [
            key
            for key, quantity in known.items()
            if key == pattern or (not quantity.is_fixed and fnmatchcase(key, pattern.replace("[", "[[]")))
        ]
        if not met and pattern not in USUAL:
            raise OptionError(
                f"{pattern} is no quantity of the case, and no pattern of some; {suggest(pattern, known)}"
            )
        chosen |= dict.fromkeys(met)
    if not 1 <= len(chosen) <= MOST_QUESTIONS:
        wrong = f"{len(chosen)} quantities are asked for"
        raise OptionError(f"{wrong}; name 1 to {MOST_QUESTIONS}, by ids or patterns such as indicators.*.now")
    questions = tuple(_question(case, key, known[key] if show_published else None) for key in chosen)
    asked = () if training is None else read_training(training)
    if not show_answers:
        asked = tuple(replace(one, answer=None) for one in asked)
    return Sheet(case, method, asked, questions)


def read_training(file: str | Path) -> tuple[Training, ...]:
    """Questions whose answers are known, from a table: question, answer, and where they are there unit and scale."""
    table = read_table(Path(file), str(file), Wanted(("question", "answer"), optional=("unit", "scale")))
    texts = {column: table.texts(column) for column in table.columns}
    answers = table.numbers(("answer",))["answer"]
    problems, found = [], []
    for place, line in enumerate(table.lines.tolist()):
        scale = texts["scale"][place] if "scale" in texts else ""
        answer = float(answers[place])
        if not texts["question"][place]:
            problems.append(Problem(str(file), line, "question", "is empty", "write the question"))
        if not math.isfinite(answer):
            problems.append(Problem(str(file), line, "answer", "is no number", "give the known answer"))
        elif scale not in ("", "linear", "log") or (scale == "log" and answer <= 0.0):
            problems.append(
                Problem(str(file), line, "scale", f"is {scale!r}", "write linear, or log for what is above 0")
            )
        unit = texts["unit"][place] if "unit" in texts else ""
        found.append(Training(texts["question"][place], unit, scale or "linear", answer))
    if len({one.text for one in found}) < len(found):
        problems.append(Problem(str(file), None, "question", "is there twice", "keep one row of each"))
    if problems:
        raise CaseError(problems)
    return tuple(found)


def _question(case: Case, key: str, published: Quantity | None) -> AskedQuantity:
    name = name_quantity(case, key)
    found = parse_id(key)
    text = f"{name.label}?"
    if found.kind is LEVEL:
        one = case.indicators[found.name]
        text = f"{one.question} The level on {case.as_of}{', ' + found.of if found.of else ''}."
    elif found.kind is BASE_RATE:
        label = case.events[found.name].label
        text = (
            f"How probable is at least one in a year, with indicators at their reference and nothing recent: {label}?"
        )
    elif found.kind is RATE_RATIO:
        effect = next(effect for effect in case.effects if effect.id == found.name)
        what = "the half-life of memories" if effect.on == "half_life" else "the rate"
        # It tells which way an effect goes, which draws answers as a published number does.
        rationale = "" if published is None else f" {effect.rationale}"
        text = f"By which factor does {ratio_is_for(case, effect)} multiply {what}? {name.label}.{rationale}"
    return AskedQuantity(key, name.label, text, name.unit, name.link, published)


def link_data(link: Link) -> list[dict[str, Any]]:
    """A link as a form needs it: itself, then the one that takes its place at bounds, where there is one."""

    def plain(one: Link) -> dict[str, Any]:
        low, high = one.domain
        return {
            "name": one.of.name if isinstance(one, HeldLink) else one.name,
            "held": isinstance(one, HeldLink),
            "low": None if math.isinf(low) else low,
            "high": None if math.isinf(high) else high,
            "offset": float(getattr(one, "offset", 0.0)),
        }

    if isinstance(link, BoundedLink):
        return [plain(link), plain(HeldLink(link.low, link.high, link.of))]
    return [plain(link)]


def bins_are_even_in(link: Link) -> str:
    """On which scale the bins of chips are of equal width: linear or log."""
    return "log" if link.own_scale.name in ("log", "cloglog") else "linear"


def chips_to_quantiles(chips: Sequence[float], low: float, high: float, scale: str) -> tuple[float, float, float]:
    """The 5, 50 and 95 % quantiles of chips in bins of equal width from `low` to `high`, even within each bin.

    After the roulette method of Gore, 1987; O'Hagan et al., Uncertain judgements, 2006, ch. 5.

    >>> chips_to_quantiles([0, 10, 10, 0], 0.0, 4.0, "linear")
    (1.1, 2.0, 2.9)
    """
    ends = (math.log(low), math.log(high)) if scale == "log" else (low, high)
    edges, total = np.linspace(*ends, len(chips) + 1).tolist(), float(sum(chips))
    found = [_reached(chips, edges, share * total) for share in (0.05, 0.5, 0.95)]
    one, middle, two = (float(f"{math.exp(x) if scale == 'log' else x:.{DIGITS}g}") for x in found)
    return one, middle, two


def _reached(chips: Sequence[float], edges: Sequence[float], wanted: float) -> float:
    """Where so many chips lie below."""
    below = 0.0
    for count, start, end in zip(chips, edges, edges[1:], strict=False):
        if count > 0.0 and below + count >= wanted:
            return start + (end - start) * (wanted - below) / count
        below += count
    return edges[-1]
