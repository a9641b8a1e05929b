"""Answers that carry where their numbers come from, how sure they are, and what to say with them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from riskcast.case.model import Case
from riskcast.engines.posterior import Posterior
from riskcast.forecasting.lineage import case_lineage, fit_provenance
from riskcast.version import __version__

INTERVAL: Final = (
    "low and high are the ends of 90 % intervals: what more knowledge of the parameters could make of a number. error "
    "is the Monte Carlo standard error, that of the number itself for want of draws and futures; health names the "
    "largest of any headline number. Probabilities are from 0 to 1, scores and contributions in points of 100."
)
PRIOR_ONLY: Final = "From the priors alone: the record was left out."
UNREADY: Final = "The posterior failed its checks; do not rely on these numbers."
# What the frame of an answer tells already.
FRAMED: Final = ("riskcast_version", "case", "overlay_hash", "cautions", "engine")


def cite_posterior(
    posterior: Posterior, result: Mapping[str, Any], about: Sequence[str] = (), caveats: Sequence[str] = ()
) -> dict[str, Any]:
    """An answer that rests on a posterior: a line to cite it by, which may say what it is `about`; its case, day,
    health, meaning of intervals and caveats; and the result itself."""
    told = fit_provenance(posterior)
    engine = told["engine"]
    health = {name: engine[name] for name in ("reliable", "failures", "khat_max", "ess_min", "rhat_max", "prior_only")}
    # Of a forecast: how far its headline numbers may be off for want of draws and paths.
    of_forecast = result.get("engine", {})
    health |= {name: of_forecast[name] for name in ("probability_error_max", "score_error_max") if name in of_forecast}
    kind = "priors alone" if posterior.prior_only else str(posterior.engine)
    source = (*about, kind, f"{posterior.draws} draws", f"seed {posterior.seed}")
    first = [] if posterior.is_reliable else [UNREADY]
    first += [PRIOR_ONLY] if posterior.prior_only else []
    return _framed(posterior.case, source, health, [*first, *posterior.cautions, *caveats], result)


def cite_case(case: Case, result: Mapping[str, Any], caveats: Sequence[str] = ()) -> dict[str, Any]:
    """An answer that a case's files give, to which nothing was fitted."""
    return _framed(case, (), None, caveats, result)


def _framed(
    case: Case,
    source: Sequence[str],
    health: Mapping[str, Any] | None,
    caveats: Sequence[str],
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
        "caveats": list(caveats),
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
