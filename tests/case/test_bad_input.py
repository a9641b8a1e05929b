"""Bad input of every kind: a clear error with file, line and mend, exit status 2, and never a traceback."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings, strategies as st

from riskcast import Case, CaseError, apply_overlay, load_case, load_overlay
from riskcast.case.checks import find_problems
from riskcast.case.yaml_lines import MAX_BYTES, parse_yaml
from riskcast.errors import Problem
from tests.support.command_line import Run
from tests.support.smallcase import FILES, write_files

OUTCOMES, INDICATORS, EFFECTS = "outcomes.yaml", "indicators.yaml", "effects.yaml"
CASE, SCENARIOS, SOURCES = "case.yaml", "scenarios.yaml", "sources.yaml"
EVENTS, SERIES = "history/events.csv", "history/indicators.csv"


@dataclass(frozen=True)
class Bad:
    """One edit of one file, the text on whose line the error must be told, and words that it must hold."""

    file: str
    old: str
    new: str
    at: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        text = FILES[self.file]
        assert text.count(self.old) >= 1, f"{self.old!r} is not in {self.file}"
        return text.replace(self.old, self.new, 1)

    @property
    def line(self) -> int:
        assert self.at in self.text, f"{self.at!r} is not in the edited {self.file}"
        return self.text[: self.text.index(self.at)].count("\n") + 1


BILLION_LAUGHS = "\n".join(
    ["x0: &x0 [ha, ha]", *(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}, *x{n - 1}]" for n in range(1, 40)), ""]
)


def raised_by(event: str, half_life: float, whose: str) -> str:
    why = "evidence: {basis: judgement, claim: Judged.}"
    numbers = f"steps: {{value: 1, {why}}}, half_life: {{value: {half_life}, {why}}}"
    return f"  raises:\n    {event}: {{{numbers}, whose: {whose}}}"


BAD = {
    # The form of a YAML file.
    "tab": Bad(CASE, "  - {id: AAA", "\t- {id: AAA", "\t- {id", ("not valid YAML", "tab")),
    "indentation": Bad(CASE, "horizon: 12", " horizon: 12", " horizon: 12", ("not valid YAML", "indentation")),
    "unclosed quote": Bad(CASE, "title: Small", 'title: "Small', "title", ("close the quote",)),
    "unclosed bracket": Bad(CASE, "name: Host}", "name: Host", "partners:", ("close the bracket", "line 4 opens")),
    "colon in text": Bad(CASE, "title: Small", "title: Small: a case", "title", ("in quotes",)),
    "at sign": Bad(CASE, "title: Small", "title: @small", "title", ("in quotes",)),
    "missing colon": Bad(CASE, "period: month", "period", "period", ("`key: value`",)),
    "duplicate key": Bad(CASE, "period: month", "period: month\nperiod: year", "period: year", ("stands twice",)),
    "duplicate nested key": Bad(
        INDICATORS, "    median: 55", "    median: 55\n    median: 56", "    median: 56", ("mood.now.median", "twice")
    ),
    "duplicate entry": Bad(
        OUTCOMES, "decree:\n", "protest:\n", "protest:\n  label: Decree", ("stands twice", "line 1")
    ),
    "alias": Bad(CASE, "title: Small", "title: &a Small\nnote: *a", "note", ("alias", "write the value out")),
    "billion laughs": Bad(INDICATORS, "mood:\n", BILLION_LAUGHS + "mood:\n", "x1:", ("alias",)),
    "python tag": Bad(
        CASE, "title: Small", "title: !!python/object/apply:os.system [id]", "title", ("tag", "remove the tag")
    ),
    "plain tag": Bad(CASE, "horizon: 12", "horizon: !!int '12'", "horizon", ("tag",)),
    "list as key": Bad(CASE, "title: Small", "? [a, b]\n: Small", "? [a", ("key that is not plain text",)),
    "deep nesting": Bad(CASE, "title: Small", f"title: {'[' * 2000}", "title", ("nested too deeply", "32 levels")),
    "second document": Bad(CASE, "period: month", "---\nperiod: month", "---", ("second document",)),
    "control character": Bad(CASE, "title: Small", "title: Sm\0all", "title", ("U+0000", "remove it")),
    "escaped control character": Bad(
        CASE, "title: Small", '"ti\\etle": Small', "tle", (r"ti\x1btle", "did you mean 'title'")
    ),
    "list where a mapping belongs": Bad(CASE, FILES[CASE], "- a\n- b\n", "- a", ("not a mapping",)),
    "mapping where a list belongs": Bad(EFFECTS, FILES[EFFECTS], "# none\na: 1\n", "a: 1", ("not a list", "- from:")),
    "text where a mapping belongs": Bad(INDICATORS, FILES[INDICATORS], "\nmood", "mood", ("not a mapping",)),
    "entry that is no mapping": Bad(INDICATORS, "mood:\n", "fear: 3\nmood:\n", "fear", ("fear: is not a mapping",)),
    "edge that is no mapping": Bad(EFFECTS, "- from: trade", "- 3\n- from: trade", "- 3", ("1: is not a mapping",)),
    "empty entry": Bad(SCENARIOS, "calm:\n", "none:\ncalm:\n", "none:", ("none: is not a mapping",)),
    # Keys.
    "unknown key": Bad(OUTCOMES, "  severity: 30", "  sevrity: 30", "sevrity", ("did you mean 'severity'?",)),
    "unknown top key": Bad(CASE, "horizon: 12", "horizont: 12", "horizont", ("did you mean 'horizon'?",)),
    "unknown key of a quantity": Bad(
        INDICATORS, "    median: 55", "    medain: 55", "medain", ("mood.now.medain", "did you mean 'median'?")
    ),
    "unknown key in a flow": Bad(
        INDICATORS, "HHH-AAA: {median", "HHH-AAA: {medan", "HHH-AAA", ("now.HHH-AAA.medan", "did you mean 'median'?")
    ),
    "unknown key of evidence": Bad(INDICATORS, "      claim: As", "      clam: As", "clam", ("did you mean 'claim'?",)),
    "unknown key of an edge": Bad(EFFECTS, "- from: trade", "- form: trade", "form", ("did you mean 'from'?",)),
    "merge key": Bad(CASE, "title: Small", "<<: {title: Small}", "<<", ("unknown key",)),
    "missing key": Bad(OUTCOMES, "  label: Decree\n", "", "decree:", ("decree.label: is missing", "add it")),
    "missing key of the case": Bad(CASE, "horizon: 12\n", "", "title", ("horizon: is missing",)),
    # Values.
    "quoted number": Bad(OUTCOMES, "severity: 30", 'severity: "30"', "severity", ("'30'", "without quotes")),
    "number with a unit": Bad(OUTCOMES, "severity: 30", "severity: 30 %", "severity", ("'30 %'", "percent sign")),
    "decimal comma": Bad(OUTCOMES, "median: 0.3", "median: 0,3", "median: 0,3", ("'0,3'", "0.25")),
    "boolean number": Bad(OUTCOMES, "severity: 30", "severity: true", "severity", ("True", "plain number")),
    "boolean horizon": Bad(CASE, "horizon: 12", "horizon: yes", "horizon", ("'yes'", "whole number")),
    "true horizon": Bad(CASE, "horizon: 12", "horizon: true", "horizon", ("True", "whole number")),
    "broken horizon": Bad(CASE, "horizon: 12", "horizon: 12.5", "horizon", ("12.5", "whole number")),
    "horizon 0": Bad(CASE, "horizon: 12", "horizon: 0", "horizon", ("is 0", "of at least 1")),
    "null horizon": Bad(CASE, "horizon: 12", "horizon:", "horizon", ("is empty", "whole number")),
    "number as text": Bad(CASE, "title: Small", "title: 2024", "title", ("2024", "in quotes")),
    "day as text": Bad(CASE, "title: Small", "title: 2024-05-06", "title", ("in quotes",)),
    "empty text": Bad(CASE, "title: Small", 'title: "  "', "title", ("write some text",)),
    "null text": Bad(CASE, "title: Small", "title: ~", "title", ("is empty", "write text")),
    "NaN": Bad(OUTCOMES, "severity: 30", "severity: .nan", "severity", ("is .nan", "finite")),
    "bare nan": Bad(OUTCOMES, "severity: 30", "severity: nan", "severity", ("is 'nan'", "plain number")),
    "infinity": Bad(OUTCOMES, "severity: 30", "severity: -.INF", "severity", ("is -.INF", "finite")),
    "overflow": Bad(OUTCOMES, "severity: 30", "severity: 1e999", "severity", ("too large", "finite")),
    "huge whole number": Bad(OUTCOMES, "severity: 30", f"severity: {'9' * 5000}", "severity", ("too large",)),
    "large whole number": Bad(CASE, "horizon: 12", f"horizon: {'9' * 200}", "horizon", ("of at most 600",)),
    "beyond a trillion": Bad(INDICATORS, "reference: 50", "reference: 1e13", "reference: 1e13", ("of at most 1e+12",)),
    "severity above 100": Bad(OUTCOMES, "severity: 30", "severity: 120", "severity", ("is 120", "of at most 100")),
    "severity of a trigger": Bad(
        OUTCOMES, "  kind: trigger", "  kind: trigger\n  severity: 3", "spark:", ("trigger with a severity", "remove")
    ),
    "outcome without severity": Bad(OUTCOMES, "  severity: 60\n", "", "decree:", ("without severity", "add")),
    "unknown word": Bad(OUTCOMES, "scope: host", "scope: hots", "hots", ("'hots'", "did you mean 'host'?")),
    "unknown period": Bad(CASE, "period: month", "period: decade", "period", ("'decade'", "month, quarter, year")),
    "unknown basis": Bad(
        INDICATORS, "basis: source", "basis: guess", "basis: guess", ("now.evidence.basis", "data, source, judgement")
    ),
    "list where a number belongs": Bad(OUTCOMES, "severity: 30", "severity: [30]", "severity", ("[30]", "number")),
    "bounds of one number": Bad(INDICATORS, "[0, 100]", "[0]", "bounds", ("has no item 2", "[low, high]")),
    "bounds upside down": Bad(
        INDICATORS, "[0, 100]", "[100, 0]", "bounds: [100", ("is [100, 0]", "higher end first; write [0, 100]")
    ),
    "interval of three": Bad(INDICATORS, "[48, 62]", "[48, 55, 62]", "[48, 55", ("has 3 items", "give 2")),
    "interval of one": Bad(INDICATORS, "[48, 62]", "[48]", "[48]", ("has no item 2", "[low, high]")),
    "interval as number": Bad(INDICATORS, "interval: [48, 62]", "interval: 7", "interval: 7", ("[a, b]",)),
    "interval without its median": Bad(INDICATORS, "[48, 62]", "[56, 62]", "[56", ("excludes its median 55",)),
    "interval upside down": Bad(INDICATORS, "[48, 62]", "[62, 48]", "[62", ("is empty", "low < high")),
    "interval of no width": Bad(INDICATORS, "[48, 62]", "[55, 55]", "[55", ("is empty", "low < high")),
    "median alone": Bad(INDICATORS, "    interval: [48, 62]\n", "", "  now:\n    median: 55", ("lacks interval",)),
    "value and median": Bad(INDICATORS, "    median: 55", "    value: 55\n    median: 55", "now:", ("keep one form",)),
    "no evidence": Bad(
        INDICATORS, ", evidence: {basis: judgement, claim: Judged.}}\n\ntrade", "}\n\ntrade", "drift:", ("no evidence",)
    ),
    "claim without a source": Bad(INDICATORS, "      sources: [survey]\n", "", "evidence:", ("no source", "judgement")),
    "sources as text": Bad(INDICATORS, "[survey]", "survey", "sources: survey", ("sources", "in brackets")),
    # Ids and days.
    "bad id": Bad(OUTCOMES, "protest:\n", "Protest!:\n", "Protest!", ("Protest!", "small letters")),
    "bad state id": Bad(CASE, "id: AAA", "id: aland", "aland", ("'aland'", "capitals")),
    "day out of the calendar": Bad(CASE, "2020-12-31", "2021-02-29", "as_of", ("2021-02-29", "YYYY-MM-DD")),
    "day 9999-99-99": Bad(CASE, "2020-12-31", "9999-99-99", "as_of", ("9999-99-99", "YYYY-MM-DD")),
    "year 9999": Bad(CASE, "2020-12-31", "9999-12-31", "as_of", ("9999", "2999")),
    "number as day": Bad(CASE, "2020-12-31", "0", "as_of", ("is 0", "YYYY-MM-DD")),
    "timestamp as day": Bad(CASE, "2020-12-31", "2020-12-31T00:00:00", "as_of", ("YYYY-MM-DD",)),
    "day in words": Bad(CASE, "2020-12-31", "31 December 2020", "as_of", ("31 December 2020", "YYYY-MM-DD")),
    "history after as_of": Bad(CASE, "2016-01-01", "2021-01-01", "history_from", ("does not lie before as_of",)),
    "history of a thousand years": Bad(CASE, "2016-01-01", "1016-01-01", "history_from", ("500 years",)),
    # What the parts say about one another.
    "partner twice": Bad(CASE, "id: BBB", "id: AAA", "{id: AAA, name: Bland", ("AAA is named twice",)),
    "host as partner": Bad(CASE, "id: BBB", "id: HHH", "{id: HHH, name: Bland", ("HHH is named twice",)),
    "bands that do not rise": Bad(CASE, "start: 50", "start: 0", "name: high", ("not above the 0 of low",)),
    "bands that do not begin at 0": Bad(CASE, "start: 0", "start: 5", "name: low", ("begin the bands at 0",)),
    "id of two things": Bad(OUTCOMES, "spark:\n", "mood:\n", "mood:", ("also an event type", "another id")),
    "reserved id": Bad(OUTCOMES, "spark:\n", "context:\n", "context:", ("reserved name",)),
    "unknown parent": Bad(INDICATORS, "    mood: {m", "    moood: {m", "moood", ("did you mean 'mood'?",)),
    "cyclic parents": Bad(
        INDICATORS,
        "  bounds: [0, 100]",
        "  parents: {mood: {value: 1, evidence: {basis: judgement, claim: Judged.}}}",
        "  parents: {mood",
        ("cycle: mood -> mood", "remove one edge"),
    ),
    "parent that differs by dyad": Bad(
        INDICATORS,
        "  bounds: [0, 100]",
        "  parents:\n    trade: {value: 1, evidence: {basis: judgement, claim: Judged.}}",
        "    trade: {value",
        ("cannot move the host's",),
    ),
    "raised by what is no event": Bad(
        INDICATORS,
        "  bounds: [0, 100]",
        raised_by("protst", 2, "any"),
        "    protst:",
        ("raises.protst", "did you mean 'protest'?"),
    ),
    "raised by events of which it does not say whose": Bad(
        INDICATORS,
        "  bounds: [0, 100]",
        raised_by("spark", 2, "own"),
        "    spark:",
        ("is own, from a dyad's event to an indicator of the host", "use any"),
    ),
    "raised by half-lives below 0": Bad(
        INDICATORS,
        "  bounds: [0, 100]",
        raised_by("spark", -2, "any"),
        "    spark:",
        ("raises.spark.half_life.value", "must be above 0"),
    ),
    "log scale below 0": Bad(INDICATORS, "reference: 10", "reference: -10", "reference: -10", ("above 0",)),
    "step of a log scale": Bad(INDICATORS, "step: 1.5", "step: 0.5", "step: 0.5", ("factor above 1",)),
    "reference out of bounds": Bad(INDICATORS, "reference: 50", "reference: 500", "reference: 500", ("0..100",)),
    "wrong unit": Bad(
        INDICATORS, "[48, 62]", "[48, 6200]", "[48, 6200]", ("leaves the bounds 0..100 (points)", "unit")
    ),
    "log level below 0": Bad(INDICATORS, "interval: [4, 12]", "interval: [-4, 12]", "[-4", ("-4 must be above 0",)),
    "unknown dyad of a level": Bad(INDICATORS, "HHH-BBB:", "HHH-BBC:", "HHH-BBC", ("did you mean 'HHH-BBB'?",)),
    "missing dyad of a level": Bad(
        INDICATORS,
        "    HHH-AAA: {median: 12, interval: [8, 18], evidence: {basis: judgement, claim: Judged.}}\n",
        "",
        "  now:\n    HHH-BBB",
        ("no level for HHH-AAA",),
    ),
    "level per dyad of the host": Bad(
        INDICATORS,
        "    median: 55\n    interval: [48, 62]\n    evidence:\n      basis: source\n      claim: As surveyed.\n"
        "      sources: [survey]\n",
        "    HHH-AAA: {value: 55, evidence: {basis: judgement, claim: Judged.}}\n",
        "  now:\n    HHH-AAA: {value: 55",
        ("given per dyad", "one quantity"),
    ),
    "probability 0": Bad(OUTCOMES, "[0.1, 0.6]", "[0, 0.6]", "[0, 0.6]", ("0 must be strictly between 0 and 1",)),
    "probability 1": Bad(OUTCOMES, "[0.1, 0.6]", "[0.1, 1]", "[0.1, 1]", ("1 must be strictly between 0 and 1",)),
    "probability as percent": Bad(
        OUTCOMES,
        "    median: 0.3\n    interval: [0.1, 0.6]",
        "    median: 30\n    interval: [10, 60]",
        "median: 30",
        ("protest.base_rate.median", "must be strictly between 0 and 1", "unit"),
    ),
    "fixed probability 1": Bad(CASE, "value: 0.7", "value: 1", "persistence", ("1 must be strictly between 0 and 1",)),
    "half-life 0": Bad(CASE, "[1.5, 6]", "[0, 6]", "[0, 6]", ("memories.fast.half_life", "0 must be above 0")),
    "ratio beyond a million": Bad(
        EFFECTS, "[0.9, 1.9]", "[0.9, 1e9]", "[0.9, 1e9]", ("1000000000", "1e-06 to 1000000", "extreme-ratio")
    ),
    "unknown memory of a half-life": Bad(OUTCOMES, "    fast: {", "    fats: {", "fats", ("did you mean 'fast'?",)),
    "recorded from the future": Bad(OUTCOMES, "2017-01-01", "2021-01-01", "recorded_from", ("into the record",)),
    "no outcome": Bad(OUTCOMES, FILES[OUTCOMES], "# none\n{}\n", "{}", ("has no outcome", "kind: outcome")),
    "edge to nowhere": Bad(EFFECTS, "to: decree", "to: decre", "to: decre", ("did you mean 'decree'?",)),
    "edge from nowhere": Bad(EFFECTS, "from: trade", "from: tarde", "from: tarde", ("did you mean 'trade'?",)),
    "edge twice": Bad(
        EFFECTS, "to: decree", "to: protest", "- from: mood\n  to: protest\n  rate_ratio: {value", ("twice",)
    ),
    "memory of an indicator": Bad(
        EFFECTS,
        "  rationale: Who",
        "  memory: fast\n  rationale: Who",
        "  memory: fast\n  rationale: Who",
        ("remove it",),
    ),
    "dyad's indicator on the host's event": Bad(
        EFFECTS,
        "- from: mood\n  to: decree",
        "- from: trade\n  to: decree",
        "- from: trade\n  to: decree",
        ("differs by dyad", "indicator of the host"),
    ),
    "edge without whose": Bad(EFFECTS, "  whose: own\n", "", "- from: spark", ("whose: is missing", "own, others")),
    "whose that cannot be": Bad(EFFECTS, "whose: own", "whose: host", "whose: host", ("use own or others or any",)),
    "unknown memory": Bad(EFFECTS, "memory: fast", "memory: fasd", "fasd", ("did you mean 'fast'?",)),
    "same-period cycle": Bad(
        EFFECTS,
        "acts: next",
        "acts: same",
        "acts: same\n  rate_ratio: {median: 1.2",
        ("same-period edges form a cycle: protest -> protest", "act: next"),
    ),
    "unknown source": Bad(OUTCOMES, "[survey]", "[surwey]", "[surwey]", ("did you mean 'survey'?",)),
    "source after as_of": Bad(SOURCES, "2020-06-01", "2021-06-01", "2021-06-01", ("after as_of 2020-12-31",)),
    # Scenarios.
    "move of nothing": Bad(SCENARIOS, "set: 45", "start: 2", "start: 2}\n", ("exactly one of set, shift, multiply",)),
    "two verbs": Bad(SCENARIOS, "set: 45", "set: 45, shift: 1", "set: 45", ("exactly one of set, shift, multiply",)),
    "move that ends before it starts": Bad(
        SCENARIOS, "start: 2, over: 3", "start: 3, until: 2", "until: 2", ("before",)
    ),
    "unknown indicator": Bad(SCENARIOS, "indicator: trade", "indicator: trde", "trde", ("did you mean 'trade'?",)),
    "unknown event": Bad(SCENARIOS, "event: spark", "event: sprak", "sprak", ("did you mean 'spark'?",)),
    "unknown dyad": Bad(
        SCENARIOS,
        "      dyads: [HHH-AAA]",
        "      dyads:\n        - HHH-AAA\n        - HHH-BAB",
        "- HHH-BAB",
        ("'HHH-BAB' is not a dyad", "did you mean"),
    ),
    "dyads of the host": Bad(SCENARIOS, "set: 45", "dyads: [HHH-AAA], set: 45", "set: 45", ("makes no sense",)),
    "shift on the log scale": Bad(SCENARIOS, "multiply: 0.5", "shift: 0.5", "shift: 0.5", ("use multiply",)),
    "level out of bounds": Bad(SCENARIOS, "set: 45", "set: 450", "set: 450", ("outside what mood can be (points)",)),
    "applies to a dyad's outcome": Bad(
        OUTCOMES,
        "  severity: 30",
        "  applies_to: [HHH-AAA]\n  severity: 30",
        "applies_to",
        ("protest.applies_to: belongs to outcomes that dyads share", "write scope: host"),
    ),
    "applies to an unknown dyad": Bad(
        OUTCOMES,
        "  severity: 60",
        "  applies_to: [HHH-AAB]\n  severity: 60",
        "applies_to",
        ("decree.applies_to.0: 'HHH-AAB' is not a dyad", "did you mean 'HHH-AAA'?"),
    ),
    "applies to a dyad twice": Bad(
        OUTCOMES,
        "  severity: 60",
        "  applies_to: [HHH-AAA, HHH-AAA]\n  severity: 60",
        "applies_to",
        ("names HHH-AAA twice",),
    ),
    "applies to nobody": Bad(
        OUTCOMES, "  severity: 60", "  applies_to: []\n  severity: 60", "applies_to", ("decree.applies_to",)
    ),
    "a trigger that applies": Bad(
        OUTCOMES,
        "  kind: trigger\n  scope: dyad",
        "  kind: trigger\n  applies_to: [HHH-AAA]\n  scope: dyad",
        "applies_to",
        ("spark.applies_to: belongs to outcomes that dyads share", "remove it"),
    ),
    "implied by an unknown outcome": Bad(
        OUTCOMES,
        "  severity: 30",
        "  severity: 30\n  implied_by: [protst]",
        "implied_by",
        ("protest.implied_by.0: unknown outcome 'protst'", "did you mean 'protest'?"),
    ),
    "implied by a shared outcome": Bad(
        OUTCOMES,
        "  severity: 30",
        "  severity: 30\n  implied_by: [decree]",
        "implied_by",
        ("decree adds nothing to a dyad's score", "scope dyad only"),
    ),
    "implied by itself": Bad(
        OUTCOMES, "  severity: 30", "  severity: 30\n  implied_by: [protest]", "implied_by", ("itself", "remove it")
    ),
    "a shared outcome that is implied": Bad(
        OUTCOMES,
        "  severity: 60",
        "  severity: 60\n  implied_by: [protest]",
        "implied_by",
        ("decree.implied_by: belongs to outcomes of one dyad",),
    ),
    "grave beyond 100": Bad(CASE, "horizon: 12", "horizon: 12\ngrave: 101", "grave", ("grave", "101")),
    "event without a month": Bad(
        SCENARIOS, ", month: 2}", "}", "event: spark", ("does not say when it happens", "add `month:`")
    ),
    "event that happens until": Bad(
        SCENARIOS,
        "month: 2}",
        "month: 2, until: 4}",
        "event: spark",
        ("happens once and has an end", "remove `until:`"),
    ),
    "event ruled out backwards": Bad(
        SCENARIOS,
        "month: 2}",
        "happens: false, month: 4, until: 2}",
        "event: spark",
        ("ends in month 2, before it starts in month 4",),
    ),
    "event that may happen": Bad(SCENARIOS, "month: 2}", "month: 2, happens: maybe}", "happens", ("'maybe'",)),
    "event that happens and does not": Bad(
        SCENARIOS,
        "    - {event: spark, dyads: [HHH-AAA], month: 2}\n",
        "    - {event: spark, dyads: [HHH-AAA], month: 2}\n    - {event: spark, happens: false, until: 3}\n",
        "happens: false",
        ("spark is assumed to happen in month 2 for HHH-AAA, and not to happen then", "keep one of the two"),
    ),
    "event beyond the horizon": Bad(SCENARIOS, "month: 2", "month: 13", "month: 13", ("beyond the horizon of 12",)),
    "baseline that assumes": Bad(SCENARIOS, "calm:\n", "baseline:\n", "baseline:", ("without assumptions",)),
    # Tables.
    "unknown column": Bad(EVENTS, "description,", "descripton,", "date,", ("did you mean 'description'?",)),
    "missing column": Bad(
        SERIES, "indicator,unit,date,value,", "indicator,unit,value,", "indicator", ("date: is missing",)
    ),
    "column twice": Bad(EVENTS, "dyad,", "type,", "date,", ("type: stands twice",)),
    "cell too many": Bad(EVENTS, ",A note,", ",A note, long,", "A note, long", ("has 9 cells", "quote cells")),
    "cell too few": Bad(EVENTS, "AAA,A note,", "AAA,", "2016-03-20", ("has 7 cells",)),
    "unclosed cell": Bad(EVENTS, "A protest,", '"A protest,', '"A protest', ("not valid CSV", "close every quote")),
    "stray quote": Bad(EVENTS, '"A spark, in spring"', '"A spark" in spring', '"A spark"', ("not valid CSV",)),
    "row after a cell of two lines": Bad(
        EVENTS,
        "A note,archive,located\n2017-06-01",
        '"A\nnote",archive,located\n2017-06-31',
        "2017-06-31",
        ("2017-06-31", "YYYY-MM-DD"),
    ),
    "row after blank lines": Bad(EVENTS, "2017-06-01", "\n\n2017-13-01", "2017-13-01", ("2017-13-01",)),
    "header after blank lines": Bad(EVENTS, "date,precision", "\n\ndate,percision", "date,", ("mean 'precision'?",)),
    "day without dashes": Bad(EVENTS, "2016-03-05", "20160305", "20160305", ("date", "YYYY-MM-DD")),
    "empty day": Bad(SERIES, "2018-01-31", "", "mood,HHH,,", ("date: is empty", "YYYY-MM-DD")),
    "NaN in a table": Bad(SERIES, ",50.5,", ",nan,", ",nan,", ("value: is 'nan'", "plain number")),
    "infinity in a table": Bad(SERIES, ",50.5,", ",inf,", ",inf,", ("value", "plain number")),
    "overflow in a table": Bad(SERIES, ",53,", ",1e400,", ",1e400,", ("high", "too large")),
    "underscores in a table": Bad(SERIES, ",50.5,", ",5_0,", ",5_0,", ("'5_0'", "plain number")),
    "empty number": Bad(SERIES, ",50.5,", ",,", "2018-01-31", ("value: is empty",)),
    "value out of its range": Bad(SERIES, ",50.5,", ",60,", "2018-01-31", ("60 lies outside", "48..53")),
    "value out of bounds": Bad(SERIES, ",50.5,48,53,", ",5050,4800,5300,", ",5050", ("value: 5050 is outside", "unit")),
    "event before history": Bad(EVENTS, "2016-03-05", "2015-03-05", "2015-03-05", ("before history_from",)),
    "event after as_of": Bad(EVENTS, "2020-10-01,month", "2021-01-01,day", "2021-01-01", ("after as_of 2020-12-31",)),
    "event perhaps after as_of": Bad(CASE, "as_of: 2020-12-31", "as_of: 2020-10-20", "as_of", ("may lie after",)),
    "unknown actor": Bad(EVENTS, "HHH-AAA,AAA,A note", "HHH-AAA,AAB,A note", "AAB", ("actor 'AAB'", "mean 'AAA'?")),
    "unknown event type": Bad(EVENTS, "day,protest", "day,protst", "protst", ("did you mean 'protest'?",)),
    "unknown dyad of a row": Bad(EVENTS, "protest,HHH-BBB", "protest,HHH-BBC", "HHH-BBC", ("mean 'HHH-BBB'?",)),
    "host's event of a dyad": Bad(
        EVENTS, "decree,HHH,", "decree,HHH-AAA,", "decree", ("'HHH-AAA' cannot have decree",)
    ),
    "unknown precision": Bad(EVENTS, "2017-06-01,month", "2017-06-01,week", "week", ("day, month, year",)),
    "unknown status": Bad(EVENTS, "archive survey,located", "archive survey,locatd", "locatd", ("mean 'located'?",)),
    "event twice": Bad(
        EVENTS,
        "2019-02-20,day,protest,HHH-BBB,BBB,Another protest,archive survey,located",
        "2017-06-01,month,protest,HHH-BBB,BBB,A protest,archive,located",
        "A protest,archive,located\n2020",
        ("repeats protest of HHH-BBB", "in every cell of row"),
    ),
    "unknown source of a row": Bad(EVENTS, "archive survey", "archive survy", "archive survy", ("mean 'survey'?",)),
    "located without a source": Bad(EVENTS, ",,unverified", ",,located", ",,located", ("sources: is empty",)),
    "event without description": Bad(EVENTS, ",A note,", ",,", "2016-03-20", ("description: is empty", "some text")),
    "unknown indicator of a row": Bad(SERIES, "mood,HHH,2018", "modo,HHH,2018", "modo", ("did you mean 'mood'?",)),
    "series of a reference": Bad(SERIES, "mood,HHH,2018", "trade,HHH-AAA,2018", "trade", ("history: reference",)),
    "unknown unit of a row": Bad(SERIES, "mood,HHH,2018", "mood,HHH-AAA,2018", "mood,HHH-AAA", ("cannot have mood",)),
    "published after as_of": Bad(SERIES, "2020-06-01", "2021-06-01", "2021-06-01", ("after as_of",)),
    "published before its date": Bad(SERIES, "2018-03-01", "2017-03-01", "2017-03-01", ("before the date",)),
    "series row twice": Bad(
        SERIES,
        "2018-01-31,50.5,48,53,2018-03-01",
        "2015-12-31,50.5,48,53,2018-03-01",
        "2018-03-01",
        ("repeats mood of HHH",),
    ),
    "series without rows": Bad(
        INDICATORS,
        "history: reference",
        "history: series",
        "history: series\n  now:\n    HHH",
        ("no row for HHH-AAA", "history: reference"),
    ),
}

# Told of another file than the one that was edited.
TOLD_ELSEWHERE = {
    "id of two things": (INDICATORS, "mood:"),
    "event perhaps after as_of": (EVENTS, "2020-10-01"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_in_a_case_is_told_with_file_line_and_mend(name: str, tmp_path: Path, run: Run) -> None:
    bad = BAD[name]
    write_files(tmp_path)
    (tmp_path / bad.file).write_text(bad.text, encoding="utf-8", newline="")
    file, line = bad.file, bad.line
    if name in TOLD_ELSEWHERE:
        file, at = TOLD_ELSEWHERE[name]
        line = FILES[file][: FILES[file].index(at)].count("\n") + 1
    status, out, err = run("forecast", tmp_path, "--json")
    assert (status, out) == (2, "")
    told = [told for told in err.splitlines() if told.removeprefix("riskcast: ").startswith(f"{file}:{line}: ")]
    assert told, f"no problem is told at {file}:{line}:\n{err}"
    assert any(all(word in one for word in bad.words) for one in told), f"{bad.words} not in\n{err}"
    assert all("; " in one for one in told), "every problem says how to mend it"


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_is_read_as_the_same_case(tmp_path: Path) -> None:
    plain = load_case(write_files(tmp_path / "plain"))
    for name in FILES:
        text = (tmp_path / "plain" / name).read_bytes()
        target = tmp_path / "windows" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert load_case(tmp_path / "windows").hash == plain.hash


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".yaml")])
def test_bytes_that_are_not_utf8_are_told_with_their_line(name: str, tmp_path: Path, run: Run) -> None:
    write_files(tmp_path)
    lines = FILES[name].encode().split(b"\n")
    lines[2] += b" # \xe9t\xe9"
    (tmp_path / name).write_bytes(b"\n".join(lines))
    status, out, err = run("check", tmp_path)
    assert (status, out) == (2, "")
    assert f"{name}:3: is not UTF-8 (byte 0xe9, as in Windows-1252 'été' would be); save the file as UTF-8" in err


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("content", ["", "\n\n  \n", "\ufeff", "# only a comment\n"])
def test_an_empty_file_is_told(name: str, content: str, tmp_path: Path, run: Run) -> None:
    write_files(tmp_path)
    (tmp_path / name).write_text(content, encoding="utf-8")
    status, out, err = run("check", tmp_path)
    assert (status, out) == (2, "")
    assert f"{name}:1: " in err
    assert "is empty" in err or (name.endswith(".csv") and "column" in err)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_a_folder_and_a_vast_file_are_told(name: str, tmp_path: Path, run: Run) -> None:
    write_files(tmp_path)
    (tmp_path / name).unlink()
    status, out, err = run("check", tmp_path)
    assert (status, out) == (2, "")
    assert f"{name}: is missing; add the file" in err
    (tmp_path / name).mkdir()
    assert f"{name}: is a folder" in run("check", tmp_path)[2]
    (tmp_path / name).rmdir()
    (tmp_path / name).write_bytes(b"#" * (MAX_BYTES + 1))
    # Of a table the rows are limited, and what one cell may hold.
    told = f"{name}: is too large" if name.endswith(".yaml") else f"{name}:1: is not valid CSV (field larger than"
    assert told in run("check", tmp_path)[2]


def test_an_endless_file_is_not_read_to_its_end(run: Run) -> None:
    status, out, err = run("forecast", "central_asia_2024", "--overlay", "/dev/zero")
    assert (status, out) == (2, "")
    assert "is too large" in err


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    write_files(tmp_path)
    for name in ("tab", "colon in text"):
        assert BAD[name].file == CASE
    (tmp_path / CASE).write_text(BAD["tab"].text, encoding="utf-8")
    (tmp_path / EVENTS).write_text(BAD["cell too many"].text, encoding="utf-8")
    (tmp_path / SERIES).unlink()
    with pytest.raises(CaseError) as caught:
        load_case(tmp_path)
    assert [problem.file for problem in caught.value.problems] == [CASE, EVENTS, SERIES]


def test_thousands_of_wrong_rows_are_told_briefly_and_quickly(tmp_path: Path) -> None:
    days = [dt.date(2016, 1, 1) + dt.timedelta(days=n % 1800) for n in range(5000)]
    rows = "".join(f"{day},day,protest,XXX-{n:04d},HHH,Wrong,archive,located\n" for n, day in enumerate(days))
    write_files(tmp_path, history_events_csv=FILES[EVENTS].splitlines()[0] + "\n" + rows)
    with pytest.raises(CaseError) as caught:
        load_case(tmp_path)
    told = str(caught.value).splitlines()
    assert told[0].startswith("history/events.csv:2: dyad: 'XXX-0000' cannot have protest")
    assert len(told) < 60
    assert "more" in told[-1]


def test_a_line_separator_within_a_text_does_not_shift_the_lines(tmp_path: Path) -> None:
    text = FILES[CASE].replace("title: Small", "title: Sm\u2028all").replace("horizon: 12", "horizon: twelve")
    write_files(tmp_path, case_yaml=text)
    line = next(number for number, row in enumerate(text.split("\n"), 1) if "twelve" in row)
    with pytest.raises(CaseError, match=f"^case.yaml:{line}: horizon: "):
        load_case(tmp_path)


OVERLAY = "label: Hotter\nchanges:\n  indicators.mood.now: {median: 60, interval: [50, 70]}\n"


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("", "", ("is empty",)),
        ("# nothing\n", "", ("is empty",)),
        ("- a\n", "- a", ("not a mapping", "changes:")),
        ("just text\n", "just", ("not a mapping",)),
        ("label: Hotter\n", "label", ("changes: is missing",)),
        ("changes:\n", "changes", ("changes: is empty", "key: value")),
        ("changes: [1]\n", "changes", ("key: value",)),
        (OVERLAY + "lable: x\n", "lable", ("did you mean 'label'?",)),
        (
            OVERLAY.replace("mood", "moood"),
            "moood",
            ("not a quantity of the case", "did you mean 'indicators.mood.now'?"),
        ),
        (OVERLAY.replace("median", "medain"), "medain", ("did you mean 'median'?",)),
        (OVERLAY.replace("60", "'60'"), "'60'", ("without quotes",)),
        (OVERLAY.replace("60", ".nan"), ".nan", ("finite",)),
        (OVERLAY.replace("60", "80"), "80", ("excludes its median 80",)),
        (OVERLAY.replace("60, interval: [50, 70]", "600, interval: [500, 700]"), "600", ("leaves the bounds 0..100",)),
        (OVERLAY.replace("{median: 60, interval: [50, 70]}", "7"), ": 7", ("key: value",)),
        ("changes:\n  outcomes.protest.base_rate: {value: 1.5}\n", "1.5", ("1.5 must be strictly between 0 and 1",)),
        (
            "changes:\n  outcomes.protest.base_rate:\n    median: 0.5\n    interval: [0.2, 1.5]\n",
            "1.5",
            ("1.5 must be strictly between 0 and 1",),
        ),
        (
            "changes:\n  effects.mood->protest:\n    median: 0.5\n    interval: [0, 1.5]\n",
            "1.5",
            ("0 must be above 0",),
        ),
        (OVERLAY + OVERLAY.replace("label: Hotter\n", ""), "changes:\n  ind", ("stands twice",)),
        (
            "changes:\n  effects.mood->protest: {value: 2, evidence: {basis: data, claim: C., sources: [surwey]}}\n",
            "surwey",
            ("did you mean 'survey'?",),
        ),
    ],
)
def test_a_mistake_in_an_overlay_is_told_with_its_line(
    text: str, at: str, words: tuple[str, ...], tmp_path: Path, run: Run
) -> None:
    case, file = write_files(tmp_path / "case"), tmp_path / "overlay.yaml"
    file.write_text(text, encoding="utf-8")
    where = text.rindex(at) if "twice" in words[0] else text.index(at)
    line = text[:where].count("\n") + 1
    status, out, err = run("forecast", case, "--overlay", file)
    assert (status, out) == (2, "")
    assert err.startswith(f"riskcast: {file}:{line}: "), err
    assert all(word in err for word in words), err


C = "central_asia_2024"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "central_asia_2042"), ("did you mean 'central_asia_2024'?",)),
        (("check", "nowhere/at/all"), ("nowhere/at/all: is no folder", C)),
        (("check", "x" * 5000), ("unknown case",)),
        (("check", __file__), ("is a file", "name the case's folder")),
        (("check", Path(__file__).parent), ("holds no case", "case.yaml")),
        (("check", C, "--seed", "-1"), ("seed is -1", "from 0")),
        (("scenarios", "nope"), ("unknown case 'nope'",)),
        (("forecast", C, "--scenario", "second_atack"), ("did you mean 'second_attack'?",)),
        (("forecast", C, "--overlay", "nowhere.yaml"), ("nowhere.yaml: is missing",)),
        (("forecast", C, "--overlay", Path(__file__).parent), ("is a folder",)),
        (("forecast", C, "--as-of", "2024-05-07"), ("2024-05-07", "up to its own as_of 2024-05-06")),
        (("forecast", C, "--as-of", "2005-06-01"), ("less than a year of record", "2006-01-02")),
        (("forecast", C, "--as-of", "6 May 2024"), ("--as-of", "%Y-%m-%d")),
        (("forecast", C, "--as-of", "2024-02-30"), ("--as-of", "%Y-%m-%d")),
        (("forecast", C, "--horizon", "0"), ("horizon is 0", "from 1 to 600")),
        (("forecast", C, "--horizon", "601"), ("horizon is 601",)),
        (("forecast", C, "--horizon", "-12"), ("horizon is -12",)),
        (("forecast", C, "--horizon", "9" * 30), ("horizon is 999",)),
        (("forecast", C, "--draws", "3"), ("draws is 3", "from 100")),
        (("forecast", C, "--draws", "1000000000"), ("draws is 1000000000", "to 100000")),
        (("forecast", C, "--draws", "many"), ("--draws", "integer")),
        (("forecast", C, "--seed", "-1"), ("seed is -1", "from 0")),
        (("forecast", C, "--seed", "9" * 30), ("seed is 999",)),
        (("forecast", C, "--engine", "mcmc"), ("unknown engine 'mcmc'", "laplace")),
        (("forecast", C, "--colour"), ("No such option",)),
        (("compare", C), ("two scenarios", "--scenario A --scenario B")),
        (("compare", C, "--scenario", "baseline"), ("two scenarios", "1 given")),
        (("compare", C, "--scenario", "baseline", "--scenario", "secnd_attack"), ("did you mean 'second_attack'?",)),
        (("explain", C, "RUS-KAS"), ("unknown dyad 'RUS-KAS'", "did you mean 'RUS-KAZ'?")),
        (("explain", C), ("Missing argument",)),
        (("schema", "efects.yaml"), ("did you mean 'effects.yaml'?",)),
        (("forcast",), ("No such command",)),
    ],
    ids=lambda value: " ".join(map(str, value))[:60] if isinstance(value, tuple) else None,
)
def test_a_wrong_option_or_name_is_told(arguments: tuple[object, ...], words: tuple[str, ...], run: Run) -> None:
    quick = ("--draws", "200") if arguments[0] == "forecast" and "--draws" not in arguments else ()
    status, out, err = run(*arguments, *quick)
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    assert all(word in err for word in words), err


@pytest.mark.parametrize("name", ["unknown key", "probability 0", "same-period cycle"])
def test_a_process_of_its_own_ends_with_status_2_and_no_traceback(name: str, tmp_path: Path) -> None:
    bad = BAD[name]
    write_files(tmp_path)
    (tmp_path / bad.file).write_text(bad.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "riskcast", "check", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"riskcast: {bad.file}:{bad.line}: ")
    assert "Traceback" not in done.stderr


def test_brackets_without_end_do_not_crash_the_interpreter(tmp_path: Path) -> None:
    write_files(tmp_path, case_yaml="[" * 1_000_000)
    done = subprocess.run(
        [sys.executable, "-m", "riskcast", "check", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "case.yaml:1: 0.0.0: is nested too deeply" in done.stderr


# Fuzzing: whatever the files hold, loading gives a sound case or a CaseError.

FUZZ = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def load_or_refuse(folder: Path) -> None:
    """Load a case: a CaseError is fine, whatever loads must be sound, and nothing else may be raised."""
    case, problems = outcome(lambda: load_case(folder))
    assert (case is None) == bool(problems)
    assert all(problem.wrong and problem.mend and problem.file for problem in problems)
    if case is not None:
        assert len(case.hash) == 64
        assert find_problems(case) == []


def outcome(load: Callable[[], Case]) -> tuple[Case | None, tuple[Problem, ...]]:
    """What loads, or the problems that it is refused for."""
    try:
        return load(), ()
    except CaseError as error:
        return None, error.problems


@FUZZ
@given(name=st.sampled_from(sorted(FILES)), content=st.one_of(st.binary(max_size=300), st.text(max_size=300)))
@example(name=CASE, content=b"\xff\xfe")
@example(name=CASE, content="\ud7ff\x00")
@example(name=EVENTS, content='"')
def test_random_content_is_refused_or_loaded(name: str, content: bytes | str, tmp_path: Path) -> None:
    write_files(tmp_path)
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    (tmp_path / name).write_bytes(raw)
    load_or_refuse(tmp_path)


@FUZZ
@given(
    name=st.sampled_from(sorted(FILES)),
    place=st.floats(0, 1),
    cut=st.integers(0, 40),
    inserted=st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            ["\t", ": ", "- ", "[", "}", '"', "'", "\n", "\n  ", "&a ", "*a", "!!x ", "|\n", "<<: ", ",", "\0"]
        ),
    ),
)
def test_a_random_edit_of_the_text_is_refused_or_loaded(
    name: str, place: float, cut: int, inserted: str, tmp_path: Path
) -> None:
    write_files(tmp_path)
    text = FILES[name]
    at = int(place * len(text))
    edited = text[:at] + inserted + text[at + cut :]
    (tmp_path / name).write_bytes(edited.encode("utf-8", "surrogatepass"))
    load_or_refuse(tmp_path)


JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([0, 1, -1, 10**12, 10**30, 10**320, -(10**5000)]),
        st.floats(),
        st.text(max_size=12),
        st.dates(),
        st.sampled_from(["mood", "protest", "HHH-AAA", "HHH", "survey", "fast", "next", "2020-01-01", "identity"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6) | st.sampled_from(["median", "value"]), inner)
    ),
    max_leaves=6,
)


def nodes(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all nodes of plain data but the root."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for key, value in items for found in ((*path, key), *nodes(value, (*path, key)))]


def mutate(data: Any, path: tuple[Any, ...], how: str, junk: Any) -> None:
    """Replace, delete or insert at a path, in place."""
    parent = data
    for part in path[:-1]:
        parent = parent[part]
    if how == "delete":
        del parent[path[-1]]
    elif how == "replace":
        parent[path[-1]] = junk
    elif isinstance(parent, list):
        parent.insert(path[-1], junk)
    else:
        parent[str(junk)[:20]] = junk


class Plain(yaml.SafeDumper):
    """Writes repeated values out, as anchors would be refused at once."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


