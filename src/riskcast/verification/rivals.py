"""The forecasters that a reviewer asks for: regression, boosted trees, a random forest, tuned on splits by time.

Each learns from rows (rows, columns) of what was known when a window began, and whether an event followed within it. A
further rival is one class with `grid` and `learn`, and one line in `RIVALS` (`riskcast.verification.forecasters`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from riskcast.errors import OptionError
from riskcast.machinery.array_types import Bools, Floats, Ints
from riskcast.machinery.threads import single_thread

# With fewer windows, or where all of them or none hold an event, a rival forecasts the pooled rate.
FEWEST_ROWS = 20
# Settings are judged on so many parts in a row, which are the later half of the periods, ...
PARTS = 3
# ... of the latest periods that hold so many rows; trees of a forest, too, see no more rows than that.
MOST_TUNED = 50_000

Setting = Mapping[str, float]
# Rows (rows, columns) -> probabilities (rows,).
Learned = Callable[[Floats], Floats]


class Rival(ABC):
    """A kind of forecaster that learns from rows; `grid`: the settings that splits by time choose from."""

    grid: ClassVar[tuple[Setting, ...]]

    def draft(self, setting: Setting) -> Setting:
        """What a setting is judged by: itself, or something that is learned faster."""
        return setting

    @abstractmethod
    def learn(self, x: Floats, y: Floats, setting: Setting, seed: int) -> Learned:
        """What rows x (rows, columns) with outcomes y (rows,) of 0 or 1, of which there are both, teach."""


class Logit(Rival):
    """Logistic regression on standardised columns: least negative log likelihood plus ridge / 2 times the sum of
    squared slopes."""

    grid = tuple({"ridge": ridge} for ridge in (0.1, 1.0, 10.0, 100.0))

    def learn(self, x: Floats, y: Floats, setting: Setting, seed: int) -> Learned:
        """The regression at one ridge."""
        from sklearn.linear_model import LogisticRegression

        middle, spread = x.mean(axis=0), x.std(axis=0)
        # A column that never varied says nothing, and would stretch without bound what it is ahead.
        vary = spread > 1e-9 * (1.0 + np.abs(middle))
        if not vary.any():
            return lambda asked: np.full(len(asked), y.mean())

        def scaled(rows: Floats) -> Floats:
            return (rows[:, vary] - middle[vary]) / spread[vary]

        model = LogisticRegression(C=1.0 / setting["ridge"], solver="newton-cholesky", tol=1e-8, max_iter=100)
        model.fit(scaled(x), y > 0.0)
        return lambda asked: model.predict_proba(scaled(asked))[:, 1]


class Boosting(Rival):
    """Boosted trees by LightGBM (Ke and others, 2017): `leaves` of each tree, and how many `rounds`."""

    grid = (
        {"leaves": 2, "rounds": 60},
        {"leaves": 4, "rounds": 60},
        {"leaves": 4, "rounds": 200},
        {"leaves": 8, "rounds": 200},
        {"leaves": 16, "rounds": 200},
    )

    def learn(self, x: Floats, y: Floats, setting: Setting, seed: int) -> Learned:
        """The trees at one size and number; raises OptionError where LightGBM is not there."""
        lightgbm = load_lightgbm()
        options = {
            "objective": "binary",
            "num_leaves": int(setting["leaves"]),
            "learning_rate": 0.04,
            "min_data_in_leaf": 20,
            "lambda_l2": 1.0,
            "num_threads": 1,
            "deterministic": True,
            "force_row_wise": True,
            "seed": seed,
            "verbosity": -1,
        }
        rows = lightgbm.Dataset(x, label=y, params={"verbosity": -1, "num_threads": 1})
        model = lightgbm.train(options, rows, num_boost_round=int(setting["rounds"]))
        return lambda asked: np.asarray(model.predict(asked, num_threads=1))


class Forest(Rival):
    """A random forest (Breiman, 2001): `leaf`, the least rows in a leaf of its `trees`, of which fewer are grown while
    leaves are chosen. Probabilities are as if every leaf held one row more, of the mean of all: (leaf p + mean) /
    (leaf + 1), so that none is 0 for want of rows."""

    grid = tuple({"leaf": leaf, "trees": 100} for leaf in (5, 20, 80))

    def draft(self, setting: Setting) -> Setting:
        """A quarter of the trees."""
        return {**setting, "trees": setting["trees"] / 4}

    def learn(self, x: Floats, y: Floats, setting: Setting, seed: int) -> Learned:
        """The trees at one size of leaves."""
        from sklearn.ensemble import RandomForestClassifier

        leaf, mean = int(setting["leaf"]), float(y.mean())
        model = RandomForestClassifier(
            n_estimators=int(setting["trees"]),
            min_samples_leaf=leaf,
            max_features="sqrt",
            max_samples=MOST_TUNED if len(x) > MOST_TUNED else None,
            random_state=seed,
            n_jobs=1,
        )
        model.fit(x, y > 0.0)
        return lambda asked: (leaf * model.predict_proba(asked)[:, 1] + mean) / (leaf + 1.0)


LOGIT, BOOSTING, FOREST = Logit(), Boosting(), Forest()


def load_lightgbm() -> Any:
    """The package `lightgbm`; raises OptionError where it is not installed, or cannot be loaded on this machine."""
    try:
        import lightgbm
    except ImportError:
        raise OptionError("the rival `boosting` needs LightGBM; run pip install 'riskcast[rivals]'") from None
    except OSError as error:
        mend = "install OpenMP (libgomp1 on Debian and Ubuntu, libomp on macOS), or leave `boosting` out of the rivals"
        raise OptionError(f"LightGBM cannot be loaded ({error}); {mend}") from None
    return lightgbm


def time_splits(when: Ints, ahead: int) -> list[tuple[Bools, Bools]]:
    """Rows to learn from and rows to be judged on, (rows,) each, where no window of the former reaches into the latter.

    when: (rows,) the period in which each row's window of `ahead` periods begins. The later half of all periods is cut
    into parts in a row; each is judged on what windows that had ended before it teach (Roberts and others, 2017).

    >>> [(int(learned.sum()), int(judged.sum())) for learned, judged in time_splits(np.arange(12), ahead=2)]
    [(5, 2), (7, 2), (9, 2)]
    """
    periods = np.unique(when)
    places = [len(periods) * part // (2 * PARTS) for part in range(PARTS, 2 * PARTS)]
    cuts = [*(int(periods[place]) for place in places), int(periods[-1]) + 1]
    return [(when + ahead <= first, (when >= first) & (when < last)) for first, last in pairwise(cuts) if first < last]


def choose_setting(rival: Rival, x: Floats, y: Floats, when: Ints, ahead: int, seed: int) -> Setting:
    """The setting of a rival's grid with the least log score on parts of the later half, each forecast from what was
    known before it (`time_splits`); the middle one where no part can be judged."""
    kept = _latest(when)
    x, y, when = x[kept], y[kept], when[kept]
    splits = [
        (learned, judged) for learned, judged in time_splits(when, ahead) if judged.any() and _teaches(y[learned])
    ]
    if not splits:
        return rival.grid[len(rival.grid) // 2]
    losses = []
    for setting in rival.grid:
        total = 0.0
        for learned, judged in splits:
            chance = learn_chances(rival, x[learned], y[learned], rival.draft(setting), seed)(x[judged])
            total -= float(np.log(np.where(y[judged] > 0.0, chance, 1.0 - chance)).sum())
        losses.append(total)
    return rival.grid[int(np.argmin(losses))]


def learn_chances(rival: Rival, x: Floats, y: Floats, setting: Setting, seed: int) -> Learned:
    """What rows teach a rival, kept within (1/2) / (N + 1) of 0 and 1, as surely as N rows alike could tell; the pooled
    rate where they are too few, or all alike."""
    edge = 0.5 / (len(y) + 1.0)
    if not _teaches(y):
        pooled = (float(y.sum()) + 0.5) / (len(y) + 1.0)
        return lambda asked: np.full(len(asked), pooled)
    with single_thread():
        learned = rival.learn(x, y, setting, seed)

    def chances(asked: Floats) -> Floats:
        with single_thread():
            return np.clip(learned(asked), edge, 1.0 - edge)

    return chances


def _teaches(y: Floats) -> bool:
    return len(y) >= FEWEST_ROWS and 0.0 < float(y.sum()) < len(y)


def _latest(when: Ints) -> Bools:
    """The rows of the latest periods that hold no more rows than settings are judged on: (rows,)."""
    if len(when) <= MOST_TUNED:
        return np.ones(len(when), dtype=bool)
    return when > np.sort(when)[-MOST_TUNED - 1]
