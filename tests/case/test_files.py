"""Case files: what is read, written and hashed, and what the bundled case and the published schema hold."""

from __future__ import annotations

import copy
import datetime as dt
import io
import json
import re
import sys
from collections.abc import Callable
from csv import reader, writer
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, assume, example, given, settings, strategies as st

from riskcast import Case, CaseError, RiskcastError, Scenario, load_case, write_case
from riskcast.case.coverage import covered_spans, searches
from riskcast.case.files import EVENT_COLUMNS, SERIES_COLUMNS, YAML_FILES, bundled_folder, list_cases
from riskcast.case.model import digest
from riskcast.case.schemas import case_schemas
from riskcast.case.yaml_lines import parse_yaml
from tests.support.smallcase import FILES, write_files

BUNDLED = "central_asia_2024"
OUTCOMES = {
    "criticism",
    "travel_advisory",
    "demarche",
    "institutional_distancing",
    "reverse_demarche",
    "mass_expulsion",
    "restrictive_act",
    "transit_coercion",
    "trade_ban",
    "asset_action",
    "rupture",
}
INDICATORS = {
    "xenophobia",
    "labour_shortage",
    "remittance_dependency",
    "security_diversification",
    "official_rhetoric",
    "security_pressure",
    "recruitment_targets",
    "unpredictability",
    "poverty",
    "eaeu_membership",
    "reexport_income",
    "migrant_exposure",
    "radicalisation",
}


@pytest.fixture(scope="module")
def bundled() -> Case:
    return load_case(BUNDLED)


@pytest.fixture
def small(tmp_path: Path) -> Case:
    return load_case(write_files(tmp_path / "small"))


def changed(folder: Path, name: str, text: str) -> str:
    """The hash of the small case with one file's text replaced."""
    write_files(folder)
    (folder / name).write_text(text, encoding="utf-8")
    return load_case(folder).hash


# Written and read back.


def test_a_case_that_is_written_reads_back_to_the_same_hash(small: Case, bundled: Case, tmp_path: Path) -> None:
    for case in (small, bundled):
        write_case(case, tmp_path / case.name)
        again = load_case(tmp_path / case.name)
        assert again.hash == case.hash == case.published_hash
        assert again == case


def test_fields_that_say_nothing_are_left_out_of_the_hash(small: Case) -> None:
    plain = small.model_dump(mode="json", by_alias=True)
    assert "grave" not in plain["settings"]
    for event in plain["events"].values():
        assert not {"applies_to", "implied_by"} & set(event)
    for scenario in plain["scenarios"].values():
        assert all(set(assumed) == {"event", "dyads", "month"} for assumed in scenario["events"])


def test_fields_that_say_something_are_written_and_hashed(small: Case, tmp_path: Path) -> None:
    changes = (
        {"settings": small.settings.model_copy(update={"grave": 40.0})},
        {"events": small.events | {"decree": small.events["decree"].model_copy(update={"applies_to": ("HHH-AAA",)})}},
        {
            "scenarios": {
                "calm": Scenario.model_validate(
                    {"label": "Calm", "story": "None.", "events": [{"event": "spark", "happens": False, "until": 5}]}
                )
            }
        },
    )
    for number, change in enumerate(changes):
        case = small.revised(**change)
        assert case.hash != small.hash
        write_case(case, tmp_path / f"{number}")
        again = load_case(tmp_path / f"{number}")
        assert again.hash == case.hash
    assert again.scenarios["calm"].to_frame().iloc[0].tolist()[:5] == ["spark", "does not happen", None, 1, 5]


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.one_of(
        st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30),
        st.sampled_from(
            ["1e5", "-inf", "12", "no", "~", "null", "2024-05-06", "9999-99-99", ".5", "0x1F", "1_000", "a: b"]
        ),
        st.from_regex(r"\A[-+.0-9e_:infa]{1,8}\Z"),
    )
)
@example(text="0\x850\u2028\u2029")
@example(text="1e5")
@example(text="-inf")
def test_any_text_is_written_so_that_it_reads_back_as_text(text: str, tmp_path: Path) -> None:
    case = load_case(write_files(tmp_path / "small"))
    assume(text.strip())
    titled = case.revised(settings=case.settings.model_copy(update={"title": text.strip()}))
    write_case(titled, tmp_path / "small")
    assert load_case(tmp_path / "small").hash == titled.hash


