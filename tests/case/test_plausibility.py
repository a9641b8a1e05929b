"""What a case says and can hardly mean: each judgement speaks, is allowed by its name, and leaves good cases alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import riskcast
from riskcast import CaseError, Doubt, Scenario, apply_overlay, find_doubts, find_scenario_doubts, load_case
from riskcast.case.judgements import ALLOWS_NOTHING, JUDGEMENTS, Found, Judgement
from riskcast.case.overlays import load_overlay
from riskcast.case.plausibility.limits import LIMITS, limits_table
from riskcast.errors import UnknownNameError
from riskcast.forecasting.requests import OverlayFile, Request, request_doubts
from tests.support.cases import random_case
from tests.support.smallcase import FILES, write_files
from tests.support.smallpanel import table, write_panel_case

ROOT = Path(__file__).parents[2]
CASE, INDICATORS, OUTCOMES = "case.yaml", "indicators.yaml", "outcomes.yaml"
EFFECTS, SCENARIOS, SOURCES = "effects.yaml", "scenarios.yaml", "sources.yaml"
EVENTS, SERIES, COVERAGE = "history/events.csv", "history/indicators.csv", "history/coverage.csv"
Edit = tuple[str, str, str]

MOVE = "    - {indicator: mood, shift: 5, start: 2, over: 3}\n"
RATE = "    median: 0.3\n    interval: [0.1, 0.6]"
RATIO = "    median: 1.3\n    interval: [0.9, 1.9]"
NOW = "    median: 55\n    interval: [48, 62]"
LAST = "mood,HHH,2020-01-31,54,51,57,2020-06-01,survey,located\n"
RAISED = (
    "  raises: {{spark: {{whose: any, steps: {}, evidence: {{basis: judgement, claim: Judged.}}}},"
    " half_life: {{value: 3, evidence: {{basis: judgement, claim: Judged.}}}}}}}}\n  reference: 50"
)
BESIDE_MOOD = (INDICATORS, "mood:\n", "mood:\n  allow: [{}]\n")
BESIDE_PROTEST = (OUTCOMES, "protest:\n", "protest:\n  allow: [{}]\n")
BESIDE_STORM = (SCENARIOS, "storm:\n", "storm:\n  allow: [{}]\n")
WHOLE = (CASE, "title: Small\n", "title: Small\nallow: [{}]\n")
SEARCHED = "type,unit,from,until\nALL,ALL,2015-01-01,2020-12-31\n"
MOOD_MOVES = FILES[INDICATORS][FILES[INDICATORS].index("  reference: 50") : FILES[INDICATORS].index("\ntrade:")]
MOOD_IS_HELD = (
    RAISED.format("{value: 1")
    + MOOD_MOVES.removeprefix("  reference: 50").split("  now:")[0]
    + "  now: {value: 52, evidence: {basis: judgement, claim: Judged.}}\n"
    + "  drift: {value: 0, evidence: {basis: judgement, claim: Judged.}}\n"
)
OFTEN = """\
memories:
  often: {{label: Often, kind: rate, half_life: {{{}, evidence: {{basis: judgement, claim: Judged.}}}}}}
