"""Two analysts' edits of one case joined: what only one of them changed is taken, what both did is a conflict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ValidationError

from riskcast.case.checks import find_problems
from riskcast.case.model import Case
from riskcast.case.panel import Panel
from riskcast.case.quantities import Quantity
from riskcast.case.quantity_ids import RATE_RATIO, find_id
from riskcast.case.quantity_names import Labels
from riskcast.comparison.parts import PANEL, Key, file_of, merge_orders, put_together, take_apart
from riskcast.errors import CaseError, OptionError, Problem, UnknownNameError

Side = Literal["mine", "theirs"]
SIDES: Final[tuple[Side, ...]] = ("mine", "theirs")
# Of these, what one side takes out while the other changes a part of it is one conflict.
ENTRIES: Final = ("memories", "indicators", "outcomes", "effects")
NUMBERS: Final = ("median", "interval", "value")
_ABSENT: Final = object()


@dataclass(frozen=True)
class Conflict:
    """What both sides changed, and to different things: its id, what it is called, the file it stands in, and its
    value in each, None where it is not there; taken: whose was taken, None where nobody has chosen."""

    id: str
    label: str
    file: str
    base: Any
    mine: Any
    theirs: Any
    taken: Side | None = None


@dataclass(frozen=True)
class Merged:
    """Two edits of one case joined.

    case: the case, None while a conflict is open; parts: of it, by path; conflicts: settled and open; mine, theirs: ids
    of what only one side changed; both: of what both changed to the same thing.
    """

    case: Case | None
    parts: Mapping[Key, Any]
    conflicts: tuple[Conflict, ...]
    mine: tuple[str, ...]
    theirs: tuple[str, ...]
    both: tuple[str, ...]

    def __repr__(self) -> str:
        counts = f"{len(self.mine)} of mine, {len(self.theirs)} of theirs, {len(self.both)} of both"
        return f"<Merged: {counts}; {len(self.conflicts)} conflicts, {len(self.open)} open>"

    @property
    def open(self) -> tuple[Conflict, ...]:
        """Conflicts that nobody has settled."""
        return tuple(conflict for conflict in self.conflicts if conflict.taken is None)


def merge_cases(
    base: Case, mine: Case, theirs: Case, *, take: Mapping[str, Side] | None = None, prefer: Side | None = None
) -> Merged:
    """Two edits of one case joined, quantity by quantity, field by field and row by row.

    A part that one side changed is taken from it; one that both changed alike is taken as it is; of a quantity numbers,
    evidence and day are parts of their own. Else it is a conflict: `take` settles it by id, `prefer` all that are left.
    Rows of the record are the same where event type, pair and day are (or series, unit and day). Raises
    UnknownNameError for an id of `take` that is no conflict, CaseError where what is joined makes no valid case.

    >>> import riskcast
    >>> base = riskcast.load_case("central_asia_2024")
    >>> mine = riskcast.apply_overlay(base, {"indicators.xenophobia.drift": {"value": 1.0}})
    >>> theirs = riskcast.apply_overlay(base, {"effects.demarche->demarche": {"value": 1.2}})
    >>> joined = merge_cases(base, mine, theirs)
    >>> joined.mine, joined.theirs, joined.conflicts
    (('indicators.xenophobia.drift',), ('effects.demarche->demarche',), ())
    """
    for side in (*(take or {}).values(), *([prefer] if prefer else [])):
        if side not in SIDES:
            raise OptionError(f"{side!r} is no side; give mine or theirs")
    parts = tuple(take_apart(case) for case in (base, mine, theirs))
    joiner = _Joiner(*parts, Labels.of(base, theirs, mine), dict(take or {}), prefer)
    joined = joiner.join()
    unknown = [key for key in take or {} if key not in {conflict.id for conflict in joiner.conflicts}]
    if unknown:
        raise UnknownNameError("conflict", unknown[0], [conflict.id for conflict in joiner.conflicts])
    is_open = any(conflict.taken is None for conflict in joiner.conflicts)
    return Merged(
        None if is_open else _case_of(joined, mine, theirs, (base, mine, theirs)),
        joined,
        tuple(joiner.conflicts),
        *(tuple(dict.fromkeys(own)) for own in (joiner.mine, joiner.theirs, joiner.both)),
    )


def _case_of(parts: Mapping[Key, Any], mine: Case, theirs: Case, ends: Iterable[Case]) -> Case:
    """The case of what was joined; raises CaseError for what is wrong with it and with no side alone."""
    try:
        case = put_together(parts, mine, theirs)
        case = case.revised(sources={key[1]: source for key, source in parts.items() if key[0] == "sources"})
    except ValidationError as error:
        mend = "take one side of what belongs together, or mend one of the two first"
        told = [(".".join(map(str, item["loc"])), item["msg"]) for item in error.errors()]
        raise CaseError(Problem("what is joined", None, key, wrong, mend) for key, wrong in told) from None
    known = {str(problem) for end in ends for problem in find_problems(end)}
    wrong = [problem for problem in find_problems(case) if str(problem) not in known]
    if wrong:
        raise CaseError(wrong)
    return case


@dataclass
class _Joiner:
    """Parts of three cases, joined one by one."""

    base: Mapping[Key, Any]
    own: Mapping[Key, Any]
    other: Mapping[Key, Any]
    labels: Labels
    take: Mapping[str, Side]
    prefer: Side | None

    def join(self) -> dict[Key, Any]:
        """The parts of the case that both make."""
        self.conflicts: list[Conflict] = []
        self.mine: list[str] = []
        self.theirs: list[str] = []
        self.both: list[str] = []
        keys = merge_orders(merge_orders(self.own, self.other), self.base)
        settled = self._taken_out(keys)
        joined: dict[Key, Any] = {}
        for key in keys:
            if key[:2] in settled:
                value = (self.other if settled[key[:2]] == "theirs" else self.own).get(key, _ABSENT)
            else:
                value = self._joined(key)
            if value is not _ABSENT:
                joined[key] = value
        return joined

    def _taken_out(self, keys: Iterable[Key]) -> dict[Key, Side | None]:
        """Entries that one side took out while the other changed something of them: whose is taken."""
        parts: dict[Key, list[Key]] = {}
        for key in keys:
            if key[0] in ENTRIES and len(key) > 2:
                parts.setdefault(key[:2], []).append(key)
        settled: dict[Key, Side | None] = {}
        for entry, own in parts.items():
            was, here, there = (any(key in side for key in own) for side in (self.base, self.own, self.other))
            if not was or here == there:
                continue
            kept = self.own if here else self.other
            if any(not _same(kept.get(key, _ABSENT), self.base.get(key, _ABSENT)) for key in own):
                sides = ("changed", None) if here else (None, "changed")
                settled[entry] = self._conflict(entry, "as before", *sides)
        return settled

    def _joined(self, key: Key) -> Any:
        base, mine, theirs = (parts.get(key, _ABSENT) for parts in (self.base, self.own, self.other))
        if _same(mine, theirs):
            if not _same(mine, base):
                self.both.append(_id(key))
            return mine
        if _same(mine, base):
            self.theirs.append(_id(key))
            return theirs
        if _same(theirs, base):
            self.mine.append(_id(key))
            return mine
        if all(isinstance(value, Quantity) for value in (base, mine, theirs)):
            found = _joined_quantity(base, mine, theirs)
            if found is not None:
                self.mine.append(_id(key))
                self.theirs.append(_id(key))
                return found
        side = self._conflict(key, *(None if value is _ABSENT else _plain(value) for value in (base, mine, theirs)))
        return theirs if side == "theirs" else mine

    def _conflict(self, key: Key, base: Any, mine: Any, theirs: Any) -> Side | None:
        name = _id(key)
        found = find_id(name)
        label = self.labels.quantity(found) if found is not None else name
        taken = self.take.get(name, self.prefer)
        self.conflicts.append(Conflict(name, label, file_of(name), base, mine, theirs, taken))
        return taken


def _joined_quantity(base: Quantity, mine: Quantity, theirs: Quantity) -> Quantity | None:
    """A quantity of which one side changed the numbers and the other what else there is; None where both did one."""
    found: dict[str, Any] = {}
    for group in (NUMBERS, *((name,) for name in type(mine).model_fields if name not in NUMBERS)):
        one, own, other = ([getattr(quantity, name, None) for name in group] for quantity in (base, mine, theirs))
        if own != other and one not in (own, other):
            return None
        found |= zip(group, other if own == one else own, strict=True)
    return mine.model_copy(update=found)


def _same(one: Any, two: Any) -> bool:
    if one is _ABSENT or two is _ABSENT:
        return one is two
    return one.digest == two.digest if isinstance(one, Panel) and isinstance(two, Panel) else one == two


def _id(key: Key) -> str:
    """A part's path as an id, in which a rate ratio is its effect."""
    return "panel" if key == PANEL else ".".join(key[:-1] if key[-1] == RATE_RATIO.field and len(key) > 2 else key)


def _plain(value: Any) -> Any:
    if isinstance(value, Panel):
        return f"panel {value.digest[:12]}"
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return value if isinstance(value, str | int | float | bool) else str(value)
