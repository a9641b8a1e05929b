"""The reference engine: the whole case as one PyMC model, sampled by NUTS.

Free variables are the standardised coordinates of `hazard`: z (coefficients), e (year shocks), d (dyad effects) and xi
(hyper-parameters that are not fixed). All event types share one flat graph over all their rows, as a graph for each
would multiply the time to compile; and whatever can change without changing a length is `pm.Data`, as constants in
the graph would defeat the compiler's cache.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from riskcast.case.model import Case
from riskcast.case.quantities import KNEE
from riskcast.engines.draws import EventDraws, natural_draws, unfitted
from riskcast.engines.hazard import EventModel, log_posterior
from riskcast.engines.jobs import Job, Joint, Progress
from riskcast.engines.pymc_data import (
    DYAD_EVENT,
    EFFECT,
    FREE_HYPER,
    HYPER,
    MEMORY,
    ROW,
    YEAR,
    FlatCase,
    Ints,
    flatten,
    flatten_case,
)
from riskcast.engines.shared import (
    PERSISTENCE,
    TRUST,
    SharedDraws,
    build_shared,
    draw_shared_prior,
    tension_of,
)
from riskcast.errors import UnreliablePosteriorError
from riskcast.machinery.array_types import Floats
from riskcast.names import COEFFICIENT, DYAD, EVENT, TENSION_PERIOD
from riskcast.record.arrays import Record
from riskcast.record.half_lives import LONGEST, SHORTEST

if TYPE_CHECKING:
    import pymc as pm
    import xarray
    from nutpie.compile_pymc import CompiledPyMCModel
    from pytensor.tensor import TensorVariable


CHAINS = 2
TUNE = 1000
LEAST_DRAWS_PER_CHAIN = 1000
# At nutpie's 0.8 the spreads between dyads and years brought a divergence or more in every second run.
TARGET_ACCEPT = 0.9
POLL_SECONDS = 0.1
LOG_2 = math.log(2.0)
# At and below it rho^gap underflows to 0 for every gap but 0, as it should for a persistence of 0.
SMALLEST_LOG_PERSISTENCE = -1000.0

MOST_COMPILED = 4
# PyTensor does not compile in two threads at once.
_compiling = threading.Lock()
_compiled: dict[tuple[tuple[str, int], ...], CompiledPyMCModel] = {}

LABELLED = {
    "coefficient_middle": COEFFICIENT,
    "coefficient_spread": COEFFICIENT,
    "coefficient_skew": COEFFICIENT,
    "hyper_middle": HYPER,
    "hyper_spread": HYPER,
    "hyper_skew": HYPER,
    "exposure": ROW,
    "happened": ROW,
}


def build_model(case: Case) -> pm.Model:
    """The whole case as one PyMC model, to read, extend and sample.

    For row i, a unit-period at risk of its event type, or n[i] such periods pooled,

        eta[i] = X[i] c + M[i](half_life) g + year_shock[year(i)] + dyad_effect[unit(i)]
        occurred[i] ~ Bernoulli(1 - exp(-n[i] exp(eta[i]))),

    with coefficients (c, g) = coefficient_middle + coefficient_spread * u(z, coefficient_skew), hyper-parameters exp or
    logistic of hyper_middle + hyper_spread * u(xi, hyper_skew), where u(z, skew) = z + skew * (sqrt(z^2 + k^2) - k),
    k = 0.5, gives every prior its elicited median and 90 % interval; dyad effects sd_dyad * d, year shocks
    F(sd_time, persistence) e, a stationary AR(1), and z, e, d, xi ~ Normal(0, 1). Labels begin with the
    event type: `demarche:xenophobia->demarche`. With tension g = F(1, persistence) e, which all event types share,
    loading * g - loading^2 / 2 stands in place of a year's shock; trust that is not fixed multiplies the coefficients
    of indicators, which are told as they are stated.

    Free variables: z (coefficient), e (year, or tension_period), d (dyad_event, dyad), xi (free_hyper); one that would
    be empty is left out. Deterministics: coefficients (coefficient) on the link scale; base_rate (event), the
    probability of at least one event in a year; rate_ratio (effect); half_life (memory) in periods; sd_dyad
    (dyad_event); sd_time and persistence (event); year_shock (year) and dyad_effect (dyad_event, dyad) on the log-rate
    scale; with tension, in place of sd_time and persistence, loading (event), tension_persistence and tension
    (tension_period); trust, where it is not fixed. Observed: occurred (row). Priors are data: coefficient_middle,
    coefficient_spread and coefficient_skew (coefficient), hyper_middle, hyper_spread and hyper_skew (hyper).

    It is a grouped proportional-hazards regression (Prentice and Gloeckler, 1978) with non-centred random effects
    (Papaspiliopoulos, Roberts and Sköld, 2007). Raises ImportError where PyMC is not installed.

        import pymc as pm, riskcast
        with riskcast.build_model(riskcast.load_case("central_asia_2024")):
            trace = pm.sample(nuts_sampler="nutpie", random_seed=1)
            pm.sample_posterior_predictive(trace, extend_inferencedata=True, random_seed=1)
    """
    return assemble(flatten_case(case))


def assemble(flat: FlatCase) -> pm.Model:
    """The graph of a flat case as a PyMC model."""
    import pymc as pm
    import pytensor.tensor as pt

    has = {name for name, labels in flat.coords.items() if labels}
    # No bounds to check: every probability below is one minus an exponential of a negative number.
    with pm.Model(coords=flat.coords, check_bounds=False) as model:
        data: dict[str, Any] = {
            name: pm.Data(name, value, dims=LABELLED.get(name)) for name, value in flat.packed.items()
        }
        at = _unpack(data["layout"], flat.layout)

        z = pm.Normal("z", 0.0, 1.0, dims=COEFFICIENT)
        stretched = data["coefficient_spread"] * _stretch(z, data["coefficient_skew"])
        coefficients = pm.Deterministic("coefficients", data["coefficient_middle"] + stretched, dims=COEFFICIENT)
        base = coefficients[at["base_rate"]]
        pm.Deterministic("base_rate", -pt.expm1(-flat.periods_per_year * pt.exp(base)), dims=EVENT)
        if EFFECT in has:
            pm.Deterministic("rate_ratio", pt.exp(coefficients[at["rate_ratio"]]), dims=EFFECT)

        hyper = data["hyper_middle"]
        if FREE_HYPER in has:
            xi = pm.Normal("xi", 0.0, 1.0, dims=FREE_HYPER)
            free = at["free_hyper"]
            hyper = hyper[free].inc(data["hyper_spread"][free] * _stretch(xi, data["hyper_skew"][free]))
        log_half_life, logit_persistence = hyper[at["half_life"]], hyper[at["persistence"]]
        if MEMORY in has:
            pm.Deterministic("half_life", pt.exp(log_half_life), dims=MEMORY)
        if flat.shared.has_tension:
            loading = pm.Deterministic("loading", pt.exp(hyper[at["loading"]]), dims=EVENT)
            pm.Deterministic("tension_persistence", pt.sigmoid(logit_persistence[0]))
        else:
            sd_time = pm.Deterministic("sd_time", pt.exp(hyper[at["sd_time"]]), dims=EVENT)
            pm.Deterministic("persistence", pt.sigmoid(logit_persistence), dims=EVENT)
        if len(flat.layout["trust"]):
            trust = pm.Deterministic("trust", pt.exp(hyper[at["trust"]][0]))
            coefficients = coefficients[at["indicator"]].set(trust * coefficients[at["indicator"]])

        log_rate = base[at["unit_event"]]
        if DYAD_EVENT in has:
            sd_dyad = pm.Deterministic("sd_dyad", pt.exp(hyper[at["sd_dyad"]]), dims=DYAD_EVENT)
            d = pm.Normal("d", 0.0, 1.0, dims=(DYAD_EVENT, DYAD))
            dyad_effect = pm.Deterministic("dyad_effect", sd_dyad[:, None] * d, dims=(DYAD_EVENT, DYAD))
            log_rate = log_rate[at["dyad_unit"]].inc(dyad_effect.ravel())
        if flat.shared.has_tension:
            e = pm.Normal("e", 0.0, 1.0, dims=TENSION_PERIOD)
            g = pm.Deterministic("tension", _year_shocks(e, pt.ones(1), logit_persistence, at), dims=TENSION_PERIOD)
            shocks = loading[:, None] * g[None, :] - 0.5 * pt.sqr(loading)[:, None]
            year_shock = pm.Deterministic("year_shock", shocks.ravel(), dims=YEAR)
        if ROW not in has:
            return model

        if not flat.shared.has_tension:
            e = pm.Normal("e", 0.0, 1.0, dims=YEAR)
            year_shock = pm.Deterministic("year_shock", _year_shocks(e, sd_time, logit_persistence, at), dims=YEAR)
        eta = log_rate[at["row_unit"]] + year_shock[at["row_year"]]
        if len(flat.data["step_size"]):
            eta = eta[at["step_row"]].inc(coefficients[at["step_coefficient"]] * data["step_size"])
        if len(flat.layout["memory_row"]):
            memories = _memories(log_half_life, hyper, at, data, flat)
            eta = eta[at["memory_row"]].inc(coefficients[at["memory_coefficient"]] * memories)
        pm.CustomDist(
            "occurred",
            data["exposure"] * pt.exp(eta),
            logp=_log_occurred,
            dist=lambda rate, size: pm.Bernoulli.dist(1.0 - pt.exp(-rate), size=size),
            observed=data["happened"],
            dims=ROW,
            class_name="AtLeastOneEvent",
        )
    return model


def _stretch(z: TensorVariable, skew: TensorVariable) -> TensorVariable:
    """z + skew * (sqrt(z^2 + k^2) - k): the standard normal, with sides as long as those of the elicited interval."""
    import pytensor.tensor as pt

    return z + skew * (pt.sqrt(pt.sqr(z) + KNEE**2) - KNEE)


def _log_occurred(occurred: TensorVariable, rate: TensorVariable) -> TensorVariable:
    """log(1 - exp(-rate)) where an event occurred and -rate elsewhere.

    A plain Bernoulli would take three transcendental functions more for each of the many rows without an event, and
    lose a small rate in 1 - exp(-rate) wherever PyTensor does not rewrite it.
    """
    import pytensor.tensor as pt

    hits = pt.nonzero(occurred)[0]
    return (-rate)[hits].set(pt.log1mexp(-rate[hits]))


def _unpack(packed: TensorVariable, layout: Mapping[str, Ints]) -> dict[str, TensorVariable]:
    """The parts of a layout that were laid end to end."""
    ends = np.cumsum([len(part) for part in layout.values()]).tolist()
    return {name: packed[end - len(part) : end] for (name, part), end in zip(layout.items(), ends, strict=True)}


def _year_shocks(
    e: TensorVariable, sd_time: TensorVariable, logit_persistence: TensorVariable, at: Mapping[str, TensorVariable]
) -> TensorVariable:
    """F(sd_time, persistence) e in closed form: b[t] = sd_time * sum over s <= t of rho^(t - s) w[s] e[s].

    w is 1 in an event type's first year and sqrt(1 - rho^(2 gap)) in later ones, gap being years since the one before.
    """
    import pytensor.tensor as pt

    log_rho = pt.maximum(-pt.softplus(-logit_persistence), SMALLEST_LOG_PERSISTENCE)[at["year_event"]]
    kept = at["year_follows"] * pt.exp(2.0 * at["year_gap"] * log_rho)
    fresh = pt.sqrt(1.0 - kept) * e
    passed_on = pt.exp(at["pair_gap"] * log_rho[at["pair_later"]]) * fresh[at["pair_earlier"]]
    return sd_time[at["year_event"]] * fresh[at["pair_later"]].inc(passed_on)


def _memories(
    log_half_life: TensorVariable,
    hyper: TensorVariable,
    at: Mapping[str, TensorVariable],
    data: Mapping[str, Any],
    flat: FlatCase,
) -> TensorVariable:
    """log2(1 + S) for every memory that is not zero, with S = sum over past events of what is left of each.

    What is left after `gap` periods is 2^(-gap / half-life); under indicators, 2^(-sum of 1 / h[t]) over the periods
    since. A rate divides S by sum over covered periods of 2^(-gap / half-life), as a share of an endless sum; a mean is
    S by that sum itself, without a logarithm.
    """
    import pytensor.tensor as pt

    decay = LOG_2 * pt.exp(-log_half_life)
    faded = pt.exp(-decay[:, None] * at["gap"]).ravel()
    count = data["past_weight"] if len(flat.data["past_weight"]) else at["past_count"]
    left = pt.zeros(at["memory_row"].shape)[at["past_memory"]].inc(count * faded[at["past_faded"]])
    if len(flat.layout["clock_half_life"]):
        middle = log_half_life[at["clock_half_life"]]
        stretch = data["stretch_size"] * hyper[at["stretch_hyper"]]
        own = pt.clip(middle[at["stretch_clock"]].inc(stretch), math.log(SHORTEST), math.log(LONGEST))
        clock = pt.cumsum(pt.exp(-own).reshape((-1, at["gap"].shape[0])), axis=1).ravel()
        since = clock[at["timed_now"]] - clock[at["timed_then"]]
        left = left[at["timed_memory"]].inc(data["timed_weight"] * pt.exp(-LOG_2 * since))
    if len(flat.layout["rate_memory"]):
        time = pt.zeros(at["rate_memory"].shape)[at["covered_rate"]].inc(
            data["covered_share"] * faded[at["covered_faded"]]
        )
        mean = left[at["rate_memory"]] / time
        endless = 1.0 / -pt.expm1(-decay[at["rate_half_life"]])
        logs = pt.log1p(left[at["rate_memory"]].set(mean * endless)) / LOG_2
        return logs[at["rate_memory"][at["mean_rate"]]].set(mean[at["mean_rate"]])
    return pt.log1p(left) / LOG_2


def compile_model(model: pm.Model) -> CompiledPyMCModel:
    """Compile a model that `build_model` made, for `draw_chains`.

    `compiled.with_data(coefficient_middle=..., coefficient_spread=...)` swaps priors in well under a millisecond.
    """
    import nutpie

    # Natural quantities follow from the coordinates in numpy: nothing but these needs to be compiled and stored.
    return cast("CompiledPyMCModel", nutpie.compile_pymc_model(model, var_names=[]))


def compile_flat(flat: FlatCase) -> CompiledPyMCModel:
    """The compiled model of a flat case: compiled, or an earlier one of the same lengths with its data swapped."""
    with _compiling:
        compiled = _compiled.pop(flat.shape, None) or compile_model(assemble(flat))
        _compiled[flat.shape] = compiled
        while len(_compiled) > MOST_COMPILED:
            del _compiled[next(iter(_compiled))]
    used = {variable.name for variable in compiled.shared_var_keys}
    return compiled.with_data(**{name: value for name, value in flat.packed.items() if name in used})


def draw_chains(
    compiled: CompiledPyMCModel, draws: int, seed: int, progress: Progress | None = None, tune: int = TUNE
) -> xarray.DataTree:
    """Sample two chains of so many draws each, the same for the same seed on any number of cores.

    `progress` is called from the calling thread. An interrupt stops the chains and is raised again. Raises
    UnreliablePosteriorError where a chain cannot start or go on.
    """
    import nutpie

    report = progress or (lambda label, done, total: None)
    total = CHAINS * (tune + draws)
    finished = [0]

    def note(chains: list[Any]) -> None:
        finished[0] = sum(chain.finished_draws for chain in chains)

    sampler = nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=CHAINS,
        seed=seed,
        target_accept=TARGET_ACCEPT,
        save_warmup=False,
        progress_bar=False,
        progress_callback=note,
        blocking=False,
    )
    try:
        while True:
            report("sampling", finished[0], total)
            try:
                trace = sampler.wait(timeout=POLL_SECONDS)
            except TimeoutError:
                continue
            report("sampling", total, total)
            return trace
    except RuntimeError as error:
        said = (str(error).splitlines() or ["without a word"])[0]
        mend = "look for a quantity whose interval allows rates beyond all reason"
        raise UnreliablePosteriorError(f"nuts could not sample ({said}): {mend}") from error
    except BaseException:
        sampler.cancel()
        raise


def sample(
    case: Case,
    record: Record,
    models: Mapping[str, EventModel],
    *,
    draws: int,
    seed: int,
    progress: Progress | None = None,
) -> Joint:
    """Posterior draws of every event type by NUTS, and of what they share, in the form in which `laplace` gives them.

    Each chain runs for at least 1,000 draws after 1,000 of tuning, evenly thinned to `draws` in all and then laid end
    to end. ess is the least bulk effective sample size of an event type's parameters, rhat the largest
    rank-normalised split R-hat (Vehtari et al., 2021); divergences are those of the whole model. Event types that
    cannot be sampled get draws of their priors, with the reason in `failed`.
    """
    report = progress or (lambda label, done, total: None)
    per_chain = -(-draws // CHAINS)
    thin = -(-LEAST_DRAWS_PER_CHAIN // per_chain)
    report("compiling", 0, CHAINS * (TUNE + thin * per_chain))
    # One event type without a log posterior would leave the chains of all of them without a start.
    reasons = {name: why for name, model in models.items() if (why := why_not(model))}
    sound = {name: model for name, model in models.items() if name not in reasons}
    found: dict[str, EventDraws] = {}
    common: SharedDraws | None = None
    trace: xarray.DataTree | None = None
    if sound:
        flat = flatten(case, record, sound)
        try:
            trace = draw_chains(compile_flat(flat), thin * per_chain, seed, report)
        except UnreliablePosteriorError as error:
            reasons |= dict.fromkeys(sound, str(error))
        else:
            common = natural_shared(flat, trace, draws, thin)
            found = natural_events(flat, trace, draws, thin, common)
            reasons |= {name: "some of its draws are not numbers" for name, own in found.items() if not own.is_finite}
    if common is None and build_shared(case, record).couples:
        common = draw_shared_prior(build_shared(case, record), draws, seed)
        common = replace(common, khat=math.nan, ess=0.0, rhat=math.inf, failed="no chain could be sampled")
    held = {
        name: model.held(common.tension) if common is not None and model.has_tension else model
        for name, model in models.items()
    }
    events = {
        name: unfitted(model, draws, seed, reasons[name]) if name in reasons else found[name]
        for name, model in held.items()
    }
    return Joint(events, common, chains=trace)


def why_not(model: EventModel) -> str:
    """Why an event type has no log posterior that chains could start from, or nothing."""
    if model.has_tension:
        model = model.held(np.zeros(len(model.years)))
    coordinates = (np.zeros(count) for count in (len(model.middle), _shocks(model), _effects(model)))
    with np.errstate(all="ignore"):
        start = log_posterior(model, *coordinates, dict.fromkeys(model.free_hyper, 0.0))
    return "" if math.isfinite(start) else "its log posterior could not be evaluated at the medians of its priors"


def _shocks(model: EventModel) -> int:
    """How many shocks of years are the event type's own."""
    return 0 if model.has_tension else len(model.years)


