"""Records drawn from a case's own priors, with the parameters and the chance that they were drawn with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws, draw_prior
from riskcast.engines.hazard import EventModel, build_event_model
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import Record, build_record
from riskcast.verification.calibration import draw_record


@dataclass(frozen=True)
class Drawn:
    """A record that was drawn, and what it was drawn from; the maps are by event type."""

    blank: Record
    models: Mapping[str, EventModel]
    truth: Mapping[str, EventDraws]
    uniforms: Mapping[str, Floats]
    record: Record


def draw_from_priors(case: Case, seed: int) -> Drawn:
    """A record over the periods of a case, from parameters that its priors give."""
    blank = build_record(case)
    models = {name: build_event_model(case, blank, name) for name in case.order}
    truth = {name: draw_prior(model, 1, seed) for name, model in models.items()}
    rng = np.random.default_rng(seed)
    uniforms = {name: rng.random(blank.occurred[name].shape) for name in case.order}
    return Drawn(blank, models, truth, uniforms, draw_record(case, blank, models, truth, uniforms))
