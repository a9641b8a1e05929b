"""Values that somebody might write and nobody can mean, and how they get into trees, tables and texts."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, 2, 0.5, -0.0, 1e-300, 5e-324, 1e300, 1e12, -1e12, 10**30, 2**63, 1e-9, 99.9, 100, 101, 0.999999),
    *(float("inf"), float("-inf"), float("nan")),
)
TEXTS = (
    *(
        "",
        " ",
        "x",
        "NA",
        "nan",
        ".",
        "-9",
        "1e999",
        "1,5",
        "1 000",
        "12 %",
        "\u0661\u0662",
        "½",
        "yes",
        "TRUE",
        "null",
    ),
    *("\u202e rtl", "a\u0000b", "\U0001f642", "a" * 3000, "..", "../../etc/passwd", "<b>", "=1+1", "{{7*7}}", "a: b"),
    *("![x](http://127.0.0.1:9/x.png)", "[red]x[/red]", "$\\frac{1}{2}$", "\u00a0", "\u200b", "“x”", "#", "|", "-"),
    *("AAA", "HHH", "BBB", "HHH-AAA", "AAA-HHH", "ALL", "other", "mood", "trade", "spark", "protest", "decree", "fast"),
    *("baseline", "month", "log", "logit", "dyad", "host", "survey", "series", "panel", "value", "median", "interval"),
    *("2020-02-30", "2016-02-29", "0001-01-01", "9999-12-31", "2020-01-01T00:00:00", "2019", "2019-13", "06.05.2019"),
)
TREES: tuple[Any, ...] = (
    *(None, True, False, [], {}, [1], [2, 1], [1, 1], ["x"], [[]], {"x": 1}, {"median": 1}, {"value": 0}),
    *({"value": 0.5}, {"median": 1, "interval": [1, 1e300]}, {"median": 0.5, "interval": [1e-300, 0.9]}),
    *({"median": 0.5, "interval": [0.4, 0.6]}, {"median": 3, "interval": [2, 4]}, {"median": 50, "interval": [40, 99]}),
)
MARKS = (
    *":{}[]&*!|>-#'\"%@`\t\r?~,\\=;",
    *("\x85", "\u2028", "\ufeff", "\x00", "\u200b", "\u00a0", "<<", "--- ", "...", "\n", "\n\n", "'''", "&a [*a]"),
)


def anything(chance: Random) -> Any:
    """A value of any kind, often a number near a sensible one."""
    kind = chance.random()
    if kind < 0.25:
        return chance.choice(NUMBERS)
    if kind < 0.4:
        return round(chance.uniform(-200, 200), chance.randrange(4))
    if kind < 0.75:
        return chance.choice(TEXTS)
    return copy.deepcopy(chance.choice(TREES))


def cell(chance: Random) -> str:
    """The text of a cell."""
    return str(anything(chance))


def bend(tree: Any, chance: Random) -> Any:
    """A tree with one place changed: another value, a part moved, doubled or gone, or one under another name."""
    tree = copy.deepcopy(tree)
    places = list(_places(tree))
    if not places:
        return anything(chance)
    numbers = [(holder, key) for holder, key in places if _is_number(holder[key])]
    if numbers and chance.random() < 0.5:
        holder, key = chance.choice(numbers)
        holder[key] = chance.choice((stretched(holder[key], chance), chance.choice(NUMBERS)))
        return tree
    holder, key = chance.choice(places)
    turn = chance.random()
    if turn < 0.55:
        holder[key] = anything(chance)
    elif turn < 0.65:
        del holder[key]
    elif turn < 0.75:
        other, elsewhere = chance.choice(places)
        holder[key] = copy.deepcopy(other[elsewhere])
    elif turn < 0.85 and isinstance(holder, dict):
        holder[str(chance.choice(TEXTS))] = copy.deepcopy(holder[key])
    elif isinstance(holder, list):
        holder.insert(chance.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
    else:
        holder[key] = anything(chance)
    return tree


def stretched(number: float, chance: Random) -> float:
    """A number that is larger or smaller, now and then by far, or on the other side of zero."""
    factor = chance.choice((-1, 1e-6, 0.01, 0.5, 0.9, 0.999, 1.001, 1.1, 2, 3, 10, 1000))
    try:
        return type(number)(number * factor)
    except (OverflowError, ValueError):
        return 0


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def smudge(text: str, chance: Random) -> str:
    """A text with one place changed: a mark put in, a piece cut out, a line doubled or moved."""
    turn, lines = chance.random(), text.split("\n")
    place = chance.randrange(len(text) + 1)
    if turn < 0.4:
        return text[:place] + chance.choice(MARKS) + text[place:]
    if turn < 0.6:
        return text[:place] + text[place + chance.randrange(1, 30) :]
    if turn < 0.8:
        line = chance.randrange(len(lines))
        lines.insert(chance.randrange(len(lines)), chance.choice((lines[line], lines[line].strip(), " " + lines[line])))
        return "\n".join(lines)
    words = text.split(" ")
    words[chance.randrange(len(words))] = cell(chance)
    return " ".join(words)


def _places(tree: Any) -> Any:
    """Every container of a tree with every key or index in it."""
    parts = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    for key, part in parts:
        yield tree, key
        yield from _places(part)
