"""Answers that carry where their numbers come from, how sure they are, and what to say with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from riskcast.agents import caveats
from riskcast.case.model import Case
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.lineage import case_lineage, fit_provenance
from riskcast.forecasting.requests import Request, request_doubts
from riskcast.numbers import counted
from riskcast.version import __version__

if TYPE_CHECKING:
    from riskcast.ledger.reading import LedgerContents

INTERVAL: Final = (
    "low and high are the ends of 90 % intervals: what more knowledge of the parameters could make of a number. error "
    "is the Monte Carlo standard error, that of the number itself for want of draws and futures; health names the "
    "largest of any headline number. Probabilities are from 0 to 1, scores and contributions in points of 100."
)
RECEIPT_DIGITS: Final = 12
# What the frame of an answer tells already.
FRAMED: Final = ("riskcast_version", "case", "overlay_hash", "cautions", "engine")


def cite_forecast(
    request: Request, ahead: Forecast, result: Mapping[str, Any], about: Sequence[str], limits: Sequence[str] = ()
) -> dict[str, Any]:
    """An answer that a forecast gives: as `cite_fit`, with its scenario and horizon."""
    window = counted(ahead.horizon, ahead.case.settings.period)
    return cite_fit(request, ahead.posterior, result, (f"scenario {ahead.scenario_name}", window, *about), limits)


def cite_fit(
    request: Request, posterior: Posterior, result: Mapping[str, Any], about: Sequence[str], limits: Sequence[str] = ()
) -> dict[str, Any]:
    """An answer that rests on a posterior: a line to cite it by, which says what it is `about`; its case, day, health,
    meaning of intervals and caveats, with the `limits` of what was asked; and the result itself."""
    doubts = [f"{doubt.wrong} [{doubt.judgement}]" for doubt in request_doubts(request)]
    told = fit_provenance(posterior)
    engine = told["engine"]
    health = {name: engine[name] for name in ("reliable", "failures", "khat_max", "ess_min", "rhat_max", "prior_only")}
    # Of a forecast: how far its headline numbers may be off for want of draws and paths.
    of_forecast = result.get("engine", {})
    health |= {name: of_forecast[name] for name in ("probability_error_max", "score_error_max") if name in of_forecast}
    kind = "priors alone" if posterior.prior_only else str(posterior.engine)
    source = (*about, kind, f"{posterior.draws} draws", f"seed {posterior.seed}")
    first = [] if posterior.is_reliable else [caveats.UNREADY]
    first += [caveats.PRIOR_ONLY] if posterior.prior_only else []
    return _framed(posterior.case, source, health, [*first, *posterior.cautions, *limits, *doubts], result)


def cite_case(
    case: Case, result: Mapping[str, Any], about: Sequence[str] = (), limits: Sequence[str] = ()
) -> dict[str, Any]:
    """An answer that a case's files give, to which nothing was fitted."""
    return _framed(case, about, None, limits, result)


def cite_ledger(contents: LedgerContents, result: Mapping[str, Any], about: Sequence[str]) -> dict[str, Any]:
    """An answer that a ledger gives, which is cited by its last receipt: its place is nobody's business."""
    last = contents.entries[-1].hash[:RECEIPT_DIGITS]
    return {
        "citation": ", ".join((f"riskcast {__version__}", f"ledger sha256:{last}", *about)),
        "result": plain({key: value for key, value in result.items() if key not in ("riskcast_version", "ledger")}),
    }


def named(word: str, value: str | Sequence[str] | None) -> list[str]:
    """What was asked, for a citation, behind a word; nothing where it was not.

    >>> named("of", ["score:RUS-TJK", "score:RUS-KAZ"]), named("since", None)
    (['of score:RUS-TJK + score:RUS-KAZ'], [])
    """
    if not value:
        return []
    return [f"{word} {value if isinstance(value, str) else ' + '.join(value)}"]


def _framed(
    case: Case,
    source: Sequence[str],
    health: Mapping[str, Any] | None,
    told: Sequence[str],
    result: Mapping[str, Any],
) -> dict[str, Any]:
    found = case_lineage(case)
    overlay = [f"overlay {found.short_overlay_hash}"] if found.overlay_hash else []
    words = (f"riskcast {__version__}", f"case {found.name} {found.short_hash}", *overlay, f"as of {found.as_of}")
    return {
        "citation": ", ".join((*words, *source)),
        "case": {**found.plain(), "title": found.title, "overlay_hash": found.overlay_hash},
        "as_of": found.as_of.isoformat(),
        "interval": INTERVAL,
        "health": None if health is None else dict(health),
        "caveats": list(told),
        "result": {key: plain(value) for key, value in result.items() if key not in FRAMED},
    }


def plain(value: Any) -> Any:
    """Plain data without numbers that JSON does not have: what is missing is null, never zero.

    >>> plain({"a": (1.0, float("nan"))})
    {'a': [1.0, None]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [plain(own) for own in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
