"""Numbers of assertions: how they are written, and that they are in the unit of what they are held against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from riskcast.challenge import claim_forms as forms
from riskcast.challenge.claim_names import NameReader
from riskcast.challenge.claim_terms import Level, Number, Sign, Term, Unit, unit_of
from riskcast.numbers import plain_number

# What a size after `by at least` is measured in.
_SIZES: Final = {"%": "%, as of a factor", "point": "points", "step": "steps"}


@dataclass(frozen=True)
class Written:
    """A number as an assertion has it: what stands behind it, and its column."""

    value: float
    unit: str
    at: int


class NumberReader(NameReader):
    """Reads numbers in the unit of the term that they are held against; raises ClaimError for any other unit, and for
    numbers that no such term can have."""

    def measured(self, written: Written, term: Term) -> Number:
        """A number in the unit of a term."""
        value, at = written.value, written.at
        if isinstance(term, Level):
            return self._level_number(written, term)
        unit = unit_of(term)
        words, told, low, high = self._measures(unit)
        shown = f"{plain_number(value)}{f' {written.unit}' if written.unit else ''}"
        if written.unit not in words:
            self.fail(at, f"{shown} is not in the unit of what stands on the left", f"give {told}")
        if unit == "share" and not written.unit and not 0.0 <= value < 1.0:
            mend = f"write {plain_number(value)} %, or a number below 1" if value > 0.0 else "give 0 to 100 %"
            self.fail(at, f"{shown} is no share", mend)
        if unit == "score" and not written.unit and 0.0 < value < 1.0:
            mend = f"write {plain_number(100.0 * value)}, or {shown} points"
            self.fail(at, f"{shown} is next to nothing where 100 is the most", mend)
        if not low <= value <= high or (unit == "factor" and not value):
            self.fail(at, f"nothing of the kind is ever {shown}", f"give {told}")
        return Number(value / 100.0 if written.unit == "%" else value)

    def _measures(self, unit: Unit) -> tuple[tuple[str, ...], str, float, float]:
        """How a unit is written, how to say so, and between what its numbers lie."""
        period = self.case.settings.period
        most = float("inf")
        match unit:
            case "share":
                return ("", "%"), "per cent, such as 50 %", 0.0, 100.0
            case "score":
                return ("", "point", "points"), "points from 0 to 100", 0.0, 100.0
            case "points":
                return ("", "point", "points"), "points from -100 to 100", -100.0, 100.0
            case "factor":
                return ("", "times"), "a factor above 0, such as 1.2 for a fifth more; 1 is no effect", 0.0, most
            case "periods":
                words = ("", period, f"{period}s", "period", "periods")
                return words, f"{period}s", 0.0, most
            case "steps":
                return ("", "step", "steps"), "steps", -most, most
            case _:
                return ("", "event", "events"), "a number of events", 0.0, most

    def _level_number(self, written: Written, term: Level) -> Number:
        """A number in the unit of an indicator, which may be written in short by its first words."""
        held = self.case.indicators[term.indicator]
        words, own = written.unit.split(), held.unit.split()
        shown = plain_number(written.value)
        if words != own[: len(words)]:
            wrong = f"{written.unit!r} is not the unit of {term.indicator}, which counts {held.unit!r}"
            self.fail(written.at, wrong, f"leave it out, or write {shown} {held.unit}")
        low, high = held.bounds or held.measure.link.domain
        if not low <= written.value <= high:
            wrong = f"no level of {term.indicator} is ever {shown}"
            self.fail(written.at, wrong, f"give {plain_number(low)} to {plain_number(high)}")
        return Number(written.value)

    def size(self, found: re.Match[str], wanted: str) -> float:
        """The size after `by at least`, in a unit that must stand there; 0 where there is none."""
        if found["size"] is None:
            return 0.0
        size, told = float(found["size"]), _SIZES[wanted]
        if found["unit"] is None:
            mend = f"write {found['size']} {wanted if wanted == '%' else wanted + 's'}"
            self.fail(found.start("size") + 1, f"{found['size']} of what is not said", mend)
        if found["unit"].rstrip("s") != wanted:
            self.fail(found.start("unit") + 1, f"`{found['unit']}` is not what this is measured in", f"give {told}")
        if not size:
            self.fail(found.start("size") + 1, "0 is no size", "leave out `by at least`")
        if wanted == "point" and size > 100.0:
            self.fail(found.start("size") + 1, "nothing moves by more than 100 points", "give 100 or less")
        return size

    def ratio(self, found: re.Match[str], lower: bool) -> tuple[Sign, float]:
        """The sign, and the factor that must be passed, of what raises or lowers something by so many per cent."""
        size = self.size(found, "%") / 100.0
        if lower and size >= 1.0:
            self.fail(found.start("size") + 1, "nothing falls by all of itself", "give less than 100 %")
        return ("<", 1.0 - size) if lower else (">", 1.0 + size)

    def factor(self, share: str | None, at: int) -> float:
        """The factor that words before a term stand for, 1 where there are none; `at`: their column."""
        if share is None:
            return 1.0
        if share in forms.SHARES:
            return forms.SHARES[share]
        number, word = share.split()
        top, _, bottom = number.partition("/")
        if not float(top) or not float(bottom or 1.0):
            self.fail(at, f"of {share} nothing is left", "give a factor such as 1/3")
        factor = float(top) / float(bottom or 1.0)
        if word == "of" and not bottom and factor >= 1.0:
            self.fail(at, f"{share} is no part of anything", f"write {number} times, or a part such as 1/3 of")
        return factor
