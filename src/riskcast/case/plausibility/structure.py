"""Parts of a case that cannot be told apart."""

from __future__ import annotations

from collections.abc import Iterator

from riskcast.case.judgements import Found, Owner
from riskcast.case.model import Case


def same_labels(case: Case) -> Iterator[Found]:
    labels: list[tuple[str, list[tuple[str, tuple[str | int, ...], str]]]] = [
        ("band", [(band.name, ("bands", i, "name"), "case") for i, band in enumerate(case.settings.bands)]),
        (
            "state",
            [
                *([] if case.settings.host is None else [(case.settings.host.name, ("host", "name"), "case")]),
                *((state.name, ("partners", i, "name"), "case") for i, state in enumerate(case.settings.partners)),
            ],
        ),
        ("memory", [(one.label, ("memories", name, "label"), "case") for name, one in case.settings.memories.items()]),
        ("event type", [(event.label, (name, "label"), "outcomes") for name, event in case.events.items()]),
        ("scenario", [(one.label, (name, "label"), "scenarios") for name, one in case.scenarios.items()]),
        ("indicator", [(one.label, (name, "label"), "indicators") for name, one in case.indicators.items()]),
    ]
    for what, found in labels:
        first: dict[str, str] = {}
        for label, path, document in found:
            # People tell labels apart by their words, not by capitals or blanks.
            words = " ".join(label.casefold().split())
            if words in first:
                owners: tuple[Owner, ...] = () if document == "case" else ((document, path[0]),)
                wrong = f"{label!r} is also what another {what} is called ({first[words]})"
                yield Found(document, path, wrong, "give each a label of its own", owners)
            else:
                first[words] = ".".join(map(str, path))


def same_edges(case: Case) -> Iterator[Found]:
    """Edges that join the same two in the same way and pull in the same direction.

    Two that pull apart are two mechanisms, such as what restrains and what provokes.
    """
    first: dict[tuple[object, ...], str] = {}
    for index, effect in enumerate(case.effects):
        acts = (effect.acts or "next") if effect.is_escalation else None
        raises = (effect.rate_ratio.center > 1) - (effect.rate_ratio.center < 1)
        edge = (
            effect.source,
            effect.target,
            effect.on,
            effect.whose,
            effect.by,
            effect.memory,
            acts,
            effect.spent,
            raises,
        )
        if edge in first and first[edge] != effect.id:
            wrong = (
                f"{effect.id} joins the same two in the same way as {first[edge]}, and both are used, one on top of "
            )
            wrong += "the other"
            mend = "keep one, or let them differ in whose, memory, acts or spent"
            yield Found("effects", (index,), wrong, mend, (("effects", index),))
        first.setdefault(edge, effect.id)


def unreached_grave(case: Case) -> Iterator[Found]:
    """A severity from which outcomes are grave that none of a dyad's own has, so that no chance of one is above 0."""
    least = case.settings.grave
    highest = max((case.events[name].severity or 0.0 for name in case.own_outcomes), default=0.0)
    if least is not None and highest < least:
        wrong = f"is {least:g}, and no outcome of a dyad's own has more than {highest:g}: a grave one has no chance"
        yield Found("case", ("grave",), wrong, "give the severity of an outcome that is grave, or remove it")


def lone_tension(case: Case) -> Iterator[Found]:
    """Tension of which only one event type, or none, has a loading: a shock of its own, by another name."""
    if case.settings.tension is None:
        return
    feeling = [name for name in case.events if (loading := case.loading(name)) is not None and loading.center > 0.0]
    if len(feeling) < 2:
        wrong = "is felt by no event type, as all loadings are 0: it changes nothing"
        if feeling:
            wrong = f"is felt by {feeling[0]} alone, and with nobody to share it says what a year's shock would say"
        yield Found("case", ("tension",), wrong, "remove it, or give other event types a loading")
