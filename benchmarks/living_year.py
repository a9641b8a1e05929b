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
from collections.abc import Iterator, Sequence
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


def live(top: Path, seed: int, weeks: int = 52, dyads: int = 3, draws: int = 200) -> Lived:
    """Live so many weeks in a world of its own, in a folder that is empty."""
    last = FIRST + weeks * WEEK
    end = last + AFTER
    folder, ledger = top / "world", top / "ledger.sqlite"
    world = write_world(folder, seed, dyads, end)
    chance = random.Random(f"sources {seed}")
    bundles, turned, day = [], 0, FIRST
    for week in range(weeks + 1):
        if week:
            roll(folder, world, day, day + WEEK)
            day += WEEK
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


def shift_of(rows: Sequence[TrackRow]) -> Shift:
    """The b at which sum over blocks of mean(came - share(log odds - b)) is 0, with its sandwich error (Huber, 1967).

    Blocks are an outcome and unit in windows that end in one month.
    """
    odds = np.array([log_odds(min(max(row.probability, 1e-6), 1 - 1e-6)) for row in rows])
    came = np.array([float(row.answer == "yes") for row in rows])
    names = [(row.outcome, row.unit, row.window[1].year, row.window[1].month) for row in rows]
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    block = np.array([places[name] for name in names])
    weight = 1.0 / np.bincount(block)[block]
    shift = 0.0
    for _ in range(50):
        said = 1.0 / (1.0 + np.exp(-(odds - shift)))
        slope = float((weight * said * (1.0 - said)).sum())
        shift += float((weight * (said - came)).sum()) / slope
    said = 1.0 / (1.0 + np.exp(-(odds - shift)))
    own = np.bincount(block, weights=weight * (came - said))
    return Shift(shift, math.sqrt(float((own**2).sum())) / float((weight * said * (1.0 - said)).sum()))


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


def table(seeds: Sequence[int], weeks: int, dyads: int, draws: int, every: int) -> None:
    """Print what came of a year for each seed, and of all together."""
    head = "seed quest. late turned  model    came  bias (90 %)           shift model   shift analyst  weight"
    print(head + "\n" + " " * (len(head) - 6) + "analyst noise knows  replays")
    shifts: dict[str, list[Shift]] = {"model": [], ANALYST: []}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as top:
            lived = live(Path(top), seed, weeks, dyads, draws)
            assert riskcast.verify_ledger(lived.ledger).holds
            made = [own and kept for _, own, kept in replays(lived, every)] if every else []
        model = of(lived.track, "model")[0]
        for name, own in shifts.items():
            own.append(shift_of(of(lived.track, name)[1]))
        analyst = of(lived.track, ANALYST)[0]
        b = model.bias
        two = "  ".join(f"{own[-1].value:+.2f} ± {own[-1].error:.2f}" for own in shifts.values())
        weights = "  ".join(f"{lived.weights[name].weight:.2f}" for name in (ANALYST, NOISE, KNOWS))
        print(
            f"{seed:4d} {model.questions:6d} {lived.late:4d} {lived.turned:6d} {model.mean_forecast:6.3f} "
            f"{model.frequency:7.3f}  {b.value:+.3f} ({b.low:+.3f} {b.high:+.3f})  {two}  {weights}  "
            f"{sum(made)}/{len(made)}\n     {bias_in_words(analyst)}",
            flush=True,
        )
    for name, own in shifts.items():
        values = np.array([each.value for each in own])
        error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
        print(f"{name}: log odds too high by {values.mean():+.3f} ± {error:.3f} over {len(values)} years")


def main() -> int:
    """Read the words of the command line and print the table."""
    words_ = argparse.ArgumentParser(description=__doc__)
    words_.add_argument("--seeds", type=int, default=5, help="how many worlds")
    words_.add_argument("--first-seed", type=int, default=1)
    words_.add_argument("--weeks", type=int, default=52)
    words_.add_argument("--dyads", type=int, default=3)
    words_.add_argument("--draws", type=int, default=200)
    words_.add_argument("--replay", type=int, default=4, help="replay every so many weeks; 0: none")
    given = words_.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    table(seeds, given.weeks, given.dyads, given.draws, given.replay)
    return 0


if __name__ == "__main__":
    sys.exit(main())
