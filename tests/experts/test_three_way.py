"""Two edits of one case joined: parts, conflicts, and files whose comments stay."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from riskcast import Case, CaseError, load_case, merge_cases
from riskcast.errors import UnknownNameError
from riskcast.updates.merged_files import join_files, join_lines, write_joined
from tests.support.command_line import Run
from tests.support.smallcase import EFFECTS, EVENTS_CSV, INDICATORS, OUTCOMES, write_files

MOOD = "median: 55\n    interval: [48, 62]"
RATE = "base_rate: {median: 0.2, interval: [0.05, 0.5]"
ROW = EVENTS_CSV.splitlines()[-1]


def edited(folder: Path, name: str, **changed: str) -> Path:
    """The small case in a folder of that name, with other YAML files, or other events."""
    files = {"history_events_csv" if stem == "events" else f"{stem}_yaml": text for stem, text in changed.items()}
    return write_files(folder / name, **files)


def with_mood(median: int, low: int, high: int) -> str:
    return INDICATORS.replace(MOOD, f"median: {median}\n    interval: [{low}, {high}]")


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Mine changes a level and a comment, theirs another quantity of the same and of another file."""
    base = edited(tmp_path, "base")
    mine = edited(tmp_path, "mine", indicators="# Mine.\n" + with_mood(60, 52, 68))
    theirs = edited(
        tmp_path,
        "theirs",
        indicators=INDICATORS.replace("drift: {value: 0.2", "drift: {value: 0.3"),
        outcomes=OUTCOMES.replace(RATE, "base_rate: {median: 0.3, interval: [0.1, 0.6]"),
    )
    return base, mine, theirs


def cases(sides: tuple[Path, Path, Path]) -> list[Case]:
    return [load_case(side) for side in sides]


def test_what_one_changed_is_taken_and_comments_stay(sides: tuple[Path, Path, Path], tmp_path: Path) -> None:
    base, mine, theirs = cases(sides)
    joined = merge_cases(base, mine, theirs)
    assert (joined.mine, joined.conflicts) == (("indicators.mood.now",), ())
    assert set(joined.theirs) == {"indicators.trade.drift", "outcomes.decree.base_rate"}
    known = {key: quantity for key, quantity, _ in joined.case.quantities()} if joined.case else {}
    assert [known[key].center for key in (*joined.mine, "indicators.trade.drift")] == [60.0, 0.3]
    files = join_files(joined, *sides)
    assert files.anew == ()
    out = write_joined(files, tmp_path / "out")
    assert (out / "indicators.yaml").read_text(encoding="utf-8").startswith("# Mine.\n")
    assert joined.case is not None
    assert load_case(out).hash == joined.case.hash
    # Whoever is first: the same case.
    other = merge_cases(base, theirs, mine).case
    assert other is not None
    assert other.hash == joined.case.hash


def test_conflicts_are_shown_and_settled(sides: tuple[Path, Path, Path], tmp_path: Path) -> None:
    base, mine, _ = cases(sides)
    other = edited(tmp_path, "other", indicators=with_mood(50, 45, 58))
    theirs = load_case(other)
    joined = merge_cases(base, mine, theirs)
    [conflict] = joined.open
    assert (conflict.id, conflict.label, conflict.file) == (
        "indicators.mood.now",
        "Mood: today's level",
        "indicators.yaml",
    )
    assert [value["median"] for value in (conflict.base, conflict.mine, conflict.theirs)] == [55.0, 60.0, 50.0]
    assert joined.case is None
    taken = merge_cases(base, mine, theirs, take={"indicators.mood.now": "theirs"})
    assert taken.case is not None
    assert taken.case.hash == theirs.hash
    files = join_files(taken, sides[0], sides[1], other)
    assert files.anew == ()
    assert files.files.contents["indicators.yaml"].startswith(b"# Mine.")
    out = write_joined(files, tmp_path / "out")
    assert load_case(out).hash == theirs.hash
    with pytest.raises(UnknownNameError, match="unknown conflict"):
        merge_cases(base, mine, theirs, take={"indicators.mod.now": "mine"})


