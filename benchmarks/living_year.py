"""A year lived with the tool, week by week, in a world whose truth is known: are its own numbers right about it?

Every week the case is rolled, what was found is entered, days are marked as searched, questions are answered, and a
forecast is kept and published beside a biased analyst, a source of noise and one who knows. Then the track record is
read.
"""

from __future__ import annotations

import argparse
import datetime as dt
import math
import random
import sys
import tempfile
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from living_world import ERROR, FIRST, World, starter, words, write_world

import riskcast
from riskcast.verification.pooling import PoolWeight, earned_weights
from riskcast.verification.track_rows import TrackRecord, TrackRow
from riskcast.verification.track_words import bias_in_words

ANALYST, NOISE, KNOWS = "analyst", "noise", "knows"
EXCESS = 0.8
NOISE_MIDDLE, NOISE_SPREAD = -1.5, 1.5
SURE = 0.97
HORIZONS = (1, 3)
WEEK = dt.timedelta(days=7)
# After the last week: what was found late of the last windows.
AFTER = dt.timedelta(days=175)


@dataclass(frozen=True)
class Lived:
    """What a year left: the case's folder, a ledger, kept runs by week, what was told of the whole."""

    folder: Path
    ledger: Path
    bundles: tuple[tuple[dt.date, Path], ...]
    track: TrackRecord
    weights: dict[str, PoolWeight]
    late: int
    turned: int


def live(top: Path, seed: int, weeks: int = 52, dyads: int = 3, draws: int = 200, step: int = 1) -> Lived:
    """Live so many weeks in a world of its own, in a folder that is empty, so many of them at a time."""
    last = FIRST + weeks * WEEK
    end = last + AFTER
    folder, ledger = top / "world", top / "ledger.sqlite"
    world = write_world(folder, seed, dyads, end)
    chance = random.Random(f"sources {seed}")
    bundles, turned, day = [], 0, FIRST
    for week in range(0, weeks + 1, step):
        if week:
            roll(folder, world, day, day + step * WEEK)
            day += step * WEEK
        case = riskcast.load_case(folder)
        if week:
            turned += len(riskcast.resolve(case, ledger, by="ann", supersede=True, now=at(day)).changed)
        run = riskcast.run(case, draws=draws, seed=seed)
        bundles.append((day, riskcast.write_bundle(run, top / "runs")))
        made = riskcast.publish(run, ledger, by="ann", horizons=HORIZONS, now=at(day))
        for name, numbers in outside(made, world, end, chance).items():
            kind = "person" if name == ANALYST else "crowd"
            riskcast.publish_numbers(numbers, name, ledger, kind=kind, now=at(day))
    roll(folder, world, day, end)
    turned += len(riskcast.resolve(riskcast.load_case(folder), ledger, by="ann", supersede=True, now=at(end)).changed)
    record = riskcast.track(ledger, end)
    late = sum(one.found is not None and (one.found - one.day).days > 7 for one in world.found(FIRST, last))
    return Lived(folder, ledger, tuple(bundles), record, earned_weights(record), late, turned)


def roll(folder: Path, world: World, before: dt.date, day: dt.date) -> None:
    """A week's edits: the new day, events and values that were found, and that all was searched."""
    riskcast.roll_case(folder, day, author="ann")
    events = [
        riskcast.NewEvent(
            one.day,
            one.type,
            one.unit,
            words(one),
            initiator=starter(one),
            sources=("wire",),
            published=one.found,
            entered=day,
        )
        for one in world.found(before, day)
    ]
    values = [
        riskcast.NewValue(
            "mood",
            "HHH",
            one.day,
            one.value,
            round(one.value - 1.645 * ERROR, 3),
            round(one.value + 1.645 * ERROR, 3),
            one.published,
            ("wire",),
            entered=day,
        )
        for one in world.measured(before, day)
    ]
    if events or values:
        riskcast.edit_case(folder, [*events, *values], author="ann")
    riskcast.mark_checked(folder, author="ann")


