"""Runs that can be kept: a forecast with its case, options, versions and every draw, as a folder that reads back."""

from __future__ import annotations

import datetime as dt
import hashlib
import tempfile
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
from pydantic import TypeAdapter

from riskcast.case.files import load_case, write_files
from riskcast.case.model import Case, Scenario
from riskcast.engines.draws import EventDraws
from riskcast.engines.hazard import build_event_model
from riskcast.engines.mixing import with_mixture
from riskcast.engines.posterior import Diagnostics, Posterior
from riskcast.engines.registry import ENGINES
from riskcast.engines.shared import Shared, SharedDraws, build_shared, fixed_trust
from riskcast.errors import RiskcastError
from riskcast.exports.files import write_all
from riskcast.exports.plain_data import explanation_data, forecast_data, read_explanation
from riskcast.forecasting.attribution import Explanation
from riskcast.forecasting.forecasts import Forecast, check_horizon
from riskcast.forecasting.plan import plan_simulation
from riskcast.forecasting.requests import ExpertShare, OverlayFile, Request
from riskcast.forecasting.scoring import DyadRisk, OutcomeRisk, Risk
from riskcast.forecasting.simulation import Simulated
from riskcast.machinery.staging import telling
from riskcast.record.arrays import build_record
from riskcast.runs.making import Run, expert_name, overlay_name, record_hash
from riskcast.runs.sealed_folder import (
    Arrays,
    Sealed,
    damaged,
    json_text,
    open_sealed,
    pack_arrays,
    write_sealed,
)

ABOUT: Final = "run.json"
CASE: Final = "case"
DRAWN: Final = "draws.npz"
RECORDED: Final = "recorded/"
# Whose arrays are those of tension and trust; no event type's id.
SHARED: Final = "TENSION"


class ExpertOption(TypedDict):
    """An expert among the options of a run, and the share of draws."""

    who: str
    share: float


def write_bundle(run: Run, out: str | Path) -> Path:
    """Write a run as a folder within the folder `out`, whole or not at all; gives the folder.

    Its name holds an id of the inputs: where the same run is there already, with the same digits, it stays as it is.
    Raises RiskcastError where it is there with other digits or damaged, where the case does not read back the same,
    or where `out` cannot be written.
    """
    target = Path(out) / run.name
    with telling(out):
        is_there = target.exists()
    if is_there:
        return _same_run(target, run)
    try:
        write_sealed(target, {"id": run.provenance["id"]}, lambda folder: _fill(folder, run))
    except FileExistsError:
        return _same_run(target, run)
    return target


def read_bundle(path: str | Path) -> Run:
    """Read a run that `write_bundle` wrote, with the very same digits; nothing in it is executed.

    Draws, forecasts, risks and explanations come from its files; the record, models and the plan of the simulation
    are rebuilt from its case. Raises OptionError where there is no run, and RiskcastError with the file's name where
    a file was changed, removed, added or is not what riskcast writes.
    """
    sealed = open_sealed(path)
    about = sealed.read_json(ABOUT)
    request = sealed.parse(ABOUT, lambda: _read_request(sealed, about))
    published, case = sealed.parse(ABOUT, lambda: (request.published, request.case))
    hashes = {"published_hash": published.hash, "case_hash": case.hash, "history_hash": record_hash(published)}
    for kind, found in hashes.items():
        if found != about.get(kind):
            raise damaged(sealed.folder, ABOUT, f"has another {kind} than the case and overlays beside it")
    if request.id != about.get("id") or request.id != sealed.about.get("id"):
        raise damaged(sealed.folder, ABOUT, "has another id than its inputs")
    posterior = _read_posterior(sealed, case, request, about)
    plan = plan_simulation(posterior, request.periods, request.seed)
    risks, explanations = [], []
    for number in range(len(request.scenarios)):
        name = f"{scenario_folder(number)}/risk.json"
        kept = sealed.read_json(name)
        most = _most_simulated(case, request.draws, plan.cells)
        arrays = sealed.read_arrays(f"{scenario_folder(number)}/forecast.npz", most)

        def rebuild(kept: Any = kept, arrays: Arrays = arrays) -> tuple[Risk, Explanation]:
            scenario = Scenario.model_validate(kept["scenario"])
            simulated = _simulated(posterior, int(kept["paths"]), plan.cells, arrays)
            ahead = Forecast(
                posterior,
                str(kept["name"]),
                scenario,
                request.periods,
                int(kept["paths"]),
                request.seed,
                plan,
                simulated,
                request.paths is not None,
            )
            return _read_risk(ahead, kept), read_explanation(kept["explanation"])

        risk, explanation = sealed.parse(name, rebuild)
        risks.append(risk)
        explanations.append((risk.forecast.scenario_name, explanation))
    texts = tuple(overlay.text for overlay in request.overlays)
    return Run(case, published, texts, posterior, tuple(risks), tuple(explanations), about, request)


