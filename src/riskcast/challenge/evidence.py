"""Forecast -> what evidence would be worth: which belief, known better, would change what one tells or does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from riskcast.case.model import Case
from riskcast.case.quantity_ids import LEVEL, parse_id
from riskcast.case.quantity_names import name_quantity
from riskcast.challenge.belief_groups import (
    Group,
    Kind,
    dyad_group,
    kind_groups,
    place_groups,
    single_groups,
    state_groups,
)
from riskcast.challenge.beliefs import drawn_beliefs, undrawn
from riskcast.challenge.loss_rules import LossRule
from riskcast.challenge.placebos import Placebo, find_placebos
from riskcast.challenge.regression import draws_needed, normal_scores, regress
from riskcast.challenge.target_draws import TargetDraws, draw_targets, name_target
from riskcast.challenge.targets import Target
from riskcast.challenge.turns import Response, Turn, respond_to
from riskcast.challenge.worth import NOTHING, Worth, conditional, judge_all, known, mean_worth
from riskcast.engines.posterior import widening
from riskcast.errors import OptionError
from riskcast.forecasting.drawn_ahead import STREAMS
from riskcast.forecasting.forecasts import Forecast
from riskcast.machinery.tables import Column, Table, to_html
from riskcast.numbers import number

if TYPE_CHECKING:
    import pandas

MOST_LISTED = 10
# What is saved of a cost that is no more than the last digits of a sum.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Belief:
    """What knowing one quantity, or several together, would do.

    kind: a `quantity`, a `place` to look (an indicator or an event type), a `kind` of beliefs, or a `state` of the
    world that no quantity is; members: ids of its quantities; basis: what a quantity rests on, as its evidence says;
    worth: by target; overall: the mean over targets; responses, turns: of one quantity, by target.
    """

    key: str
    label: str
    kind: Kind
    members: tuple[str, ...]
    basis: str
    worth: Mapping[Target, Worth]
    overall: Worth
    responses: Mapping[Target, Response]
    turns: Mapping[Target, tuple[Turn, ...]]


@dataclass(frozen=True)
class Look:
    """One place to look next: an indicator or event type, and of its quantities the one that is worth most."""

    place: Belief
    best: Belief


@dataclass(frozen=True)
class Evidence:
    """What knowing each belief of a case exactly would do to some numbers of a forecast.

    targets: the numbers, as they stand; rule: when one acts, None where none was stated; most_saved: expected loss that
    knowing all would save, by target; beliefs: every quantity, place, kind and state, from the most that it is worth;
    placebos: effects of which the whole range moves nothing, None where they were not looked for; undrawn: ids of
    quantities that are held at their medians, of which nothing can be said; unjudged: labels of beliefs that are too
    many numbers for so few draws, with the draws that they take; unsure: effects that move nothing as far as was seen,
    but are too rare, or too small, to tell.
    """

    forecast: Forecast
    targets: Mapping[Target, TargetDraws]
    rule: LossRule | None
    most_saved: Mapping[Target, float]
    beliefs: tuple[Belief, ...]
    placebos: tuple[Placebo, ...] | None
    undrawn: tuple[str, ...]
    unjudged: Mapping[str, int]
    unsure: tuple[Placebo, ...]

    @property
    def case(self) -> Case:
        """The case that is forecast."""
        return self.forecast.case

    def of_kind(self, kind: Kind) -> tuple[Belief, ...]:
        """Beliefs of one kind, from the most that they are worth."""
        return tuple(one for one in self.beliefs if one.kind == kind)

    def is_told(self, belief: Belief) -> bool:
        """Whether what a belief is worth, over all targets, can be told apart from nothing."""
        return belief.overall.explained.is_told(NOTHING)

    def saves(self, belief: Belief) -> bool:
        """Whether what it would save, over all targets, can be told apart from nothing."""
        return _saved(belief, self.rule) > 0.0

    @property
    def look_next(self) -> tuple[Look, ...]:
        """Indicators and event types that are worth most, as far as that can be told apart from nothing, with the best
        of their quantities: by loss that is saved, as far as that can be told, then by how much intervals narrow."""
        ranked = self.of_kind("quantity")
        found = []
        for place in self.of_kind("place"):
            if self.is_told(place):
                found.append(Look(place, next(one for one in ranked if one.key in place.members)))
        return tuple(found[:MOST_LISTED])

    def unit_of(self, belief: Belief) -> str:
        """The unit of a quantity; empty for what is none."""
        return name_quantity(self.case, belief.key).unit if belief.kind == "quantity" else ""

    def to_frame(self) -> pandas.DataFrame:
        """One row for each belief and target."""
        import pandas

        rows = []
        for one in self.beliefs:
            for target, worth in one.worth.items():
                numbers = (worth.narrower, worth.explained, worth.other_band, worth.saved)
                pairs = [(None, None) if known is None else (known.value, known.error) for known in numbers]
                rows.append((one.kind, one.key, one.label, target.id, *(part for pair in pairs for part in pair)))
        told = [end for name in ("narrower", "explained", "other_band", "saved") for end in (name, f"{name}_error")]
        return pandas.DataFrame(rows, columns=["kind", "belief", "label", "target", *told])

    def __repr__(self) -> str:
        first = "; ".join(
            f"{look.place.label} {number(look.place.overall.narrower.value, 1)}" for look in self.look_next
        )
        named = ", ".join(target.id for target in self.targets)
        return f"<Evidence on {named}. Look here next (points narrower): {first}>"

    def _repr_html_(self) -> str:
        rows = []
        for one in (one for kind in ("place", "quantity") for one in self.of_kind(kind) if self.is_told(one)):
            worth = one.overall
            saved = [] if worth.saved is None else [worth.saved.value if self.saves(one) else None]
            row = (one.label, one.basis, worth.narrower.value, worth.narrower.error, worth.other_band.value, *saved)
            rows.append(row)
        columns = (
            Column("belief"),
            Column("rests on"),
            Column("points narrower", form="figure", digits=1),
            Column("± MC", form="figure", digits=1),
            Column("other band", form="proportion"),
            *([] if self.rule is None else [Column("loss saved", form="figure")]),
        )
        stand = "; ".join(f"{name_target(self.case, t)} {number(d.estimate.mean, 0)}" for t, d in self.targets.items())
        note = f"Were it known exactly. Indicators and event types first, then single quantities. Now: {stand}."
        return to_html(Table("What is worth looking into", columns, rows, note=note))


def value_evidence(
    ahead: Forecast,
    of: Sequence[str] | None = None,
    *,
    rule: LossRule | None = None,
    placebos: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Evidence:
    """What knowing each quantity of a case exactly would do: to the interval and the band of scores or probabilities,
    and to what one would lose.

    `of`: targets such as `score:RUS-TJK`, `demarche` or `P(demarche by month 3)`, all scores where none are named;
    `rule`: when one acts; `placebos`: whether to look for effects that move nothing. Of a quantity phi and a number Y
    that is expected given all parameters, knowing phi leaves E[Y | phi], and the spread of Y less that around it: by
    how much the 90 % interval is narrower on average, how often the band is another, and by how much the expected loss
    min(cost, p loss) falls: the expected value of partial perfect information. Errors are those of so few draws.
    Raises OptionError and UnknownNameError for a target that is none, OptionError for a forecast that numbers from
    outside adjust.

    >>> from riskcast import fit, forecast, load_case
    >>> ahead = forecast(fit(load_case("central_asia_2024"), draws=200, prior_only=True), horizon=3)
    >>> found = value_evidence(ahead, ["score:RUS-TJK"], placebos=False)
    >>> {one.kind for one in found.beliefs} == {"quantity", "place", "kind", "state"}
    True
    """
    if ahead.outside is not None and ahead.outside.acts:
        raise OptionError("a forecast that numbers from outside adjust has no draws of its own; leave them out")
    case = ahead.case
    targets = draw_targets(ahead, of)
    beliefs = drawn_beliefs(ahead)
    bases = {one.key: "" if one.quantity.evidence is None else one.quantity.evidence.basis for one in beliefs}
    groups = [*single_groups(beliefs), *place_groups(case, beliefs), *kind_groups(case, beliefs), *state_groups(ahead)]
    found, total, unjudged = [], len(groups), dict[str, int]()
    for done, group in enumerate(groups):
        if progress is not None:
            progress(done, total)
        if len(group.values) >= (needed := draws_needed(group.values.shape[1])):
            found.append(_judge(group, targets, rule, bases.get(group.key, ""), _wider(ahead, group)))
        else:
            unjudged[group.label] = needed
    found += _own(ahead, targets, rule)
    if progress is not None:
        progress(total, total)
    telling = {one.key for one in found if one.kind == "quantity" and one.overall.explained.is_told(NOTHING)}
    # What tells of other beliefs, by way of the record, is no placebo though nothing moves with it alone.
    idle = [one for one in find_placebos(ahead, progress=progress) if one.effect not in telling] if placebos else []
    return Evidence(
        ahead,
        targets,
        rule,
        {} if rule is None else {target: rule.saved(drawn.expected) for target, drawn in targets.items()},
        tuple(sorted(found, key=lambda one: (-_saved(one, rule), -one.overall.narrower.value))),
        tuple(one for one in idle if one.is_told) if placebos else None,
        undrawn(case),
        unjudged,
        tuple(one for one in idle if not one.is_told),
    )


def _saved(one: Belief, rule: LossRule | None) -> float:
    """What knowing a belief would save, over all targets; nothing where that cannot be told from nothing."""
    saved = one.overall.saved
    return saved.value if saved is not None and rule is not None and saved.is_told(ROUNDING * rule.cost) else 0.0


def _own(ahead: Forecast, targets: Mapping[Target, TargetDraws], rule: LossRule | None) -> Iterator[Belief]:
    """What is each dyad's own, of targets that are dyads': overall the mean, with errors as if they were one."""
    own = {target: dyad_group(ahead, target.unit) for target in targets}
    judged = {
        target: _judge(group, {target: targets[target]}, rule, "", _wider(ahead, group))
        for target, group in own.items()
        if group is not None
    }
    if judged and len(judged) == len(targets):
        one = next(iter(judged.values()))
        worth = {target: found.worth[target] for target, found in judged.items()}
        yield replace(one, worth=worth, overall=mean_worth(list(worth.values())))


def _wider(ahead: Forecast, group: Group) -> float:
    """By how much errors are wider as draws that were weighed count for fewer: the root of draws over effective draws,
    of the event types that a group's quantities are of; 1 where no record teaches any of it."""
    posterior = ahead.posterior
    counts = [] if group.members else [posterior.diagnostics.ess_min]
    for found in map(parse_id, group.members):
        if found.kind is LEVEL or found.kind in STREAMS:
            continue
        own = posterior.events.get(found.target or found.name)
        counts.append(posterior.diagnostics.ess_min if own is None else own.ess)
    return widening(posterior.draws, min((count for count in counts if count >= 1.0), default=posterior.draws))


def _judge(
    group: Group, targets: Mapping[Target, TargetDraws], rule: LossRule | None, basis: str, wider: float
) -> Belief:
    drawn = list(targets.values())
    numbers = np.stack([*(one.averages for one in drawn), *(one.expected for one in drawn)], axis=1)
    fit = regress(numbers, normal_scores(group.values), len(drawn))
    wholes, parts = judge_all(drawn, fit, numbers, rule)
    responses, turns = {}, {}
    for place, (target, one) in enumerate(targets.items() if group.kind == "quantity" else ()):
        kept = conditional(one, fit, place, one.averages, one.expected)[2]
        responses[target], turns[target] = respond_to(one, fit, place, kept, group.values)
    worth = {target: known(wholes[place], parts[:, place], wider) for place, target in enumerate(targets)}
    overall = known(wholes.mean(axis=0), parts.mean(axis=1), wider)
    return Belief(group.key, group.label, group.kind, group.members, basis, worth, overall, responses, turns)