"""
LONE = "tension: {period: quarter, loading: {value: 0, evidence: {basis: judgement, claim: Judged.}}}\n"


@dataclass(frozen=True)
class Sample:
    """What cannot be meant, where it is told, the place of an allowance, and a neighbour that can be meant."""

    edit: Edit
    at: str
    allow: Edit
    good: Edit
    says: tuple[str, ...] = ()


def effect_again(path: str, ratio: str) -> str:
    again = f"- {{from: mood, to: protest, path: {path}, rate_ratio: {ratio}, rationale: Again.}}\n"
    return again.replace("]}", "], evidence: {basis: judgement, claim: Judged.}}")


SAMPLES: Mapping[str, list[Sample]] = {
    "extreme-base-rate": [
        Sample(
            (OUTCOMES, RATE, RATE.replace("0.1,", "1.0e-300,")),
            OUTCOMES,
            BESIDE_PROTEST,
            (OUTCOMES, RATE, RATE),
            ("1e-300",),
        ),
        Sample(
            (OUTCOMES, RATE, RATE.replace("0.6]", "0.9999999999]")),
            OUTCOMES,
            WHOLE,
            (OUTCOMES, RATE, RATE.replace("0.6]", "0.97]")),
            ("0.9999999999", "once in a thousand million years"),
        ),
    ],
    "extreme-ratio": [
        Sample(
            (EFFECTS, RATIO, RATIO.replace("1.9]", "1.0e+7]")),
            EFFECTS,
            (EFFECTS, "- from: mood\n", "- allow: [{}]\n  from: mood\n"),
            (EFFECTS, RATIO, "    median: 6\n    interval: [0.9, 40]"),
        )
    ],
    "extreme-spread": [
        Sample(
            (
                CASE,
                "sd_dyad: {median: 0.5, interval: [0.2, 1.2]",
                "sd_dyad: {median: 100000, interval: [50000, 200000]",
            ),
            CASE,
            WHOLE,
            (CASE, "sd_dyad: {median: 0.5, interval: [0.2, 1.2]", "sd_dyad: {median: 1.5, interval: [0.9, 4]"),
        ),
        Sample(
            (OUTCOMES, "sd_time: {value: 0.3", "sd_time: {value: 11"),
            OUTCOMES,
            (OUTCOMES, "decree:\n", "decree:\n  allow: [{}]\n"),
            (OUTCOMES, "sd_time: {value: 0.3", "sd_time: {value: 0"),
        ),
    ],
    "extreme-persistence": [
        Sample(
            (CASE, "persistence: {value: 0.7", "persistence: {median: 0.5, interval: [1.0e-200, 0.9999999999999999]"),
            CASE,
            WHOLE,
            (CASE, "persistence: {value: 0.7", "persistence: {median: 0.5, interval: [0.05, 0.95]"),
        )
    ],
    "extreme-half-life": [
        Sample(
            (CASE, "interval: [1.5, 6]", "interval: [1.5, 1.0e+5]"),
            CASE,
            WHOLE,
            (CASE, "interval: [1.5, 6]", "interval: [1.5, 9]"),
        )
    ],
    "extreme-drift": [
        Sample(
            (INDICATORS, "median: 0.5, interval: [0.2, 1]", "median: 100000, interval: [50000, 1000000]"),
            INDICATORS,
            BESIDE_MOOD,
            (INDICATORS, "median: 0.5, interval: [0.2, 1]", "median: 1.5, interval: [0.5, 4]"),
        )
    ],
    "extreme-slope": [
        Sample(
            (INDICATORS, "median: -0.2, interval: [-0.5, 0.1]", "median: 1.0e+11, interval: [-1.0e+11, 3.0e+11]"),
            INDICATORS,
            (INDICATORS, "trade:\n", "trade:\n  allow: [{}]\n"),
            (INDICATORS, "median: -0.2, interval: [-0.5, 0.1]", "median: 2, interval: [-1, 4]"),
        )
    ],
    "extreme-severity": [
        Sample(
            (OUTCOMES, "severity: 30", "severity: 1.0e-9"),
            OUTCOMES,
            BESIDE_PROTEST,
            (OUTCOMES, "severity: 30", "severity: 5"),
        )
    ],
    "extreme-level": [
        Sample(
            (
                INDICATORS,
                f"  bounds: [0, 100]\n  history: series\n  now:\n{NOW}",
                "  history: series\n  now:\n    median: 5.0e+11\n    interval: [0, 1.0e+12]",
            ),
            INDICATORS,
            BESIDE_MOOD,
            (INDICATORS, f"  bounds: [0, 100]\n  history: series\n  now:\n{NOW}", f"  history: series\n  now:\n{NOW}"),
        )
    ],
    "extreme-move": [
        Sample(
            (SCENARIOS, "multiply: 0.5", "multiply: 1.0e+12"),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, "multiply: 0.5", "multiply: 3"),
        )
    ],
    "outside-pair": [
        Sample(
            (EVENTS, "protest,HHH-AAA,AAA,A note", "protest,HHH-AAA,BBB,A note"),
            EVENTS,
            BESIDE_PROTEST,
            (EVENTS, "protest,HHH-AAA,AAA,A note", "protest,HHH-AAA,other,A note"),
            ("BBB is no part of HHH-AAA",),
        )
    ],
    "wrong-side": [
        Sample(
            (EVENTS, "protest,HHH-AAA,AAA,A note", "protest,HHH-AAA,HHH,A note"),
            EVENTS,
            BESIDE_PROTEST,
            (EVENTS, "context,ALL,HHH", "context,ALL,BBB"),
            ("initiator: partner",),
        ),
        Sample(
            (EVENTS, "decree,HHH,HHH", "decree,HHH,AAA"),
            EVENTS,
            WHOLE,
            (OUTCOMES, "initiator: partner", "initiator: either"),
        ),
    ],
    "same-label": [
        Sample(
            (SCENARIOS, "label: Calm", "label: Storm"), SCENARIOS, WHOLE, (SCENARIOS, "label: Calm", "label: Storms")
        ),
        Sample(
            (OUTCOMES, "label: Decree", "label: protest"),
            OUTCOMES,
            (OUTCOMES, "decree:\n", "decree:\n  allow: [{}]\n"),
            (OUTCOMES, "label: Decree", "label: Protests"),
        ),
        Sample((CASE, "name: high", "name: low"), CASE, WHOLE, (CASE, "name: high", "name: highest")),
        Sample(
            (INDICATORS, "label: Trade", "label: Mood"), INDICATORS, WHOLE, (INDICATORS, "label: Trade", "label: Moods")
        ),
        Sample((CASE, "name: Bland", "name: Aland"), CASE, WHOLE, (CASE, "name: Bland", "name: Blandia")),
    ],
    "same-edge": [
        Sample(
            (
                EFFECTS,
                "- from: mood\n",
                effect_again("again", "{median: 1.2, interval: [1.0, 2.0]}") + "- from: mood\n",
            ),
            EFFECTS,
            (EFFECTS, "- from: mood\n  to: protest\n", "- from: mood\n  allow: [{}]\n  to: protest\n"),
            (
                EFFECTS,
                "- from: mood\n",
                effect_again("restraint", "{median: 0.8, interval: [0.6, 1.1]}") + "- from: mood\n",
            ),
            ("both are used",),
        )
    ],
    "for-nobody": [
        Sample(
            (SCENARIOS, "dyads: [HHH-AAA], month", "dyads: [], month"),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, "dyads: [HHH-AAA], month", "month"),
        ),
        Sample(
            (SCENARIOS, "dyads: [HHH-AAA]\n", "dyads: []\n"),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, "      dyads: [HHH-AAA]\n", ""),
        ),
    ],
    "drowned-move": [
        Sample(
            (SCENARIOS, MOVE, MOVE + "    - {indicator: mood, set: 10, start: 2}\n"),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, MOVE, "    - {indicator: mood, set: 45}\n" + MOVE),
        ),
        Sample(
            (SCENARIOS, "    - {indicator: mood, set: 45}\n", "    - {indicator: mood, set: 45}\n" * 2),
            SCENARIOS,
            (SCENARIOS, "calm:\n", "calm:\n  allow: [{}]\n"),
            (SCENARIOS, MOVE, MOVE + MOVE),
        ),
    ],
    "moved-beyond-bounds": [
        Sample((SCENARIOS, "shift: 5", "shift: 1000"), SCENARIOS, BESIDE_STORM, (SCENARIOS, "shift: 5", "shift: -30"))
    ],
    "wide-spread": [
        Sample(
            (INDICATORS, "interval: [48, 62]", "interval: [1, 99]"),
            INDICATORS,
            BESIDE_MOOD,
            (INDICATORS, "interval: [48, 62]", "interval: [20, 80]"),
        ),
        Sample((SERIES, "50.5,48,53", "50.5,0,100"), SERIES, BESIDE_MOOD, (SERIES, "50.5,48,53", "50.5,30,70")),
        Sample(
            (OUTCOMES, RATE, RATE.replace("0.1, 0.6", "0.000001, 0.999")),
            OUTCOMES,
            BESIDE_PROTEST,
            (OUTCOMES, RATE, RATE.replace("0.1, 0.6", "0.01, 0.8")),
        ),
        Sample(
            (EFFECTS, RATIO, RATIO.replace("0.9, 1.9", "0.01, 20")),
            EFFECTS,
            WHOLE,
            (EFFECTS, RATIO, RATIO.replace("0.9, 1.9", "0.3, 5")),
        ),
        Sample(
            (CASE, "persistence: {value: 0.7", "persistence: {median: 0.5, interval: [0.001, 0.999]"),
            CASE,
            WHOLE,
            (CASE, "persistence: {value: 0.7", "persistence: {median: 0.5, interval: [0.1, 0.9]"),
        ),
    ],
    "strong-effect": [
        Sample(
            (EFFECTS, RATIO, "    median: 130\n    interval: [90, 190]"),
            EFFECTS,
            WHOLE,
            (EFFECTS, "{median: 3, interval: [1.5, 6]", "{median: 130, interval: [90, 190]"),
        ),
        Sample(
            (EFFECTS, RATIO, "    median: 2000\n    interval: [1000, 4000]"),
            EFFECTS,
            WHOLE,
            (EFFECTS, RATIO, "    median: 20\n    interval: [10, 40]"),
        ),
    ],
    "runaway-rate": [
        Sample(
            (EFFECTS, RATIO, "    median: 30000\n    interval: [10000, 90000]"),
            OUTCOMES,
            BESIDE_PROTEST,
            (EFFECTS, RATIO, "    median: 30\n    interval: [10, 90]"),
        )
    ],
    "fast-drift": [
        Sample(
            (INDICATORS, "median: 0.5, interval: [0.2, 1]", "median: 15, interval: [10, 20]"),
            INDICATORS,
            BESIDE_MOOD,
            (INDICATORS, "median: 0.5, interval: [0.2, 1]", "median: 2, interval: [1, 4]"),
        )
    ],
    "floored-drift": [
        Sample(
            (INDICATORS, "drift: {value: 0.2", "drift: {value: 0.05"),
            INDICATORS,
            (INDICATORS, "trade:\n", "trade:\n  allow: [{}]\n"),
            (INDICATORS, "drift: {value: 0.2", "drift: {value: 0.11"),
        )
    ],
    "raised-fixed": [
        Sample(
            (INDICATORS, MOOD_MOVES, MOOD_IS_HELD),
            INDICATORS,
            BESIDE_MOOD,
            (INDICATORS, MOOD_MOVES, MOOD_IS_HELD.replace("drift: {value: 0,", "drift: {value: 0.5,")),
        )
    ],
    "lone-tension": [
        Sample(
            (CASE, "hyperpriors:", LONE + "hyperpriors:"),
            CASE,
            WHOLE,
            (CASE, "hyperpriors:", LONE.replace("{value: 0,", "{value: 0.5,") + "hyperpriors:"),
        )
    ],
    "unreached-grave": [
        Sample(
            (CASE, "horizon: 12\n", "horizon: 12\ngrave: 40\n"),
            CASE,
            WHOLE,
            (CASE, "horizon: 12\n", "horizon: 12\ngrave: 30\n"),
        )
    ],
    "steep-slope": [
        Sample(
            (INDICATORS, "median: -0.2, interval: [-0.5, 0.1]", "median: -20, interval: [-22, -18]"),
            INDICATORS,
            (INDICATORS, "trade:\n", "trade:\n  allow: [{}]\n"),
            (INDICATORS, "median: -0.2, interval: [-0.5, 0.1]", "median: -2, interval: [-3, -1]"),
        ),
        Sample(
            (INDICATORS, "  reference: 50", RAISED.format("{value: 20")),
            INDICATORS,
            BESIDE_MOOD,
            (INDICATORS, "  reference: 50", RAISED.format("{value: 2")),
        ),
    ],
    "odd-half-life": [
        Sample(
            (CASE, "median: 3\n      interval: [1.5, 6]", "median: 300\n      interval: [150, 600]"),
            CASE,
            WHOLE,
            (CASE, "median: 3\n      interval: [1.5, 6]", "median: 30\n      interval: [15, 60]"),
        ),
        Sample(
            (OUTCOMES, "median: 2, interval: [1, 4]", "median: 0.02, interval: [0.01, 0.04]"),
            OUTCOMES,
            BESIDE_PROTEST,
            (OUTCOMES, "median: 2, interval: [1, 4]", "median: 0.2, interval: [0.1, 0.4]"),
        ),
    ],
    "short-burn-in": [
        Sample(
            (CASE, "memories:\n", OFTEN.format("median: 30, interval: [15, 60]")),
            CASE,
            WHOLE,
            (CASE, "memories:\n", OFTEN.format("median: 6, interval: [3, 12]")),
            ("holds 75 %", "and rates are rough", "after 100 months"),
        ),
        Sample(
            (CASE, "memories:\n", OFTEN.format("median: 30, interval: [15, 60]").replace("rate", "mean")),
            CASE,
            WHOLE,
            (CASE, "memories:\n", OFTEN.format("median: 6, interval: [3, 12]").replace("rate", "mean")),
            ("holds 75 %", "and means are rough"),
        ),
    ],
    "odd-step": [
        Sample(
            (INDICATORS, "step: 1.5\n", "step: 1.0e+12\n"),
            INDICATORS,
            (INDICATORS, "trade:\n", "trade:\n  allow: [{}]\n"),
            (INDICATORS, "step: 1.5\n", "step: 10\n"),
        ),
        Sample(
            (INDICATORS, "step: 5\n", "step: 500\n"), INDICATORS, BESIDE_MOOD, (INDICATORS, "step: 5\n", "step: 20\n")
        ),
        Sample(
            (INDICATORS, "step: 5\n", "step: 0.001\n"), INDICATORS, BESIDE_MOOD, (INDICATORS, "step: 5\n", "step: 1\n")
        ),
    ],
    "share-for-percent": [
        Sample(
            (SERIES, "50.5,48,53", "0.505,0.48,0.53"),
            SERIES,
            BESIDE_MOOD,
            (SERIES, "50.5,48,53", "40.5,38,43"),
            ("0.505 looks like a share",),
        ),
        Sample((SERIES, "54,51,57", "0.54,0.51,0.57"), SERIES, BESIDE_MOOD, (SERIES, "54,51,57", "57,54,60")),
        Sample(
            (INDICATORS, NOW, "    median: 0.55\n    interval: [0.48, 0.62]"),
            INDICATORS,
            BESIDE_MOOD,
            (INDICATORS, NOW, "    median: 50\n    interval: [48, 62]"),
        ),
        Sample(
            (OUTCOMES, "severity: 30", "severity: 0.3"),
            OUTCOMES,
            BESIDE_PROTEST,
            (OUTCOMES, "severity: 30", "severity: 3"),
        ),
        Sample(
            (CASE, "{name: high, start: 50}", "{name: high, start: 0.5}"),
            CASE,
            WHOLE,
            (CASE, "{name: high, start: 50}", "{name: high, start: 5}"),
        ),
    ],
    "set-share": [
        Sample(
            (SCENARIOS, "set: 45", "set: 0.45"),
            SCENARIOS,
            (SCENARIOS, "calm:\n", "calm:\n  allow: [{}]\n"),
            (SCENARIOS, "set: 45", "set: 4"),
        )
    ],
    "today-jumps": [
        Sample(
            (INDICATORS, NOW, "    median: 5\n    interval: [3, 7]"),
            INDICATORS,
            BESIDE_MOOD,
            (INDICATORS, NOW, "    median: 58\n    interval: [54, 63]"),
            ("9.8 steps", "standard deviations", "54 on 2020-01-31"),
        )
    ],
    "series-jumps": [
        Sample((SERIES, "50.5,48,53", "20,18,22"), SERIES, BESIDE_MOOD, (SERIES, "50.5,48,53", "40.5,38,43"))
    ],
    "far-level": [
        Sample(
            (
                INDICATORS,
                "HHH-AAA: {median: 12, interval: [8, 18]",
                "HHH-AAA: {median: 1.0e+11, interval: [0.8e+11, 1.8e+11]",
            ),
            INDICATORS,
            WHOLE,
            (INDICATORS, "HHH-AAA: {median: 12, interval: [8, 18]", "HHH-AAA: {median: 1200, interval: [800, 1800]"),
        )
    ],
    "twice-covered": [
        Sample(
            (COVERAGE, "", SEARCHED + "protest,HHH-AAA,2018-01-01,2019-12-31\n"),
            COVERAGE,
            WHOLE,
            (COVERAGE, "", SEARCHED.replace("2020-12-31", "2017-12-31") + "ALL,ALL,2018-01-01,2020-12-31\n"),
            ("covers days of protest of HHH-AAA", "they count once"),
        )
    ],
    "outside-coverage": [
        Sample(
            (OUTCOMES, "  recorded_from: 2017-01-01\n", "  recorded_from: 2017-01-01\n  recorded_until: 2017-12-31\n"),
            EVENTS,
            (OUTCOMES, "decree:\n", "decree:\n  allow: [{}]\n"),
            (OUTCOMES, "  recorded_from: 2017-01-01\n", "  recorded_from: 2017-01-01\n  recorded_until: 2019-12-31\n"),
            ("decree of HHH on 2018 lies on a day that the record does not cover", "it is ignored"),
        )
    ],
    "before-record": [
        Sample(
            (EVENTS, "2018-01-01,year,decree", "2016-01-01,year,decree"),
            EVENTS,
            (OUTCOMES, "decree:\n", "decree:\n  allow: [{}]\n"),
            (EVENTS, "2018-01-01,year,decree", "2019-01-01,year,decree"),
            ("recorded_from 2017-01-01", "it is ignored"),
        ),
        Sample(
            (OUTCOMES, "  initiator: other\n", "  initiator: other\n  recorded_from: 2018-01-01\n"),
            EVENTS,
            (OUTCOMES, "spark:\n", "spark:\n  allow: [{}]\n"),
            (OUTCOMES, "  initiator: other\n", "  initiator: other\n  recorded_from: 2016-02-01\n"),
            ("protest remember it",),
        ),
    ],
    "early-source": [
        Sample(
            (SOURCES, "date: 2019-01-01", "date: 2016-12-31"),
            EVENTS,
            WHOLE,
            (SOURCES, "date: 2019-01-01", "date: 2019-06-01"),
            ("older", "2016-12-31"),
        )
    ],
    "clipped-move": [
        Sample(
            (SCENARIOS, "shift: 5", "shift: 60"),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, "shift: 5", "shift: 40"),
            ("from 55 to 115", "+45 is used in place of +60"),
        ),
    ],
    "large-move": [
        Sample(
            (SCENARIOS, "multiply: 0.5", "multiply: 100"),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, "multiply: 0.5", "multiply: 10"),
        )
    ],
    "moved-twice": [
        Sample(
            (SCENARIOS, MOVE, MOVE + MOVE),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, MOVE, MOVE.replace("2, over: 3", "1, until: 3") + MOVE.replace("2,", "4,")),
            ("both add up to 10, though they are word for word the same",),
        ),
        Sample(
            (SCENARIOS, MOVE, MOVE + "    - {indicator: mood, shift: 2}\n"),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, MOVE, MOVE + "    - {indicator: mood, shift: 2, until: 1}\n"),
            ("both add up to 7",),
        ),
        Sample(
            (SCENARIOS, MOVE, MOVE + "    - {indicator: mood, set: 50, start: 6}\n"),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, MOVE, "    - {indicator: mood, set: 45}\n" + MOVE),
            ("the level that move 2 sets is used",),
        ),
    ],
    "assumed-twice": [
        Sample(
            (SCENARIOS, "dyads: [HHH-AAA], month: 2", "dyads: [HHH-AAA, HHH-AAA], month: 2"),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, "dyads: [HHH-AAA], month: 2", "dyads: [HHH-AAA, HHH-BBB], month: 2"),
        ),
        Sample(
            (
                SCENARIOS,
                "    - {event: spark, dyads: [HHH-AAA], month: 2}\n",
                "    - {event: spark, dyads: [HHH-AAA], month: 2}\n    - {event: spark, month: 2}\n",
            ),
            SCENARIOS,
            BESIDE_STORM,
            (
                SCENARIOS,
                "    - {event: spark, dyads: [HHH-AAA], month: 2}\n",
                "    - {event: spark, dyads: [HHH-AAA], month: 2}\n    - {event: spark, month: 3}\n",
            ),
        ),
        Sample(
            (
                SCENARIOS,
                "    - {event: spark, dyads: [HHH-AAA], month: 2}\n",
                "    - {event: spark, happens: false, month: 3, until: 5}\n    - {event: spark, happens: false}\n",
            ),
            SCENARIOS,
            BESIDE_STORM,
            (
                SCENARIOS,
                "    - {event: spark, dyads: [HHH-AAA], month: 2}\n",
                "    - {event: spark, happens: false, month: 3, until: 5}\n    - {event: spark, month: 2}\n",
            ),
            ("spark is assumed not to happen in period 3 already",),
        ),
    ],
    "empty-move": [
        Sample((SCENARIOS, "shift: 5", "shift: 0"), SCENARIOS, BESIDE_STORM, (SCENARIOS, "shift: 5", "shift: -1")),
        Sample(
            (SCENARIOS, "calm:\n", "still:\n  label: Still\n  story: Nothing.\ncalm:\n"),
            SCENARIOS,
            WHOLE,
            (SCENARIOS, "calm:\n", "baseline:\n  label: Baseline\n  story: Nothing.\ncalm:\n"),
        ),
    ],
    "late-move": [
        Sample(
            (SCENARIOS, "start: 2, over: 3", "start: 2, over: 20"),
            SCENARIOS,
            BESIDE_STORM,
            (SCENARIOS, "start: 2, over: 3", "start: 2, over: 11"),
            ("55 % of it is used",),
        )
    ],
    ALLOWS_NOTHING: [
        Sample(
            (CASE, "title: Small\n", "title: Small\nallow: [same-edge]\n"),
            CASE,
            (CASE, "allow: [same-edge]", "allow: [same-edge, {}]"),
            (CASE, "title: Small\n", "title: Small\nallow: []\n"),
        )
    ],
}
PLACES = [(name, place) for name, samples in SAMPLES.items() for place in range(len(samples))]


def case_with(folder: Path, *edits: Edit) -> Path:
    """The small case, whose last source tells of its last event, with some texts exchanged once each."""
    files = {
        **FILES,
        EVENTS: FILES[EVENTS].replace("A late protest,survey", "A late protest,late"),
        COVERAGE: "",
        SOURCES: FILES[SOURCES] + "late:\n  title: Late\n  publisher: Press\n  date: 2020-11-01\n",
    }
    for file, old, new in edits:
        assert old in files[file], f"{old!r} is not in {file}"
        files[file] = files[file].replace(old, new, 1)
    return write_files(folder, **{name.replace("/", "_").replace(".", "_"): text for name, text in files.items()})


def said(folder: Path) -> tuple[Doubt, ...] | str:
    """What is told of a case, or the words with which it is refused."""
    try:
        return find_doubts(folder, quick=True)
    except CaseError as error:
        return str(error)


def allowing(sample: Sample, name: str) -> Edit:
    file, old, new = sample.allow
    return file, old, new.format(name)


def test_every_judgement_has_a_sample() -> None:
    # How tables were read, which states there are, and what lies on top of a case, is judged in tests of its own.
    of_tables = {"guessed-encoding", "other-sheets", "missing-mark"}
    of_states = {"misnamed-state", "unknown-code", "foreign-codes", "outside-existence"}
    of_panels = {"unreached-number"}
    elsewhere = of_tables | of_states | of_panels | {"nameless-overlay", "priors-exceed-record"}
    assert set(SAMPLES) | elsewhere == set(JUDGEMENTS)
    assert all(JUDGEMENTS.about(name) for name in JUDGEMENTS)


def test_the_small_case_is_beyond_doubt(tmp_path: Path) -> None:
    assert said(case_with(tmp_path)) == ()


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_a_judgement_speaks_of_what_cannot_be_meant(name: str, place: int, tmp_path: Path) -> None:
    sample = SAMPLES[name][place]
    found = said(case_with(tmp_path, sample.edit))
    if JUDGEMENTS.get(name).refuses:
        assert isinstance(found, str)
        line = next(line for line in found.splitlines() if f"allow: [{name}]" in line)
        assert line.startswith(f"{sample.at}:")
    else:
        assert not isinstance(found, str), found
        doubt = next(doubt for doubt in found if doubt.judgement == name)
        assert (doubt.file, doubt.refused, doubt.allowed) == (sample.at, False, False)
        assert doubt.line is not None
        line = str(doubt)
    assert all(words in line for words in sample.says), line


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_a_judgement_is_allowed_by_its_name(name: str, place: int, tmp_path: Path) -> None:
    sample = SAMPLES[name][place]
    found = said(case_with(tmp_path, sample.edit, allowing(sample, name)))
    if isinstance(found, str):
        # What is beyond one range may be beyond another.
        assert f"allow: [{name}]" not in found
    else:
        own = [doubt for doubt in found if doubt.judgement == name]
        assert own
        assert all(doubt.allowed for doubt in own)
        assert name == ALLOWS_NOTHING or not any(doubt.judgement == ALLOWS_NOTHING for doubt in found)


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_a_judgement_leaves_a_good_neighbour_alone(name: str, place: int, tmp_path: Path) -> None:
    found = said(case_with(tmp_path, SAMPLES[name][place].good))
    assert not isinstance(found, str), found
    assert name not in {doubt.judgement for doubt in found}


def test_an_unknown_allowance_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    folder = case_with(tmp_path, (INDICATORS, "mood:\n", "mood:\n  allow: [today-jump]\n"))
    with pytest.raises(
        CaseError, match=r"indicators.yaml:2: mood.allow.0: is 'today-jump'; did you mean 'today-jumps'"
    ):
        load_case(folder)


def test_an_allowance_in_vain_is_told_where_it_stands(tmp_path: Path) -> None:
    (doubt,) = find_doubts(case_with(tmp_path, (SCENARIOS, "calm:\n", "calm:\n  allow: [clipped-move]\n")), quick=True)
    assert (doubt.judgement, doubt.file, doubt.line, doubt.key) == (ALLOWS_NOTHING, SCENARIOS, 13, "calm.allow.0")


def test_a_case_that_allows_nothing_keeps_its_hash_and_one_that_does_not() -> None:
    case = random_case(3)
    assert case.hash.startswith("793b884aae1f")
    allowing = case.revised(settings=case.settings.model_copy(update={"allow": ("clipped-move",)}))
    assert allowing.hash != case.hash


def test_what_a_case_allows_is_written_and_read_back(tmp_path: Path) -> None:
    edits = [SAMPLES["clipped-move"][0].edit, allowing(SAMPLES["clipped-move"][0], "clipped-move")]
    case = load_case(case_with(tmp_path / "one", *edits))
    riskcast.write_case(case, tmp_path / "two")
    assert load_case(tmp_path / "two").hash == case.hash
    assert load_case(tmp_path / "two").scenarios["storm"].allow == ("clipped-move",)


def test_judgements_can_be_added(tmp_path: Path) -> None:
    odd = Judgement(True, lambda case: [Found("case", ("title",), f"is {case.settings.title}", "find a better one")])
    JUDGEMENTS.add("dull-title", "a title that says little", odd)
    try:
        with pytest.raises(CaseError, match=r"case.yaml:2: title: is Small; find a better one, or .*\[dull-title\]"):
            load_case(case_with(tmp_path / "one"))
        assert load_case(case_with(tmp_path / "two", (WHOLE[0], WHOLE[1], WHOLE[2].format("dull-title")))).name
    finally:
        JUDGEMENTS.remove("dull-title")


# Overlays, scenarios made in code, requests.


def test_an_overlay_is_refused_at_its_own_line(tmp_path: Path) -> None:
    case = load_case(case_with(tmp_path))
    file = tmp_path / "mine.yaml"
    file.write_text("changes:\n  outcomes.protest.base_rate: {median: 0.3, interval: [1.0e-200, 0.6]}\n")
    with pytest.raises(CaseError, match=r"mine.yaml:2: .*base_rate.interval: is 1e-200.*extreme-base-rate"):
        apply_overlay(case, *load_overlay(file))


def test_a_request_tells_what_its_overlay_and_scenario_can_hardly_mean(tmp_path: Path) -> None:
    case = load_case(case_with(tmp_path, SAMPLES["clipped-move"][0].edit, SAMPLES["wide-spread"][0].edit))
    text = "changes:\n  indicators.trade.now.HHH-AAA: {median: 1.0e+11, interval: [0.8e+11, 1.8e+11]}\n"
    found = request_doubts(Request(case, overlays=(OverlayFile(text, "mine.yaml"),), scenarios=("storm",)))
    told = {(doubt.judgement, doubt.file) for doubt in found}
    # What the case says without the overlay is not told again.
    assert ("far-level", "mine.yaml") in told
    assert ("clipped-move", SCENARIOS) in told
    assert "wide-spread" not in {name for name, _ in told}
    assert request_doubts(Request(case)) == ()


@pytest.mark.parametrize(
    ("plain", "judgement"),
    [
        ({"indicators": [{"indicator": "mood", "shift": 1000.0}]}, "moved-beyond-bounds"),
        ({"indicators": [{"indicator": "trade", "multiply": 1e12}]}, "extreme-move"),
        ({"events": [{"event": "spark", "dyads": [], "month": 1}]}, "for-nobody"),
        ({"indicators": [{"indicator": "mood", "shift": 2.0}, {"indicator": "mood", "set": 40.0}]}, "drowned-move"),
    ],
)
def test_a_scenario_made_in_code_is_refused_as_one_from_a_file_is(
    plain: dict[str, Any], judgement: str, tmp_path: Path
) -> None:
    case = load_case(case_with(tmp_path))
    made = {"label": "Made", "story": "In code.", **plain}
    with pytest.raises(CaseError, match=rf"scenarios.yaml: Made\..*allow: \[{judgement}\]"):
        riskcast.resolve_scenario(case, Scenario.model_validate(made))
    riskcast.resolve_scenario(case, Scenario.model_validate({**made, "allow": [judgement]}))


def test_an_empty_name_is_no_scenario_and_no_case(tmp_path: Path) -> None:
    case = load_case(case_with(tmp_path))
    with pytest.raises(UnknownNameError, match="unknown scenario ''"):
        riskcast.resolve_scenario(case, "")
    with pytest.raises(UnknownNameError, match="unknown case ''"):
        load_case("")
    assert riskcast.resolve_scenario(case, None)[0] == "baseline"


def test_a_small_fall_that_a_bound_cuts_is_told_with_what_is_used() -> None:
    case = load_case("central_asia_2024")
    fall = {"label": "Fall", "story": "Less.", "indicators": [{"indicator": "remittance_dependency", "shift": -10.0}]}
    (doubt,) = find_scenario_doubts(case, "fall", Scenario.model_validate(fall))
    assert doubt.judgement == "clipped-move"
    assert "remittance_dependency of RUS-KAZ would go from 0.15 to −9.85" in doubt.wrong
    assert "the bounds hold it at 0, and −0.15 is used in place of −10" in doubt.wrong
    assert "for 1 other pair" in doubt.wrong


def test_what_a_move_passes_on_to_a_child_is_told_where_it_is_cut(tmp_path: Path) -> None:
    floor = (INDICATORS, "  unit: billion dollars\n", "  unit: billion dollars\n  bounds: [6.9, 1000]\n")
    wide = (INDICATORS, "interval: [4, 12]\n", "interval: [6.9, 12]\n".replace("6.9", "6.95"))
    at = (INDICATORS, "interval: [8, 18]", "interval: [8, 18]")
    case = load_case(case_with(tmp_path, floor, wide, at, (SCENARIOS, "set: 45", "set: 75")))
    (doubt,) = (one for one in find_scenario_doubts(case, "calm") if one.judgement == "clipped-move")
    assert doubt.key == "calm"
    assert "trade of HHH-BBB" in doubt.wrong


# Panels.


def panel_doubts(folder: Path, rows: Any, **more: Any) -> set[str]:
    return {doubt.judgement for doubt in find_doubts(write_panel_case(folder, rows, **more), quick=True)}


def test_a_panel_is_beyond_doubt(tmp_path: Path) -> None:
    assert panel_doubts(tmp_path, table()) == set()


@pytest.mark.parametrize(
    ("column", "value", "judgement"),
    [("mood", 0.5, "share-for-percent"), ("tension", 400.0, "series-jumps"), ("tension", 400.0, "far-level")],
)
def test_a_cell_of_a_panel_that_cannot_be_meant_is_told(
    column: str, value: float, judgement: str, tmp_path: Path
) -> None:
    rows = table()
    rows["mood"] = 50.0
    at = rows["period"] == rows["period"][3] if column == "tension" else rows.index == 3
    rows.loc[at, column] = value
    assert judgement in panel_doubts(tmp_path, rows)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("value", [2.0**64 - 1, 1e300, -1e13])
def test_a_covariate_larger_than_any_number_of_a_case_is_refused(value: float, suffix: str, tmp_path: Path) -> None:
    rows = table()
    rows.loc[4, "mood"] = value
    with pytest.raises(CaseError, match=r"mood: is .*at most 1e\+12"):
        load_case(write_panel_case(tmp_path, rows, suffix=suffix, edits=((INDICATORS, "  bounds: [0, 100]\n", ""),)))


def test_whole_numbers_too_large_for_a_case_are_refused_in_parquet(tmp_path: Path) -> None:
    rows = table()
    rows["mood"] = np.full(len(rows), 2**64 - 1, dtype=np.uint64)
    with pytest.raises(CaseError, match="mood: is 18446744073709551615"):
        load_case(write_panel_case(tmp_path, rows, suffix="parquet", edits=((INDICATORS, "  bounds: [0, 100]\n", ""),)))


def test_events_of_a_panel_before_their_record_are_told(tmp_path: Path) -> None:
    rows = table()
    rows["clash"] = rows["clash"].where(rows["clash"].isna(), 1.0)
    early = ("outcomes.yaml", "clash:\n", "clash:\n  recorded_from: 2004-01-01\n")
    found = find_doubts(write_panel_case(tmp_path, rows, edits=(early,)), quick=True)
    (doubt,) = (doubt for doubt in found if doubt.judgement == "before-record")
    assert (doubt.file, doubt.key) == ("history/panel.csv", "clash")
    assert "in 2001" in doubt.wrong


@pytest.mark.parametrize(("least", "told"), [(2, False), (4, False), (5, True)])
def test_a_number_that_no_row_reaches_is_told(least: int, told: bool, tmp_path: Path) -> None:
    rows = table()
    rows["raid"] = rows["raid"] * 4.0
    high = ("outcomes.yaml", "raid:\n", f"raid:\n  at_least: {least}\n")
    found = find_doubts(write_panel_case(tmp_path, rows, edits=(high,)), quick=True)
    doubts = [doubt for doubt in found if doubt.judgement == "unreached-number"]
    assert [(doubt.file, doubt.key) for doubt in doubts] == [("outcomes.yaml", "raid.at_least")] * told
    assert all("no row has more than 4: by the record, raid never happened" in doubt.wrong for doubt in doubts)


# Legal ranges.

FUZZ = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
QUANTITIES = {
    "extreme-base-rate": "outcomes.protest.base_rate",
    "extreme-ratio": "effects.mood->protest",
    "extreme-spread": "hyperpriors.sd_dyad",
    "extreme-persistence": "hyperpriors.persistence",
    "extreme-half-life": "memories.fast.half_life",
    "extreme-drift": "indicators.mood.drift",
    "extreme-slope": "indicators.trade.parents.mood",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> riskcast.Case:
    return load_case(case_with(tmp_path_factory.mktemp("small")))


def legal(name: str) -> st.SearchStrategy[float]:
    """Numbers over a whole legal range, also next to its ends."""
    limit = LIMITS[name]
    if limit.low < 0:
        return st.floats(limit.low, limit.high)
    if limit.high < 1:
        # As near to 1 as to 0.
        small = st.floats(np.log(limit.low), np.log(0.5)).map(lambda u: float(max(np.exp(u), limit.low)))
        return small | small.map(lambda share: min(1 - share, limit.high))
    ends = st.sampled_from([limit.low, limit.high])
    return ends | st.floats(np.log(limit.low), np.log(limit.high)).map(
        lambda u: float(min(max(np.exp(u), limit.low), limit.high))
    )


@FUZZ
@given(data=st.data(), name=st.sampled_from(sorted(QUANTITIES)))
def test_nothing_legal_is_refused(data: st.DataObject, name: str, small: riskcast.Case) -> None:
    value = data.draw(legal(name))
    changed = apply_overlay(small, {QUANTITIES[name]: {"value": value}})
    assert not any(doubt.refused for doubt in find_doubts(changed, quick=True))


@FUZZ
@given(data=st.data(), name=st.sampled_from(sorted(QUANTITIES)), factor=st.floats(1.001, 1e5))
def test_nothing_beyond_the_legal_range_passes(
    data: st.DataObject, name: str, factor: float, small: riskcast.Case
) -> None:
    limit = LIMITS[name]
    beyond = [limit.high * factor]
    if limit.low > 0:
        beyond = [limit.low / factor, *([limit.high * factor] if limit.high >= 1 else [1 - (1 - limit.high) / factor])]
    value = data.draw(st.sampled_from(beyond))
    with pytest.raises(CaseError, match=name):
        apply_overlay(small, {QUANTITIES[name]: {"value": float(value)}})


@FUZZ
@given(steps=st.floats(-1e6, 1e6), factor=st.floats(1.001, 1e4), sign=st.sampled_from([-1, 1]))
def test_levels_are_legal_up_to_a_million_steps(
    steps: float, factor: float, sign: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    free = (INDICATORS, "  bounds: [0, 100]\n", "")
    case = load_case(case_with(tmp_path_factory.mktemp("free"), free))
    assert apply_overlay(case, {"indicators.mood.now": {"value": 50 + 5 * steps * 0.999}})
    with pytest.raises(CaseError, match="extreme-level"):
        apply_overlay(case, {"indicators.mood.now": {"value": 50 + sign * 5e6 * factor}})


def test_a_number_that_is_none_lies_in_no_range() -> None:
    assert not any(limit.holds(float("nan")) for limit in LIMITS.values())


def test_the_documents_list_every_judgement_and_every_limit() -> None:
    text = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    for name in JUDGEMENTS:
        verdict = "refused" if JUDGEMENTS.get(name).refuses else "told"
        assert f"| `{name}` | {verdict} | {JUDGEMENTS.about(name)} |" in text
    for row in limits_table().records():
        assert f"| {row['quantity']} | {row['from']:.15g} | {row['to']:.15g} | {row['in']} |" in text


@pytest.mark.parametrize("case", riskcast.list_cases())
def test_bundled_cases_are_told_what_is_true_of_them_alone(case: str) -> None:
    found = find_doubts(case, quick=True)
    assert {doubt.judgement for doubt in found} <= {"clipped-move"}


@pytest.mark.parametrize(
    ("loading", "own", "wrong"),
    [
        ("{value: 0, %s}", "", "is felt by no event type, as all loadings are 0: it changes nothing"),
        (
            "{value: 0, %s}",
            "{value: 0.5, %s}",
            "is felt by protest alone, and with nobody to share it says what a year's",
        ),
    ],
)
def test_tension_that_few_feel_is_told_for_the_reason_that_holds(
    loading: str, own: str, wrong: str, tmp_path: Path
) -> None:
    why = "evidence: {basis: judgement, claim: Judged.}"
    block = f"tension: {{period: quarter, loading: {loading % why}}}\n"
    outcomes = (
        FILES[OUTCOMES].replace("protest:\n", f"protest:\n  tension: {own % why}\n", 1) if own else FILES[OUTCOMES]
    )
    found = find_doubts(write_files(tmp_path, case_yaml=FILES[CASE] + block, outcomes_yaml=outcomes), quick=True)
    (doubt,) = (doubt for doubt in found if doubt.judgement == "lone-tension")
    assert (doubt.file, doubt.key) == ("case.yaml", "tension")
    assert wrong in doubt.wrong