def _effects(model: EventModel) -> int:
    return len(model.units) if model.has_dyad_effects else 0


def natural_shared(flat: FlatCase, trace: xarray.DataTree, draws: int, thin: int = 1) -> SharedDraws | None:
    """Draws of the standardised coordinates -> natural draws of tension and trust, with their health; None where event
    types share nothing."""
    shared = flat.shared
    if not shared.couples:
        return None
    whole = _whole_shared(flat, trace)
    posterior = trace["posterior"].to_dataset()
    chains, length = posterior["z"].shape[:2]
    everything = np.concatenate([whole.tension, whole.trust[:, None], whole.persistence[:, None]], axis=1)
    ess, rhat = _health(everything.reshape(chains, length, -1))
    kept = slice(thin - 1, None, thin)
    return replace(
        whole,
        tension=whole.tension[kept][:draws],
        trust=whole.trust[kept][:draws],
        persistence=whole.persistence[kept][:draws],
        ess=min(ess, float(draws)),
        rhat=rhat,
        divergences=int(trace["sample_stats"].to_dataset()["diverging"].values.sum()),
    )


def _whole_shared(flat: FlatCase, trace: xarray.DataTree) -> SharedDraws:
    """The same of all draws of all chains, without health."""
    shared, posterior = flat.shared, trace["posterior"].to_dataset()
    chains, length = posterior["z"].shape[:2]
    count = chains * length
    own = posterior["xi"].values.reshape(count, -1) if "xi" in posterior else np.zeros((count, 0))
    names = shared.free_hyper
    last = own[:, own.shape[1] - len(names) :]
    natural = shared.natural(dict(zip(names, last.T, strict=True)))
    kept = np.broadcast_to(natural.get(PERSISTENCE, np.zeros(())), (count,)).astype(float)
    e = posterior["e"].values.reshape(count, -1) if shared.has_tension else np.zeros((count, 0))
    trust = np.broadcast_to(natural[TRUST], (count,)).astype(float)
    return SharedDraws(shared.periods, tension_of(shared, e, kept), trust, kept)


