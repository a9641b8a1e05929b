"""A run: a forecast with all that its digits depend on, from the case as read to the versions of the software."""

from __future__ import annotations

import datetime as dt
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter

from riskcast.case.checks import find_problems
from riskcast.case.model import Case, Scenario
from riskcast.case.overlays import apply_overlay, overlay_text, parse_overlay
from riskcast.engines.fitting import DRAWS
from riskcast.engines.posterior import Diagnostics, Posterior
from riskcast.engines.registry import DEFAULT_ENGINE, engine_versions
from riskcast.errors import CaseError, OptionError
from riskcast.forecasting.attribution import Explanation, explain
from riskcast.forecasting.forecasts import Forecast, check_horizon
from riskcast.forecasting.lineage import provenance
from riskcast.forecasting.requests import OverlayFile, Request, check_request, fit_requested, forecast_requested
from riskcast.forecasting.scoring import Risk, score
from riskcast.machinery.digests import digest
from riskcast.runs.sealed_folder import plain
from riskcast.version import __version__

ID_LENGTH: Final = 12

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Run:
    """A forecast with all that it came from.

    `published` is the case before the overlays and `case` after them, both as of the day of the forecast; `risks` has
    the headline first; `explanations` are by name of scenario. `provenance` is plain data: the id, hashes, options,
    versions, and the engine's checks.
    """

    case: Case
    published: Case
    overlays: tuple[str, ...]
    posterior: Posterior
    risks: tuple[Risk, ...]
    explanations: tuple[tuple[str, Explanation], ...]
    provenance: Mapping[str, Any]
    request: Request

    @property
    def forecasts(self) -> tuple[Forecast, ...]:
        """The forecast under each scenario, the headline first."""
        return tuple(risk.forecast for risk in self.risks)

    @property
    def name(self) -> str:
        """The name of the run's folder: case, day and a part of the id."""
        plain_name = re.sub(r"[^A-Za-z0-9_-]+", "_", self.request.base.name).strip("_") or "case"
        return f"{plain_name[:60]}-{self.case.as_of:%Y-%m-%d}-{self.provenance['id'][:ID_LENGTH]}"

    def __repr__(self) -> str:
        return f"<Run {self.name}. {self.risks[0]!r}>"