# The hash: blind to how a case is written, and to nothing else.


def test_the_hash_of_the_bundled_case_does_not_depend_on_the_name_of_its_folder(bundled: Case, tmp_path: Path) -> None:
    write_case(bundled, tmp_path / "another_name")
    assert load_case(tmp_path / "another_name").hash == bundled.hash


def test_capitals_in_the_names_of_files_make_no_difference(small: Case, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "capitals")
    (folder / "case.yaml").rename(folder / "Case.YAML")
    (folder / "outcomes.yaml").rename(folder / "OUTCOMES.yml")
    assert load_case(folder).hash == small.hash


@pytest.mark.parametrize("name", [f"{name}.yaml" for name in YAML_FILES])
def test_the_hash_is_blind_to_key_order_comments_and_layout(name: str, small: Case, tmp_path: Path) -> None:
    def turned(data: Any) -> Any:
        if isinstance(data, dict):
            return {key: turned(data[key]) for key in reversed(data)}
        return [turned(item) for item in data] if isinstance(data, list) else data

    data = parse_yaml(FILES[name], name).data
    other = yaml.safe_dump(turned(data), sort_keys=False, default_flow_style=True, width=60)
    assert other != FILES[name]
    commented = "# First.\n\n" + re.sub(r"\n(?=\S)", "  # A comment.\n\n\n", FILES[name])
    assert changed(tmp_path / "turned", name, other) == small.hash
    assert changed(tmp_path / "commented", name, commented) == small.hash


@pytest.mark.parametrize("name", ["history/events.csv", "history/indicators.csv"])
def test_the_hash_is_blind_to_the_layout_of_tables(name: str, small: Case, tmp_path: Path) -> None:
    rows = list(reader(io.StringIO(FILES[name])))
    out = io.StringIO()
    writer(out, quoting=1, lineterminator="\r\n").writerows([[f" {cell} " for cell in row[::-1]] for row in rows])
    assert changed(tmp_path / "turned", name, out.getvalue().replace("\r\n", "\r\n\r\n")) == small.hash


