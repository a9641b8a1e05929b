"""A small case as the text of its files, for tests of what is read from disk."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

CASE = """\
# Comments and blank lines are part of what a reader must count.
title: Small
as_of: 2020-12-31
host: {id: HHH, name: Host}
partners:
  - {id: AAA, name: Aland}
  - {id: BBB, name: Bland}

period: month
history_from: 2016-01-01
recorded_until: 2020-12-31
horizon: 12
bands:
  - {name: low, start: 0}
  - {name: high, start: 50}
memories:
  fast:
    label: Fast
    half_life:
      median: 3
      interval: [1.5, 6]
      evidence: {basis: judgement, claim: Judged.}
hyperpriors:
  sd_dyad: {median: 0.5, interval: [0.2, 1.2], evidence: {basis: judgement, claim: Judged.}}
  sd_time: {median: 0.4, interval: [0.15, 1], evidence: {basis: judgement, claim: Judged.}}
  persistence: {value: 0.7, evidence: {basis: judgement, claim: Judged.}}
"""

INDICATORS = """\
mood:
  label: Mood
  question: How hostile is opinion?
  scope: host
  unit: points
  scale: identity
  reference: 50
  step: 5
  bounds: [0, 100]
  history: series
  now:
    median: 55
    interval: [48, 62]
    evidence:
      basis: source
      claim: As surveyed.
      sources: [survey]
  drift: {median: 0.5, interval: [0.2, 1], evidence: {basis: judgement, claim: Judged.}}

trade:
  label: Trade
  question: How much is traded?
  scope: dyad
  unit: billion dollars
  scale: log
  reference: 10
  step: 1.5
  history: reference
  now:
    HHH-AAA: {median: 12, interval: [8, 18], evidence: {basis: judgement, claim: Judged.}}
    HHH-BBB:
      median: 7
      interval: [4, 12]
      evidence: {basis: judgement, claim: Judged.}
  drift: {value: 0.2, evidence: {basis: judgement, claim: Judged.}}
  parents:
    mood: {median: -0.2, interval: [-0.5, 0.1], evidence: {basis: judgement, claim: Judged.}}
"""

OUTCOMES = """\
protest:
  label: Protest
  kind: outcome
  scope: dyad
  initiator: partner
  severity: 30
  resolution: {yes: It is made., no: Anything less., resolved_by: The record}
  base_rate:
    median: 0.3
    interval: [0.1, 0.6]
    evidence: {basis: data, claim: Counted., sources: [survey]}
  half_life:
    fast: {median: 2, interval: [1, 4], evidence: {basis: judgement, claim: Judged.}}

decree:
  label: Decree
  kind: outcome
  scope: host
  initiator: host
  severity: 60
  resolution: {yes: It is signed., no: It is debated., resolved_by: The record}
  base_rate: {median: 0.2, interval: [0.05, 0.5], evidence: {basis: judgement, claim: Judged.}}
  sd_time: {value: 0.3, evidence: {basis: judgement, claim: Judged.}}
  recorded_from: 2017-01-01

spark:
  label: Spark
  kind: trigger
  scope: dyad
  initiator: other
  resolution: {yes: It flies., no: It glows., resolved_by: The record}
  base_rate: {median: 0.4, interval: [0.2, 0.7], evidence: {basis: judgement, claim: Judged.}}
"""

EFFECTS = """\
- from: mood
  to: protest
  rate_ratio:
    median: 1.3
    interval: [0.9, 1.9]
    evidence: {basis: judgement, claim: Judged.}
  rationale: Hostility breeds incidents.
- from: trade
  to: protest
  rate_ratio: {median: 0.8, interval: [0.6, 1.1], evidence: {basis: judgement, claim: Judged.}}
  rationale: Who trades keeps quiet.
- from: mood
  to: decree
  rate_ratio: {value: 1.2, evidence: {basis: judgement, claim: Judged.}}
  rationale: Decrees follow opinion.
- from: spark
  to: protest
  whose: own
  memory: fast
  acts: same
  rate_ratio: {median: 3, interval: [1.5, 6], evidence: {basis: judgement, claim: Judged.}}
  rationale: Sparks are protested against.
- from: protest
  to: protest
  path: spillover
  whose: others
  memory: fast
  acts: next
  rate_ratio: {median: 1.2, interval: [0.9, 1.6], evidence: {basis: judgement, claim: Judged.}}
  rationale: Others take heart.
