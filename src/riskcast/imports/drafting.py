"""A case drafted from an imported panel: numbers that anyone could take before anything is known, to be edited."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskcast.case.files import yaml_text
from riskcast.imports.aggregation import Aggregate, last_day
from riskcast.imports.importing import Imported
from riskcast.imports.map_parts import Covariate, Occurrence
from riskcast.imports.maps import MAP_FILE, TableMap, map_data
from riskcast.imports.row_columns import PERIOD
from riskcast.names import PERIODS_PER_YEAR

HEAD: Final = (
    "# Drafted from a table by `riskcast new`: each number is a starting point, to be replaced by what is known.\n"
)
HORIZON: Final = {"week": 13, "month": 12, "quarter": 4, "year": 1}
# From how many rows on half-lives are held fixed, as learning them takes long.
FIXED_FROM: Final = 20_000
# A column whose largest value is so many times its median, and that has no zero, grows by factors.
SKEWED: Final = 20.0
_DRAFTED: Final = "Drafted by riskcast new: says little, so that the record decides."

# What the ends of ids say of columns that one rule has made.
_WAYS: Final = {
    "out": "by the first state",
    "in": "by the second state",
    "first": "first state",
    "second": "second state",
    "min": "lower of both",
    "max": "higher of both",
    "mean": "mean of both",
}

Plain = dict[str, Any]


@dataclass(frozen=True)
class Draft:
    """The YAML files of a case by name, and what was assumed, in sentences."""

    files: dict[str, str]
    notes: tuple[str, ...]


def draft_case(found: Imported, title: str) -> Draft:
    """The YAML files of a panel case from an imported table.

    Base rates are what the table shows, a factor of five each way; covariates are scaled by median and standard
    deviation and act by a factor of 1, give or take 1.5; each event type remembers its own events.
    """
    table = found.table
    if table is None or not table.events:
        raise ValueError("only a table of pairs with events becomes a panel case")
    notes: list[str] = []
    counted = {id: _most(table, id) > 1 for id in table.events}
    levels = {id: rule for id, rule in table.covariates.items() if _is_useful(table, id, notes)}
    case = _case(found, table, title, any(counted.values()))
    content: dict[str, Any] = {
        "case.yaml": case,
        "indicators.yaml": {id: _indicator(table, id, rule, label, notes) for (id, rule), label in _labelled(levels)},
        "outcomes.yaml": {
            id: _outcome(table, id, rule, label, found.maps[0]) for (id, rule), label in _labelled(table.events)
        },
        "effects.yaml": _effects(table, list(levels)),
        "scenarios.yaml": {"baseline": {"label": "Baseline", "story": "Nothing is assumed beyond priors and record."}},
        "sources.yaml": _sources(found.maps, last_day(table)),
    }
    left_out = [id for id in table.covariates if id not in levels]
    if left_out:
        case["panel"]["ignore"] = left_out
    files = {name: HEAD + yaml_text(plain) for name, plain in content.items()}
    for place, chart in enumerate(found.maps):
        files[MAP_FILE if place == 0 else f"map_{place + 1}.yaml"] = yaml_text(map_data(chart))
    return Draft(files, tuple(notes))


def _judged(claim: str, **numbers: Any) -> Plain:
    return {**numbers, "evidence": {"basis": "judgement", "claim": claim}}


def _case(found: Imported, table: Aggregate, title: str, counted: bool) -> Plain:
    first = int(table.frame[PERIOD].min())  # ty: ignore[invalid-argument-type]
    per_year = PERIODS_PER_YEAR[table.period]
    short, long = max(0.7, 0.5 * per_year), max(8.0, 3.0 * per_year)
    fixed = len(table.frame) >= FIXED_FROM
    directed = {"directed": True} if table.directed else {}

    def half_life(value: float, claim: str) -> Plain:
        if fixed:
            return _judged(f"{claim} Held fixed, as so many rows would take long to learn it.", value=value)
        return _judged(claim, median=value, interval=[value / 3, value * 3])

    habit = {"label": "What is usual", "kind": "rate", "half_life": half_life(long, "What is usual holds for years.")}
    memories = {
        "fresh": {"label": "The last events", "half_life": half_life(short, "The next periods feel an event most.")},
        "habit": habit | ({"weight": "log_count"} if counted else {}),
        "quiet": {"label": "Time since the last", "kind": "since"},
        "none_yet": {"label": "None yet", "kind": "never"},
    }
    return {
        "title": title,
        "as_of": last_day(table),
        "panel": {"file": found.panel_name, "covariates": "before", "ended_after": 1} | directed,
        "period": table.period,
        "history_from": table.calendar.first_day(first),
        "horizon": HORIZON[table.period],
        "bands": [{"name": "low", "start": 0}, {"name": "raised", "start": 10}, {"name": "high", "start": 40}],
        "memories": memories,
        "hyperpriors": {
            "sd_dyad": _judged(
                "Pairs differ by a factor of two or so beyond what is measured.", median=0.7, interval=[0.25, 1.8]
            ),
            "sd_time": _judged("Years differ by a third or so.", median=0.3, interval=[0.08, 1.0]),
            "persistence": _judged("Half of a year's shock is left in the next.", value=0.5),
        },
    }


def _most(table: Aggregate, id: str) -> float:
    largest = table.frame[id].max()
    return float(largest) if isinstance(largest, int | float) else 0.0


def _values(table: Aggregate, id: str) -> NDArray[np.float64]:
    return table.frame[id].drop_nulls().to_numpy().astype(np.float64)


def _is_useful(table: Aggregate, id: str, notes: list[str]) -> bool:
    values = _values(table, id)
    if len(values) == 0 or values.min() == values.max():
        notes.append(f"{id} is left out: it does not vary.")
        return False
    return True


def _labelled[Rule: (Covariate, Occurrence)](rules: Mapping[str, Rule]) -> Iterator[tuple[tuple[str, Rule], str]]:
    """Rules by id with a label each, where several columns of one rule have the same."""
    shared = Counter(rule.label or id for id, rule in rules.items())
    for id, rule in rules.items():
        label = rule.label or id
        last = id.rpartition("_")[2]
        yield (id, rule), f"{label} ({_WAYS.get(last, id)})" if shared[label] > 1 else label


def _indicator(table: Aggregate, id: str, rule: Covariate, label: str, notes: list[str]) -> Plain:
    values = _values(table, id)
    middle, lowest, highest = (float(f(values)) for f in (np.median, np.min, np.max))
    gaps = len(table.frame) - len(values)
    if lowest > 0 and highest > SKEWED * middle:
        spread = float(np.std(np.log(values)))
        scale: Plain = {"scale": "log", "reference": _rounded(middle), "step": _rounded(math.exp(spread))}
        notes.append(f"{id} is counted by factors, as its largest value is {highest / middle:,.0f} times its median.")
    else:
        whole = set(np.unique(values).tolist()) <= {0.0, 1.0}
        step = 1.0 if whole else _rounded(float(np.std(values)))
        scale = {"scale": "identity", "reference": 0 if whole else _rounded(middle, 3), "step": step}
    drift = _judged("Drafted: no trend is expected.", value=0)
    found = {
        "label": label,
        "question": f"What is {label}?",
        "scope": "dyad",
        "unit": rule.unit,
        **scale,
        "history": "panel",
        "drift": drift,
    }
    if gaps:
        found["missing"] = ["hold", "reference"]
        notes.append(
            f"{id} is missing in {gaps:,} of {len(table.frame):,} rows: the last value is held, else the median."
        )
    return found


def _rounded(value: float, digits: int = 2) -> float:
    """A number with so many digits that count.

    >>> _rounded(0.01234), _rounded(0.0)
    (0.012, 0.0)
    """
    return float(f"{value:.{digits}g}")


def _outcome(table: Aggregate, id: str, rule: Occurrence, label: str, chart: TableMap) -> Plain:
    values = _values(table, id)
    share = float(np.mean(values >= rule.at_least))
    in_a_year = 1.0 - (1.0 - share) ** PERIODS_PER_YEAR[table.period]
    median = _rounded(min(max(in_a_year, 0.001), 0.6))
    least = f"At least {rule.at_least} of {label}" if rule.at_least > 1 else label
    claim = f"The table shows it in {share:.2%} of rows; five times less or more, so that the record decides."
    found: Plain = {
        "label": label,
        "kind": "outcome",
        "scope": "dyad",
        "initiator": "either",
        "severity": rule.severity,
        "resolution": {"yes": f"{least} in the {table.period}.", "no": "None, or fewer.", "resolved_by": chart.title},
        "base_rate": {
            "median": median,
            "interval": [_rounded(median / 5), _rounded(1.0 - (1.0 - median) ** 5 if median > 0.15 else median * 5)],
            "evidence": {"basis": "record", "claim": claim, "sources": [_source_id(chart)]},
        },
    }
    return found | ({"at_least": rule.at_least} if rule.at_least > 1 else {})


def _effects(table: Aggregate, levels: list[str]) -> list[Plain]:
    found: list[Plain] = []
    for target in table.events:
        for id in levels:
            ratio = _judged(_DRAFTED, median=1, interval=[0.67, 1.5])
            found.append({"from": id, "to": target, "rate_ratio": ratio, "rationale": "To be said: why it would act."})
        own = (
            ("fresh", 1.5, (0.8, 2.8), "What has just happened tends to go on."),
            ("habit", 1.4, (0.8, 2.5), "What is usual is done again."),
            ("quiet", 0.8, (0.5, 1.3), "The longer it is quiet, the more it stays so."),
            ("none_yet", 0.7, (0.3, 1.6), "Where none was yet, none may come."),
        )
        for memory, median, ends, why in own:
            found.append(_edge(target, target, memory, median, ends, why))
        if table.directed:
            why = "What was done to a state, it may do in turn."
            found.append(_edge(target, target, "fresh", 1.2, (0.7, 2.1), why, path="answered", whose="reverse"))
        for other in table.events if len(table.events) <= 4 else ():
            if other != target:
                found.append(_edge(other, target, "fresh", 1.1, (0.65, 1.85), "One kind of act may bring another."))
    return found


def _edge(
    source: str,
    target: str,
    memory: str,
    median: float,
    ends: tuple[float, float],
    why: str,
    *,
    path: str | None = None,
    whose: str = "own",
) -> Plain:
    return {
        "from": source,
        "to": target,
        "path": path or memory,
        "whose": whose,
        "memory": memory,
        "acts": "next",
        "rate_ratio": _judged(_DRAFTED, median=median, interval=list(ends)),
        "rationale": why,
    }


def _source_id(chart: TableMap) -> str:
    return chart.source.id if chart.source is not None else "imported_table"


def _sources(maps: tuple[TableMap, ...], day: dt.date) -> Plain:
    """The sources of tables; of one whose map names none, what is known of it."""
    found: Plain = {}
    for chart in maps:
        if chart.source is not None:
            plain = chart.source.model_dump(exclude_none=True)
            found[plain.pop("id")] = plain
        else:
            found.setdefault(_source_id(chart), {"title": chart.title, "publisher": "To be said", "date": day})
    return found
