"""Several tables side by side: columns of pairs, and of single states as they enter pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from riskcast.errors import OptionError
from riskcast.imports.aggregation import KEYS, Aggregate
from riskcast.imports.map_parts import Covariate
from riskcast.imports.row_columns import PERIOD, UNIT
from riskcast.numbers import counted

if TYPE_CHECKING:
    import polars


def join(tables: list[Aggregate]) -> Aggregate:
    """The columns of several tables beside the rows of the first; of single states as each enters a pair.

    A pair whose state has no row has no level; losses stay those of the first. Raises OptionError where periods differ
    or two columns have one id.
    """
    base = tables[0]
    if base.of_states and len(tables) > 1:
        raise OptionError("the first table is of single states; give one of pairs first")
    for other in tables[1:]:
        if other.period != base.period:
            wrong = f"one table is by {base.period}, another by {other.period}"
            raise OptionError(f"{wrong}; write the same `period:` in both maps")
        frame, rules, notes = other.frame, dict(other.covariates), list(base.notes)
        events = dict(other.events)
        if other.of_states:
            frame, rules = _entered(base.frame, other)
        elif other.directed and not base.directed:
            wrong = "a further table tells A-B and B-A apart, the first does not"
            raise OptionError(f"{wrong}; write direction: none in its map, or direction: directed in that of the first")
        elif base.directed and not other.directed:
            frame = _both_ways(frame)
        twice = sorted({*rules, *events} & {*base.covariates, *base.events})
        if twice:
            raise OptionError(f"{twice[0]} comes from two tables; give it another id in one of the maps")
        alone = other.frame.join(base.frame, on=KEYS, how="anti")
        if base.directed and not other.directed and not other.of_states:
            alone = alone.join(_both_ways(base.frame.select(KEYS)), on=KEYS, how="anti")
        if len(alone) and not other.of_states:
            told = f"{counted(len(alone), 'row')} made of a further table"
            notes.append(f"{told} are of pairs or periods that the first has not: left out")
        joined = base.frame.join(frame.select(*KEYS, *rules, *events), on=KEYS, how="left")
        base = replace(
            base,
            frame=joined.sort(KEYS),
            events={**base.events, **events},
            covariates={**base.covariates, **rules},
            notes=tuple(notes),
        )
    return base


def _both_ways(frame: polars.DataFrame) -> polars.DataFrame:
    """What is so between two states, for either direction."""
    import polars

    unit = polars.col(UNIT).str.split("-").list.reverse().list.join("-")
    return polars.concat([frame, frame.with_columns(unit)])


def _entered(pairs: polars.DataFrame, other: Aggregate) -> tuple[polars.DataFrame, dict[str, Covariate]]:
    """Levels of single states as they enter pairs: columns ID_first, ID_second, ID_min, ID_max or ID_mean."""
    import polars

    keys = pairs.select(KEYS).with_columns(
        polars.col(UNIT).str.split("-").list.get(place).alias(side) for place, side in enumerate(("\0a", "\0b"))
    )
    rules: dict[str, Covariate] = {}
    for id, rule in other.covariates.items():
        both = keys.join(
            other.frame.select(polars.col(UNIT).alias("\0a"), PERIOD, polars.col(id).alias("\0of a")),
            on=["\0a", PERIOD],
            how="left",
        )
        both = both.join(
            other.frame.select(polars.col(UNIT).alias("\0b"), PERIOD, polars.col(id).alias("\0of b")),
            on=["\0b", PERIOD],
            how="left",
        )
        one, two = polars.col("\0of a"), polars.col("\0of b")
        known = one.is_not_null() & two.is_not_null()
        ways = {
            "first": one,
            "second": two,
            "min": polars.min_horizontal(one, two),
            "max": polars.max_horizontal(one, two),
            "mean": (one + two) / 2,
        }
        for way in rule.enter:
            value = ways[way] if way in ("first", "second") else polars.when(known).then(ways[way])
            made = both.select(*KEYS, value.alias(f"{id}_{way}"))
            keys = keys.join(made, on=KEYS, how="left")
            rules[f"{id}_{way}"] = rule
    return keys.drop("\0a", "\0b"), rules
