"""`changed`: why every score and probability of one forecast is another in a later one, split exactly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

import numpy as np

from riskcast.case.model import Case
from riskcast.case.vintage import case_as_of
from riskcast.comparison.attribute_changes import Run, settle_options
from riskcast.comparison.change_splits import SCORE, ChangePart, ChangeSplit, WhatChanged
from riskcast.comparison.in_between import InBetween, Numbers
from riskcast.comparison.news import EVENTS, VERSION, New, News, find_news
from riskcast.comparison.splitting import Count, Share, Splitting, split_difference
from riskcast.engines.posterior import Posterior
from riskcast.engines.registry import DEFAULT_ENGINE
from riskcast.errors import CaseError, OptionError
from riskcast.forecasting.requests import Request, check_request
from riskcast.names import ALL_DYADS
from riskcast.record.arrays import build_record
from riskcast.record.gaps import find_gaps
from riskcast.version import __version__

# Orders of the members of a large group, in pairs of one and its reverse.
ORDERS: Final = 6


class KeptRun(Run, Protocol):
    """A finished run, and where its digits come from."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Plain data: id, hashes, options, versions."""


def changed(
    a: Case | KeptRun,
    b: Case | KeptRun | None = None,
    *,
    since: dt.date | None = None,
    until: dt.date | None = None,
    scenario: str | None = None,
    horizon: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    orders: int = ORDERS,
    prior_only: bool | None = None,
    allow_unreliable: bool = False,
    names: tuple[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> WhatChanged:
    """What changed from one forecast to a later one, and how much of every difference each thing is responsible for.

    Two kept runs, two editions of a case, or one case as of two days (`since`, `until`; the second is the case's own
    day where none is given). Every difference of a score or of an outcome's probability, in points of a hundred, is the
    sum of its parts: what a newer version computes otherwise; what days alone do (levels age, memories fade, the window
    moves on); new events, each by name; new values and nowcasts, by indicator; relearning, the posterior of the second
    record in place of the first's with all else held; and changed beliefs, each by name. Days come first, as nothing is
    new before they have passed; the other groups, and within each its members, take turns in all orders (Owen, 1977):
    `owen_values`. Where a group has many members, `orders` of them are forecast, from a share of the draws, and what
    they leave of the group's exact sum is spread in proportion. All forecasts meet the same chance; `error` of a part
    is its Monte Carlo standard error.

    Raises OptionError for a bad option, panels, a second day before the first, and cases without a common dyad;
    UnreliablePosteriorError where a posterior fails its checks.

    >>> import datetime as dt
    >>> import riskcast
    >>> then = riskcast.case_as_of(riskcast.load_case("central_asia_2024"), dt.date(2006, 7, 31))
    >>> found = changed(then, since=dt.date(2006, 6, 30), draws=100, orders=2, allow_unreliable=True)
    >>> split = found.split("RUS-TJK")
    >>> abs(sum(part.points for part in split.parts) - (split.after - split.before)) < 1e-9
    True
    """
    if orders < 2 or orders % 2 or orders > 1000:
        raise OptionError(f"orders is {orders}; give an even number from 2 to 1000")
    a, b, names = _sides(a, b, since, until, names)
    request, notes = settle_options(a, b, scenario, horizon, draws, seed, prior_only, allow_unreliable)
    first, second = (side if isinstance(side, Case) else side.case for side in (a, b))
    for case in (first, second):
        check_request(replace(request, base=case))
    news = find_news(first, second, str(request.scenarios[0]), request.horizon)
    numbers = Numbers.of(first, second)
    if not numbers.dyads:
        raise OptionError("the two cases have no dyad in common; compare cases about the same dyads")
    kept = tuple(None if isinstance(side, Case) else side.risks[0].forecast for side in (a, b))
    drawn = [None if isinstance(side, Case) else _usable(side, request) for side in (a, b)]
    failures: dict[str, None] = {}
    version = _version(a, b)
    while True:
        count = Count(progress)
        between = InBetween(news, request, numbers, (drawn[0], drawn[1]), count.step, failures=failures)
        try:
            found = split_difference(between, (kept[0], kept[1]), version, orders, count)
        except CaseError:
            if len(news.beliefs) < 2:
                raise
            # Both ends are fitted by then.
            drawn = [between.fit((), False), between.fit(news.beliefs, True)]
            news = news.with_beliefs_as_one()
            notes = (*notes, "Changed beliefs share one value: a case with only some of them would not be valid.")
            continue
        break
    if progress is not None:
        progress(count.done, count.done)
    lacking = dict.fromkeys(told for case in (first, second) for told in find_gaps(case, build_record(case)).told)
    return WhatChanged(
        first=names[0],
        second=names[1],
        days=(first.as_of, second.as_of),
        splits=_splits(found, numbers, news),
        scenario=str(request.scenarios[0]),
        draws=request.draws,
        seed=request.seed,
        forecasts=count.done,
        hashes=(first.hash, second.hash),
        versions=(_made_by(a), _made_by(b)),
        notes=(*notes, *lacking),
        failures=tuple(failures),
        only_first=tuple(dyad for dyad in first.dyads if dyad not in numbers.dyads),
        only_second=tuple(dyad for dyad in second.dyads if dyad not in numbers.dyads),
    )


def _sides(
    a: Case | KeptRun,
    b: Case | KeptRun | None,
    since: dt.date | None,
    until: dt.date | None,
    names: tuple[str, str] | None,
) -> tuple[Case | KeptRun, Case | KeptRun, tuple[str, str]]:
    """Both sides and what they are called, where two are given or one case on two days."""
    if b is not None:
        if since is not None or until is not None:
            raise OptionError("two sides are given, and days as well; give two sides, or one case with its days")
        return a, b, names or (_called(a), _called(b))
    if since is None:
        raise OptionError("one side is given, and no day to compare it with; give a second side, or since=")
    if not isinstance(a, Case):
        raise OptionError("a run is of one day; give two runs, or a case with its days")
    last = until or a.as_of
    if last <= since:
        raise OptionError(f"the first day is {since}, and the second {last}; give the earlier one first")
    sides = case_as_of(a, since), case_as_of(a, last)
    return *sides, names or (f"{a.name} as of {since}", f"{a.name} as of {last}")


def _called(side: Case | KeptRun) -> str:
    case = side if isinstance(side, Case) else side.case
    return f"{case.name} as of {case.as_of}"


def _usable(run: KeptRun, request: Request) -> Posterior | None:
    """The posterior of a run whose draws are those that this software would draw again."""
    posterior, versions = run.posterior, run.provenance["versions"]
    drawn = posterior.engine, posterior.draws, posterior.seed, posterior.prior_only
    asked = request.engine, request.draws, request.seed, request.prior_only
    same = drawn == asked and versions.get("riskcast") == __version__
    # One that failed its checks is fitted again, which refuses it, or tells.
    return posterior if same and posterior.is_reliable else None


def _made_by(side: Case | KeptRun) -> str:
    return __version__ if isinstance(side, Case) else str(side.provenance["versions"].get("riskcast", "unknown"))


def _version(a: Case | KeptRun, b: Case | KeptRun) -> New:
    """What the part of the software is called."""
    made = list(dict.fromkeys(_made_by(side) for side in (a, b)))
    other = [made_by for made_by in made if made_by != __version__]
    engines = [side.posterior.engine for side in (a, b) if not isinstance(side, Case)]
    if other:
        label = f"Another version: made by riskcast {' and '.join(other)}, here by {__version__}"
    elif any(engine != DEFAULT_ENGINE for engine in engines):
        label = f"Another engine: sampled by {', '.join(dict.fromkeys(engines))}, here fitted by {DEFAULT_ENGINE}"
    else:
        label = "Another number of futures, or other software beneath riskcast"
    return New(VERSION, VERSION, label)


def _splits(found: Splitting, numbers: Numbers, news: News) -> tuple[ChangeSplit, ...]:
    """Every number with its parts, the largest first."""
    case = news.second
    places = [(SCORE, dyad) for dyad in numbers.dyads] + list(numbers.outcomes)
    splits = []
    for column, (quantity, unit) in enumerate(places):
        parts = [_part(share, column, unit, found) for share in found.shares if share.points[column] != 0.0]
        touched = any(
            unit in new.units or ALL_DYADS in new.units if quantity == SCORE else new.event == quantity
            for new in news.events
        )
        start, end = float(found.start[column]), float(found.end[column])
        splits.append(
            ChangeSplit(
                quantity=quantity,
                label="Score" if quantity == SCORE else case.events[quantity].label,
                unit=unit,
                name=case.name_of(unit),
                before=start,
                after=end,
                parts=tuple(sorted(parts, key=lambda part: -abs(part.points))),
                ripple=not touched,
            )
        )
    return tuple(splits)


def _part(share: Share, column: int, unit: str, found: Splitting) -> ChangePart:
    new, felt = share.new, found.felt.get(share.new.event, {})
    fades = felt.get(unit, float(np.mean(list(felt.values()) or [0.0]))) <= 0.0
    is_event = new.group == EVENTS
    return ChangePart(
        new.group,
        new.id,
        new.label,
        float(share.points[column]),
        float(share.errors[column]),
        new.event,
        new.units if is_event else (),
        new.days if is_event else (),
        fades and not is_event and bool(new.event),
        share.sampled,
    )
