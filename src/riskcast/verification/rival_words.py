"""What riskcast's scores beside those of its rivals mean, in words and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskcast.machinery.tables import Cell, Column, Table
from riskcast.numbers import NOTHING, counted, has_ends, number, share, skill as skill_text
from riskcast.verification.evaluation import FEW_DYADS, FEW_YEARS, Evaluation
from riskcast.verification.forecasters import MODEL, POOL, forecaster_label
from riskcast.verification.rival_scores import LEAST_YEARS, Paired, RivalScore

US = forecaster_label(MODEL)


def rivals_in_words(evaluation: Evaluation, period: str) -> tuple[str, ...]:
    """How an expert reads the scores beside rivals, sentence by sentence; none where no rival forecast.

    Who leads, by how much, and whether chance alone could do it; at which steps of the horizon; whether the Brier score
    agrees; what the pool adds, and what it leans on; how far intervals can be trusted. period: that of the case.
    """
    rivals = {name: scores for name, scores in evaluation.rivals.items() if name != POOL}
    told = []
    if rivals:
        best = min(rivals.values(), key=lambda scores: scores[0].log_score)[0]
        told += [_lead(best, [scores[0] for scores in rivals.values()])]
        told += [_by_step(rivals, period)] if len(next(iter(rivals.values()))) > 1 else []
        told += _by_brier(best)
    if POOL in evaluation.rivals:
        told.append(_pool(evaluation.rivals[POOL][0], evaluation.pool_weights))
    return (*told, *_limits(next(iter(evaluation.rivals.values()))[0])) if told else ()


def _lead(best: RivalScore, all_scores: Sequence[RivalScore]) -> str:
    """Who leads over the whole horizon, by how much, and from whom it can be told apart."""
    skill, name = best.log_skill, forecaster_label(best.forecaster)
    rank = f", the best of {len(all_scores)} rivals" if len(all_scores) > 1 else ""
    how = f"{_size(skill.value)} {'higher' if skill.value < 0 else 'lower'} than that of {name}{rank} ({_spans(skill)})"
    chance = "" if best.is_told else " That may be chance."
    told = [one for one in all_scores if one is not best and one.is_told]
    parts = []
    for word, sign in (("better", 1.0), ("worse", -1.0)):
        names = [forecaster_label(one.forecaster) for one in told if one.log_skill.value * sign > 0]
        parts += [f"{word} than {_listed(names)}"] if names else []
    others = f" It is {' and '.join(parts)} by more than chance would do." if parts else ""
    return f"{US} {'trails' if skill.value < 0 else 'leads'}: its log score is {how}.{chance}{others}"


def _by_step(rivals: Mapping[str, Sequence[RivalScore]], period: str) -> str:
    """At which steps the model is ahead of the rival that is best there."""
    ahead: list[str] = []
    behind: list[str] = []
    unsure = False
    count = len(next(iter(rivals.values())))
    for place in (*range(1, count), 0):
        best = min((scores[place] for scores in rivals.values()), key=lambda one: one.log_score)
        unsure |= not best.is_told
        skill = f"{skill_text(best.log_skill.by_dyads)[0]}{'' if best.is_told else '?'}"
        told = f"{_within(best, period)} ({skill} on {forecaster_label(best.forecaster)})"
        (behind if best.log_skill.value < 0 else ahead).append(told)
    parts = [f"{word} within {_listed(steps)}" for word, steps in (("ahead", ahead), ("behind", behind)) if steps]
    doubt = " A question mark: that may be chance." if unsure else ""
    return f"Step by step, against the rival that is best there, {US} is {', and '.join(parts)}.{doubt}"


def _by_brier(best: RivalScore) -> list[str]:
    """Whether the Brier score says the same of the rival that is best by log score."""
    skill = best.brier_skill
    if (skill.value > 0) == (best.log_skill.value > 0):
        return []
    place = f"{_size(skill.value)} {'lower' if skill.value > 0 else 'higher'} than that of"
    told = f"By the Brier score it is the other way round: that of {US} is {place} {forecaster_label(best.forecaster)}"
    if not best.tells(skill):
        return [f"{told}, which may be chance."]
    return [f"{told}; so the order rests on how probabilities near 0 and 1 are weighed."]


def _pool(score: RivalScore, weights: Mapping[str, float]) -> str:
    """What the pool adds to the model, and what it leans on."""
    skill = score.log_skill
    leans = [f"{forecaster_label(name)} {share(weight)}" for name, weight in weights.items()]
    lean = f" At the last origin it weighs {_listed(leans)}." if leans else ""
    found = f"The log score of {US} is {_size(skill.value)} {'higher' if skill.value < 0 else 'lower'} than that of "
    if skill.value >= 0:
        knows = "rivals add nothing to it here"
    else:
        knows = "rivals know something that it does not" if score.is_told else "what rivals add may be chance"
    return f"{found}its {forecaster_label(POOL)} ({_spans(skill)}): {knows}.{lean}"


def _limits(score: RivalScore) -> list[str]:
    """How far intervals can be trusted."""
    few = [counted(score.dyads, "dyad")] if score.dyads < FEW_DYADS else []
    few += [counted(score.years, "year")] if score.years < FEW_YEARS else []
    if score.years < LEAST_YEARS:
        return [f"Only {' and '.join(few)}: too few to tell anybody apart."]
    return [f"Only {' and '.join(few)}: intervals from so few are likely too narrow."] if few else []


def _spans(skill: Paired) -> str:
    """Both intervals of a skill."""
    ways = (("dyads", skill.by_dyads), ("years", skill.by_years))
    known = [f"{skill_text(one)[1]} over {name}" for name, one in ways if has_ends(one)]
    missing = [name for name, one in ways if not has_ends(one)]
    lacks = [f"no interval over {' or '.join(missing)}"] if missing else []
    return ", ".join([f"skill, 90 %: {known[0]}", *known[1:], *lacks] if known else lacks)


def rivals_table(evaluation: Evaluation) -> Table:
    """Scores of every rival on the whole horizon, and by how much the model is below them."""
    scores = [own[0] for own in evaluation.rivals.values()]
    lowest = min([scores[0].model_log_score, *(one.log_score for one in scores)])
    first = scores[0]
    rows: list[tuple[Any, ...]] = [
        (
            Cell(US, "", "first"),
            Cell(first.model_log_score, mark="best" if first.model_log_score == lowest else ""),
            None,
            None,
            None,
            first.model_brier,
            None,
            None,
            None,
        )
    ]
    rows += [
        (
            forecaster_label(one.forecaster),
            Cell(one.log_score, mark="best" if one.log_score == lowest else ""),
            *_skill_cells(one, one.log_skill),
            one.brier,
            *_skill_cells(one, one.brier_skill),
        )
        for one in scores
    ]
    kinds = ("skill", "over dyads", "over years")
    columns = (
        Column("Forecaster"),
        Column("Log score", form="figure", digits=4),
        *(Column(f"Log {name}", form="figure") for name in kinds),
        Column("Brier", form="figure", digits=4),
        *(Column(f"Brier {name}", form="figure") for name in kinds),
    )
    return Table(f"{_size_of(first)}. {_about(len(scores) * 4)}", columns, rows)


def steps_table(evaluation: Evaluation, period: str) -> Table:
    """Scores of the model and of every rival within each step of the horizon, one step below the other."""
    several = list(evaluation.rivals.values())
    rows: list[tuple[Any, ...]] = []
    for place in range(1, len(several[0])):
        here = [scores[place] for scores in several]
        came = f"{here[0].events:,} of {here[0].forecasts:,} came true"
        ours = Cell(f"{US}, {_within(here[0], period)}", came, "first")
        rows.append((ours, here[0].model_log_score, "", "", ""))
        rows += [(forecaster_label(one.forecaster), one.log_score, *_skill_cells(one, one.log_skill)) for one in here]
    columns = (
        Column("Forecaster"),
        Column("Log score", form="figure", digits=4),
        *(Column(name, form="figure") for name in ("Log skill", "Over dyads", "Over years")),
    )
    about = "Chances of at least one event within so many periods, each learned for itself."
    return Table(f"{about} {_about(2 * sum(len(scores) - 1 for scores in several))}", columns, rows)


def _skill_cells(score: RivalScore, skill: Paired) -> tuple[Cell | str, ...]:
    """A skill, and its intervals over dyads and over years."""
    mark = ("good" if skill.value > 0 else "bad") if score.tells(skill) else ""
    value, over_dyads = skill_text(skill.by_dyads)
    return Cell(value, mark=mark), over_dyads or NOTHING, skill_text(skill.by_years)[1] or NOTHING


def _about(intervals: int) -> str:
    missed = f"Of {intervals} such intervals about {max(1, round(intervals / 10))} will miss by chance."
    return (
        f"Skill: by how much the score of {US} is below that of the rival, in per cent, with 90 % intervals from dyads "
        f"and from years drawn again and again. {missed}"
    )


def _size_of(score: RivalScore) -> str:
    return f"{score.forecasts:,} forecasts, {score.events:,} came true, over {counted(score.years, 'year')}"


def _size(value: float) -> str:
    return f"{number(100 * abs(value), 1)} %"


def _within(score: RivalScore, period: str) -> str:
    return "the horizon" if score.step is None else counted(score.step, period)


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
