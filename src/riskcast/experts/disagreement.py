"""How far experts are apart, and which beliefs that is due to: a standard deviation in exact parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from riskcast.machinery.array_types import Floats


@dataclass(frozen=True)
class BeliefParts:
    """What a belief, or several that share one value, adds to each expert's numbers: (experts, 1 + batches, numbers).

    ids: the quantities; sampled: Monte Carlo standard error of the points from sampled orders, (experts, numbers), 0
    where all coalitions were forecast.
    """

    ids: tuple[str, ...]
    label: str
    points: Floats
    sampled: Floats

    @property
    def id(self) -> str:
        """The quantities in one line."""
        return " + ".join(self.ids)


@dataclass(frozen=True)
class Cause:
    """How much of a disagreement is due to one belief.

    ids: the quantities, of which there are several where they share one value; points: of the standard deviation among
    experts; below 0 where the belief brings together what others keep apart;
    error: its Monte Carlo standard error; by_expert: what it adds to each expert's number, from the center.
    """

    id: str
    ids: tuple[str, ...]
    label: str
    points: float
    error: float
    by_expert: tuple[float, ...]


@dataclass(frozen=True)
class Disagreement:
    """How far experts are apart about one number, in points.

    values: what each says; errors: the Monte Carlo standard error of each; center: what they are held against; spread:
    the standard deviation among them by weight, with its Monte Carlo standard error; floor: what it would be on average
    (its root mean square) were nobody apart, from chance alone, in `free` directions: one fewer than who has a weight;
    causes: what it is due to, the largest first, which add up to it.
    """

    values: tuple[float, ...]
    errors: tuple[float, ...]
    center: float
    mean: float
    spread: float
    error: float
    floor: float
    free: int
    lowest: str
    highest: str
    causes: tuple[Cause, ...]

    @property
    def range(self) -> float:
        """Between who says most and who says least."""
        return max(self.values) - min(self.values)

    @property
    def is_noise(self) -> bool:
        """Whether chance alone may tell experts apart: one time in ten it makes the spread as large as that.

        A spread is never below 0, and by chance alone its square over that of `floor` is chi-square with `free` degrees
        of freedom over their number.
        """
        if self.free < 1:
            return True
        from scipy.special import chdtri

        return self.spread <= self.floor * float(np.sqrt(chdtri(self.free, 0.1) / self.free))


def disagreement_of(
    values: Floats,
    weights: Floats,
    beliefs: Sequence[BeliefParts],
    place: int,
    names: Sequence[str],
    center: float,
    wider: float = 1.0,
) -> Disagreement:
    """How far experts are apart about one number, values (experts, 1 + batches), and which beliefs that is due to.

    With weights w that add up to 1, sd^2 = sum of w (s - mean)^2. As s is the center plus the sum of phi over beliefs
    (their Shapley values), sd = sum over beliefs of cov_w(phi, s) / sd: the parts add up exactly. Errors are those of
    the mean over batches of draws, which all experts share, times `wider`, as draws that were weighed count for fewer;
    and of sampled orders where there are any.

    >>> one = BeliefParts(("a",), "A", np.array([[[1.0], [1.0]], [[-1.0], [-1.0]]]), np.zeros((2, 1)))
    >>> two = BeliefParts(("b",), "B", np.array([[[2.0], [2.0]], [[-2.0], [-2.0]]]), np.zeros((2, 1)))
    >>> said = np.array([[53.0, 53.0], [47.0, 47.0]])
    >>> found = disagreement_of(said, np.array([0.5, 0.5]), [one, two], 0, ["X", "Y"], 50.0)
    >>> found.spread, [cause.points for cause in found.causes]
    (3.0, [2.0, 1.0])
    """
    apart = values - weights @ values
    spread = np.sqrt(weights @ np.square(apart))
    # The direction in which the experts are apart: to first order, a batch moves the spread by what it moves along it.
    along = weights * apart[:, 0] / spread[0] if spread[0] > 0.0 else np.zeros_like(weights)
    causes = []
    for belief in beliefs:
        own = belief.points[:, :, place]
        parts = along @ (own - weights @ own)
        sampled = float(np.sqrt(np.square(along) @ np.square(belief.sampled[:, place])))
        error = float(np.hypot(wider * standard_errors(parts[None])[0], sampled))
        causes.append(Cause(belief.id, belief.ids, belief.label, float(parts[0]), error, tuple(own[:, 0].tolist())))
    said = values[:, 0]
    return Disagreement(
        values=tuple(said.tolist()),
        errors=tuple((wider * standard_errors(values)).tolist()),
        center=float(center),
        mean=float(weights @ said),
        spread=float(spread[0]),
        error=wider * float(standard_errors((along @ apart)[None])[0]),
        floor=wider * float(np.sqrt(weights @ np.square(standard_errors(apart)))),
        free=int((weights > 0.0).sum()) - 1,
        lowest=names[int(said.argmin())],
        highest=names[int(said.argmax())],
        causes=tuple(sorted(causes, key=lambda cause: -abs(cause.points))),
    )


def standard_errors(stack: Floats) -> Floats:
    """Monte Carlo standard errors of numbers from their means over batches of draws: (..., 1 + batches) -> (...).

    >>> float(standard_errors(np.array([[5.0, 4.0, 6.0]]))[0])
    1.0
    """
    batches = stack[..., 1:]
    count = batches.shape[-1]
    return batches.std(axis=-1, ddof=1) / np.sqrt(count) if count > 1 else np.zeros(stack.shape[:-1])