def outside(
    made: riskcast.Publication, world: World, end: dt.date, chance: random.Random
) -> dict[str, list[riskcast.OutsideNumber]]:
    """What others say of a week's questions: the model's log odds and more, anything, and what will come."""
    said = {one.question: one.probability for one in made.forecasts if one.forecaster == "model"}
    found: dict[str, list[riskcast.OutsideNumber]] = {ANALYST: [], NOISE: [], KNOWS: []}
    for question in made.questions:
        comes = world.comes(question.outcome, question.unit, question.first, question.last, end)
        numbers = {
            ANALYST: share(log_odds(said[question.id]) + EXCESS),
            NOISE: share(chance.gauss(NOISE_MIDDLE, NOISE_SPREAD)),
            KNOWS: SURE if comes else 1.0 - SURE,
        }
        for name, number in numbers.items():
            found[name].append(riskcast.OutsideNumber(question.id, number))
    return found


def at(day: dt.date) -> dt.datetime:
    """The evening of a day."""
    return dt.datetime(day.year, day.month, day.day, 18, tzinfo=dt.UTC)


def log_odds(chance: float) -> float:
    """The log odds of a probability."""
    return math.log(chance) - math.log1p(-chance)


def share(odds: float) -> float:
    """The probability of log odds."""
    return 1.0 / (1.0 + math.exp(-odds))


@dataclass(frozen=True)
class Shift:
    """By how much log odds are too high, with a standard error; questions that hang together count as one."""

    value: float
    error: float


def shift_of(*years: Sequence[TrackRow]) -> Shift:
    """The b at which sum over blocks of mean(came - share(log odds - b)) is 0, with its sandwich error (Huber, 1967).

    Blocks are an outcome and unit in windows that end in one month. Of several years, each is one draw: what its
    questions share is told by how years differ. The mean of years' own shifts would lean: log odds of a share have
    another mean than those of its mean, above 0 where few events come.
    """
    rows = [row for year in years for row in year]
    odds = np.array([log_odds(min(max(row.probability, 1e-6), 1 - 1e-6)) for row in rows])
    came = np.array([float(row.answer == "yes") for row in rows])
    year = np.repeat(np.arange(len(years)), [len(own) for own in years])
    block = _numbered(
        (own, row.outcome, row.unit, row.window[1].year, row.window[1].month)
        for own, row in zip(year.tolist(), rows, strict=True)
    )
    weight = 1.0 / np.bincount(block)[block]
    cluster = year if len(years) > 1 else block
    shift = 0.0
    for _ in range(50):
        said = 1.0 / (1.0 + np.exp(-(odds - shift)))
        slope = float((weight * said * (1.0 - said)).sum())
        shift += float((weight * (said - came)).sum()) / slope
    said = 1.0 / (1.0 + np.exp(-(odds - shift)))
    own = np.bincount(cluster, weights=weight * (came - said))
    return Shift(shift, math.sqrt(float((own**2).sum())) / float((weight * said * (1.0 - said)).sum()))


def _numbered(names: Iterable[Hashable]) -> np.ndarray:
    """The same number for the same name."""
    places: dict[Hashable, int] = {}
    return np.array([places.setdefault(name, len(places)) for name in names])


def of(track: TrackRecord, name: str) -> tuple[riskcast.ForecasterRecord, list[TrackRow]]:
    """A forecaster's record, and its rows in time."""
    [found] = [each for each in track.forecasters if each.forecaster == name]
    return found, [row for row in track.rows if row.forecaster == name and not row.late]


def replays(lived: Lived, every: int = 1) -> Iterator[tuple[dt.date, bool, bool]]:
    """By week: whether the kept run is made again to its digits, from its own case and from the kept vintage of it."""
    for number, (day, path) in enumerate(lived.bundles):
        if number % every:
            continue
        again = riskcast.rerun(path)
        yield day, again.same, riskcast.rerun(path, f"{lived.folder}@{day}").same