def test_numbers_and_evidence_of_one_quantity_are_two_things(tmp_path: Path) -> None:
    base = edited(tmp_path, "base")
    mine = edited(tmp_path, "mine", indicators=with_mood(60, 52, 68))
    theirs = edited(
        tmp_path, "theirs", indicators=INDICATORS.replace("claim: As surveyed.", "claim: As surveyed twice.")
    )
    joined = merge_cases(*(load_case(side) for side in (base, mine, theirs)))
    assert joined.case is not None
    now = {key: quantity for key, quantity, _ in joined.case.quantities()}["indicators.mood.now"]
    assert (now.center, now.evidence.claim if now.evidence else "") == (60.0, "As surveyed twice.")


def test_rows_of_both_are_kept(tmp_path: Path) -> None:
    base = edited(tmp_path, "base")
    one, two = (ROW.replace(ROW.split(",")[0], day, 1) for day in ("2020-10-05", "2020-11-06"))
    mine = edited(tmp_path, "mine", events=EVENTS_CSV.rstrip("\n") + f"\n{one}\n")
    theirs = edited(tmp_path, "theirs", events=EVENTS_CSV.rstrip("\n") + f"\n{two}\n")
    found = [load_case(side) for side in (base, mine, theirs)]
    joined = merge_cases(*found)
    assert joined.case is not None
    assert len(joined.case.event_rows) == len(found[0].event_rows) + 2
    files = join_files(joined, base, mine, theirs)
    assert files.anew == ()
    text = files.files.contents["history/events.csv"].decode()
    assert (text.count(one), text.count(two)) == (1, 1)


def test_an_entry_taken_out_that_the_other_changed_is_one_conflict(tmp_path: Path) -> None:
    base = edited(tmp_path, "base")
    place = EFFECTS.index("\n- from:") + 1
    mine = edited(tmp_path, "mine", effects=EFFECTS[place:])
    theirs = edited(tmp_path, "theirs", effects=EFFECTS.replace("median: 1.3", "median: 1.4", 1))
    found = [load_case(side) for side in (base, mine, theirs)]
    [conflict] = merge_cases(*found).open
    assert (conflict.id, conflict.mine, conflict.theirs) == ("effects.mood->protest", None, "changed")
    for side, end in (("mine", found[1]), ("theirs", found[2])):
        joined = merge_cases(*found, take={conflict.id: side})
        assert joined.case is not None
        assert joined.case.hash == end.hash


def test_what_is_joined_must_make_a_case(tmp_path: Path) -> None:
    """One takes an indicator out, with its effects; the other adds an effect of it."""
    base = edited(tmp_path, "base")
    effects = ["- " + part for part in ("\n" + EFFECTS.rstrip("\n")).split("\n- ")[1:]]
    kept = [part for part in effects if not part.startswith("- from: trade")]
    assert len(kept) < len(effects)
    mine = edited(tmp_path, "mine", indicators=INDICATORS.split("\ntrade:")[0], effects="\n".join(kept) + "\n")
    ratio = "{value: 1.1, evidence: {basis: judgement, claim: J.}}"
    more = f"- from: trade\n  to: decree\n  rate_ratio: {ratio}\n  rationale: R.\n"
    theirs = edited(tmp_path, "theirs", effects=EFFECTS.rstrip("\n") + "\n" + more)
    with pytest.raises(CaseError, match="trade"):
        merge_cases(*(load_case(side) for side in (base, mine, theirs)))


LINES = st.lists(st.sampled_from("abc"), max_size=8)


@given(LINES, LINES)
@settings(max_examples=100)
def test_lines_that_one_side_changed_are_those_of_that_side(base: list[str], side: list[str]) -> None:
    assert join_lines(base, side, base) == side
    assert join_lines(base, base, side) == side
    assert join_lines(base, side, side) == side


def test_the_command_shows_conflicts(sides: tuple[Path, Path, Path], tmp_path: Path, run: Run) -> None:
    base, mine, theirs = sides
    out = tmp_path / "joined"
    status, said, _ = run("merge", base, mine, theirs, "--out", out)
    assert (status, "No conflict." in said, out.is_dir()) == (0, True, True)
    other = edited(tmp_path, "other", indicators=with_mood(50, 45, 58))
    status, said, error = run("merge", base, mine, other, "--out", tmp_path / "none")
    assert (status, (tmp_path / "none").exists()) == (2, False)
    assert "Mood: today's level" in said
    assert "1 conflict is open, and nothing was written" in error
    assert run("merge", base, mine, other, "--take", "indicators.mood.now=mine", "--json")[0] == 0
    assert "is not ID=mine or ID=theirs" in run("merge", base, mine, other, "--take", "mood")[2]
    assert "is there already" in run("merge", base, mine, other, "--out", out)[2]
