"""What a case's indicators and scenarios do to its forecast, as a part of its page.

    uv run python benchmarks/article.py [CASE]

prints it; benchmarks/own_record.py puts it into docs/central_asia_2024.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

import riskcast
from riskcast.challenge.placebos import find_placebos
from riskcast.numbers import figure, number, percent, signed, signed_range

THE_FOUR = ("xenophobia", "labour_shortage", "remittance_dependency", "security_diversification")
CLAIMS = {
    "xenophobia": "growing hostility brings clashes: more, by way of incidents, advisories and removals",
    "labour_shortage": "Russia needs the workers, so it should ebb: fewer removals and laws, and shorter drives",
    "remittance_dependency": "who lives on transfers gives in: fewer protests, warnings and breaks, sooner mended",
    "security_diversification": "a multi-vector policy keeps states steady; it makes them bold too, and both are in",
}
QUESTIONS = {
    "need_is_gone": "Should the quarrel ebb, because each needs the other? Were the need gone:",
    "xenophobia_rises": "Does rising xenophobia bring more friction?",
    "no_expulsions": "Does the attack weigh more than dependence? What is left without the agencies' heaviest lever:",
    "second_attack": "What would another attack by neglected radicals do?",
    "predictable_moscow": "Is unpredictability a cause? With a Moscow that consults as before the invasion:",
    "security_pivot": "Is a multi-vector policy the way to stability?",
    "remittance_fall": "Would a cut of remittances bring a crisis at home?",
}
WATCHED = ("demarche", "travel_advisory", "mass_expulsion", "institutional_distancing", "domestic_crisis")
MOST_MOVED = 3


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("case", nargs="?", default="central_asia_2024")
    print(article_part(riskcast.load_case(parser.parse_args().case)))


def article_part(case: riskcast.Case) -> str:
    """Sections of a page: what each of the four indicators does, what else does, and what scenarios answer."""
    posterior = riskcast.fit(case, seed=1)
    return "\n\n".join(
        [
            "## What each of the four does",
            "Each indicator is held over the coming year at the low end, the middle and the high end of what it may "
            "plausibly be: all that it has been since 2005 and today's 90 % interval. Drift, parents and events do not "
            "move it then. Changes are paired, high end less low end, with 90 % intervals of what is not known.",
            *(_held(posterior, name) for name in THE_FOUR),
            "## What the other indicators do",
            "The same, high end less low end: the pair whose score moves most, and the probability that does.",
            _others(posterior, [name for name in case.indicators if name not in THE_FOUR]),
            "## What the article claims, asked of the model",
            "Each scenario against the baseline, under the same chance.",
            _asked(posterior),
            "## Effects of which the whole range moves nothing",
            "From the 5 to the 95 % end of each, all else held: no score by 0.1 points, no probability by half a "
            "percentage point. `riskcast evidence` tells them too. They stay as what they say is so; why it does "
            "not count today stands beside.",
            _placebos(posterior),
        ]
    )


def _held(posterior: riskcast.Posterior, name: str) -> str:
    case = posterior.case
    found = riskcast.respond(posterior, name)
    change = found.change()
    rows = []
    for dyad in case.dyads:
        levels = found.levels.get(dyad) or found.levels[case.host]
        scores = [number(one.score(dyad).mean, 1) for one in found.forecasts]
        rows.append(
            (
                case.name_of(dyad),
                " → ".join(f"{level:.3g}" for level in levels),
                " → ".join(scores),
                signed_range(change.score[dyad]),
                _moved(case, change, dyad),
            )
        )
    indicator = case.indicators[name]
    heading = ("Pair", f"Level, {indicator.unit}", "Score", "Change", "Probabilities that move most, points")
    return f"**{indicator.label}.** The article: {CLAIMS[name]}.\n\n{_table(heading, rows)}"


def _moved(case: riskcast.Case, change: riskcast.Contrast, dyad: str) -> str:
    own = sorted(
        ((100 * one.mean, event) for (event, unit), one in change.probability.items() if unit == dyad),
        key=lambda item: -abs(item[0]),
    )
    return ", ".join(f"{case.events[event].label} {signed(points, 0)}" for points, event in own[:MOST_MOVED])


def _others(posterior: riskcast.Posterior, names: Sequence[str]) -> str:
    case, rows = posterior.case, []
    for name in names:
        change = riskcast.respond(posterior, name, points=2).change()
        dyad = max(change.score, key=lambda one: abs(change.score[one].mean))
        (event, unit), most = max(change.probability.items(), key=lambda item: abs(item[1].mean))
        where = "shared" if unit == case.host else case.name_of(unit)
        rows.append(
            (
                case.indicators[name].label,
                f"{case.name_of(dyad)} {signed(change.score[dyad].mean)}",
                f"{case.events[event].label} ({where}) {signed(100 * most.mean, 0)}",
            )
        )
    return _table(("Indicator", "Score that moves most", "Probability that moves most, points"), rows)


def _asked(posterior: riskcast.Posterior) -> str:
    case = posterior.case
    baseline = riskcast.forecast(posterior)
    rows: list[tuple[str, ...]] = []
    for name, question in QUESTIONS.items():
        change = riskcast.contrast(riskcast.forecast(posterior, name), baseline)
        scores = ", ".join(f"{case.name_of(dyad)} {signed(one.mean)}" for dyad, one in change.score.items())
        moved = [
            f"{case.events[event].label} {percent(baseline.probability(event, 'RUS-TJK').mean)}, "
            f"{signed(100 * change.probability[event, 'RUS-TJK'].mean, 0)}"
            for event in WATCHED
            if abs(change.probability[event, "RUS-TJK"].mean) >= 0.01
        ]
        rows.append((question, case.scenarios[name].label, scores, "; ".join(moved) or "none by a point"))
    return _table(("Question", "Scenario", "Scores, points", "Tajikistan: probability today, and its change"), rows)


def _placebos(posterior: riskcast.Posterior) -> str:
    rows = [
        (found.label, f"{figure(found.low, 2)} to {figure(found.high, 2)}", found.why)
        for found in find_placebos(riskcast.forecast(posterior))
    ]
    return _table(("Effect", "Rate ratio", "Why"), rows) if rows else "There is none."


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
