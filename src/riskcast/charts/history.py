"""How scores went -> Altair charts: one dyad's score over time with its interval, before those of the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from riskcast.charts.canvas import Width, band_ranges, finish, plot, tips
from riskcast.charts.theme import LIGHT, Palette
from riskcast.numbers import between, percent, short_date
from riskcast.verification.history_records import DyadHistory, ScoreHistory

if TYPE_CHECKING:
    import altair as alt

HEIGHT: Final = 240
# Lines of other dyads behind the chosen one: with more, none can be told apart.
MOST_OTHERS: Final = 8


def history_chart(
    history: ScoreHistory, dyad: str | None = None, *, width: Width = "container", palette: Palette = LIGHT
) -> alt.LayerChart:
    """A dyad's score as of every day of a history, with its 90 % interval, before those of the others; that of the
    highest score today where none is given. Rules stand where bands begin.

    Raises UnknownNameError for a dyad that the history does not hold.
    """
    import altair as alt

    own = history.ranked[0] if dyad is None else history.of(dyad)
    others = [one for one in history.ranked if one.dyad != own.dyad][:MOST_OTHERS]
    case = history.case
    name = case.name_of(own.dyad)
    mine = _rows(own, name)
    top = max([row["high"] for row in mine] + [row["score"] for one in others for row in _rows(one, "")], default=100.0)
    limit = min(100.0, 10.0 * math.ceil((top + 1.0) / 10.0))
    domain = [history.days[0].isoformat(), history.days[-1].isoformat()]
    ticks = alt.Axis(grid=False, tickCount=6, labelFlush=True, format="%b %Y")
    x = alt.X("day:T", title=None, scale=alt.Scale(type="utc", domain=domain, nice=False), axis=ticks)
    scale = alt.Scale(domain=[0, limit], nice=False)

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5, grid=False))

    starts = [{"start": low, "band": band} for band, (low, _) in band_ranges(case).items() if 0 < low < limit]
    layers = []
    if starts:
        lines = plot(starts)
        layers.append(lines.mark_rule(color=palette.grid, strokeWidth=1).encode(y=y("start")))
        layers.append(
            lines.mark_text(color=palette.muted, align="left", baseline="bottom", dx=4, fontSize=11, x=0).encode(
                y=y("start"), text="band:N"
            )
        )
    behind = [{**row, "dyad": one.dyad} for one in others for row in _rows(one, case.name_of(one.dyad))]
    if behind:
        grey = plot(behind).mark_line(color=palette.rule, strokeWidth=1.2, opacity=0.7)
        layers.append(grey.encode(x=x, y=y("score"), detail="dyad:N", tooltip=tips(label="pair")))
    curve = plot(mine)
    layers += [
        curve.mark_area(color=palette.model, opacity=0.16).encode(x=x, y=y("low"), y2="high:Q"),
        curve.mark_line(color=palette.model, strokeWidth=2.2).encode(x=x, y=y("score")),
        curve.mark_point(color=palette.model, filled=True, size=26, opacity=1).encode(
            x=x, y=y("score"), tooltip=tips(label="pair", when="as of", text="score", interval="90 % interval")
        ),
    ]
    share = "" if own.percentile is None else f", above {percent(own.percentile)} of earlier days"
    grey_words = "; grey: the other pairs" if behind else ""
    return finish(
        layers,
        palette=palette,
        width=width,
        height=HEIGHT,
        title=f"How the score went: {name}",
        subtitle=f"score as of each day, from what was known then{grey_words}",
        description=(
            f"Score of {name} from {short_date(own.days[0])} to {short_date(own.days[-1])}: "
            f"{own.today.mean:.0f} today ({between(own.today)}){share}."
        ),
    )


def _rows(own: DyadHistory, label: str) -> list[dict[str, Any]]:
    """The days on which a dyad was forecast."""
    return [
        {
            "day": day.isoformat(),
            "when": short_date(day),
            "label": label,
            "score": score,
            "low": low,
            "high": high,
            "text": f"{score:.1f}",
            "interval": f"{low:.0f}–{high:.0f}",
        }
        for day, score, low, high in zip(own.days, own.score.tolist(), own.low.tolist(), own.high.tolist(), strict=True)
        if math.isfinite(score)
    ]
