"""The small case with every mechanism in it: tension, trust, raised and inferred levels, effects on half-lives, answers
that end causes, memories of three kinds, a search that finds a part, and outcomes that are grave."""

from __future__ import annotations

from pathlib import Path

from tests.support.smallcase import FILES, INDICATORS, LEVEL_KEYS, LEVEL_ROWS, write_files

_WHY = "evidence: {basis: judgement, claim: Judged.}"
MEMORIES = f"""\
memories:
  at_once: {{label: The days after, kind: immediate, days: 14}}
  pace: {{label: Numbers, weight: log_count, half_life: {{median: 6, interval: [3, 12], {_WHY}}}}}
"""
SHARED = f"""\
tension: {{period: quarter, loading: {{median: 0.6, interval: [0.25, 1.2], {_WHY}}}}}
trust: {{median: 0.8, interval: [0.5, 1.2], {_WHY}}}
grave: 60
"""
RUPTURE = f"""
rupture:
  label: Rupture
  kind: outcome
  scope: dyad
  initiator: partner
  severity: 90
  resolution: {{yes: Relations are broken off., no: Anything less., resolved_by: The record}}
  base_rate: {{median: 0.08, interval: [0.02, 0.25], {_WHY}}}
"""
EDGES = (
    ("from: mood, to: protest, on: half_life, memory: fast", "0.8, interval: [0.6, 1.05]"),
    ("from: protest, to: rupture, whose: own, memory: at_once, acts: same, spent: true", "3, interval: [1.5, 6]"),
    ("from: protest, to: decree, whose: any, memory: pace, acts: next", "1.3, interval: [0.9, 1.9]"),
    ("from: mood, to: rupture", "1.4, interval: [0.9, 2.2]"),
    ("from: balance, to: protest", "0.85, interval: [0.6, 1.1]"),
)
BALANCE = f"""
balance:
  label: Balance of payments
  question: Which way does money flow?
  scope: dyad
  unit: billion dollars a year
  scale: identity
  reference: 0
  step: 2
  history: reference
  now:
    HHH-AAA: {{median: -3, interval: [-6, 1], dated: 2020-06-30, {_WHY}}}
    HHH-BBB: {{median: -1, interval: [-2, -0.2], {_WHY}}}
  drift: {{median: 0.3, interval: [0.1, 0.8], {_WHY}}}
"""
QUIET = """\
quiet:
  label: No rupture
  story: Nobody breaks off relations, and one protests.
  events:
    - {event: rupture, happens: false}
    - {event: protest, dyads: [HHH-AAA], month: 3}
"""
LATE_ROWS = """\
2020-11-20,day,protest,HHH-AAA,AAA,A note of protest,,judgement
2020-12-01,day,spark,HHH-AAA,other,A spark in December,,judgement
2020-12-15,day,spark,HHH-BBB,other,Another spark,,judgement
"""
COVERAGE = """\
unit,type,from,until,recall
ALL,ALL,2016-01-01,2018-12-31,0.5
ALL,ALL,2019-01-01,2020-12-31,0.8
"""


def write_full_case(folder: Path) -> Path:
    """Write its files into a folder."""
    levels = INDICATORS.replace("  bounds: [0, 100]\n", "  bounds: [0, 100]\n" + LEVEL_KEYS, 1)
    levels = levels[: levels.index("  now:\n")] + levels[levels.index("  drift:") :]
    edges = "".join(f"- {{{ends}, rate_ratio: {{median: {ratio}, {_WHY}}}, rationale: R.}}\n" for ends, ratio in EDGES)
    return write_files(
        folder,
        case_yaml=FILES["case.yaml"].replace("memories:\n", MEMORIES, 1) + SHARED,
        indicators_yaml=levels + BALANCE,
        outcomes_yaml=FILES["outcomes.yaml"] + RUPTURE,
        effects_yaml=FILES["effects.yaml"] + edges,
        scenarios_yaml=FILES["scenarios.yaml"] + QUIET,
        history_events_csv=FILES["history/events.csv"] + LATE_ROWS,
        history_indicators_csv=LEVEL_ROWS,
        history_coverage_csv=COVERAGE,
    )
