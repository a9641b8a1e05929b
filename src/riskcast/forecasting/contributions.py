"""What leads from one score to another, point by point: drivers of a score, or changes between two cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from riskcast.forecasting.estimates import Estimate
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import number

MOST_SHOWN = 5


@dataclass(frozen=True)
class Contribution:
    """How many points of a score, or of its change, are due to one driver or change; `error` is the Monte Carlo
    standard error, 0 where nothing was sampled; `parts`: what it stands for, where that is more than itself; `low` and
    `high`: the 90 % interval over what is not known of the parameters, None where it was not worked out."""

    id: str
    label: str
    kind: str
    points: float
    error: float
    parts: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> Estimate | None:
        """The points with their 90 % interval, where there is one."""
        return None if self.low is None or self.high is None else Estimate(self.points, self.low, self.high)


@dataclass(frozen=True)
class Split:
    """A dyad's score at its start and at its end, what these two are called, and what adds up to the difference."""

    start: float
    end: float
    names: tuple[str, str]
    contributions: tuple[Contribution, ...]


class Attribution(Protocol):
    """What splits scores: an explanation of one forecast, or the difference of two."""

    @property
    def contributions(self) -> Mapping[str, tuple[Contribution, ...]]:
        """By dyad, the largest first."""

    def split(self, dyad: str) -> Split:
        """What one dyad's score starts from, what is added, and where it ends."""


def ranked(contributions: Sequence[Contribution]) -> tuple[Contribution, ...]:
    """The largest first, up or down."""
    return tuple(sorted(contributions, key=lambda each: -abs(each.points)))


def contribution_rows(attribution: Attribution) -> list[tuple[str, str, str, str, float, float]]:
    """One row for each dyad and contribution: dyad, id, label, kind, points, error."""
    return [
        (dyad, c.id, c.label, c.kind, c.points, c.error) for dyad, own in attribution.contributions.items() for c in own
    ]


def splits_html(title: str, attribution: Attribution, what: str, note: str, warning: str = "") -> str:
    """A table of every dyad's score from start to end, with what weighs most; `what`: what a contribution is due to."""
    rows: list[tuple[str, str, str | float]] = []
    for dyad, own in attribution.contributions.items():
        split = attribution.split(dyad)
        rows.append((dyad, split.names[0], number(split.start, 1)))
        rows += [("", c.label, c.points) for c in own[:MOST_SHOWN]]
        if own[MOST_SHOWN:]:
            rows.append(("", f"{len(own) - MOST_SHOWN} others", sum(c.points for c in own[MOST_SHOWN:])))
        rows.append(("", split.names[1], number(split.end, 1)))
    columns = (Column("dyad"), Column(what), Column("points", form="points"))
    return to_html(Table(title, columns, rows, note=note, warning=warning), most=80)
