"""The file and line that are given really hold what they are given for."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

import riskcast
from riskcast.case.files import bundled_folder
from riskcast.case.settings import FULL_TRUST
from tests.support.cases import random_case
from tests.support.smallcase import EVENTS_CSV, write_files

NAME = "central_asia_2024"
BUNDLED = bundled_folder() / NAME


def lines_of(folder: Path, file: str) -> list[str]:
    return (folder / file).read_text(encoding="utf-8").splitlines()


def last_key(case: riskcast.Case, key: str) -> str:
    """The YAML key that a quantity stands under."""
    return "rate_ratio" if key.startswith("effects.") else key.rpartition(".")[2]


@pytest.mark.parametrize("folder", [BUNDLED, None], ids=["bundled", "small"])
def test_every_quantity_stands_where_it_is_said_to(folder: Path | None, tmp_path: Path) -> None:
    folder = folder or write_files(tmp_path / "small")
    case, places = riskcast.load_case(folder), riskcast.find_places(folder)
    assert places is not None
    found = set()
    for key, quantity, _ in case.quantities():
        if quantity == FULL_TRUST:
            # What every case has, and few write.
            continue
        place = places.quantity(key)
        assert place is not None
        lines = lines_of(folder, place.file)
        if is_inferred(case, key):
            assert lines[place.line - 1].startswith(f"{key.split('.')[1]}:")
            continue
        assert lines[place.line - 1].strip().lstrip("- ").startswith(f"{last_key(case, key)}:")
        written = " ".join(lines[place.line - 1 : place.line + 1])
        numbers = {float(word) for word in written.replace("{", " ").replace(",", " ").split() if is_number(word)}
        assert as_stated(case, key, quantity).center in numbers
        found.add(place)
    written = [key for key, quantity, _ in case.quantities() if quantity != FULL_TRUST and not is_inferred(case, key)]
    assert len(found) == len(written) > 10


def as_stated(case: riskcast.Case, key: str, quantity: riskcast.Quantity) -> riskcast.Quantity:
    """A level of today as it was stated, before it aged; any other quantity as it is."""
    kind, name, *rest = key.split(".")
    if (kind, rest[:1]) != ("indicators", ["now"]):
        return quantity
    return case.indicators[name].stated(rest[1] if rest[1:] else case.units_of(name)[0]) or quantity


def is_inferred(case: riskcast.Case, key: str) -> bool:
    """Whether a quantity is a level of today that no file states."""
    kind, name, *rest = key.split(".")
    return kind == "indicators" and rest[:1] == ["now"] and case.indicators[name].now is None


def is_number(word: str) -> bool:
    try:
        float(word.rstrip("}"))
    except ValueError:
        return False
    return word[-1] != "}"


def test_the_edge_is_the_right_one_of_several() -> None:
    place = riskcast.find_place(NAME, "effects.security_diversification->trade_ban/steadiness")
    assert place is not None
    above = lines_of(BUNDLED, place.file)[place.line - 4 : place.line - 1]
    assert [line.strip("- ") for line in above] == [
        "from: security_diversification",
        "to: trade_ban",
        "path: steadiness",
    ]


def test_every_event_value_and_source_stands_where_it_is_said_to() -> None:
    case = riskcast.load_case(NAME)
    places = riskcast.find_places(case)
    assert places is not None
    for row in case.event_rows:
        place = places.row(row)
        assert place is not None
        cells = next(csv.reader([lines_of(BUNDLED, place.file)[place.line - 1]]))
        assert (cells[0], cells[2], cells[3]) == (row.date.isoformat(), row.type, row.dyad)
    for value in case.series_rows:
        place = places.row(value)
        assert place is not None
        cells = next(csv.reader([lines_of(BUNDLED, place.file)[place.line - 1]]))
        assert (cells[0], cells[1], cells[2]) == (value.indicator, value.unit, value.date.isoformat())
    for name in case.sources:
        place = places.source(name)
        assert place is not None
        assert lines_of(BUNDLED, place.file)[place.line - 1].startswith(f"{name}:")


def test_a_cell_of_several_lines_and_blank_lines_are_counted(tmp_path: Path) -> None:
    text = EVENTS_CSV.replace('"A spark, in spring"', '"A spark,\nin spring"').replace("2017-06-01", "\n2017-06-01")
    folder = write_files(tmp_path / "small", history_events_csv=text)
    case, places = riskcast.load_case(folder), riskcast.find_places(folder)
    assert places is not None
    found = [places.row(row) for row in case.event_rows[:3]]
    assert [place.line for place in found if place] == [2, 4, 6]
    assert text.splitlines()[5].startswith("2017-06-01")


def test_a_case_without_files_has_no_places(tmp_path: Path) -> None:
    assert riskcast.find_places(random_case(3)) is None
    assert riskcast.find_places(riskcast.load_case(write_files(tmp_path / "uploaded"))) is None


def test_an_uploaded_case_does_not_pass_for_the_bundled_one_of_its_name(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    shutil.copytree(BUNDLED, folder)
    effects = folder / "effects.yaml"
    effects.write_text("# One line more.\n" + effects.read_text(encoding="utf-8").replace("1.12", "1.13", 1))
    uploaded = riskcast.load_case(folder)
    assert uploaded.name == NAME
    assert riskcast.find_places(uploaded) is None
    key = "effects.xenophobia->abuse_incident"
    here, bundled = riskcast.find_place(folder, key), riskcast.find_place(NAME, key)
    assert here is not None
    assert bundled is not None
    assert here.line == bundled.line + 1


def test_changes_and_added_events_leave_the_places_of_the_rest() -> None:
    case = riskcast.load_case(NAME)
    changed = riskcast.apply_overlay(case, {"indicators.xenophobia.now": {"median": 55.0, "interval": (47.0, 63.0)}})
    assert riskcast.find_place(changed, "indicators.xenophobia.now") == riskcast.find_place(
        case, "indicators.xenophobia.now"
    )
    first = case.event_rows[0]
    added = first.model_copy(update={"description": "Seen since"})
    places = riskcast.find_places(case.revised(event_rows=(*case.event_rows, added)))
    assert places is not None
    assert str(places.row(first)) == "history/events.csv:2"
    assert places.row(added) is None


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(riskcast.RiskcastError, match=r"did you mean 'effects\.xenophobia->abuse_incident'"):
        riskcast.find_place(NAME, "effects.xenophobia->abuse_incidnet")
    places = riskcast.find_places(NAME)
    assert places is not None
    with pytest.raises(riskcast.RiskcastError, match="unknown source"):
        places.source("nobody")
