"""Experts' overlays and panels of them: what is read, what is refused, and how weights are settled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from riskcast import CaseError, gather_experts, load_case, load_panel
from riskcast.errors import OptionError, UnknownNameError
from riskcast.experts.beliefs import beliefs_of
from riskcast.experts.weighing import Weighed, weigh_panel
from riskcast.verification.pooling import weights_among
from tests.support.smallcase import write_files

A = """\
who: Ann
when: 2020-12-01
why: Has read the polls.
changes:
  indicators.mood.now: {median: 65, interval: [60, 70]}
"""
B = A.replace("Ann", "Bo").replace("65, interval: [60, 70]", "45, interval: [40, 50]")
PANEL = """\
title: Two
experts:
  - {file: a.yaml, weight: 3}
  - who: Bo
    when: 2020-12-02
    why: Has been there.
    weight: 1
    changes:
      effects.mood->protest: {median: 2, interval: [1.5, 3]}
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in {"a": A, "panel": PANEL, **files}.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder / "panel.yaml"


def test_a_panel_has_experts_from_files_and_from_itself(tmp_path: Path) -> None:
    panel = load_panel(written(tmp_path))
    assert panel.names == ("Ann", "Bo")
    assert panel.stated == ("indicators.mood.now", "effects.mood->protest")
    assert panel.blank(panel.experts[0]) == ("effects.mood->protest",)
    assert weigh_panel(panel) == Weighed("given", (0.75, 0.25))
    assert weigh_panel(panel, "equal") == Weighed("equal", (0.5, 0.5))
    assert weigh_panel(panel, "ledger", earned=[0.0, 0.2]) == Weighed("ledger", (0.0, 1.0))
    assert panel.without("Ann").names == ("Bo",)
    with pytest.raises(UnknownNameError, match="unknown expert 'Cy'"):
        panel.without("Cy")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"a": A.replace("who: Ann\n", "")}, "a.yaml:1: who: is missing; an expert has who, when and why"),
        ({"a": A.replace("2020-12-01", "soon")}, "a.yaml:2: when"),
        ({"a": A.replace("Ann", "Bo")}, "two experts are called Bo; give each a name of its own"),
        ({"a": "who: A\nwhen: 2020-12-01\nwhy: W\nchanges: {}\n"}, "says nothing: all quantities are blank"),
        ({"panel": PANEL.replace("weight: 1", "weight: -1")}, "panel.yaml:7: experts.1.weight"),
        ({"panel": PANEL.replace("2020-12-02", "2020-13-02")}, "panel.yaml:5: experts.1.when: is 2020-13-02"),
        ({"panel": PANEL.replace("{file: a.yaml, weight: 3}", "{file: a.yaml, who: Ann}")}, "has a file and who"),
        ({"panel": PANEL.replace("{file: a.yaml, weight: 3}", "{weight: 3}")}, "has neither a file nor changes"),
        ({"panel": PANEL.replace("interval: [1.5, 3]", "interval: [3, 1.5]")}, "panel.yaml:9: changes.effects.mood"),
        ({"panel": "experts: []\n"}, "0 experts; give 2 to 40"),
        ({"panel": "- a\n"}, "is not a mapping"),
        ({"panel": PANEL + "colour: red\n"}, "colour: is an unknown key"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    with pytest.raises(CaseError) as caught:
        load_panel(written(tmp_path, **changed))
    assert said in str(caught.value)


def test_weights_that_lack_are_not_made_up(tmp_path: Path) -> None:
    written(tmp_path, b=B)
    panel = gather_experts([tmp_path / "a.yaml", tmp_path / "b.yaml"])
    assert weigh_panel(panel).way == "equal"
    with pytest.raises(OptionError, match="Ann, Bo has none"):
        weigh_panel(panel, "given")
    with pytest.raises(OptionError, match="no expert has earned a weight by ledger"):
        weigh_panel(panel, "ledger", earned=[0.0, 0.0])
    with pytest.raises(OptionError, match="experts weigh as equal"):
        weigh_panel(panel, earned=[0.2, 0.8])
    for earned in ([1.0], [float("nan"), 1.0], [-1.0, 2.0]):
        with pytest.raises(OptionError, match="for each of 2 experts"):
            weigh_panel(panel, "seeds", earned=earned)


def test_a_panel_is_of_its_case_and_blanks_of_all_are_told(tmp_path: Path) -> None:
    case = load_case(write_files(tmp_path / "small"))
    asked = "blank: [outcomes.decree.base_rate]\n"
    panel = load_panel(written(tmp_path, a=A + asked))
    beliefs = beliefs_of(case, panel, (0.75, 0.25), "others")
    # Nobody gave the number that was asked for, so that the published one stands for both.
    assert [[(one.id, one.of) for one in belief.blanks] for belief in beliefs] == [
        [("effects.mood->protest", "others"), ("outcomes.decree.base_rate", "published")],
        [("indicators.mood.now", "others"), ("outcomes.decree.base_rate", "published")],
    ]
    assert "outcomes.decree.base_rate" not in beliefs[0].stated
    with pytest.raises(CaseError, match=r"blank\.0: indicators\.mood\.now is left blank, and has a number as well"):
        beliefs_of(case, load_panel(written(tmp_path, a=A + "blank: [indicators.mood.now]\n")), (0.75, 0.25), "others")
    with pytest.raises(CaseError, match=r"panel\.yaml:10: case: was made for other"):
        beliefs_of(case, load_panel(written(tmp_path, panel=PANEL + "case: other\n")), (0.75, 0.25), "others")


def test_weights_among_experts_are_the_best_on_a_grid() -> None:
    rng = np.random.default_rng(5)
    chances = rng.uniform(0.05, 0.95, size=(2, 30))
    grid = np.linspace(0.001, 0.999, 999)
    score = np.log(grid[:, None] * chances[0] + (1.0 - grid[:, None]) * chances[1]).sum(axis=1)
    best = grid[(score + 5.0 * (np.log(grid) + np.log1p(-grid))).argmax()]
    found = weights_among(chances)
    assert found.weights[0] == pytest.approx(best, abs=2e-3)
    assert found.questions == 30
    # Two alike share what they earn; one question in one block counts once, however often it was put.
    alike = weights_among(np.array([[0.9] * 20, [0.9] * 20, [0.2] * 20]), even=1.0).weights
    assert alike[0] == pytest.approx(alike[1])
    assert alike[2] < 0.1
    once = weights_among(np.array([[0.9] * 20, [0.2] * 20]), ["a"] * 20)
    assert (once.questions, once.weights) == (1, pytest.approx(weights_among(np.array([[0.9], [0.2]])).weights))
