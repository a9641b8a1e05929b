"""What is asked of a forecast, as one value: which case, as of which day, under which scenarios, and how."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from riskcast.case.judgements import Doubt
from riskcast.case.model import Case, Scenario
from riskcast.case.overlays import Read, apply_overlays, overlay_doubts, parse_overlay
from riskcast.case.plausibility.judge import reading_doubts, scenario_doubts
from riskcast.case.vintage import case_as_of
from riskcast.engines.fitting import DRAWS, fit
from riskcast.engines.jobs import Progress
from riskcast.engines.mixing import mix_posteriors, no_one_prior
from riskcast.engines.posterior import Posterior
from riskcast.engines.refits import Refits
from riskcast.engines.registry import DEFAULT_ENGINE, ENGINES
from riskcast.errors import OptionError, UnreliablePosteriorError
from riskcast.forecasting.forecasts import (
    Forecast,
    check_horizon,
    check_paths,
    check_reach,
    forecast,
    with_equal_paths,
)
from riskcast.forecasting.outside_numbers import OutsideProbability, check_outside
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.names import BASELINE
from riskcast.numbers import MOST_NAMED, more


@dataclass(frozen=True)
class OverlayFile:
    """An overlay as it was handed in: its text, and what errors call it."""

    text: str
    name: str = "overlay"


@dataclass(frozen=True)
class ExpertShare:
    """One of several experts whose forecasts are mixed: who, the share of draws, and what they change in the case."""

    who: str
    share: float
    overlay: OverlayFile

    def plain(self) -> dict[str, Any]:
        """Who and how much, as plain data."""
        return {"who": self.who, "share": self.share}


@dataclass(frozen=True)
class Request:
    """All that a forecast's digits depend on, but for the software.

    `base` is the case as read, before `as_of` and overlays are applied; `scenarios` are names, scenarios made in code,
    or None for the baseline, the first of them the headline; `horizon` is in periods, the case's own where None;
    `paths` are the futures of each draw, as many as are enough where None; `outside` are probabilities that others
    give, each with its weight; with `experts` what is forecast is the mixture of theirs.

    >>> import riskcast
    >>> asked = Request(riskcast.load_case("central_asia_2024"), scenarios=("second_attack",), draws=200)
    >>> [ahead.scenario_name for ahead in forecast_requested(asked, fit_requested(asked))]
    ['second_attack']
    """

    base: Case
    as_of: dt.date | None = None
    overlays: tuple[OverlayFile, ...] = ()
    scenarios: tuple[str | Scenario | None, ...] = (None,)
    horizon: int | None = None
    draws: int = DRAWS
    seed: int = 1
    engine: str = DEFAULT_ENGINE
    prior_only: bool = False
    allow_unreliable: bool = False
    paths: int | None = None
    outside: tuple[OutsideProbability, ...] = ()
    experts: tuple[ExpertShare, ...] = ()

    @cached_property
    def published(self) -> Case:
        """The case as of the day of the forecast, before the overlays."""
        return self.base if self.as_of is None else case_as_of(self.base, self.as_of)

    @cached_property
    def case(self) -> Case:
        """The case that is forecast: after the overlays, which hold on the day of the forecast; experts' cases are
        editions of it."""
        return apply_overlays(self.published, self._read())

    @cached_property
    def expert_cases(self) -> tuple[Case, ...]:
        """The case of every expert; raises CaseError as `case` does, and where an overlay and an expert's number of one
        quantity differ."""
        own = (parse_overlay(expert.overlay.text, expert.overlay.name) for expert in self.experts)
        return tuple(apply_overlays(self.published, (*self._read(), one)) for one in own)

    @property
    def heard(self) -> tuple[tuple[ExpertShare, Case], ...]:
        """The experts who have a share, each with the case."""
        every = zip(self.experts, self.expert_cases, strict=True)
        return tuple((expert, case) for expert, case in every if expert.share > 0.0)

    def _read(self) -> tuple[Read, ...]:
        return tuple(parse_overlay(overlay.text, overlay.name) for overlay in self.overlays)

    @property
    def periods(self) -> int:
        """The horizon in periods; raises OptionError outside 1 to 600."""
        return check_horizon(self.base, self.horizon)

    def options(self) -> dict[str, Any]:
        """The options as plain data; a scenario that was made in code stands there in full."""
        return {
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "scenarios": [s.model_dump(mode="json") if isinstance(s, Scenario) else s for s in self.scenarios],
            "horizon": self.periods,
            "draws": self.draws,
            "seed": self.seed,
            "engine": self.engine,
            "prior_only": self.prior_only,
            "allow_unreliable": self.allow_unreliable,
            # A usual value says nothing: ids of earlier runs stay.
            **({} if self.paths is None else {"paths": self.paths}),
            **({"outside": [one.plain() for one in self.outside]} if self.outside else {}),
            **({"experts": [one.plain() for one in self.experts]} if self.experts else {}),
        }

    @cached_property
    def id(self) -> str:
        """sha256 of all that the digits depend on: the same for the same case, overlays and options."""
        content = {
            "case": [self.base.name, self.base.hash],
            "published": [self.base.published_hash, self.base.overlay_hash],
            "overlays": [overlay.text for overlay in self.overlays],
            "options": self.options(),
            **({"experts": [expert.overlay.text for expert in self.experts]} if self.experts else {}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check_request(request: Request) -> tuple[str, ...]:
    """Names of the scenarios; raises what forecasting would raise, before the fit, which takes longest.

    Raises CaseError for an overlay or scenario that does not fit the case, UnknownNameError for an unknown scenario or
    engine, OptionError for a scenario that reaches beyond the horizon or a bad number of paths.
    """
    check_paths(request.paths)
    ENGINES.check(request.engine)
    names = []
    for scenario in request.scenarios:
        name, assumed = resolve_scenario(request.case, scenario)
        check_reach(name, assumed, request.periods)
        names.append(name)
    if request.experts:
        _ = request.expert_cases
    check_outside(request.outside, request.case.as_of)
    if request.outside and names != [BASELINE]:
        raise OptionError("numbers from outside are of the world as it is; leave out scenarios, or the numbers")
    if request.outside:
        # Imported here, as few ask for it and every forecast starts here.
        from riskcast.forecasting.query_names import read_ahead
    for number in request.outside:
        read_ahead(request.case, request.periods, number.question)
    return tuple(names)


def request_doubts(request: Request) -> tuple[Doubt, ...]:
    """What a request's overlays and scenarios say and can hardly mean, and what is used in its place.

    What the case itself says is not told again (`find_doubts`), nor what it allows, but what was guessed where its
    tables were read. Raises as `check_request` does.

    >>> import riskcast
    >>> asked = Request(riskcast.load_case("central_asia_2024"), scenarios=("crackdown_visa_regime",))
    >>> [doubt.judgement for doubt in request_doubts(asked)]
    ['clipped-move']
    """
    overlays = (parse_overlay(overlay.text, overlay.name) for overlay in request.overlays)
    found = [*reading_doubts(request.base), *overlay_doubts(request.published, overlays)]
    for scenario in request.scenarios:
        found += scenario_doubts(request.case, *resolve_scenario(request.case, scenario))
    return tuple(dict.fromkeys(doubt for doubt in found if not doubt.allowed))


def blanks_of(request: Request) -> tuple[str, ...]:
    """Which quantities an expert left blank who made one of a request's overlays, in sentences: they stand as
    published."""
    found = []
    for overlay in request.overlays:
        told, _ = parse_overlay(overlay.text, overlay.name)
        if told.blank:
            whose = f" by {told.who}" if told.who else ""
            shown = ", ".join(told.blank[:MOST_NAMED]) + more(told.blank)
            found.append(f"{overlay.name}: left blank{whose}, so that the published value stands: {shown}")
    return tuple(found)


def refuse_experts(request: Request, what: str) -> None:
    """Raise OptionError for a mixture of experts, where `what` needs one prior."""
    if request.experts:
        raise OptionError(no_one_prior(what))


def fit_requested(
    request: Request,
    *,
    reuse: Posterior | None = None,
    without: str | None = None,
    grows: bool = False,
    progress: Progress | None = None,
) -> Posterior:
    """The posterior that a request asks for; parameters and errors as for `fit`.

    Of experts it is the mixture of theirs (`mix_posteriors`): who has a share is fitted, one after the other, each from
    what the fits before have in common with it; such a fit does not grow.
    """
    if not request.experts:
        return _fit(request, request.case, reuse, without, progress, grows)
    known, made = Refits([] if reuse is None or reuse.mixture is not None else [reuse]), list[Posterior]()
    for count, (expert, case) in enumerate(request.heard):
        told = _of_all(progress, count, len(request.heard))
        try:
            made.append(_fit(request, case, known.reusable(case), without, told))
        except UnreliablePosteriorError as error:
            raise UnreliablePosteriorError(f"{expert.who}: {error}") from None
        known.keep(made[-1])
    heard = [expert for expert, _ in request.heard]
    return mix_posteriors(request.case, made, [expert.share for expert in heard], [expert.who for expert in heard])


def _of_all(progress: Progress | None, count: int, fits: int) -> Progress | None:
    """Progress of one of several fits as that of all."""
    if progress is None:
        return None
    return lambda event, done, total: progress(event, count * total + done, fits * total)


def _fit(
    request: Request,
    case: Case,
    reuse: Posterior | None,
    without: str | None,
    progress: Progress | None,
    grows: bool = False,
) -> Posterior:
    return fit(
        case,
        engine=request.engine,
        draws=request.draws,
        seed=request.seed,
        prior_only=request.prior_only,
        allow_unreliable=request.allow_unreliable,
        reuse=reuse,
        without=without,
        grows=grows,
        progress=progress,
    )


def forecast_requested(
    request: Request, posterior: Posterior, progress: Callable[[int, int], None] | None = None
) -> tuple[Forecast, ...]:
    """The forecast under each scenario that a request asks for, the headline first, all from the same number of futures
    of each draw; errors as for `forecast`."""
    made = [
        forecast(posterior, name, request.periods, paths=request.paths, progress=progress) for name in request.scenarios
    ]
    equal = with_equal_paths(made)
    if not request.outside:
        return equal
    from riskcast.forecasting.weighed_paths import weigh_in

    return tuple(weigh_in(ahead, request.outside, progress=progress) for ahead in equal)