PLAIN = {name: parse_yaml(text, name).data for name, text in FILES.items() if name.endswith(".yaml")}
PATHS = {name: nodes(data) for name, data in PLAIN.items()}


@settings(FUZZ, max_examples=400)
@given(data=st.data())
def test_a_random_change_of_the_structure_is_refused_or_loaded(data: st.DataObject, tmp_path: Path) -> None:
    write_files(tmp_path)
    sys.set_int_max_str_digits(0)
    name = data.draw(st.sampled_from(sorted(PLAIN)))
    changed = parse_yaml(FILES[name], name).data
    path = data.draw(st.sampled_from(PATHS[name]))
    mutate(changed, path, data.draw(st.sampled_from(["replace", "replace", "delete", "insert"])), data.draw(JUNK))
    (tmp_path / name).write_text(yaml.dump(changed, Dumper=Plain, allow_unicode=True), encoding="utf-8")
    sys.set_int_max_str_digits(4300)
    load_or_refuse(tmp_path)


@settings(FUZZ, max_examples=100)
@given(
    name=st.sampled_from([EVENTS, SERIES]),
    row=st.integers(1, 3),
    column=st.integers(0, 7),
    cell=st.one_of(
        st.text(max_size=12),
        st.floats().map(str),
        st.dates().map(str),
        st.sampled_from(["9999-12-31", "0001-01-01", "1e308", "-1", "", " ", "ALL", "HHH", "year"]),
    ),
)
def test_a_random_cell_is_refused_or_loaded(name: str, row: int, column: int, cell: str, tmp_path: Path) -> None:
    lines = FILES[name].splitlines()
    cells = lines[row].split(",")
    cells[column] = cell
    lines[row] = ",".join(cells)
    write_files(tmp_path)
    (tmp_path / name).write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    load_or_refuse(tmp_path)


@settings(FUZZ, max_examples=100)
@given(
    change=JUNK,
    key=st.sampled_from(["indicators.mood.now", "effects.mood->protest", "outcomes.protest.base_rate", "x"]),
)
def test_a_random_overlay_is_refused_or_applied(change: Any, key: str, tmp_path: Path) -> None:
    case = load_case(write_files(tmp_path / "case"))
    file = tmp_path / "overlay.yaml"
    sys.set_int_max_str_digits(0)
    file.write_text(yaml.dump({"changes": {key: change}}, Dumper=Plain), encoding="utf-8")
    sys.set_int_max_str_digits(4300)
    changed, problems = outcome(lambda: apply_overlay(case, *load_overlay(file)))
    assert {problem.file for problem in problems} <= {str(file)}
    assert changed is None or find_problems(changed, evidence=False) == []
    changed, problems = outcome(lambda: apply_overlay(case, {key: change}))
    assert {problem.file for problem in problems} <= {"overlay"}
    assert changed is None or find_problems(changed, evidence=False) == []