def table(seeds: Sequence[int], weeks: int, dyads: int, draws: int, every: int, step: int) -> None:
    """Print what came of a year for each seed, and of all together."""
    head = "seed quest. late turned  model    came  bias (90 %)           shift model   shift analyst  weight"
    print(head + "\n" + " " * (len(head) - 6) + "analyst noise knows  replays")
    years: dict[str, list[list[TrackRow]]] = {"model": [], ANALYST: []}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as top:
            lived = live(Path(top), seed, weeks, dyads, draws, step)
            assert riskcast.verify_ledger(lived.ledger).holds
            made = [own and kept for _, own, kept in replays(lived, every)] if every else []
        model = of(lived.track, "model")[0]
        for name, own in years.items():
            own.append(of(lived.track, name)[1])
        analyst = of(lived.track, ANALYST)[0]
        b = model.bias
        last = [shift_of(own[-1]) for own in years.values()]
        two = "  ".join(f"{own.value:+.2f} ± {own.error:.2f}" for own in last)
        weights = "  ".join(f"{lived.weights[name].weight:.2f}" for name in (ANALYST, NOISE, KNOWS))
        print(
            f"{seed:4d} {model.questions:6d} {lived.late:4d} {lived.turned:6d} {model.mean_forecast:6.3f} "
            f"{model.frequency:7.3f}  {b.value:+.3f} ({b.low:+.3f} {b.high:+.3f})  {two}  {weights}  "
            f"{sum(made)}/{len(made)}\n     {bias_in_words(analyst)}",
            flush=True,
        )
    for name, own in years.items():
        together = shift_of(*own)
        print(f"{name}: log odds too high by {together.value:+.3f} ± {together.error:.3f} over {len(own)} years")


def worlds(seeds: Sequence[int], dyads: int, draws: int, horizons: Sequence[int]) -> dict[int, Shift]:
    """By how much log odds are too high in one forecast of each of many worlds, from their first day: by horizon.

    As truth is drawn from the priors, said and came have the same mean in every sum over worlds: what is left over is a
    fault. Much more is told for its time than by years, of which all questions share a truth.
    """
    said, came, spread = (np.zeros((len(horizons), len(seeds))) for _ in range(3))
    end = FIRST + 2 * AFTER + max(horizons) * dt.timedelta(days=31)
    for place, seed in enumerate(seeds):
        with tempfile.TemporaryDirectory() as top:
            world = write_world(Path(top) / "world", seed, dyads, end)
            case = riskcast.load_case(Path(top) / "world")
        posterior = riskcast.fit(case, draws=draws, seed=seed)
        for row, horizon in enumerate(horizons):
            ahead = riskcast.forecast(posterior, horizon=horizon)
            first, last = case.as_of + dt.timedelta(days=1), case.calendar.shift(case.as_of, horizon)
            for outcome in case.outcomes:
                chances = ahead.simulated.verifiable.headline(outcome)
                for unit, chance in zip(case.units(outcome), chances.tolist(), strict=True):
                    said[row, place] += chance
                    came[row, place] += world.comes(outcome, unit, first, last, end)
                    spread[row, place] += chance * (1.0 - chance)
    off, each = said - came, spread.sum(axis=1)
    value = off.sum(axis=1) / each
    error = off.std(axis=1, ddof=1) * math.sqrt(len(seeds)) / each
    return {h: Shift(float(v), float(e)) for h, v, e in zip(horizons, value, error, strict=True)}


def main() -> int:
    """Read the words of the command line and print the table."""
    words_ = argparse.ArgumentParser(description=__doc__)
    words_.add_argument("--seeds", type=int, default=5, help="how many worlds")
    words_.add_argument("--first-seed", type=int, default=1)
    words_.add_argument("--weeks", type=int, default=52)
    words_.add_argument("--dyads", type=int, default=3)
    words_.add_argument("--draws", type=int, default=200)
    words_.add_argument("--step", type=int, default=1, help="how many weeks to live at a time")
    words_.add_argument("--worlds", type=int, default=0, help="in their place, one forecast of each of so many worlds")
    words_.add_argument("--replay", type=int, default=4, help="replay every so many weeks; 0: none")
    given = words_.parse_args()
    if given.worlds:
        seeds = range(given.first_seed, given.first_seed + given.worlds)
        for horizon, found in worlds(seeds, given.dyads, given.draws, (*HORIZONS, 12)).items():
            print(f"{horizon} months: log odds too high by {found.value:+.3f} ± {found.error:.3f}")
        return 0
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    table(seeds, given.weeks, given.dyads, given.draws, given.replay, given.step)
    return 0


if __name__ == "__main__":
    sys.exit(main())