def run(
    case: Case,
    scenarios: Sequence[str | Scenario | None] = (),
    *,
    published: Case | None = None,
    as_of: dt.date | None = None,
    overlays: Sequence[str] = (),
    horizon: int | None = None,
    draws: int = DRAWS,
    seed: int = 1,
    engine: str = DEFAULT_ENGINE,
    prior_only: bool = False,
    allow_unreliable: bool = False,
    paths: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Fit a case, forecast it under scenarios (the first is the headline), score and explain: a run that can be kept.

    Either `case` is as it was read, and `overlays` (texts of overlay files) and `as_of` are still to be applied, or
    it has its changes already and `published` is the case before them; they are then kept as one overlay. `progress`
    hears what is being done, how much of it is done and how much there is. Raises CaseError where the case would not
    read back from files, and what `fit` and `forecast` raise.

    >>> import riskcast
    >>> kept = run(riskcast.load_case("central_asia_2024"), ["baseline", "second_attack"], draws=200)
    >>> [risk.forecast.scenario_name for risk in kept.risks]
    ['baseline', 'second_attack']
    """
    if published is not None:
        if overlays or as_of is not None:
            raise OptionError("published is given together with overlays or as_of; give the case as read with these")
        overlays = _as_overlays(published, case)
    base = case if published is None else published
    request = Request(
        base=base,
        as_of=as_of,
        overlays=tuple(OverlayFile(text, overlay_name(number)) for number, text in enumerate(overlays)),
        scenarios=tuple(scenarios) or (None,),
        horizon=check_horizon(base, horizon),
        draws=draws,
        seed=seed,
        engine=engine,
        prior_only=prior_only,
        allow_unreliable=allow_unreliable,
        paths=paths,
    )
    return run_request(request, progress)


def run_request(request: Request, progress: Progress | None = None) -> Run:
    """The run that a request asks for; see `run`."""
    problems = find_problems(request.base)
    if problems:
        raise CaseError(problems)
    if request.outside:
        raise OptionError("a kept run holds no numbers from outside; leave them out, or export the forecast")
    names = check_request(request)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise OptionError(f"the scenario {twice!r} is given twice; give each scenario once")
    report = progress or (lambda label, done, total: None)
    posterior = fit_requested(request, progress=lambda event, done, total: report("Fitting", done, total))
    risks, explanations = [], []
    for ahead in forecast_requested(request, posterior, lambda done, total: report("Simulating", done, total)):
        reasons = explain(ahead, progress=lambda done, total: report("Explaining the scores", done, total))
        risks.append(score(ahead))
        explanations.append((ahead.scenario_name, reasons))
    about = _provenance(request, risks[0])
    return Run(
        case=request.case,
        published=request.published,
        overlays=tuple(overlay.text for overlay in request.overlays),
        posterior=posterior,
        risks=tuple(risks),
        explanations=tuple(explanations),
        provenance=about,
        request=request,
    )


def overlay_name(number: int) -> str:
    """The file of one overlay within a run's folder, counted from 0."""
    return f"overlays/{number + 1}.yaml"


def expert_name(number: int) -> str:
    """The file of what one expert of a mixture changes within a run's folder, counted from 0."""
    return f"experts/{number + 1}.yaml"


def record_hash(case: Case) -> str:
    """sha256 of a case's record: its events, series and what was searched, or its panel."""
    kinds = (case.event_rows, case.series_rows, *([case.coverage] if case.coverage else []))
    rows = [[row.model_dump(mode="json") for row in kind] for kind in kinds]
    return digest({"rows": rows, "panel": None if case.panel is None else case.panel.digest})


def software(engine: str) -> dict[str, str]:
    """Versions of what the digits come from; those of the sampler only for its engine."""
    found = {"riskcast": __version__, "python": platform.python_version(), "numpy": np.__version__}
    return found | engine_versions(engine) | {"machine": platform.machine() or "unknown"}


def _as_overlays(published: Case, case: Case) -> tuple[str, ...]:
    """What changed between two cases as the text of one overlay; raises OptionError where none can say it."""
    before = {key: quantity for key, quantity, _ in published.quantities()}
    changes = {key: quantity for key, quantity, _ in case.quantities() if before.get(key) != quantity}
    if published.hash == case.hash:
        return ()
    try:
        text = overlay_text({key: quantity.model_dump() for key, quantity in changes.items()}, case=published)
        same = apply_overlay(published, *parse_overlay(text, "overlay")).hash == case.hash
    except CaseError:
        same = False
    if not same:
        wrong = "published differs from the case in more than quantities, which no overlay can say"
        raise OptionError(f"{wrong}; leave published out, and the changed case itself is kept")
    return (text,)


def _provenance(request: Request, headline: Risk) -> dict[str, Any]:
    ahead = headline.forecast
    posterior, base, published = ahead.posterior, request.base, request.published
    return plain(
        {
            "id": request.id,
            "case": base.name,
            "base_hash": base.hash,
            "base_published_hash": base.published_hash,
            "base_overlay_hash": base.overlay_hash,
            "published_hash": published.hash,
            "case_hash": ahead.case.hash,
            "history_hash": record_hash(published),
            "overlays": len(request.overlays),
            **({"experts": len(request.experts)} if request.experts else {}),
            "options": request.options(),
            "versions": software(request.engine),
            "diagnostics": TypeAdapter(Diagnostics).dump_python(posterior.diagnostics),
            "fingerprints": dict(posterior.fingerprints or {}),
            "forecast": provenance(ahead),
        }
    )
