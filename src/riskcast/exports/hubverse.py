"""Forecasts of the worst outcome as a hubverse hub takes them: model output, its tasks, and the model's metadata.

A hub resolves against a record, which holds what was found of what happened. So all numbers here are of the worst
outcome that is recorded, by a search like today's; where such a search finds all, that is the worst that happens.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from riskcast.case.model import Case
from riskcast.errors import OptionError
from riskcast.exports.dossier import Dossier
from riskcast.exports.files import json_bytes, write_all
from riskcast.exports.tables import origin
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.path_samples import sampled_paths, severity_samples
from riskcast.forecasting.scoring import Risk
from riskcast.machinery.array_types import Floats
from riskcast.verification.origins import severities

if TYPE_CHECKING:
    import pyarrow

# https://docs.hubverse.io: model output, sample output type, tasks.json.
SCHEMA: Final = "https://raw.githubusercontent.com/hubverse-org/schemas/main/v6.0.0/tasks-schema.json"
TEAM: Final = "riskcast"
CATEGORY, SEVERITY = "peak severity category", "peak severity"
NONE: Final = "none"
TASKS: Final = ("reference_date", "scenario_id", "location", "horizon", "target_end_date", "target")


def categories(case: Case) -> tuple[str, ...]:
    """The categories of a dyad's worst own outcome, from low to high: none, then every severity of such outcomes.

    >>> from riskcast import load_case
    >>> categories(load_case("central_asia_2024"))[:3]
    ('none', '5', '12')
    """
    return (NONE, *(f"{level:g}" for level in severities(case)))


def peak_probabilities(risk: Risk) -> Floats:
    """Chance that a dyad's worst recorded outcome within the horizon has each severity: (dyads, categories), rows sum
    to 1.

    They are differences of the chances that it has at least a severity, which backtests score by RPS.
    """
    ahead = risk.forecast
    columns = ahead.columns
    reached = np.array([ahead.simulated.verifiable.peaks[level][columns] for level in severities(ahead.case)])
    edges = np.vstack([np.ones(len(columns)), reached, np.zeros(len(columns))])
    return (edges[:-1] - edges[1:]).T


def peak_samples(ahead: Forecast) -> NDArray[np.float64]:
    """The worst recorded outcome's severity on every simulated future, 0 for none: (draws x paths, dyads).

    They are the futures of the forecast itself, met again by the same chance, so that their frequencies are exactly
    `peak_probabilities`; where a closed form took their place, futures that have these frequencies but for chance. A
    row is one future of all dyads: it keeps what they have in common.
    """
    # Paths are simulated in single precision; the severities are those that the case gives.
    levels = np.array([0.0, *severities(ahead.case)])
    return levels[np.searchsorted(levels.astype(np.float32), severity_samples(ahead))]


def model_name(dossier: Dossier) -> str:
    """The model's abbreviation: the engine, and whether it left the record out."""
    posterior = dossier.headline.forecast.posterior
    return f"{posterior.engine}_priors" if posterior.prior_only else posterior.engine


def write_hubverse(dossier: Dossier, folder: Path) -> None:
    """Write the files of `hub_files(dossier)` below `hubverse`; raises OptionError for a forecast that numbers from
    outside adjust, whose futures do not count alike."""
    if any(risk.forecast.outside is not None and risk.forecast.outside.acts for risk in dossier.risks):
        wrong = "hubverse: samples are futures that count alike, and those of an adjusted forecast do not"
        raise OptionError(f"{wrong}; leave hubverse out of --formats")
    write_all(folder, {f"hubverse/{name}": content for name, content in hub_files(dossier).items()})


def hub_files(dossier: Dossier) -> dict[str, bytes]:
    """Model output (Parquet), metadata and tasks.json, by path inside a hub.

    Output types: `pmf` of the target `peak severity category` for every scenario and dyad, and `sample` of the target
    `peak severity`, 0 to 100, where samples of one index are one future of all dyads under one scenario.
    """
    import pyarrow
    import pyarrow.parquet

    model = f"{TEAM}-{model_name(dossier)}"
    about = {name: str(value) for name, value in origin(dossier).items()}
    table = _model_output(dossier).replace_schema_metadata(about)
    out = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, out)
    file = f"{dossier.case.as_of.isoformat()}-{model}.parquet"
    return {
        "hub-config/tasks.json": json_bytes(tasks(dossier)),
        f"model-metadata/{model}.yml": _metadata(dossier),
        f"model-output/{model}/{file}": out.getvalue().to_pybytes(),
    }