def scenario_folder(number: int) -> str:
    """The folder of one scenario within a run's folder, counted from 0."""
    return f"scenario_{number + 1}"


def draw_arrays(posterior: Posterior) -> Arrays:
    """Every draw of every event type and of what they share, and the health of each type's draws: k-hat, ESS, R-hat,
    divergences."""
    arrays: dict[str, Any] = {}
    for event, drawn in posterior.events.items():
        arrays[f"{event}/coefficients"] = drawn.coefficients
        arrays[f"{event}/shocks"] = drawn.shocks
        arrays[f"{event}/effects"] = drawn.effects
        arrays |= {f"{event}/hyper/{name}": values for name, values in drawn.hyper.items()}
        arrays[f"{event}/health"] = _health(drawn)
    shared = posterior.shared
    if shared is not None:
        arrays[f"{SHARED}/draws"] = shared.tension
        arrays[f"{SHARED}/trust"] = shared.trust
        arrays[f"{SHARED}/persistence"] = shared.persistence
        arrays[f"{SHARED}/health"] = _health(shared)
    return arrays


def _health(drawn: EventDraws | SharedDraws) -> Any:
    return np.array([drawn.khat, drawn.ess, drawn.rhat, drawn.divergences], dtype=float)


def forecast_arrays(simulated: Simulated) -> Arrays:
    """Everything that the simulation of one scenario gave, of what happens and then of what is recorded."""
    arrays: dict[str, Any] = {}
    for kind in ("probability", "probability_error", "by_period"):
        arrays |= {f"{kind}/{event}": values for event, values in getattr(simulated, kind).items()}
    for kind in ("score", "score_error", "mean_score"):
        arrays[kind] = getattr(simulated, kind)
    arrays["peaks/severity"] = np.array(list(simulated.peaks), dtype=float)
    shape = (len(simulated.peaks), simulated.score.shape[1])
    arrays["peaks/share"] = np.array(list(simulated.peaks.values()), dtype=float).reshape(shape)
    if simulated.recorded is not None:
        arrays |= {f"{RECORDED}{name}": values for name, values in forecast_arrays(simulated.recorded).items()}
    return arrays


def risk_data(risk: Risk, explanation: Explanation) -> dict[str, Any]:
    """A risk and its explanation as plain data, without any rounding."""
    adapt = TypeAdapter(tuple[DyadRisk, ...]), TypeAdapter(tuple[OutcomeRisk, ...])
    ahead = risk.forecast
    return {
        "name": ahead.scenario_name,
        "scenario": ahead.scenario.model_dump(mode="json"),
        "paths": ahead.paths,
        "dyads": adapt[0].dump_python(risk.dyads),
        "shared": adapt[1].dump_python(risk.shared),
        "explanation": explanation_data(explanation),
    }


def _fill(folder: Path, run: Run) -> None:
    """Write the files of a run."""
    _write_base(folder / CASE, run.request.base)
    contents: dict[str, bytes] = {ABOUT: json_text(run.provenance), DRAWN: pack_arrays(draw_arrays(run.posterior))}
    for number, text in enumerate(run.overlays):
        contents[overlay_name(number)] = text.encode()
    for number, expert in enumerate(run.request.experts):
        contents[expert_name(number)] = expert.overlay.text.encode()
    for number, (risk, (_, explanation)) in enumerate(zip(run.risks, run.explanations, strict=True)):
        within = scenario_folder(number)
        contents[f"{within}/forecast.npz"] = pack_arrays(forecast_arrays(risk.forecast.simulated))
        contents[f"{within}/risk.json"] = json_text(risk_data(risk, explanation))
        contents[f"{within}/scores.json"] = json_text(forecast_data(risk, explanation))
    write_all(folder, contents)


def _write_base(folder: Path, base: Case) -> None:
    """Write the case, and see that it reads back the same: a run whose case is lost could never be made again."""
    write_files(base, folder)
    if load_case(folder).hash != base.hash:
        mend = "write the case to a folder, load it from there, and run that"
        raise RiskcastError(f"the case {base.name} does not read back the same from files; {mend}")


