"""Rows with a unit and a period -> one row for each of both, with how many events there were, and levels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from riskcast.case.periods import Calendar, calendar_of
from riskcast.errors import OptionError
from riskcast.imports.cleaning import Clean
from riskcast.imports.map_parts import Covariate, Occurrence
from riskcast.imports.maps import TableMap
from riskcast.imports.reading import LINE, meets
from riskcast.imports.reports import MOST_EXAMPLES, Loss
from riskcast.imports.row_columns import LAST, PERIOD, TURNED, UNIT
from riskcast.imports.row_numbers import number_of
from riskcast.imports.row_units import exists
from riskcast.numbers import counted

if TYPE_CHECKING:
    import polars

KEYS: Final = (UNIT, PERIOD)
OUT, IN = "_out", "_in"
# More cells than a panel may have rows, long before they fill the memory.
MOST_ROWS: Final = 2_000_000


@dataclass(frozen=True, eq=False)
class Aggregate:
    """One row for each unit and period: how many events of each type there were and levels, null where not known.

    events, covariates: columns of `frame` by id, and the rule each comes from; first, last: numbers of the first and
    last period in which events can be known; of_states: whether units are single states; directed: whether
    A-B and B-A are two units; merged: rows joined with
    others.
    """

    frame: polars.DataFrame
    events: Mapping[str, Occurrence]
    covariates: Mapping[str, Covariate]
    period: str
    first: int
    last: int
    of_states: bool
    directed: bool
    taken: int
    merged: int
    losses: tuple[Loss, ...]
    notes: tuple[str, ...] = ()

    @property
    def calendar(self) -> Calendar:
        """How time is cut into periods."""
        return calendar_of(self.period)


def aggregate(cleaned: Clean, chart: TableMap) -> Aggregate:
    """One row for each pair (or state) and period.

    Of a table of events, the rows are the kept pairs in all periods that were searched from their first to their last
    day and in which both states existed: no event there is none. Of a table of periods they are its own rows. Levels
    with a lag stand as many periods later, and so one row beyond the last may hold them alone.
    """
    import polars

    frame, losses, notes = cleaned.frame, list(cleaned.losses), []
    calendar = calendar_of(chart.period)
    first, last = _reach(frame, chart, calendar, losses, notes)
    if chart.searched is not None:
        outside = (polars.col(LAST) < first) | (polars.col(PERIOD) > last)
        lost = len(frame.filter(outside))
        if lost:
            losses.append(Loss(lost, "lay outside the periods that were searched whole"))
        frame = frame.filter(~outside)
    frame = _of_kept(frame, chart, losses, calendar)
    columns = {id: _events(frame, rule, chart, turned) for id, rule, turned in _event_columns(chart)}
    rules = {id: rule for id, rule, _ in _event_columns(chart)}
    levels = {id: (_levels(frame, rule, turned), rule) for id, rule, turned in _level_columns(chart)}
    skeleton = _skeleton(frame, chart, first, last)
    if chart.rows == "events":
        frame = _of_living(frame, skeleton, losses)
    joined = skeleton
    if columns and any(rule.lag for _, rule in levels.values()):
        # Levels of the period after the last are known as well; no pair may seem to end where it has none.
        after = skeleton.filter(polars.col(PERIOD) == last).with_columns(polars.col(PERIOD) + 1)
        joined = polars.concat([skeleton, after])
    for id, (found, rule) in levels.items():
        shifted = found.with_columns(polars.col(PERIOD) + rule.lag).rename({"value": id})
        joined = joined.join(shifted, on=KEYS, how="full" if rule.lag else "left", coalesce=True)
    for id, found in columns.items():
        joined = joined.join(found.rename({"value": id}), on=KEYS, how="left")
    known = polars.col(PERIOD).is_between(first, last)
    if columns:
        # Levels alone make no row, but in the period after the last, of units that are there then.
        there = polars.struct(KEYS).is_in(skeleton.select(polars.struct(KEYS).alias("keys"))["keys"].implode())
        ahead = (polars.col(PERIOD) == last + 1) & polars.col(UNIT).is_in(_lasting(skeleton, last).implode())
        joined = joined.filter((known & there) | ahead)
    if chart.rows == "events":
        joined = joined.with_columns(polars.when(known).then(polars.col(id).fill_null(0.0)).alias(id) for id in columns)
        # A level with a lag is of a period that was searched where that many periods before was.
        lags = {id: rule.lag for id, (_, rule) in levels.items() if rule.absent == "zero"}
        joined = joined.with_columns(
            polars.when(polars.col(PERIOD).is_between(first + lag, last + lag))
            .then(polars.col(id).fill_null(0.0))
            .otherwise(polars.col(id))
            .alias(id)
            for id, lag in lags.items()
        )
    taken = len(frame)
    merged = taken - len(frame.select(KEYS).unique())
    return Aggregate(
        joined.sort(KEYS),
        rules,
        {id: rule for id, (_, rule) in levels.items()},
        chart.period,
        first,
        last,
        chart.units.state is not None,
        chart.units.direction == "directed",
        taken,
        merged,
        tuple(losses),
        tuple(notes),
    )


def _event_columns(chart: TableMap) -> list[tuple[str, Occurrence, bool | None]]:
    """Ids of columns with their rules; where directions are split, whether rows are those of the second state."""
    if chart.units.direction != "split":
        return [(id, rule, None) for id, rule in chart.events.items()]
    return [(id + side, rule, side == IN) for id, rule in chart.events.items() for side in (OUT, IN)]


def _level_columns(chart: TableMap) -> list[tuple[str, Covariate, bool | None]]:
    if chart.units.direction != "split":
        return [(id, rule, None) for id, rule in chart.covariates.items()]
    return [(id + side, rule, side == IN) for id, rule in chart.covariates.items() for side in (OUT, IN)]


def _reach(
    frame: polars.DataFrame, chart: TableMap, calendar: Calendar, losses: list[Loss], notes: list[str]
) -> tuple[int, int]:
    """The first and last period that the file is about, both whole."""
    if chart.searched is None:
        if not len(frame):
            raise OptionError(f"no row of the table is left{_why(losses)}; correct the map")
        low, high = frame[PERIOD].min(), frame[LAST].max()
        if not isinstance(low, int) or not isinstance(high, int):
            raise OptionError("no row of the table has a period; see `date` of the map")
        return low, high
    start, until = chart.searched.start, chart.searched.end
    first, last = calendar.number(start), calendar.number(until)
    if calendar.first_day(first) < start:
        notes.append(f"{calendar.label(first)} was searched in part, and is left out")
        first += 1
    if calendar.last_day(last) > until:
        notes.append(f"{calendar.label(last)} was searched in part, and is left out")
        last -= 1
    if last < first:
        raise OptionError(
            f"no {chart.period} was searched whole from {start} to {until}; correct `searched:` of the map"
        )
    return first, last


def _why(losses: list[Loss]) -> str:
    """Why rows were dropped, behind a sentence that none is left."""
    return "".join(f"; {loss.rows} {loss.why}" for loss in losses).replace("; ", ": ", 1)


def _of_kept(frame: polars.DataFrame, chart: TableMap, losses: list[Loss], calendar: Calendar) -> polars.DataFrame:
    """Rows of the pairs that the map keeps."""
    import polars

    kept = chart.kept
    if kept.states is not None:
        among = polars.all_horizontal(
            polars.col(UNIT)
            .str.split("-")
            .list.get(place, null_on_oob=True)
            .fill_null(kept.states[0])
            .is_in(kept.states)
            for place in (0, 1)
        )
        lost = len(frame.filter(~among))
        if lost:
            losses.append(Loss(lost, "named states that `kept.states` does not"))
        frame = frame.filter(among)
    if kept.fewest > 1 or kept.most is not None:
        ranking = frame
        if kept.counted_until is not None:
            ranking = frame.filter(polars.col(PERIOD) <= calendar.number(kept.counted_until))
        # Pairs with as many rows as another go by their ids, so that the same file gives the same pairs.
        both = polars.col(UNIT).str.split("-").list.sort().list.join("-")
        ranked = ranking.group_by(both).len().sort(["len", UNIT], descending=[True, False])
        chosen = ranked.filter(polars.col("len") >= kept.fewest)[UNIT]
        chosen = chosen if kept.most is None else chosen.head(kept.most)
        of_chosen = both.is_in(chosen.implode())
        lost = len(frame.filter(~of_chosen))
        if lost:
            losses.append(Loss(lost, f"were of pairs that are too rare (kept: {len(chosen)} of {len(ranked)})"))
        frame = frame.filter(of_chosen)
    if not len(frame):
        raise OptionError(f"no row of the table is left{_why(losses)}; correct the map")
    return frame


def _of_living(frame: polars.DataFrame, skeleton: polars.DataFrame, losses: list[Loss]) -> polars.DataFrame:
    """Rows of periods in which both states existed when the row began, or when it ended."""
    import polars

    began, ended = "\0began", "\0ended"
    alive = skeleton.select(*KEYS, polars.lit(True).alias(began))
    marked = frame.join(alive, on=KEYS, how="left", maintain_order="left").join(
        alive.rename({PERIOD: LAST, began: ended}), on=[UNIT, LAST], how="left", maintain_order="left"
    )
    there = polars.col(began).is_not_null() | polars.col(ended).is_not_null()
    gone = marked.filter(~there)
    if len(gone):
        counts = gone[UNIT].value_counts(sort=True).head(MOST_EXAMPLES)
        examples = tuple(f"{unit}, {counted(rows, 'row')}" for unit, rows in counts.iter_rows())
        mend = "check the codes; riskcast's table of states says when each existed"
        losses.append(Loss(len(gone), "were of years in which one of the two states did not exist", mend, examples))
    return marked.filter(there).drop(began, ended)


def _events(frame: polars.DataFrame, rule: Occurrence, chart: TableMap, turned: bool | None) -> polars.DataFrame:
    """How many events there were, by unit and period."""
    import polars

    number = polars.lit(1.0) if rule.number is None else polars.col(number_of(rule.number))
    if turned is not None:
        frame = frame.filter(polars.col(TURNED) == turned)
    if chart.rows == "periods":
        # A row of a period says of every type how many there were, so that a condition that is not met is none.
        unknown = polars.any_horizontal(polars.lit(False), *(polars.col(column).is_null() for column in rule.where))
        number = polars.when(unknown).then(None).when(meets(rule.where)).then(number).otherwise(0.0)
    else:
        frame = frame.filter(meets(rule.where))
    frame = frame.select(UNIT, PERIOD, LAST, number.alias("value"))
    if rule.lasts == "goes_on":
        frame = frame.with_columns(polars.int_ranges(PERIOD, polars.col(LAST) + 1).alias(PERIOD)).explode(PERIOD)
    value = polars.col("value")
    one = {"sum": value.sum(), "max": value.max(), "any": (value > 0).any().cast(polars.Float64)}[rule.combine]
    return frame.group_by(KEYS).agg(polars.when(value.count() > 0).then(one).alias("value"))


def _levels(frame: polars.DataFrame, rule: Covariate, turned: bool | None) -> polars.DataFrame:
    """Levels by unit and period."""
    import polars

    if turned is not None:
        frame = frame.filter(polars.col(TURNED) == turned)
    value = polars.col("value")
    rows = frame.filter(meets(rule.where)).select(UNIT, PERIOD, LINE, polars.col(number_of(rule.column)).alias("value"))
    rows = rows.filter(value.is_not_null()).sort(PERIOD, LINE)
    return rows.group_by(KEYS, maintain_order=True).agg(getattr(value, rule.combine)().alias("value"))


def _skeleton(frame: polars.DataFrame, chart: TableMap, first: int, last: int) -> polars.DataFrame:
    """The units and periods that have a row."""
    import polars

    if chart.rows == "periods":
        return frame.select(KEYS).unique()
    units = sorted(frame[UNIT].unique().to_list())
    if chart.kept.states is not None and not chart.kept.seen:
        listed = sorted(chart.kept.states)
        units = sorted({*units, *(f"{one}-{other}" for i, one in enumerate(listed) for other in listed[i + 1 :])})
    if chart.units.direction == "directed":
        # Whoever did nothing to a state that did something to it is there as well.
        units = sorted({*units, *("-".join(reversed(unit.split("-"))) for unit in units)})
    if len(units) * (last - first + 1) > MOST_ROWS:
        wrong = f"{len(units):,} pairs in {last - first + 1:,} periods are more than {MOST_ROWS:,} rows"
        raise OptionError(f"{wrong}; keep fewer pairs (`kept:` of the map: states, fewest, most), or longer periods")
    calendar = calendar_of(chart.period)
    years = [(calendar.first_day(p).year, calendar.last_day(p).year) for p in range(first, last + 1)]
    spans = sorted(set(years))
    alive = {unit: {span for span in spans if exists(unit, *span, chart.units.codes)} for unit in units}
    rows = [(unit, first + t) for unit in units for t, span in enumerate(years) if span in alive[unit]]
    return polars.DataFrame(rows, schema={UNIT: polars.String, PERIOD: polars.Int64}, orient="row")


def _lasting(skeleton: polars.DataFrame, last: int) -> polars.Series:
    """The units that have a row in the last period."""
    import polars

    return skeleton.filter(polars.col(PERIOD) == last)[UNIT]


def last_day(table: Aggregate) -> dt.date:
    """The last day of which events can be known."""
    return table.calendar.last_day(table.last)
