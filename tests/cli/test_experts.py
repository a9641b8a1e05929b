"""The commands that hear several experts, on a small case."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from riskcast import apply_overlay, load_case, load_overlay
from riskcast.case.files import find_folder
from tests.experts.test_panels import PANEL, A
from tests.support.command_line import Run
from tests.support.smallcase import write_files

FEW = ("--draws", "100", "--allow-unreliable")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = write_files(tmp_path / "small")
    (folder / "a.yaml").write_text(A, encoding="utf-8")
    (folder / "panel.yaml").write_text(PANEL, encoding="utf-8")
    return folder


def test_a_panel_of_a_case_is_heard_alone_and_together(place: Path, run: Run) -> None:
    status, out, _ = run("experts", "disagree", place, *FEW)
    assert status == 0
    assert "Left blank (the published value stands in its place, as nobody has chosen" in " ".join(out.split())
    assert "Mood: today's level" in out
    status, out, _ = run("experts", "disagree", place, "--of", "decree", "--permutations", "0", *FEW)
    assert (status, out.count("\n HHH "), "HHH-AAA" in out, "What they disagree about" in out) == (0, 1, False, False)
    group = place.parent / "group.yaml"
    status, out, _ = run("experts", "pool", place, "--of", "protest", "--out", group, *FEW)
    assert status == 0
    assert "Without A" in out
    told = json.loads(run("experts", "pool", place, "--json", *FEW)[1])
    overlay, document = load_overlay(group)
    assert apply_overlay(load_case(place), overlay, document).hash == told["pooled_case_hash"]
    left = [[blank["id"] for blank in expert["blanks"]] for expert in told["experts"]]
    assert left == [["effects.mood->protest"], ["indicators.mood.now"]]
    assert [one["who"] for one in told["mixture"]["experts"]] == ["Ann", "Bo"]
    status, _, error = run("experts", "pool", place, "--out", group, *FEW)
    assert (status, "exists; name another file" in error) == (2, True)
    status, _, error = run("experts", "pool", place, "--out", place / "none" / "group.yaml")
    assert (status, "is no folder; make it" in error) == (2, True)


def test_the_panel_of_a_bundled_case_lies_in_its_folder(run: Run) -> None:
    status, _, error = run("experts", "disagree", "central_asia_2024")
    assert (status, f"no panel: {find_folder('central_asia_2024') / 'panel.yaml'} is no file" in error) == (2, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--weights", "seeds"), "the panel names no seed questions; write `seeds: FILE`"),
        (("--weights", "ledger"), "there is no ledger at "),
        (("--weights", "some"), "weights are 'some'; give one of equal, given, seeds, ledger"),
        (("--cutoff", "0.1"), "the cutoff is of weights by seed questions"),
        (("--blanks", "zero"), "--blanks is 'zero'; give one of published, others"),
        (("--of", "riot"), "unknown outcome 'riot'"),
        (("--expert", "x.yaml", "--panel", "y.yaml"), "--panel and --expert are both given"),
        (("--expert", "x.yaml"), "x.yaml: is missing"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(place: Path, run: Run, options: tuple[str, ...], said: str) -> None:
    status, out, error = run("experts", "disagree", place, *options)
    assert (status, out) == (2, "")
    assert said in error


def test_a_sheet_goes_out_and_comes_back(place: Path, run: Run) -> None:
    form = place.parent / "sheet.html"
    assert run("experts", "sheet", place, "--out", form, "--quantity", "indicators.mood.now") == (
        0,
        f"{form}: 1 quantity\n",
        "",
    )
    page = form.read_text(encoding="utf-8")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    saved = {
        "about": data["about"] | {"who": "Di", "when": "2020-12-03", "why": "W"},
        "training": [],
        "quantities": [{"quantity": "indicators.mood.now", "low": "40", "median": "50", "high": "60"}],
    }
    answers, out = place.parent / "answers.json", place.parent / "di.yaml"
    answers.write_text(json.dumps(saved), encoding="utf-8")
    assert run("experts", "read", place, answers, "--out", out) == (0, f"{out}: 1 quantity of Di\n", "")
    assert load_overlay(out)[0].who == "Di"
    assert run("experts", "read", place, answers, "--out", out)[0] == 2
    assert "neither .xlsx nor .html" in run("experts", "sheet", place, "--out", place / "a.doc")[2]
    assert "--method is 'dice'" in run("experts", "sheet", place, "--out", form, "--method", "dice")[2]
