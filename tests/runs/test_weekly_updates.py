"""A year of weekly updates: every kept run can be made again, with the same hash and the same digits, however much the
case has grown since."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path

import numpy as np

from riskcast import Case, Run, changed, read_bundle, rerun, run as make_run, write_bundle
from tests.comparison.test_what_changed import said
from tests.support.cases import edge, event, event_row, make_case

WEEKS = 52
START = dt.date(2019, 12, 30)
EVERY = 13


def first_week() -> Case:
    """One pair, two kinds of event, and an indicator that is measured now and then."""
    events = {
        "spark": event(said(0.5, 0.2, 0.8), kind="trigger", label="Spark"),
        "protest": event(said(0.4, 0.2, 0.7), severity=40.0, label="Protest"),
    }
    effects = [edge("spark", "protest", said(2.0, 1.2, 3.0), whose="own", memory="fast", acts="next")]
    return make_case(
        events,
        effects,
        partners=1,
        years=2,
        horizon=2,
        as_of=START,
        half_life=said(3.0),
        sd_dyad=said(0.0),
        sd_time=said(0.0),
        persistence=said(0.0),
        rows=(event_row(dt.date(2019, 6, 1), "protest", "HHH-P001"),),
    )


def rolled(case: Case, week: int, rng: np.random.Generator) -> Case:
    """The case a week later, with the events that came and now and then a late find."""
    day = START + dt.timedelta(weeks=week)
    rows = list(case.event_rows)
    for kind, chance in (("spark", 0.15), ("protest", 0.1)):
        if rng.random() < chance:
            rows.append(event_row(day - dt.timedelta(days=int(rng.integers(0, 7))), kind, "HHH-P001"))
    if rng.random() < 0.1:
        late = event_row(day - dt.timedelta(days=60), "spark", "HHH-P001")
        rows.append(late.model_copy(update={"published": day, "entered": day}))
    settings = case.settings.model_copy(update={"as_of": day, "recorded_until": day})
    return case.revised(settings=settings, event_rows=tuple(rows))


def kept_run(case: Case) -> Run:
    return make_run(case, draws=100, paths=2, allow_unreliable=True)


def test_a_year_of_weekly_runs_is_made_again_with_the_same_hashes_and_digits(tmp_path: Path) -> None:
    rng, case = np.random.default_rng(7), first_week()
    folders, ids, hashes = [], [], []
    for week in range(1, WEEKS + 1):
        case = rolled(case, week, rng)
        made = kept_run(case)
        folders.append(write_bundle(made, tmp_path))
        ids.append(made.provenance["id"])
        hashes.append((made.case.hash, made.provenance["history_hash"]))
    assert len(set(ids)) == WEEKS
    assert len(case.event_rows) > 10
    for folder, id, known in zip(folders, ids, hashes, strict=True):
        again = rerun(folder)
        assert again.same, again.differences
        assert again.after.provenance["id"] == id
        assert (again.after.case.hash, again.after.provenance["history_hash"]) == known
    # From quarter to quarter, parts add up to what the kept runs say.
    marks = [read_bundle(folder) for folder in folders[::EVERY]]
    for one, two in pairwise(marks):
        found = changed(one, two, orders=2, allow_unreliable=True)
        for split in found.splits:
            assert abs(sum(part.points for part in split.parts) - split.points) < 1e-9
        [score] = found.scores
        assert (score.before, score.after) == tuple(
            float(each.forecasts[0].simulated.mean_score[0]) for each in (one, two)
        )
        assert not [part for split in found.splits for part in split.parts if part.group == "version"]
