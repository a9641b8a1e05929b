"""Changes of YAML texts: comments, order, quotes and all other lines stay."""

from __future__ import annotations

import datetime as dt
import difflib
from typing import Any

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from riskcast.case.files import bundled_folder
from riskcast.machinery.yaml_edits import edit_yaml, put, put_after, put_in_place_of

TEXT = """\
# top
title:   'quoted'    # why
as_of: 2024-05-06   # the day
# of the host
host: {id: AAA,   name: "A: B"}
level:
  median: 1.50   # odd digits
  interval: [0.5,2]  # ends
  # beneath
  evidence:
      claim: >-
        folded
        text

list:
    - b   # one
    # two
    - a
last: 5 # end
# tail
"""


def changed_lines(old: str, new: str) -> list[str]:
    found = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
    return [line for line in found if not line.startswith(("---", "+++", "@@"))]


def test_nothing_changes_where_nothing_is_changed() -> None:
    assert edit_yaml(TEXT, lambda data: None) == TEXT


def test_a_value_changes_alone_with_its_comment_in_place() -> None:
    found = edit_yaml(TEXT, lambda data: put(data, "as_of", dt.date(2024, 5, 13)))
    assert changed_lines(TEXT, found) == ["-as_of: 2024-05-06   # the day", "+as_of: 2024-05-13   # the day"]


def test_both_forms_of_a_quantity_take_each_others_place() -> None:
    fixed = TEXT.replace("  median: 1.50   # odd digits\n  interval: [0.5,2]  # ends\n", "  value: 1   # held\n")
    found = edit_yaml(fixed, lambda data: put_in_place_of(data["level"], "value", {"median": 2, "interval": [1, 3]}))
    assert changed_lines(fixed, found) == ["-  value: 1   # held", "+  median: 2", "+  interval: [1, 3] # held"]


def test_a_key_is_added_behind_the_comment_of_its_line_and_before_that_of_the_next() -> None:
    found = edit_yaml(TEXT, lambda data: put_after(data, "as_of", "recorded_until", dt.date(2024, 5, 6)))
    assert changed_lines(TEXT, found) == ["+recorded_until: 2024-05-06"]
    assert found.index("# the day") < found.index("recorded_until") < found.index("# of the host")


def test_line_ends_stay() -> None:
    windows = TEXT.replace("\n", "\r\n")
    assert edit_yaml(windows, lambda data: put(data, "last", 6)) == windows.replace("last: 5", "last: 6")


def test_a_comment_is_never_lost() -> None:
    text = "a: {median: 1, # inside\n    interval: [0, 2]}\n"
    with pytest.raises(ValueError, match="# inside"):
        edit_yaml(text, lambda data: put(data["a"], "median", 1.5))


def test_one_day_in_two_places_is_no_alias() -> None:
    day = dt.date(2024, 1, 1)

    def change(data: Any) -> None:
        put(data, "one", day)
        put(data, "two", day)

    assert edit_yaml("zero: 1\n", change) == "zero: 1\none: 2024-01-01\ntwo: 2024-01-01\n"


@pytest.mark.parametrize("indent", [1, 2, 3, 4])
def test_any_indentation_stays_sound(indent: int) -> None:
    pad = " " * indent
    text = f"a:\n{pad}b:\n{pad * 2}value: 1\n{pad * 2}evidence:\n{pad * 3}claim: x\n{pad}c: 2\n"
    found = edit_yaml(text, lambda data: put_in_place_of(data["a"]["b"], "value", {"median": 2, "interval": [1, 3]}))
    assert yaml.safe_load(found)["a"]["b"] == {"median": 2, "interval": [1, 3], "evidence": {"claim": "x"}}
    assert f"{pad * 2}median: 2\n" in found
    assert f"{pad}c: 2\n" in found


def test_the_files_of_the_first_case_stay_as_they_are() -> None:
    for path in sorted((bundled_folder() / "central_asia_2024").glob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        assert edit_yaml(text, lambda data: None) == text, path.name


WORD = st.from_regex(r"[a-z]{1,6}", fullmatch=True)


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(WORD, st.integers(0, 99), min_size=1, max_size=6), st.data())
def test_only_the_line_that_is_changed_changes(values: dict[str, int], data: st.DataObject) -> None:
    lines = []
    for key, value in values.items():
        gap, comment = data.draw(st.sampled_from([" ", "   "])), data.draw(st.sampled_from(["", "  # c", " # d: e"]))
        lines += [f"{key}:{gap}{value}{comment}\n", data.draw(st.sampled_from(["", "\n", "# own\n"]))]
    text, key = "".join(lines), data.draw(st.sampled_from(list(values)))
    found = edit_yaml(text, lambda plain: put(plain, key, 123))
    assert yaml.safe_load(found) == {**values, key: 123}
    assert len(changed_lines(text, found)) == 2
