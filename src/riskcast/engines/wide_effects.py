"""The integral over one dyad effect where effects may spread by powers of e to the twenty and more.

There the integrand is a plateau as wide as the spread, between two walls that are some units thin: on one side every
event is certain, on the other the quiet periods become impossible. Nodes placed by the curvature at the mode miss one
or the other, so the integral is cut where the integrand has fallen by one and by forty natural logarithms, and each of
the four parts gets a Gauss-Legendre rule (Davis and Rabinowitz, 1984, ch. 2). As a prior precision is added to a
log-concave likelihood, each of these places is single and lies within spread * sqrt(2 * fall) of the mode.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from riskcast.machinery.array_types import Floats

FALLS = (1.0, 40.0)
NODES = 12
# Places of panels need not be exact: a thirty-thousandth of the way is near enough.
HALVINGS = 15


@cache
def legendre(count: int) -> tuple[Floats, Floats]:
    """Nodes and weights of the Gauss-Legendre rule on [0, 1] (Golub and Welsch, 1969).

    >>> nodes, weights = legendre(5)
    >>> round(float(weights @ nodes**9), 12)
    0.1
    """
    k = np.arange(1, count)
    beta = k / np.sqrt(4.0 * k**2 - 1.0)
    nodes, vectors = np.linalg.eigh(np.diag(beta, 1) + np.diag(beta, -1))
    return 0.5 * (nodes + 1.0), vectors[0] ** 2


def crossing(above: Callable[[Floats], NDArray[np.bool_]], inside: Floats, outside: Floats) -> Floats:
    """Where `above` turns from true to false between two places, by halving."""
    for _ in range(HALVINGS):
        middle = 0.5 * (inside + outside)
        stays = above(middle)
        inside, outside = np.where(stays, middle, inside), np.where(stays, outside, middle)
    return 0.5 * (inside + outside)


def panel_edges(log_density: Callable[[Floats], Floats], mode: Floats, sd: Floats) -> Floats:
    """Where a density has fallen by each of `FALLS`, left and right of its modes: (units, 4 draws), from far left to
    far right, draws side by side.

    mode: (units, draws); log_density takes (units, 4 draws), and falls at least as fast as a Normal of this sd.
    """
    sides = [(-1.0, FALLS[1]), (-1.0, FALLS[0]), (1.0, FALLS[0]), (1.0, FALLS[1])]
    inside = np.tile(mode, 4)
    outside = np.concatenate([mode + side * math.sqrt(2.0 * fall) * sd for side, fall in sides], axis=1)
    least = log_density(inside) - np.repeat([fall for _, fall in sides], mode.shape[1])
    return crossing(lambda a: log_density(a) >= least, inside, outside)


def panel_nodes(edges: Floats, mode: Floats) -> tuple[Floats, Floats]:
    """Nodes and log weights for an integral over the four panels of every effect, which lie side by side as in
    `panel_edges`: (nodes, units, 4 draws)."""
    far_left, left, right, far_right = np.split(edges, 4, axis=1)
    begin, end = (
        np.concatenate([far_left, left, mode, right], axis=1),
        np.concatenate([left, mode, right, far_right], axis=1),
    )
    nodes, weights = legendre(NODES)
    width = end - begin
    return begin + nodes[:, None, None] * width, np.log(weights)[:, None, None] + np.log(np.maximum(width, 1e-300))