def tasks(dossier: Dossier) -> dict[str, Any]:
    """The hub's `tasks.json` that these files are valid for: https://docs.hubverse.io, tasks-schema 6.0.0."""
    samples = [risk.forecast.plan.draws * sampled_paths(risk.forecast) for risk in dossier.risks]
    probability = {"type": "double", "minimum": 0, "maximum": 1}
    group = [name for name in TASKS if name not in ("location", "target_end_date")]
    pmf = {"output_type_id": {"required": list(categories(dossier.case))}, "value": probability, "is_required": True}
    sample = {
        "output_type_id_params": {
            "type": "character",
            "max_length": len(str(sum(samples))),
            "min_samples_per_task": min(samples),
            "max_samples_per_task": max(samples),
            "compound_taskid_set": group,
        },
        "value": {"type": "double", "minimum": 0, "maximum": 100},
        "is_required": False,
    }
    told = (
        "of the worst recorded outcome that two states have of their own, dated from the day after reference_date to "
    )
    told += "target_end_date"
    return {
        "schema_version": SCHEMA,
        "rounds": [
            {
                "round_id_from_variable": True,
                "round_id": "reference_date",
                "model_tasks": [
                    _task(dossier, CATEGORY, {"pmf": pmf}, "ordinal", f"Severity {told}; none where none is recorded."),
                    _task(
                        dossier, SEVERITY, {"sample": sample}, "discrete", f"Severity {told}; 0 where none is recorded."
                    ),
                ],
                "submissions_due": {"relative_to": "reference_date", "start": 0, "end": 7},
            }
        ],
        "output_type_id_datatype": "character",
        "derived_task_ids": ["target_end_date"],
    }


def _task(dossier: Dossier, target: str, types: dict[str, Any], kind: str, about: str) -> dict[str, Any]:
    """One model task: the valid values of its columns, its output types, and what its target is."""
    values = _task_values(dossier)
    valid = {name: {"required": None, "optional": [value]} for name, value in values.items()}
    scenarios = [risk.forecast.scenario_name for risk in dossier.risks]
    return {
        "task_ids": {
            **valid,
            "scenario_id": {"required": None, "optional": scenarios},
            "location": {"required": list(dossier.headline.forecast.dyads), "optional": None},
            "target": {"required": [target], "optional": None},
        },
        "output_type": types,
        "target_metadata": [
            {
                "target_id": target,
                "target_name": f"{target.capitalize()} within the horizon",
                "target_units": "points, 0 to 100" if kind == "discrete" else "category",
                "target_keys": {"target": target},
                "target_type": kind,
                "description": about,
                "is_step_ahead": False,
            }
        ],
    }


def _task_values(dossier: Dossier) -> dict[str, Any]:
    ahead = dossier.headline.forecast
    return {
        "reference_date": ahead.case.as_of.isoformat(),
        "horizon": ahead.horizon,
        "target_end_date": ahead.window[1].isoformat(),
    }


def _model_output(dossier: Dossier) -> pyarrow.Table:
    """The model output: for every scenario the pmf of every dyad, then its samples."""
    import pyarrow

    named = pyarrow.array(categories(dossier.case), pyarrow.string())
    dyads = pyarrow.array(dossier.headline.forecast.dyads, pyarrow.string())
    count, begun, blocks = len(dyads), 1, []
    for risk in dossier.risks:
        mass, drawn = peak_probabilities(risk), peak_samples(risk.forecast)
        places = np.arange(count).repeat(len(named)), np.tile(np.arange(len(named)), count)
        blocks.append(_block(risk, CATEGORY, "pmf", dyads.take(places[0]), named.take(places[1]), mass))
        indices = pyarrow.array(np.arange(begun, begun + len(drawn)).repeat(count)).cast(pyarrow.string())
        locations = dyads.take(np.tile(np.arange(count), len(drawn)))
        blocks.append(_block(risk, SEVERITY, "sample", locations, indices, drawn))
        begun += len(drawn)
    return pyarrow.concat_tables(blocks)


def _block(risk: Risk, target: str, kind: str, locations: Any, ids: Any, values: Floats) -> pyarrow.Table:
    """Rows of one scenario, target and output type."""
    import pyarrow

    ahead, count = risk.forecast, values.size

    def all_rows(value: Any, form: Any) -> Any:
        return pyarrow.repeat(pyarrow.scalar(value, form), count)

    columns = {
        "reference_date": all_rows(ahead.case.as_of, pyarrow.date32()),
        "scenario_id": all_rows(ahead.scenario_name, pyarrow.string()),
        "location": locations,
        "horizon": all_rows(ahead.horizon, pyarrow.int32()),
        "target_end_date": all_rows(ahead.window[1], pyarrow.date32()),
        "target": all_rows(target, pyarrow.string()),
        "output_type": all_rows(kind, pyarrow.string()),
        "output_type_id": ids,
        "value": pyarrow.array(values.ravel(), pyarrow.float64()),
    }
    return pyarrow.table(columns)


def _metadata(dossier: Dossier) -> bytes:
    """The model's metadata file: https://docs.hubverse.io, model metadata."""
    import yaml

    plain = {
        "team_name": "riskcast",
        "team_abbr": TEAM,
        "model_name": f"riskcast, engine {dossier.headline.forecast.posterior.engine}",
        "model_abbr": model_name(dossier),
        "model_version": str(origin(dossier)["riskcast_version"]),
        "designated_model": True,
        "methods": "Bayesian hazard model of every event type and dyad, from elicited priors and the record of events.",
        "provenance": {
            name: value if isinstance(value, int) else str(value) for name, value in origin(dossier).items()
        },
    }
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=math.inf).encode()
