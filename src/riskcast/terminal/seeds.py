"""What answers to seed questions earn experts, as text for a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from riskcast.experts.seed_scores import ClassicalModel
from riskcast.numbers import number, p_value, share
from riskcast.terminal.tables import ruled_table


def seeds_view(found: ClassicalModel) -> RenderableType:
    """What answers to seed questions earn each expert."""
    table = ruled_table()
    table.add_column("Expert", ratio=1, overflow="fold")
    for title in ("Within 90 %", "Calibration", "Information", "Product", "Weight"):
        table.add_column(title, justify="right", no_wrap=True)
    for score in (*found.scores, found.group, found.equal):
        weight = share(score.weight) if score in found.scores else ""
        calibration = p_value(score.calibration, "")
        caught = f"{score.caught} of {found.questions}"
        table.add_row(score.name, caught, calibration, number(score.information, 2), number(score.product, 3), weight)
    lines = [
        f"Classical model on {found.questions} seed questions (Cooke 1991), cutoff of calibration {found.cutoff:.2g}.",
        "Calibration: chance that true quantiles would fit worse. Information: nats more than an even background.",
        "Weights go as their product, and are 0 below the cutoff.",
    ]
    notes = [Text(f"NOTE: {told}", style="yellow") for told in found.told]
    return Group(*notes, table, *(Text(line, style="dim") for line in lines))
