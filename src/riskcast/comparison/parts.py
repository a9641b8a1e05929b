"""A case as parts by path, which can be exchanged one by one, and a case from such parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from riskcast.case.dyads import Dyad
from riskcast.case.model import Case, CoverageRow, Effect, EventRow, EventType, Indicator, SeriesRow
from riskcast.case.settings import Memory, Tension

Key = tuple[str, ...]
PANEL: Key = ("panel",)
FILES = {
    "indicators": "indicators.yaml",
    "outcomes": "outcomes.yaml",
    "effects": "effects.yaml",
    "scenarios": "scenarios.yaml",
    "sources": "sources.yaml",
    "events": "history/events.csv",
    "series": "history/indicators.csv",
    "coverage": "history/coverage.csv",
    "panel": "panel",
}
SECTIONS = (
    "settings",
    "dyads",
    "memories",
    "hyperpriors",
    "tension",
    "trust",
    "indicators",
    "outcomes",
    "effects",
    "scenarios",
    "sources",
)


def file_of(change: str) -> str:
    """The file in which a part with an id such as `effects.a->b` is written.

    >>> file_of("effects.mood->protest"), file_of("memories.fast.half_life")
    ('effects.yaml', 'case.yaml')
    """
    return FILES.get(change.partition(".")[0], "case.yaml")


def take_apart(case: Case) -> dict[Key, Any]:
    """The parts of a case by path; quantities stand under their ids, rows under what identifies them.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> put_together(take_apart(case), case, case).hash == case.hash
    True
    """
    parts: dict[Key, Any] = {}
    for name in type(case.settings).model_fields:
        if name not in ("partners", "memories", "hyperpriors", "tension", "trust"):
            parts["settings", name] = getattr(case.settings, name)
    for partner in case.settings.partners:
        parts["dyads", Dyad(case.host, partner.id).id] = partner
    for name, memory in case.settings.memories.items():
        parts |= _fields(("memories", name), memory, ())
    for name in type(case.settings.hyperpriors).model_fields:
        parts["hyperpriors", name] = getattr(case.settings.hyperpriors, name)
    parts["trust",] = case.settings.trust
    if case.settings.tension is not None:
        parts |= _fields(("tension",), case.settings.tension, ())
    for name, indicator in case.indicators.items():
        parts |= _fields(("indicators", name), indicator, ("now", "parents"), left_out=("raises", "series"))
        for key, measure in indicator.series.items():
            parts |= _fields(("indicators", name, "series", key), measure, ())
        for event_name, rise in indicator.raises.items():
            parts |= _fields(("indicators", name, "raises", event_name), rise, ())
    for name, event in case.events.items():
        parts |= _fields(("outcomes", name), event, ("half_life",))
    for effect in case.effects:
        parts |= _fields(("effects", effect.id), effect, ())
    parts |= {("scenarios", name): scenario for name, scenario in case.scenarios.items()}
    parts |= {("sources", name): source for name, source in case.sources.items()}
    seen: Counter[Key] = Counter()
    for row in (*case.event_rows, *case.series_rows, *case.coverage):
        key = row_key(row)
        seen[key] += 1
        parts[(*key, str(seen[key])) if seen[key] > 1 else key] = row
    if case.panel is not None:
        parts[PANEL] = case.panel
    return parts


def _fields(path: Key, record: BaseModel, mappings: Sequence[str], left_out: Sequence[str] = ()) -> dict[Key, Any]:
    """The fields of a record by path, those of `mappings` entry by entry."""
    found: dict[Key, Any] = {}
    for name in (name for name in type(record).model_fields if name not in left_out):
        value = getattr(record, name)
        if name in mappings and isinstance(value, dict):
            found |= {(*path, name, entry): inner for entry, inner in value.items()}
        else:
            found[*path, name] = value
    return found


def row_key(row: EventRow | SeriesRow | CoverageRow) -> Key:
    if isinstance(row, EventRow):
        return "events", row.type, row.dyad, row.date.isoformat()
    if isinstance(row, CoverageRow):
        return "coverage", row.type, row.unit, row.start.isoformat()
    key = "series", row.indicator, row.unit, row.date.isoformat()
    return key if row.series is None else (*key, row.series)


def put_together(parts: Mapping[Key, Any], first: Case, second: Case) -> Case:
    """A case from its parts: the inverse of `take_apart`, with the sources of both cases.

    Raises pydantic's ValidationError where the parts do not make a record.
    """
    tree: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for key, value in parts.items():
        if key[0] in SECTIONS:
            place = tree[key[0]]
            for name in key[1:-1]:
                place = place.setdefault(name, {})
            place[key[-1]] = value
    settings = first.settings.model_copy(
        update={
            **tree["settings"],
            "partners": tuple(tree["dyads"].values()),
            "memories": {name: Memory.model_validate(own) for name, own in tree["memories"].items()},
            "hyperpriors": first.settings.hyperpriors.model_copy(update=tree["hyperpriors"]),
            "tension": Tension.model_validate(tree["tension"]) if tree["tension"] else None,
            "trust": tree["trust"]["trust"],
        }
    )
    aliases = {"source": "from", "target": "to"}
    return first.revised(
        settings=settings,
        indicators={name: Indicator.model_validate(own) for name, own in tree["indicators"].items()},
        events={name: EventType.model_validate(own) for name, own in tree["outcomes"].items()},
        effects=tuple(
            Effect.model_validate({aliases.get(name, name): value for name, value in own.items()})
            for own in tree["effects"].values()
        ),
        scenarios=tree["scenarios"],
        sources={**first.sources, **second.sources},
        event_rows=tuple(row for key, row in parts.items() if key[0] == "events"),
        series_rows=tuple(row for key, row in parts.items() if key[0] == "series"),
        coverage=tuple(row for key, row in parts.items() if key[0] == "coverage"),
        panel=parts.get(PANEL),
    )


def merge_orders[T: Hashable](first: Iterable[T], second: Iterable[T]) -> tuple[T, ...]:
    """All names of both, in the order of the first; those of the second alone follow what they follow there.

    >>> merge_orders("abd", "bcde")
    ('a', 'b', 'c', 'd', 'e')
    """
    own = dict.fromkeys(first)
    following: dict[T | None, list[T]] = {}
    anchor: T | None = None
    for name in second:
        if name in own:
            anchor = name
        else:
            following.setdefault(anchor, []).append(name)
    return (*following.get(None, ()), *(each for name in own for each in (name, *following.get(name, ()))))
