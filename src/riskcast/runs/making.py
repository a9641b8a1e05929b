"""A run: a forecast with all that its digits depend on, from the case as read to the versions of the software."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter

from riskcast.case.checks import find_problems
from riskcast.case.model import Case, Scenario
from riskcast.case.overlays import apply_overlay, overlay_text, parse_overlay
from riskcast.case.vintage import case_as_of
from riskcast.engines.fitting import DRAWS, EngineName, fit
from riskcast.engines.posterior import Diagnostics, Posterior
from riskcast.errors import CaseError, OptionError
from riskcast.forecasting.attribution import Explanation, explain
from riskcast.forecasting.forecasts import Forecast, check_horizon, check_reach, forecast
from riskcast.forecasting.lineage import provenance
from riskcast.forecasting.scenarios import resolve_scenario
from riskcast.forecasting.scoring import Risk, score
from riskcast.machinery.digests import digest
from riskcast.runs.sealed_folder import plain
from riskcast.version import __version__

ID_LENGTH: Final = 12

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Inputs:
    """All that a run's digits depend on, but for the software: `base` is the case as read, before `as_of` and
    overlays; `overlays` are the texts of overlay files; `horizon` is in periods."""

    base: Case
    as_of: dt.date | None
    overlays: tuple[str, ...]
    scenarios: tuple[str | Scenario | None, ...]
    horizon: int
    draws: int
    seed: int
    engine: EngineName
    prior_only: bool
    allow_unreliable: bool

    def cases(self) -> tuple[Case, Case]:
        """The case as of the day of the forecast, before the overlays and after them."""
        published = self.base if self.as_of is None else case_as_of(self.base, self.as_of)
        case = published
        for number, text in enumerate(self.overlays):
            case = apply_overlay(case, *parse_overlay(text, overlay_name(number)))
        return published, case

    def options(self) -> dict[str, Any]:
        """The options as plain data; a scenario that was made in code stands there in full."""
        return {
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "scenarios": [s.model_dump(mode="json") if isinstance(s, Scenario) else s for s in self.scenarios],
            "horizon": self.horizon,
            "draws": self.draws,
            "seed": self.seed,
            "engine": self.engine,
            "prior_only": self.prior_only,
            "allow_unreliable": self.allow_unreliable,
        }

    @property
    def id(self) -> str:
        """sha256 of the inputs: the same for the same case, overlays and options."""
        content = {
            "case": [self.base.name, self.base.hash],
            "published": [self.base.published_hash, self.base.overlay_hash],
            "overlays": list(self.overlays),
            "options": self.options(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


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
    inputs: Inputs

    @property
    def forecasts(self) -> tuple[Forecast, ...]:
        """The forecast under each scenario, the headline first."""
        return tuple(risk.forecast for risk in self.risks)

    @property
    def name(self) -> str:
        """The name of the run's folder: case, day and a part of the id."""
        plain_name = re.sub(r"[^A-Za-z0-9_-]+", "_", self.inputs.base.name).strip("_") or "case"
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
    engine: EngineName = "laplace",
    prior_only: bool = False,
    allow_unreliable: bool = False,
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
    inputs = Inputs(
        base=base,
        as_of=as_of,
        overlays=tuple(overlays),
        scenarios=tuple(scenarios) or (None,),
        horizon=check_horizon(base, horizon),
        draws=draws,
        seed=seed,
        engine=engine,
        prior_only=prior_only,
        allow_unreliable=allow_unreliable,
    )
    return run_inputs(inputs, progress)


def run_inputs(inputs: Inputs, progress: Progress | None = None) -> Run:
    """The run of some inputs; see `run`."""
    problems = find_problems(inputs.base)
    if problems:
        raise CaseError(problems)
    published, case = inputs.cases()
    names = []
    for scenario in inputs.scenarios:
        name, assumed = resolve_scenario(case, scenario)
        check_reach(name, assumed, inputs.horizon)
        names.append(name)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise OptionError(f"the scenario {twice!r} is given twice; give each scenario once")
    report = progress or (lambda label, done, total: None)
    posterior = fit(
        case,
        engine=inputs.engine,
        draws=inputs.draws,
        seed=inputs.seed,
        prior_only=inputs.prior_only,
        allow_unreliable=inputs.allow_unreliable,
        progress=lambda event, done, total: report("Fitting", done, total),
    )
    risks, explanations = [], []
    for scenario in inputs.scenarios:
        ahead = forecast(
            posterior, scenario, inputs.horizon, progress=lambda done, total: report("Simulating", done, total)
        )
        reasons = explain(ahead, progress=lambda done, total: report("Explaining the scores", done, total))
        risks.append(score(ahead))
        explanations.append((ahead.scenario_name, reasons))
    about = _provenance(inputs, published, risks[0])
    return Run(case, published, inputs.overlays, posterior, tuple(risks), tuple(explanations), about, inputs)


def overlay_name(number: int) -> str:
    """The file of one overlay within a run's folder, counted from 0."""
    return f"overlays/{number + 1}.yaml"


def record_hash(case: Case) -> str:
    """sha256 of a case's record: its events and series, or its panel."""
    rows = [[row.model_dump(mode="json") for row in kind] for kind in (case.event_rows, case.series_rows)]
    return digest({"rows": rows, "panel": None if case.panel is None else case.panel.digest})


def software(engine: str) -> dict[str, str]:
    """Versions of what the digits come from; those of the sampler only for its engine."""
    found = {"riskcast": __version__, "python": platform.python_version(), "numpy": np.__version__}
    for name in ("pymc", "nutpie") if engine == "nuts" else ():
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found | {"machine": platform.machine() or "unknown"}


def _as_overlays(published: Case, case: Case) -> tuple[str, ...]:
    """What changed between two cases as the text of one overlay; raises OptionError where none can say it."""
    before = {key: quantity for key, quantity, _ in published.quantities()}
    changes = {key: quantity for key, quantity, _ in case.quantities() if before.get(key) != quantity}
    if published.hash == case.hash:
        return ()
    try:
        text = overlay_text({key: quantity.model_dump() for key, quantity in changes.items()})
        same = apply_overlay(published, *parse_overlay(text, "overlay")).hash == case.hash
    except CaseError:
        same = False
    if not same:
        wrong = "published differs from the case in more than quantities, which no overlay can say"
        raise OptionError(f"{wrong}; leave published out, and the changed case itself is kept")
    return (text,)


def _provenance(inputs: Inputs, published: Case, headline: Risk) -> dict[str, Any]:
    ahead = headline.forecast
    posterior, base = ahead.posterior, inputs.base
    return plain(
        {
            "id": inputs.id,
            "case": base.name,
            "base_hash": base.hash,
            "base_published_hash": base.published_hash,
            "base_overlay_hash": base.overlay_hash,
            "published_hash": published.hash,
            "case_hash": ahead.case.hash,
            "history_hash": record_hash(published),
            "overlays": len(inputs.overlays),
            "options": inputs.options(),
            "versions": software(inputs.engine),
            "diagnostics": TypeAdapter(Diagnostics).dump_python(posterior.diagnostics),
            "fingerprints": dict(posterior.fingerprints or {}),
            "forecast": provenance(ahead),
        }
    )
