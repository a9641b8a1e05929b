"""What changed, as records: every score and probability of two forecasts, and the parts that make up its difference."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from riskcast.comparison.change_sentences import part_label, sentence_of
from riskcast.comparison.news import GROUPS
from riskcast.errors import UnknownNameError
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import number, signed
from riskcast.version import __version__

if TYPE_CHECKING:
    import pandas

SCORE: Final = "score"
MOST_SHOWN: Final = 6
METHOD: Final = (
    "Owen values: days come first, then groups and their members take turns in all orders; parts add up to the "
    "difference. All forecasts meet the same chance."
)


@dataclass(frozen=True)
class ChangePart:
    """One thing that a number's difference is due to.

    group: one of `GROUPS`; event, units, days: of an event its type, where and when, and of memories their type; fades:
    of memories, whether less of them is felt than before; points of a hundred with their Monte Carlo standard error;
    sampled: whether orders were sampled to tell it from others of its group.
    """

    group: str
    id: str
    label: str
    points: float
    error: float
    event: str = ""
    units: tuple[str, ...] = ()
    days: tuple[dt.date, ...] = ()
    fades: bool = False
    sampled: bool = False

    def told(self, unit: str) -> str:
        """What it is called beside a number of one unit."""
        return part_label(self, unit)


@dataclass(frozen=True)
class ChangeSplit:
    """One number of both forecasts, in points of a hundred, and the parts that add up to the second less the first.

    quantity: `score`, or the id of an outcome whose probability it is; unit: the dyad, or the host; name: what people
    call it; ripple: whether relearning moved it though nothing new was recorded of it: no event of the pair, where it
    is a score, and none of the kind, where it is a probability.
    """

    quantity: str
    label: str
    unit: str
    name: str
    before: float
    after: float
    parts: tuple[ChangePart, ...]
    ripple: bool = False

    @property
    def points(self) -> float:
        """By how many points it has changed."""
        return self.after - self.before

    @property
    def is_score(self) -> bool:
        """Whether it is a score, rather than a probability in percent."""
        return self.quantity == SCORE

    @property
    def groups(self) -> Mapping[str, float]:
        """Points by group, in the order of `GROUPS`; groups without parts are left out."""
        present = {part.group for part in self.parts}
        return {
            group: sum(part.points for part in self.parts if part.group == group)
            for group in GROUPS
            if group in present
        }

    @property
    def sentence(self) -> str:
        """What changed and why, in a sentence."""
        return sentence_of(self)


@dataclass(frozen=True)
class WhatChanged:
    """What changed from a forecast to a later one.

    first, second: what they are called; days: the days that they are as of; splits: every score, then every outcome's
    probability; forecasts: how many fits and forecasts it took; hashes, versions: of the two cases, and of the software
    that made each; only_first, only_second: dyads that cannot be compared; notes: what was joined and why, and what a
    record lacks; failures: checks that a posterior failed.
    """

    first: str
    second: str
    days: tuple[dt.date, dt.date]
    splits: tuple[ChangeSplit, ...]
    scenario: str
    draws: int
    seed: int
    forecasts: int
    hashes: tuple[str, str]
    versions: tuple[str, str]
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    only_first: tuple[str, ...] = ()
    only_second: tuple[str, ...] = field(default=())

    @property
    def scores(self) -> tuple[ChangeSplit, ...]:
        """The scores, in the order of the dyads."""
        return tuple(split for split in self.splits if split.is_score)

    @property
    def probabilities(self) -> tuple[ChangeSplit, ...]:
        """The probabilities, those that moved most first."""
        found = (split for split in self.splits if not split.is_score)
        return tuple(sorted(found, key=lambda split: -abs(split.points)))

    @property
    def is_sampled(self) -> bool:
        """Whether parts of some group were told apart by sampled orders."""
        return any(part.sampled for split in self.splits for part in split.parts)

    def split(self, unit: str, quantity: str = SCORE) -> ChangeSplit:
        """A dyad's score, or the probability of an outcome; raises UnknownNameError for what is not compared."""
        found = [split for split in self.splits if split.unit == unit]
        if not found:
            raise UnknownNameError("dyad", unit, dict.fromkeys(split.unit for split in self.splits))
        for split in found:
            if split.quantity == quantity:
                return split
        raise UnknownNameError(f"number of {unit}", quantity, [split.quantity for split in found])

    @property
    def sentences(self) -> tuple[str, ...]:
        """A sentence on every score, those that moved most first."""
        return tuple(split.sentence for split in sorted(self.scores, key=lambda split: -abs(split.points)))

    def to_frame(self) -> pandas.DataFrame:
        """One row for each number and part: columns unit, quantity, before, after, group, part, label, points, error;
        all numbers in points of a hundred."""
        import pandas

        rows = [
            (s.unit, s.quantity, s.before, s.after, p.group, p.id, p.label, p.points, p.error)
            for s in self.splits
            for p in s.parts
        ]
        names = ["unit", "quantity", "before", "after", "group", "part", "label", "points", "error"]
        return pandas.DataFrame(rows, columns=names)

    def __repr__(self) -> str:
        moved = ", ".join(f"{s.unit} {signed(s.points)}" for s in self.scores)
        return f"<WhatChanged from {self.first} to {self.second}. {moved}>"

    def _repr_html_(self) -> str:
        warning = f"A posterior failed its checks: {'; '.join(self.failures)}." if self.failures else ""
        rows: list[tuple[str, str, str | float]] = []
        for split in self.scores:
            rows.append((split.name, str(self.days[0]), number(split.before, 1)))
            rows += [("", part.label, part.points) for part in split.parts[:MOST_SHOWN]]
            rest = split.parts[MOST_SHOWN:]
            if rest:
                rows.append(("", f"{len(rest)} others", sum(part.points for part in rest)))
            rows.append(("", str(self.days[1]), number(split.after, 1)))
        columns = (Column("dyad"), Column("what changed it"), Column("points", form="points"))
        note = " ".join((METHOD, *self.notes))
        return to_html(Table("What changed", columns, rows, note=note, warning=warning), most=120)


def changed_data(found: WhatChanged) -> dict[str, Any]:
    """What changed as plain data, with all digits."""
    told = {each.name: getattr(found, each.name) for each in fields(found) if each.name != "splits"}
    told["days"] = [day.isoformat() for day in found.days]
    numbers = []
    for split in found.splits:
        plain = asdict(split)
        for part in plain["parts"]:
            part["days"] = [day.isoformat() for day in part["days"]]
        numbers.append(plain | {"groups": dict(split.groups), "sentence": split.sentence})
    return {"riskcast_version": __version__, **told, "is_sampled": found.is_sampled, "numbers": numbers}