def _same_run(target: Path, run: Run) -> Path:
    """The folder of a run that is there already; raises RiskcastError where its digits are others."""
    sealed = open_sealed(target)
    digits = {DRAWN: pack_arrays(draw_arrays(run.posterior))}
    for number, (risk, (_, explanation)) in enumerate(zip(run.risks, run.explanations, strict=True)):
        digits[f"{scenario_folder(number)}/forecast.npz"] = pack_arrays(forecast_arrays(risk.forecast.simulated))
        digits[f"{scenario_folder(number)}/risk.json"] = json_text(risk_data(risk, explanation))
    other = [
        name
        for name, content in digits.items()
        if hashlib.sha256(content).hexdigest() != sealed.files.get(name, ("", 0))[0]
    ]
    if other:
        wrong = f"{target} holds a run of the same inputs with other digits, first in {other[0]}"
        raise RiskcastError(f"{wrong}; see what differs with `riskcast rerun`, or give another --out")
    return target


def _read_request(sealed: Sealed, about: Any) -> Request:
    given = about["options"]
    # What was compared with the manifest is what is read: copies cannot change in between.
    mend = "set TMPDIR to a folder with room"
    with telling("the folder for temporary files", mend), tempfile.TemporaryDirectory() as place:
        write_all(Path(place), {name: sealed.read(name) for name in sealed.files if name.startswith(f"{CASE}/")})
        base = sealed.parse(CASE, lambda: load_case(Path(place) / CASE))
    TypeAdapter(dict[str, str]).validate_python(about["versions"])
    named = {"name": about["case"]}
    named |= {"published_hash": about["base_published_hash"], "overlay_hash": about["base_overlay_hash"]}
    if not all(isinstance(name, str) or (name is None and key != "name") for key, name in named.items()):
        raise ValueError("a name or hash is no text")
    base = base.model_copy(update=named)
    if base.hash != about["base_hash"]:
        raise damaged(sealed.folder, ABOUT, "has another base_hash than the case beside it")
    names = [overlay_name(number) for number in range(about["overlays"])]
    overlays = tuple(OverlayFile(sealed.read(name).decode(), name) for name in names)
    named_or_made = [s is None or isinstance(s, (str, dict)) for s in given["scenarios"]]
    whole = [type(given[name]) is int for name in ("horizon", "draws", "seed", "paths") if name in given]
    if not (all(named_or_made) and named_or_made and all(whole) and 0 <= given["seed"] < 2**63):
        raise ValueError("an option has the wrong kind of value")
    if given["engine"] not in ENGINES or not 100 <= given["draws"] <= 100_000:
        raise ValueError(f"no run has engine {given['engine']!r} and {given['draws']} draws")
    return Request(
        base=base,
        as_of=None if given["as_of"] is None else dt.date.fromisoformat(given["as_of"]),
        overlays=overlays,
        scenarios=tuple(Scenario.model_validate(s) if isinstance(s, dict) else s for s in given["scenarios"]),
        horizon=check_horizon(base, given["horizon"]),
        draws=given["draws"],
        seed=given["seed"],
        engine=given["engine"],
        prior_only=bool(given["prior_only"]),
        allow_unreliable=bool(given["allow_unreliable"]),
        paths=given.get("paths"),
        experts=_read_experts(sealed, given.get("experts", []), about.get("experts", 0)),
    )


def _read_experts(sealed: Sealed, given: Any, count: int) -> tuple[ExpertShare, ...]:
    shares = TypeAdapter(list[ExpertOption]).validate_python(given, strict=True)
    if len(shares) != count or not all(0.0 <= one["share"] <= 1.0 for one in shares):
        raise ValueError("its experts are not those of its files")
    files = [OverlayFile(sealed.read(expert_name(number)).decode(), one["who"]) for number, one in enumerate(shares)]
    return tuple(ExpertShare(one["who"], one["share"], file) for one, file in zip(shares, files, strict=True))