def natural_events(
    flat: FlatCase, trace: xarray.DataTree, draws: int, thin: int = 1, common: SharedDraws | None = None
) -> dict[str, EventDraws]:
    """Draws of the standardised coordinates -> natural draws of every event type, with their health.

    Where event types share tension or trust, `common` are the draws of `natural_shared`.
    """
    posterior = trace["posterior"].to_dataset()
    chains, length = posterior["z"].shape[:2]
    divergences = int(trace["sample_stats"].to_dataset()["diverging"].values.sum())
    whole = None if common is None else _whole_shared(flat, trace)
    trust_is_free = not flat.shared.hyper[TRUST].is_fixed

    def column_block(name: str, begin: int, count: int) -> Floats:
        if not count:
            return np.zeros((chains * length, 0))
        return posterior[name].values.reshape(chains * length, -1)[:, begin : begin + count]

    events = {}
    at = {"z": 0, "e": 0, "d": 0, "xi": 0}
    for model in flat.models:
        counts = {
            "z": len(model.middle),
            "e": _shocks(model),
            "d": _effects(model),
            "xi": len(model.free_hyper),
        }
        part = {name: column_block(name, at[name], count) for name, count in counts.items()}
        at = {name: at[name] + count for name, count in counts.items()}
        xi: dict[str, Floats] = dict(zip(model.free_hyper, part["xi"].T, strict=True))
        held = model.held(whole.tension) if whole is not None and model.has_tension else model
        coefficients, hyper, shocks = natural_draws(held, np.concatenate([part["z"], part["e"]], axis=1), xi)
        if whole is not None and trust_is_free:
            coefficients[:, 1 : model.indicators] *= whole.trust[:, None]
        effects = np.zeros((chains * length, len(model.units)))
        if model.has_dyad_effects:
            effects = hyper["sd_dyad"][:, None] * part["d"]
        everything = np.concatenate(
            [coefficients, *(value[:, None] for value in hyper.values()), shocks, effects], axis=1
        )
        ess, rhat = _health(everything.reshape(chains, length, -1))
        kept = slice(thin - 1, None, thin)
        events[model.event] = EventDraws(
            event=model.event,
            coefficients=coefficients[kept][:draws],
            hyper={name: value[kept][:draws] for name, value in hyper.items()},
            shocks=shocks[kept][:draws],
            effects=effects[kept][:draws],
            ess=min(ess, float(draws)),
            rhat=rhat,
            divergences=divergences,
        )
    return events


def _health(values: Floats) -> tuple[float, float]:
    """Least bulk effective sample size and largest R-hat of (chains, draws, parameters), leaving out fixed ones."""
    from arviz_stats.base import array_stats

    moving = values[..., ~(np.ptp(values, axis=(0, 1)) == 0)]
    if not moving.size:
        return float(values.shape[0] * values.shape[1]), 1.0
    with np.errstate(all="ignore"):
        ess = array_stats.ess(moving, chain_axis=0, draw_axis=1, method="bulk")
        rhat = array_stats.rhat(moving, chain_axis=0, draw_axis=1, method="rank")
    return float(np.min(ess)), float(np.max(rhat))


class Nuts:
    """The reference engine: all event types in one graph, sampled by `sample`."""

    packages = ("pymc", "nutpie")
    advice = "tighter priors on what the record says little about"
    chains = CHAINS

    def sample(self, job: Job) -> dict[str, EventDraws]:
        """Draws of every event type, with effective sample size, R-hat and divergences."""
        return self.sample_together(job).events

    def sample_together(self, job: Job) -> Joint:
        """The same of event types that share tension or trust, with what they share."""
        return sample(job.case, job.record, job.models, draws=job.draws, seed=job.seed, progress=job.progress)


ENGINE = Nuts()