"""

SCENARIOS = """\
storm:
  label: Storm
  story: Opinion sours and a spark flies.
  indicators:
    - {indicator: mood, shift: 5, start: 2, over: 3}
    - indicator: trade
      dyads: [HHH-AAA]
      multiply: 0.5
      until: 9
  events:
    - {event: spark, dyads: [HHH-AAA], month: 2}
calm:
  label: Calm
  story: Opinion is as it was.
  indicators:
    - {indicator: mood, set: 45}
"""

SOURCES = """\
survey:
  title: Survey of opinion
  publisher: Institute
  date: 2020-06-01
  author: A. Nonymous
  url: https://example.org/survey
archive:
  title: Archive
  publisher: Library
  date: 2019-01-01
"""

EVENTS_CSV = """\
date,precision,type,dyad,initiator,description,sources,status
2016-03-05,day,spark,HHH-AAA,other,"A spark, in spring",archive,located
2016-03-20,day,protest,HHH-AAA,AAA,A note,archive,located
2017-06-01,month,protest,HHH-BBB,BBB,A protest,archive,located
2018-01-01,year,decree,HHH,HHH,A decree of that year,archive,located
2018-05-05,day,context,ALL,HHH,A war elsewhere,archive,located
2019-02-03,day,spark,ALL,other,Sparks everywhere,,unverified
2019-02-20,day,protest,HHH-BBB,BBB,Another protest,archive survey,located
2020-10-01,month,protest,HHH-AAA,AAA,A late protest,survey,located
"""

SERIES_CSV = """\
indicator,unit,date,value,low,high,published,sources,status
mood,HHH,2015-12-31,48,45,51,2016-02-01,archive,located
mood,HHH,2018-01-31,50.5,48,53,2018-03-01,archive,located
mood,HHH,2020-01-31,54,51,57,2020-06-01,survey,located
"""

FILES = MappingProxyType(
    {
        "case.yaml": CASE,
        "indicators.yaml": INDICATORS,
        "outcomes.yaml": OUTCOMES,
        "effects.yaml": EFFECTS,
        "scenarios.yaml": SCENARIOS,
        "sources.yaml": SOURCES,
        "history/events.csv": EVENTS_CSV,
        "history/indicators.csv": SERIES_CSV,
    }
)


_WHY = "evidence: {basis: judgement, claim: Judged.}"
LEVEL_KEYS = f"""\
  reversion: {{median: 3, interval: [1, 9], {_WHY}}}
  past: smoothed
  series:
    one: {{label: One}}
    two: {{label: Two, offset: {{value: -2, {_WHY}}}, scale: {{value: 1.5, {_WHY}}}, error: 0.5}}
  raises: {{spark: {{whose: any, steps: {{value: 1, {_WHY}}}, half_life: {{value: 20, {_WHY}}}}}}}
"""
LEVEL_ROWS = """\
indicator,unit,date,value,low,high,published,sources,status,series
mood,HHH,2018-01-31,50,48,53,2018-03-01,survey,located,one
mood,HHH,2018-01-31,38,35,41,2018-03-01,,judgement,two
mood,HHH,2020-01-31,41,38,44,2020-03-01,,judgement,two
"""


def write_level_files(folder: Path, *, stated: bool = False) -> Path:
    """The small case with every key of levels; mood is inferred, or stated and dated."""
    text = INDICATORS.replace("  bounds: [0, 100]\n", "  bounds: [0, 100]\n" + LEVEL_KEYS, 1)
    if stated:
        text = text.replace("    interval: [48, 62]\n", "    interval: [48, 62]\n    dated: 2020-06-30\n", 1)
    else:
        text = text[: text.index("  now:\n")] + text[text.index("  drift:") :]
    return write_files(folder, indicators_yaml=text, history_indicators_csv=LEVEL_ROWS)


def write_files(folder: Path, **changed: str | bytes) -> Path:
    """Write the small case into a folder; `changed` replaces whole files, by name with `/` and `.` as `_`."""
    (folder / "history").mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        content = changed.get(name.replace("/", "_").replace(".", "_"), text)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    if coverage := changed.get("history_coverage_csv"):
        (folder / "history" / "coverage.csv").write_bytes(
            coverage if isinstance(coverage, bytes) else coverage.encode()
        )
    return folder
