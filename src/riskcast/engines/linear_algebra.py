"""Linear algebra that answers for matrices which a proposal is made from, however ill they are.

A matrix that is singular or indefinite by rounding is mended by raising its smallest eigenvalues. That is harmless: a
proposal may be any, as importance weights are exact, and k-hat says how well it serves.
"""

from __future__ import annotations

import numpy as np

from riskcast.machinery.array_types import Floats

LEAST_EIGENVALUE = 1e-8


def solve_uphill(curvature: Floats, gradient: Floats) -> Floats:
    """Newton's step curvature^-1 gradient, uphill wherever the gradient is a number; NaN where nothing is.

    >>> solve_uphill(np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([1.0, 0.0])).round(6).tolist()
    [0.5, 0.0]
    """
    if not (np.isfinite(curvature).all() and np.isfinite(gradient).all()):
        return np.full(gradient.shape, np.nan)
    try:
        step = np.linalg.solve(curvature, gradient)
    except np.linalg.LinAlgError:
        step = np.full(gradient.shape, np.nan)
    if not float(gradient @ step) >= 0.0:
        factor = inverse_factor(curvature)
        step = factor.T @ (factor @ gradient)
    return step


def make_positive(matrix: Floats) -> Floats:
    """The matrix with the smallest eigenvalues raised, in units of its diagonal; the identity where it has no numbers.

    >>> make_positive(np.array([[1.0, 0.0], [0.0, -1.0]])).round(6).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if not np.isfinite(matrix).all():
        return np.eye(len(matrix))
    size = np.sqrt(np.maximum(np.diag(matrix), 1.0))
    sizes, axes = np.linalg.eigh(matrix / np.outer(size, size))
    least = max(LEAST_EIGENVALUE, float(size.max()) ** -2)
    return (axes * np.maximum(sizes, least)) @ axes.T * np.outer(size, size)


def lower_factor(matrix: Floats) -> Floats:
    """Lower-triangular L with L L' = matrix, or the matrix made positive."""
    try:
        factor = np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        factor = np.full_like(matrix, np.nan)
    return factor if np.isfinite(factor).all() else np.linalg.cholesky(make_positive(matrix))


def inverse_factor(matrix: Floats) -> Floats:
    """L^-1 for L L' = matrix, or the matrix made positive."""
    return np.linalg.inv(lower_factor(matrix))


def log_determinant(matrix: Floats) -> float:
    """log det of a positive definite matrix, or of the matrix made positive."""
    sign, log_size = np.linalg.slogdet(matrix)
    return float(log_size if sign > 0 else np.linalg.slogdet(make_positive(matrix))[1])
