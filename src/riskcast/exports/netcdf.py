"""A dossier's draws as NetCDF in the groups that ArviZ knows: posterior, predictions, record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from riskcast.case.quantity_ids import HALF_LIFE, LOADING, PERSISTENCE, SD_DYAD, SD_TIME, TRUST
from riskcast.case.quantity_names import HALF_LIFE_RATIO, unit_of_kind
from riskcast.engines.hazard import HALF_LIFE_RATIO as RATIO
from riskcast.engines.registry import ENGINES
from riskcast.errors import visible
from riskcast.exports.dossier import Dossier
from riskcast.exports.files import write_all
from riskcast.exports.tables import origin
from riskcast.machinery.array_types import Floats
from riskcast.names import DRAW

if TYPE_CHECKING:
    import xarray

NAME = "draws.nc"
CHAIN = "chain"
LOG_RATE = "log rate"
HYPER = {kind.field: kind for kind in (HALF_LIFE, SD_DYAD, SD_TIME, PERSISTENCE, LOADING, TRUST)}
DEVIATIONS = "standard deviations"


def to_tree(dossier: Dossier) -> xarray.DataTree:
    """The draws of a dossier as groups (the InferenceData schema, https://python.arviz.org).

    `posterior`: every event type's parameters, (chain, draw, ...). `predictions`: given the parameters of each draw,
    probability (chain, draw, scenario, event, dyad) of at least one event, shared_probability (chain, draw, scenario,
    shared_event), score (chain, draw, scenario, dyad) in points; and by_period, their means over draws by the end of
    each period. `observed_data`: whether each event happened, (period, dyad) or (period,); `constant_data`: whether
    the record would hold it, and severities.

    >>> import riskcast
    >>> from riskcast.exports.dossier import make_dossier
    >>> posterior = riskcast.fit(riskcast.load_case("central_asia_2024"), draws=200, seed=1)
    >>> tree = to_tree(make_dossier(riskcast.score(riskcast.forecast(posterior))))
    >>> tree["predictions"]["score"].sizes["draw"], sorted(tree.children)
    (200, ['constant_data', 'observed_data', 'posterior', 'predictions'])
    """
    import xarray

    observed, constant = _record(dossier)
    groups = {
        "posterior": _posterior(dossier),
        "predictions": _predictions(dossier),
        "observed_data": observed,
        "constant_data": constant,
    }
    notes = _notes(dossier)
    for group in groups.values():
        group.attrs |= notes
    return xarray.DataTree.from_dict({"/": xarray.Dataset(attrs=notes), **groups})


def write_netcdf(dossier: Dossier, folder: Path) -> None:
    """Write `to_tree(dossier)` as NetCDF 4 to `draws.nc`."""
    tree = to_tree(dossier)
    packed = {
        f"/{name}": {str(v): {"zlib": True, "complevel": 4} for v, values in group.data_vars.items() if values.ndim > 1}
        for name, group in tree.children.items()
    }
    # HDF5 holds on to a file on a disk that is full, and stumbles again and again as the process ends.
    with tree.to_netcdf(engine="h5netcdf", encoding=packed) as content:
        write_all(folder, {NAME: bytes(content)})


def _notes(dossier: Dossier) -> dict[str, Any]:
    """Attributes of every group: where the numbers come from."""
    reliable = int(dossier.headline.forecast.posterior.is_reliable)
    # NetCDF has no text with a NUL in it.
    told = {name: visible(value) if isinstance(value, str) else value for name, value in origin(dossier).items()}
    return {
        **told,
        "reliable": reliable,
        "creation_library": "riskcast",
        "creation_library_language": "Python",
    }


def _chains(dossier: Dossier) -> int:
    """How many chains of equal length the draws were laid end to end from."""
    posterior = dossier.headline.forecast.posterior
    chains = ENGINES.get(posterior.engine).chains
    return chains if posterior.draws % chains == 0 else 1


def _by_chain(dossier: Dossier, draws: Floats) -> Floats:
    """(draws, ...) -> (chains, draws of each, ...)."""
    return draws.reshape(_chains(dossier), -1, *draws.shape[1:])


def _posterior(dossier: Dossier) -> xarray.Dataset:
    import xarray

    flat = dossier.headline.forecast.posterior.to_dataset()
    chains = _chains(dossier)
    variables = {}
    for name, values in flat.data_vars.items():
        block = str(name).partition(".")[2] or str(name)
        kind = HYPER.get(block.partition(".")[0])
        unit = LOG_RATE if kind is None else unit_of_kind(dossier.case, kind)
        unit = DEVIATIONS if block == "tension" else unit
        unit = HALF_LIFE_RATIO if block.startswith(f"{RATIO}.") else unit
        dims = (CHAIN, DRAW, *values.dims[1:])
        variables[name] = (dims, _by_chain(dossier, values.to_numpy()), {"units": unit})
    coords: dict[str, Any] = {str(name): values for name, values in flat.coords.items() if name != DRAW}
    coords |= {CHAIN: np.arange(chains), DRAW: np.arange(flat.sizes[DRAW] // chains)}
    return xarray.Dataset(variables, coords)


def _predictions(dossier: Dossier) -> xarray.Dataset:
    import xarray

    ahead = dossier.headline.forecast
    case, columns = ahead.case, ahead.columns
    own = [name for name, event in case.events.items() if event.scope == "dyad"]
    shared = [name for name in case.events if name not in own]
    simulated = [risk.forecast.simulated for risk in dossier.risks]

    def stacked(parts: list[Floats]) -> Floats:
        return _by_chain(dossier, np.stack(parts, axis=1))

    one = "probability, 0 to 1"
    noise = "given the parameters of each draw" + (
        f"; from {ahead.paths} futures: chance widens it" if ahead.paths else ""
    )
    front = (CHAIN, DRAW, "scenario")
    score = stacked([s.score[:, columns] for s in simulated])
    variables: dict[str, Any] = {
        "score": ((*front, "dyad"), score, {"units": "points, 0 to 100", "comment": noise}),
    }
    if any(s.weights is not None for s in simulated):
        even = np.ones(score.shape[0] * score.shape[1])
        weights = [even if s.weights is None else s.weights for s in simulated]
        told = "how much each draw counts, as numbers from outside were weighed in"
        variables["weight"] = (front, stacked(weights), {"units": "1", "comment": told})
    is_thinned = any(s.recorded is not None for s in simulated)
    for name, events, places, dims in (
        ("probability", own, columns, ("event", "dyad")),
        ("shared_probability", shared, [0], ("shared_event",)),
    ):
        if events and is_thinned:
            found = [s.verifiable.probability for s in simulated]
            drawn = stacked([np.stack([own[e][:, places] for e in events], axis=1) for own in found])
            about = {"units": one, "comment": f"that one is recorded, {noise}"}
            drawn = drawn[..., 0] if name == "shared_probability" else drawn
            variables[name.replace("probability", "recorded")] = ((*front, *dims), drawn, about)
        if events:
            picked = [np.stack([s.probability[e][:, places] for e in events], axis=1) for s in simulated]
            paths = [np.stack([s.by_period[e][:, places] for e in events], axis=1) for s in simulated]
            drawn, means = stacked(picked), np.stack(paths)
            if name == "shared_probability":
                drawn, means = drawn[..., 0], means[..., 0]
            variables[name] = ((*front, *dims), drawn, {"units": one, "comment": noise})
            variables[f"{name}_by_period"] = (("scenario", "period_end", *dims), means, {"units": one})
    coords = {
        CHAIN: np.arange(score.shape[0]),
        DRAW: np.arange(score.shape[1]),
        "scenario": [risk.forecast.scenario_name for risk in dossier.risks],
        "dyad": list(ahead.dyads),
        "period_end": np.array(ahead.ends, dtype="datetime64[ns]"),
        **({"event": own} if own else {}),
        **({"shared_event": shared} if shared else {}),
    }
    return xarray.Dataset(variables, coords)


def _record(dossier: Dossier) -> tuple[xarray.Dataset, xarray.Dataset]:
    """What happened, and what the record could have held."""
    import xarray

    posterior = dossier.headline.forecast.posterior
    case, record = posterior.case, posterior.record
    coords = {"period_end": record.timeline.ends.astype("datetime64[ns]"), "dyad": list(case.dyads)}
    happened: dict[str, Any] = {}
    known: dict[str, Any] = {}
    for name, event in case.events.items():
        whole = event.scope == "dyad"
        dims = ("period_end", "dyad") if whole else ("period_end",)
        place = slice(None) if whole else 0
        units = {"units": "1 where it happened", "label": visible(event.label)}
        happened[name] = (dims, record.occurred[name][:, place].astype(np.int8), units)
        mark = {"units": "share of the period of which the record would hold it, 0 where that is missing"}
        known[f"{name}.exposure"] = (dims, record.exposure[name][:, place], mark)
    weighed = {name: event.severity for name, event in case.events.items() if event.severity is not None}
    known["severity"] = (("outcome",), list(weighed.values()), {"units": "points, 0 to 100"})
    return xarray.Dataset(happened, coords), xarray.Dataset(known, {**coords, "outcome": list(weighed)})