def _read_posterior(sealed: Sealed, case: Case, request: Request, about: Any) -> Posterior:
    record = build_record(case)
    models = {event: build_event_model(case, record, event) for event in case.order}
    widths = [len(m.coefficients) + len(m.years) + len(m.units) + len(m.hyper) for m in models.values()]
    prior = build_shared(case, record)
    common = len(prior.periods) + 2
    arrays = sealed.read_arrays(DRAWN, request.draws * (sum(widths) + common))

    def rebuild() -> Posterior:
        events: dict[str, EventDraws] = {}
        for event in dict.fromkeys(name.partition("/")[0] for name in arrays):
            if event == SHARED:
                continue
            model, first = models[event], f"{event}/hyper/"
            khat, ess, rhat, divergences = arrays[f"{event}/health"].tolist()
            hyper = {name.removeprefix(first): values for name, values in arrays.items() if name.startswith(first)}
            coefficients = _check_shape(arrays[f"{event}/coefficients"], (request.draws, len(model.coefficients)))
            shocks = _check_shape(arrays[f"{event}/shocks"], (request.draws, len(model.years)))
            effects = _check_shape(arrays[f"{event}/effects"], (request.draws, len(model.units)))
            if set(hyper) != set(model.hyper):
                raise ValueError(f"{event} has other hyper-parameters than its model")
            for values in hyper.values():
                _check_shape(values, (request.draws,))
            health = (khat, ess, rhat, int(divergences))
            events[event] = EventDraws(event, coefficients, hyper, shocks, effects, *health)
        if set(events) != set(models):
            raise ValueError("its event types are not those of the case")
        diagnostics = TypeAdapter(Diagnostics).validate_python(about["diagnostics"])
        fingerprints = TypeAdapter(dict[str, str]).validate_python(about["fingerprints"])
        fitted = (request.engine, request.draws, request.seed, request.prior_only)
        shared = _read_shared(arrays, prior, request.draws)
        found = Posterior(case, record, models, events, diagnostics, *fitted, fingerprints, shared)
        heard = request.heard
        if not heard:
            return found
        chosen, cases = zip(*heard, strict=True)
        return with_mixture(found, cases, [one.share for one in chosen], [one.who for one in chosen])

    return sealed.parse(DRAWN, rebuild)


def _read_shared(arrays: Arrays, prior: Shared, draws: int) -> SharedDraws | None:
    """Draws of tension and trust, where the case has either."""
    usual = fixed_trust(prior, draws) is None and not prior.couples
    if usual != (f"{SHARED}/draws" not in arrays):
        raise ValueError("its draws of tension and trust are not those that the case has")
    if usual:
        return None
    khat, ess, rhat, divergences = arrays[f"{SHARED}/health"].tolist()
    return SharedDraws(
        prior.periods,
        _check_shape(arrays[f"{SHARED}/draws"], (draws, len(prior.periods))),
        _check_shape(arrays[f"{SHARED}/trust"], (draws,)),
        _check_shape(arrays[f"{SHARED}/persistence"], (draws,)),
        *(khat, ess, rhat, int(divergences)),
    )


def _most_simulated(case: Case, draws: int, cells: int) -> int:
    """The most numbers that the forecast of one scenario holds, of what happens and of what is recorded."""
    units = len(case.dyads) + sum(len(case.units(event)) for event in case.order)
    return 2 * (2 * (draws + cells) * units + (len(case.dyads) + 1) * len(case.order))


def _simulated(posterior: Posterior, paths: int, cells: int, arrays: Arrays) -> Simulated:
    case, draws = posterior.case, posterior.draws
    dyads = len(case.dyads)

    def of_events(kind: str, rows: int) -> dict[str, Any]:
        return {event: _check_shape(arrays[f"{kind}/{event}"], (rows, len(case.units(event)))) for event in case.order}

    kept = {name.removeprefix(RECORDED): values for name, values in arrays.items() if name.startswith(RECORDED)}
    severities = arrays["peaks/severity"].tolist()
    shares = _check_shape(arrays["peaks/share"], (len(severities), dyads))
    return Simulated(
        paths,
        of_events("probability", draws),
        of_events("probability_error", draws),
        of_events("by_period", cells),
        _check_shape(arrays["score"], (draws, dyads)),
        _check_shape(arrays["score_error"], (draws, dyads)),
        _check_shape(arrays["mean_score"], (dyads,)),
        dict(zip(severities, shares, strict=True)),
        _simulated(posterior, paths, cells, kept) if kept else None,
    )


def _check_shape(values: Any, shape: tuple[int, ...]) -> Any:
    if values.shape != shape or values.dtype.kind != "f":
        raise ValueError(f"an array has shape {values.shape} where {shape} is due")
    return values


def _read_risk(ahead: Forecast, kept: Any) -> Risk:
    dyads = TypeAdapter(tuple[DyadRisk, ...]).validate_python(kept["dyads"])
    if tuple(dyad.id for dyad in dyads) != ahead.dyads:
        raise ValueError("its dyads are not those of the case")
    return Risk(ahead, dyads, TypeAdapter(tuple[OutcomeRisk, ...]).validate_python(kept["shared"]))
