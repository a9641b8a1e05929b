"""Whose each draw of a mixture is: several experts' cases, and records that are put together draw by draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from riskcast.case.model import Case
from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats, Ints
from riskcast.machinery.random_streams import generator
from riskcast.numbers import share

if TYPE_CHECKING:
    from riskcast.engines.hazard import EventModel
    from riskcast.record.arrays import Record

SHORT_HASH = 12


@dataclass(frozen=True)
class Part:
    """An expert of a mixture: who, the share of its draws, and the case, record and models that these draws are of."""

    name: str
    share: float
    case: Case
    record: Record
    models: Mapping[str, EventModel]

    @property
    def told(self) -> str:
        """Who, how much, and by which numbers."""
        overlay = (self.case.overlay_hash or "")[:SHORT_HASH]
        return f"{self.name} {share(self.share)} ({f'overlay {overlay}' if overlay else 'as published'})"


@dataclass(frozen=True)
class Mixture:
    """What a mixed posterior is made of; whose: (draws,), the place in `parts` of the expert of each draw."""

    parts: tuple[Part, ...]
    whose: Ints

    @property
    def told(self) -> str:
        """What a reader of any number of it is to know, in a sentence."""
        parts = ", ".join(part.told for part in self.parts)
        return (
            f"Mixture of the forecasts of {len(self.parts)} experts: {parts}. Each draw is one expert's; the record "
            "does not move their weights."
        )


def shares_of_draws(weights: Sequence[float], draws: int, seed: int) -> Ints:
    """Which expert each draw belongs to, (draws,): as many as the weights say, to the nearest draw, in random order.

    >>> np.bincount(shares_of_draws([0.5, 0.25, 0.25], 100, 1)).tolist()
    [50, 25, 25]
    """
    ends = np.rint(np.cumsum(weights) / np.sum(weights) * draws).astype(int)
    whose = np.searchsorted(ends, np.arange(draws), side="right")
    return generator(seed, "shares of experts").permutation(whose)


def mix_records[T](parts: Sequence[T], whose: Ints, where: str) -> T:
    """One record of several that differ in their draws: each draw that of its expert, whose: (draws,).

    Arrays that differ have a row for each draw; all else is to be the same. Raises OptionError where it is not.

    >>> mix_records([np.array([1.0, 2.0]), np.array([5.0, 6.0])], np.array([0, 1]), "rates").tolist()
    [1.0, 6.0]
    """
    return _Taker(whose).of(parts, where)


@dataclass(frozen=True)
class _Taker:
    whose: Ints

    def of(self, parts: Sequence[Any], where: str) -> Any:
        """One of several, draw by draw."""
        first = parts[0]
        if all(part is first for part in parts):
            return first
        if isinstance(first, np.ndarray):
            return self._array(parts, where)
        if is_dataclass(first) and not isinstance(first, type):
            if any(type(part) is not type(first) for part in parts):
                raise _differ(where)
            changed = {
                field.name: self.of([getattr(part, field.name) for part in parts], f"{where}.{field.name}")
                for field in fields(first)
                if field.init
            }
            return replace(first, **changed)
        if isinstance(first, Mapping):
            if any(list(part) != list(first) for part in parts):
                raise _differ(where)
            return {key: self.of([part[key] for part in parts], f"{where}.{key}") for key in first}
        if isinstance(first, tuple | list):
            if any(len(part) != len(first) for part in parts):
                raise _differ(where)
            return type(first)(self.of(list(each), where) for each in zip(*parts, strict=True))
        if isinstance(first, Case) or all(part == first for part in parts):
            return first
        raise _differ(where)

    def _array(self, parts: Sequence[Floats], where: str) -> Floats:
        first = parts[0]
        if any(part.shape != first.shape for part in parts):
            raise _differ(where)
        if all(np.array_equal(part, first, equal_nan=part.dtype.kind == "f") for part in parts):
            return first
        # What experts' numbers change has a row for each draw.
        if first.shape[:1] != self.whose.shape:
            raise _differ(where)
        found = first.copy()
        for place, part in enumerate(parts):
            rows = self.whose == place
            found[rows] = part[rows]
        return found


def _differ(where: str) -> OptionError:
    return OptionError(
        f"experts' cases differ in more than numbers ({where}), so that their draws cannot stand side by side; "
        "let experts change numbers alone, and hold none at 0 that others do not"
    )
