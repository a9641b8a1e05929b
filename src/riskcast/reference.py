"""The reference engine: the whole case as one PyMC model, sampled by NUTS.

Free variables are the standardised coordinates of `hazard`: z (coefficients), e (year shocks), d (dyad effects) and xi
(hyper-parameters that are not fixed). All event types share one flat graph over the rows of all of them: a graph per
event type would multiply the compile time. Everything that can change without changing a length is `pm.Data`.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskcast.case import Case
from riskcast.hazard import EventModel, build_event_model
from riskcast.history import Record, build_record
from riskcast.laplace import EventDraws, natural_draws
from riskcast.names import BASE_RATE, COEFFICIENT, DYAD, EVENT

if TYPE_CHECKING:
    import pymc as pm
    import xarray
    from nutpie.sample import CompiledModel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Progress = Callable[[str, int, int], None]

CHAINS = 2
TUNE = 1000
LEAST_DRAWS_PER_CHAIN = 1000
POLL_SECONDS = 0.1
LN_2 = math.log(2.0)
# Below it 2^(-gap / half-life) is exactly 0 for every gap above 0, as it is for a half-life of 0.
SHORTEST_LOG_HALF_LIFE = -10.0
# Below it rho^gap is exactly 0 for every gap above 0, as it is for a persistence of 0.
SMALLEST_LOG_PERSISTENCE = -1000.0

EFFECT = "effect"
DYAD_EVENT = "dyad_event"
YEAR = "year"
HYPER = "hyper"
FREE_HYPER = "free_hyper"
HALF_LIFE = "half_life"
ROW = "row"


@dataclass(frozen=True)
class FlatCase:
    """All event types of a case side by side: what `build_model` makes into a graph.

    coords: labels of every dimension; data: arrays by name, with the dimension of each in `dims`; models: the
    regressions in order.
    """

    models: tuple[EventModel, ...]
    coords: Mapping[str, tuple[str, ...]]
    data: Mapping[str, NDArray[Any]]
    dims: Mapping[str, str]

    def place(self, dimension: str, event: str) -> slice:
        """Where an event type's entries lie in a dimension whose labels begin with the event type."""
        labels = self.coords[dimension]
        mine = [i for i, label in enumerate(labels) if label.split(":", 1)[0] == event]
        return slice(mine[0], mine[-1] + 1) if mine else slice(0, 0)


def build_model(case: Case) -> pm.Model:
    """The whole case as one PyMC model, to read, extend and sample.

    For row i, a unit-period (or n[i] pooled event-free ones) at risk of event type k,

        eta[i] = X[i] c + M[i](half_life) g + year_shock[year(i)] + dyad_effect[unit(i)]
        occurred[i] ~ Bernoulli(1 - exp(-n[i] exp(eta[i]))),

    with coefficients (c, g) = coefficient_mean + coefficient_sd * z, hyper-parameters exp or logistic of
    hyper_mean + hyper_sd * xi, dyad effects sd_dyad * d, and year shocks a stationary AR(1), F(sd_time, persistence) e;
    z, e, d, xi ~ Normal(0, 1). Labels begin with the event type, as in `demarche:xenophobia->demarche`.

    Free variables: z (coefficient), e (year), d (dyad_event, dyad), xi (free_hyper); one of no length is left out.
    Deterministics: coefficient (coefficient) on the link scale; base_rate (event), the probability of at least one
    event in a year; rate_ratio (effect); half_life (half_life) in periods; sd_dyad (dyad_event); sd_time and
    persistence (event); year_shock (year) and dyad_effect (dyad_event, dyad) on the log-rate scale. Observed:
    occurred (row). Priors are data: coefficient_mean, coefficient_sd, hyper_mean, hyper_sd.

    A discrete-time proportional-hazards regression (Prentice and Gloeckler, 1978) with non-centred random effects
    (Papaspiliopoulos, Roberts and Sköld, 2007). Raises ImportError where PyMC is not installed.

        import pymc as pm, riskcast
        with riskcast.build_model(riskcast.load_case("central_asia_2024")):
            trace = pm.sample(nuts_sampler="nutpie", seed=1)
            pm.sample_posterior_predictive(trace, extend_inferencedata=True)
    """
    return assemble(flatten_case(case))


def flatten_case(case: Case) -> FlatCase:
    """The rows, covariates, memories and priors of all event types, side by side."""
    record = build_record(case)
    return flatten(case, record, {event: build_event_model(case, record, event) for event in case.order})


def flatten(case: Case, record: Record, models: Mapping[str, EventModel]) -> FlatCase:
    """Lay the regressions of all event types side by side."""
    blocks = list(models.values())
    coefficients = [(model, name) for model in blocks for name in model.coefficients]
    hyper = [(model, name) for model in blocks for name in model.hyper]
    half_lives = [i for i, (_, name) in enumerate(hyper) if name.startswith(f"{HALF_LIFE}.")]
    free = [i for i, (model, name) in enumerate(hyper) if not model.hyper[name].is_fixed]
    dyad_blocks = [model for model in blocks if model.has_dyad_effects]
    hyper_labels = tuple(f"{model.event}:{name}" for model, name in hyper)
    labels = tuple(f"{model.event}:{name}" for model, name in coefficients)
    is_base = np.array([name == BASE_RATE for _, name in coefficients])

    def hyper_places(name: str, among: list[EventModel]) -> Ints:
        return np.array([hyper_labels.index(f"{model.event}:{name}") for model in among], dtype=np.int64)

    data: dict[str, tuple[NDArray[Any], str]] = {
        "coefficient_mean": (_join([model.mean for model in blocks]), COEFFICIENT),
        "coefficient_sd": (_join([model.sd for model in blocks]), COEFFICIENT),
        "hyper_mean": (np.array([model.hyper[name].mean for model, name in hyper]), HYPER),
        "hyper_sd": (np.array([model.hyper[name].sd for model, name in hyper]), HYPER),
        "free_hyper_place": (np.array(free, dtype=np.int64), FREE_HYPER),
        "half_life_place": (np.array(half_lives, dtype=np.int64), HALF_LIFE),
        "sd_dyad_place": (hyper_places("sd_dyad", dyad_blocks), DYAD_EVENT),
        "sd_time_place": (hyper_places("sd_time", blocks), EVENT),
        "persistence_place": (hyper_places("persistence", blocks), EVENT),
        "base_rate_place": (np.flatnonzero(is_base), EVENT),
        "rate_ratio_place": (np.flatnonzero(~is_base), EFFECT),
        "periods_per_year": (np.full(len(blocks), float(case.periods_per_year)), EVENT),
    }
    data |= _lay_years(blocks)
    rows, row_labels = _lay_rows(blocks, record)
    data |= rows
    data |= _lay_memories(blocks, data["row_period"][0], data["row_unit"][0], data["row_event"][0])
    coords = {
        EVENT: tuple(models),
        DYAD_EVENT: tuple(model.event for model in dyad_blocks),
        DYAD: case.dyads,
        COEFFICIENT: labels,
        EFFECT: tuple(label for label, base in zip(labels, is_base, strict=True) if not base),
        HYPER: hyper_labels,
        FREE_HYPER: tuple(hyper_labels[i] for i in free),
        HALF_LIFE: tuple(hyper_labels[i].replace(f"{HALF_LIFE}.", "") for i in half_lives),
        YEAR: tuple(f"{model.event}:{year}" for model in blocks for year in model.years),
        ROW: row_labels,
    }
