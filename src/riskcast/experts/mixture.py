"""The mixture of experts' forecasts: one forecast whose draws are shared out among experts by weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from riskcast.case.model import Case
from riskcast.engines.mixing import mix_posteriors
from riskcast.errors import OptionError
from riskcast.experts.beliefs import beliefs_of, told_blanks
from riskcast.experts.panels import BLANKS, Blanks, ExpertPanel, hindsight
from riskcast.experts.weighing import weigh_panel
from riskcast.forecasting.closed_form import is_closed, solve
from riskcast.forecasting.forecasts import Forecast, with_equal_paths
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.requests import ExpertShare, OverlayFile, Request, check_request
from riskcast.forecasting.simulation import BLOCK_CELLS, simulate

if TYPE_CHECKING:
    from riskcast.verification.track_rows import TrackRecord


def mix_forecasts(
    forecasts: Sequence[Forecast], weights: Sequence[float], case: Case, names: Sequence[str] | None = None
) -> Forecast:
    """The linear pool of experts' forecasts (Stone, 1961): each draw of parameters, levels and what they move is one
    expert's, by weight, so that it holds for all numbers at once: probabilities, scores, joint futures.

    It is not the forecast under the mixture of their priors, in which the record would move the weights (Genest and
    Zidek, 1986). It can be scored, asked, explained and exported as any other, and names every expert's share and
    overlay; what needs one prior is refused. Draw by draw it meets the chance that each expert's own forecast met.
    `case`: the published one, of which theirs are editions. Raises OptionError where forecasts do not share draws,
    seed, horizon, scenario and the structure of their cases, and for weights that are not theirs.

    >>> import riskcast
    >>> case = riskcast.load_case("central_asia_2024")
    >>> one = riskcast.forecast(riskcast.fit(case, draws=100, allow_unreliable=True), horizon=2)
    >>> both = mix_forecasts([one, one], [0.5, 0.5], case)
    >>> both.score("RUS-TJK") == one.score("RUS-TJK")
    True
    """
    if not forecasts or len(weights) != len(forecasts):
        raise OptionError(f"{len(weights)} weights are given for {len(forecasts)} forecasts; give one for each")
    forecasts = with_equal_paths(tuple(forecasts))
    first = forecasts[0]
    for ahead in forecasts:
        if ahead.outside is not None:
            raise OptionError("a forecast that numbers from outside adjust cannot be mixed; make it without them")
        theirs = (ahead.posterior.draws, ahead.seed, ahead.horizon, ahead.scenario, ahead.paths, ahead.dyads)
        if theirs != (first.posterior.draws, first.seed, first.horizon, first.scenario, first.paths, first.dyads):
            raise OptionError(
                "experts' forecasts differ in draws, seed, horizon, scenario, paths or dyads; make all alike"
            )
    called = names or [f"expert {place + 1}" for place in range(len(forecasts))]
    posterior = mix_posteriors(case, [ahead.posterior for ahead in forecasts], weights, called)
    plan = plan_simulation(posterior, first.horizon, first.seed)
    if is_closed(plan):
        simulated = solve(plan, first.scenario, BLOCK_CELLS)
    else:
        simulated = simulate(plan, first.scenario, first.paths or None)
    return replace(first, posterior=posterior, plan=plan, simulated=simulated, paths=simulated.paths)


@dataclass(frozen=True)
class Group:
    """A panel's mixture as a request, which every command and function that forecasts goes on with; told: what a reader
    should know of weights, blanks and days."""

    request: Request
    told: tuple[str, ...]


def with_panel(
    request: Request,
    panel: ExpertPanel,
    *,
    weights: str | None = None,
    cutoff: float | None = None,
    track: TrackRecord | None = None,
    earned: Sequence[float] | None = None,
    blanks: Blanks | None = None,
) -> Group:
    """A request for the mixture of a panel's experts in place of the forecast of one case.

    Weights as for `weigh_panel`; `blanks`: what stands where an expert gives no number. Raises CaseError for beliefs
    that do not fit the case, OptionError for weights that lack.

    >>> import riskcast
    >>> asked = riskcast.Request(riskcast.load_case("central_asia_2024"), draws=100, allow_unreliable=True)
    >>> group = with_panel(asked, riskcast.load_panel("docs/panel_2024/panel.yaml"))
    >>> [round(expert.share, 2) for expert in group.request.experts]
    [0.33, 0.33, 0.33]
    """
    case = request.case
    weighed = weigh_panel(panel, weights, cutoff=cutoff, track=track, day=case.as_of, earned=earned)
    way = check_blanks(blanks or panel.blanks)
    beliefs = beliefs_of(case, panel, weighed.shares, way)
    experts = tuple(
        ExpertShare(
            belief.expert.name, share, OverlayFile(belief.overlay_text(case), f"{panel.title}: {belief.expert.name}")
        )
        for belief, share in zip(beliefs, weighed.shares, strict=True)
    )
    asked = replace(request, experts=experts)
    check_request(asked)
    blank = told_blanks(beliefs, (blanks or panel.blanks) is not None)
    return Group(asked, (*weighed.told, *blank, *hindsight(case, panel)))


def check_blanks(blanks: str | None) -> Blanks:
    """What stands where an expert gives no number, the published one where nobody has chosen; raises OptionError for
    what is no such choice."""
    found = next((way for way in BLANKS if way == (blanks or BLANKS[0])), None)
    if found is None:
        raise OptionError(f"blanks is {blanks!r}; give one of {', '.join(BLANKS)}")
    return found
