"""Joint log scores: how probable a forecaster called all that came after an origin, taken together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats, Ints
from riskcast.verification.forecasters import CELL_BY_CELL, MODEL, vector_forecasters
from riskcast.verification.measured import BY_DYADS, Measured, Resampling, measured, resample_rows
from riskcast.verification.metrics import resampled_means

if TYPE_CHECKING:
    import pandas

KEYS = ("origin", "cells", "events", "error")


@dataclass(frozen=True)
class VectorScore:
    """How probable a forecaster called what came, one whole vector of outcomes for each origin.

    log_probability: mean over origins of the log probability of the vector, in nats, higher is better; gain: by how
    much the model's joint log probability is above this forecaster's, on average over origins, None for the model;
    origins: how many; error: what the estimate of the model's leaves to chance in these means (standard error), bias:
    how far the model's mean is to be expected below the truth, as a log of a mean; both 0 where nothing is estimated.
    """

    forecaster: str
    origins: int
    log_probability: Measured
    gain: Measured | None
    error: float
    bias: float


def score_vectors(
    vectors: pandas.DataFrame, resampling: Resampling = BY_DYADS, replicates: int = 500, seed: int = 1
) -> dict[str, VectorScore]:
    """Joint log scores of every forecaster, the model first, with 90 % intervals from resampled years.

    vectors: a row for each origin with columns origin, cells and events (how many outcomes could be told, and how many
    came), error (the standard error of the model's log probability), and each forecaster's log probability: the
    model's is joint, that of others the sum over cells of the logarithm of the probability of what came. Raises
    OptionError for a table that cannot be used. Dyads cannot be resampled: intervals are those of years, one by one
    where `resampling` asks for dyads.

    >>> import pandas
    >>> table = pandas.DataFrame({"origin": ["2019-12-31", "2020-12-31"], "cells": 4, "events": 1, "error": 0.1,
    ...                           "model": [-2.0, -1.0], "pooled_rate": [-2.5, -1.5]})
    >>> found = score_vectors(table, replicates=50)["pooled_rate"]
    >>> found.log_probability.value, found.gain.value
    (-2.0, 0.5)
    """
    names = _check(vectors)
    years = resampling if resampling.by == "years" else Resampling("years")
    cluster, counts = resample_rows(vectors, years, replicates, seed, "vectors")
    logs = {name: vectors[name].to_numpy(dtype=float) for name in names}
    errors = vectors["error"].to_numpy(dtype=float)
    noise = float(np.sqrt(np.square(errors).sum()) / len(errors))
    out = {}
    for name, own in logs.items():
        gain = logs[MODEL] - own
        out[name] = VectorScore(
            name,
            len(own),
            _mean(own, cluster, counts),
            None if name == MODEL else _mean(gain, cluster, counts),
            noise,
            -0.5 * float(np.square(errors).mean()) if name == MODEL else 0.0,
        )
    return out


def _mean(values: Floats, cluster: Ints, counts: Floats) -> Measured:
    """A mean over origins; what is infinite is so in one direction."""
    sign = -1.0 if np.isneginf(values).any() else 1.0
    return measured(float(values.mean()), sign * resampled_means(sign * values, cluster, counts), counts)


def _check(vectors: pandas.DataFrame) -> Sequence[str]:
    """The forecasters of a table, the model first."""
    needed = (*KEYS, MODEL)
    missing = [column for column in needed if column not in vectors.columns]
    if missing:
        raise OptionError(f"vectors has no column {missing[0]!r}; it needs {', '.join(needed)}")
    names = [name for name in vector_forecasters() if name in vectors.columns]
    if len(names) < 2:
        raise OptionError(f"vectors has nobody to compare with; give one of {', '.join((CELL_BY_CELL, *names[1:]))}")
    if vectors["origin"].duplicated().any():
        raise OptionError("vectors has two rows for one origin; give one")
    for name in names:
        if not (vectors[name] <= 1e-9).all() or math.isnan(float(vectors[name].sum())):
            raise OptionError(f"vectors: {name} is no log probability in some row; give a number up to 0")
    return names
