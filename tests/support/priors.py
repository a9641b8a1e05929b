"""Priors by the book: what an elicited median and interval say, written down once more without the engine's algebra."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import norm

from riskcast.machinery.array_types import Floats

Z95 = float(norm.ppf(0.95))
K = 0.5


def value_at(score: Floats | float, low: float, middle: float, high: float) -> Floats:
    """The value at standard normal scores of the prior with such a median and interval, all on its link."""
    reach = math.sqrt(Z95**2 + K**2) - K
    lean = ((low + high) / 2 - middle) / reach
    return middle + (high - low) / (2 * Z95) * np.asarray(score) + lean * (np.sqrt(np.square(score) + K**2) - K)


def log_density(value: Floats, low: float, middle: float, high: float) -> Floats:
    """Log density on the link of that prior, from its distribution function on a fine grid of scores."""
    score = np.linspace(-12.0, 12.0, 400_001)
    at = value_at(score, low, middle, high)
    return np.interp(value, at, norm.logpdf(score) - np.log(np.gradient(at, score)))