def leaves(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all numbers and days of plain data."""
    if isinstance(data, dict):
        return [found for key, value in data.items() for found in leaves(value, (*path, key))]
    if isinstance(data, list):
        return [found for key, value in enumerate(data) for found in leaves(value, (*path, key))]
    return [path] if isinstance(data, (int, float, dt.date)) else []


PLAIN = {f"{name}.yaml": parse_yaml(FILES[f"{name}.yaml"], name).data for name in YAML_FILES}
NUMBERS = [(name, path) for name, data in PLAIN.items() for path in leaves(data)]
CELLS = [
    (name, row, column)
    for name, columns in (("history/events.csv", EVENT_COLUMNS), ("history/indicators.csv", SERIES_COLUMNS))
    for row in range(1, len(FILES[name].splitlines()))
    for column, title in enumerate(columns)
    if title in ("date", "published", "value", "low", "high")
]


def nudged(number: Any) -> Any:
    """Almost the same number, or the day before."""
    if isinstance(number, dt.date):
        return number - dt.timedelta(days=1)
    return number + 1 if isinstance(number, int) and number >= 2 else number + 1e-9


def at(data: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """A copy of plain data with the leaf at a path changed."""
    out = copy.deepcopy(data)
    parent = out
    for part in path[:-1]:
        parent = parent[part]
    parent[path[-1]] = change(parent[path[-1]])
    return out


def test_the_small_case_has_numbers_of_every_kind_to_change() -> None:
    assert len(NUMBERS) > 60
    assert len(CELLS) > 20
    assert {name for name, _ in NUMBERS} == set(PLAIN)


@pytest.mark.parametrize(
    ("name", "path"), NUMBERS, ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else value
)
def test_the_hash_depends_on_every_number_of_the_yaml_files(
    name: str, path: tuple[Any, ...], small: Case, tmp_path: Path
) -> None:
    # What no file may say (a first band above 0, a month of 2.5) is changed in the record instead.
    whole = path[-1] in ("horizon", "month", "start", "over", "until")
    change = (lambda number: number + 1) if whole and path[0] != "bands" else nudged
    if path == ("bands", 0, "start"):
        bands = [band.model_copy(update={"start": band.start + 1e-9}) for band in small.settings.bands]
        other = small.revised(settings=small.settings.model_copy(update={"bands": tuple(bands)})).hash
    else:
        other = changed(tmp_path / "changed", name, yaml.safe_dump(at(PLAIN[name], path, change), sort_keys=False))
    assert other != small.hash


@pytest.mark.parametrize(("name", "row", "column"), CELLS)
def test_the_hash_depends_on_every_number_and_day_of_the_tables(
    name: str, row: int, column: int, small: Case, tmp_path: Path
) -> None:
    rows = list(reader(io.StringIO(FILES[name])))
    cell = rows[row][column]
    title = rows[0][column]
    if "-" in cell:
        day = dt.date.fromisoformat(cell)
        # Months and years are known to the day they are written with; publication cannot come before the date.
        rows[row][column] = str(day + dt.timedelta(days=1))
    else:
        rows[row][column] = repr(float(cell) + (-1e-9 if title == "low" else 1e-9))
    out = io.StringIO()
    writer(out, lineterminator="\n").writerows(rows)
    assert changed(tmp_path / "changed", name, out.getvalue()) != small.hash


@pytest.mark.parametrize("name", ["history/events.csv", "history/indicators.csv"])
def test_the_hash_depends_on_every_row(name: str, small: Case, tmp_path: Path) -> None:
    lines = FILES[name].splitlines(keepends=True)
    for number in range(1, len(lines)):
        fewer = "".join(lines[:number] + lines[number + 1 :])
        assert changed(tmp_path / str(number), name, fewer) != small.hash


@given(st.dictionaries(st.text(max_size=3), st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=3)))
def test_the_digest_is_blind_to_order_and_whole_numbers(content: dict[str, Any]) -> None:
    whole = {k: int(v) if isinstance(v, float) and v.is_integer() and abs(v) < 2**53 else v for k, v in content.items()}
    assert digest(dict(reversed(whole.items()))) == digest(content)


# The bundled case.


def test_the_bundled_case_has_all_outcomes_and_indicators(bundled: Case) -> None:
    assert BUNDLED in list_cases()
    assert set(bundled.outcomes) == OUTCOMES
    assert set(bundled.indicators) >= INDICATORS
    assert bundled.dyads == ("RUS-KAZ", "RUS-KGZ", "RUS-TJK", "RUS-TKM", "RUS-UZB")
    assert bundled.as_of == dt.date(2024, 5, 6)


def test_every_quantity_of_the_bundled_case_carries_evidence(bundled: Case) -> None:
    quantities = list(bundled.quantities())
    assert len(quantities) > 100
    for name, quantity, _ in quantities:
        assert quantity.evidence is not None, name
        assert len(quantity.evidence.claim) > 10, name
        assert set(quantity.evidence.sources) <= set(bundled.sources), name


def test_nothing_in_the_bundled_case_is_dated_or_published_after_its_day(bundled: Case) -> None:
    assert bundled.sources
    assert bundled.event_rows
    assert bundled.series_rows
    assert max(source.date for source in bundled.sources.values()) <= bundled.as_of
    assert max(row.known_on for row in bundled.event_rows) <= bundled.as_of
    assert max(max(row.date, row.published) for row in bundled.series_rows) <= bundled.as_of


def test_every_demarche_and_advisory_of_the_bundled_case_is_criticism_as_well(bundled: Case) -> None:
    acts = [row for row in bundled.event_rows if row.type in ("demarche", "travel_advisory")]
    criticism = {(row.dyad, row.date, row.known_on) for row in bundled.event_rows if row.type == "criticism"}
    assert {row.type for row in acts} == {"demarche", "travel_advisory"}
    assert [(row.dyad, row.when) for row in acts if (row.dyad, row.date, row.known_on) not in criticism] == []


def test_the_bundled_record_says_what_it_counts_alike(bundled: Case) -> None:
    """Disputes over flights that cut less than half of a link are context, all of them."""
    flights = [row for row in bundled.event_rows if row.description.startswith("Aviation dispute")]
    assert len(flights) > 1
    assert {row.type for row in flights} == {"context"}


def test_the_bundled_record_says_how_much_of_every_event_type_was_found(bundled: Case) -> None:
    found = searches(bundled)
    assert {event for event, _ in found} == set(bundled.events)
    for (event, unit), spans in found.items():
        assert spans[0][0] == bundled.settings.history_from, (event, unit)
        assert spans[-1][1] == bundled.as_of, (event, unit)
        assert covered_spans(bundled)[event, unit] == ((bundled.settings.history_from, bundled.as_of),)
        recalls = [recall for _, _, recall in spans]
        assert recalls == sorted(recalls), (event, unit)
    for event in ("demarche", "criticism", "trade_ban", "asset_action"):
        assert found[event, "RUS-UZB"][0][2] < found[event, "RUS-KAZ"][0][2]


# The published schema.


def plain(folder: Path, name: str) -> Any:
    """A YAML file as JSON would hold it."""
    return json.loads(json.dumps(parse_yaml((folder / name).read_text(encoding="utf-8"), name).data, default=str))


@pytest.mark.parametrize("name", [f"{name}.yaml" for name in YAML_FILES])
def test_the_schema_accepts_the_files_of_both_cases(name: str, tmp_path: Path) -> None:
    schema = case_schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    for folder in (bundled_folder() / BUNDLED, write_files(tmp_path)):
        jsonschema.validate(plain(folder, name), schema)


@pytest.mark.parametrize("name", [f"{name}.yaml" for name in YAML_FILES])
def test_the_schema_refuses_an_unknown_key_wherever_the_loader_does(name: str, tmp_path: Path) -> None:
    schema = jsonschema.Draft202012Validator(case_schemas()[name])
    data = plain(write_files(tmp_path), name)
    paths = [(), *[path for path in mappings(data) if path]]
    refused = 0
    for path in paths:
        here = data
        for part in path:
            here = here[part]
        if not isinstance(here, dict):
            continue
        here["sevrity"] = 1
        (tmp_path / name).write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        with pytest.raises(CaseError):
            load_case(tmp_path)
        assert not schema.is_valid(data), path
        refused += 1
        del here["sevrity"]
    assert schema.is_valid(data)
    assert refused > 1


def mappings(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all mappings of plain data."""
    items = list(data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ())
    own = [path] if isinstance(data, dict) else []
    return own + [found for key, value in items for found in mappings(value, (*path, key))]


def test_the_schema_of_an_overlay_accepts_an_overlay_and_refuses_an_unknown_key() -> None:
    schema = jsonschema.Draft202012Validator(case_schemas()["overlay.yaml"])
    overlay = {"label": "Hotter", "changes": {"indicators.mood.now": {"median": 60, "interval": [50, 70]}}}
    assert schema.is_valid(overlay)
    assert not schema.is_valid({**overlay, "lable": "x"})
    assert not schema.is_valid({"changes": {"indicators.mood.now": {"medain": 60, "interval": [50, 70]}}})
    assert not schema.is_valid({"label": "Hotter"})


@pytest.mark.parametrize(
    "other", ["case.yml", "history/events.xlsx", "history/indicators.tsv.gz", "history/coverage.tsv"]
)
def test_a_case_is_not_written_beside_files_that_would_be_read_with_it(tmp_path: Path, other: str) -> None:
    case = load_case("central_asia_2024")
    (tmp_path / "history").mkdir()
    (tmp_path / other).write_bytes(b"mine")
    with pytest.raises(RiskcastError, match=f"holds {re.escape(other)}, which would be read beside"):
        write_case(case, tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / other]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such name")
def test_a_folder_whose_name_is_not_utf8_is_told_by_its_name(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "case\udcff")
    with pytest.raises(CaseError, match=r"case\\udcff: is a folder whose name is not UTF-8; rename it") as caught:
        load_case(folder)
    assert len(caught.value.problems) == 1
