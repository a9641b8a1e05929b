"""Streamlit's Markdown: markup is what the app's own templates hold, and every value in them stands as it is written.

Streamlit draws nearly every text as GitHub's Markdown with additions of its own (see `st.markdown`): directives such as
`:red[…]` and `:small[…]`, icons, emoji by name, formulas between dollar signs, arrows.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from numbers import Number
from typing import Any, LiteralString, Self

import riskcast

# A directive without words: it draws nothing, and parts two characters that would mean something together. Where markup
# is looked for in words that have been read already, as addresses and emoji are, a backslash is no help.
NOTHING = ":small[]"
_SPACE = re.compile(r"[ \t\n\r\f\v\x1c-\x1f\x85\u2028\u2029]+")
_MARKUP = re.compile(
    r"""
    (?P<arrow> (?<!\S) (?:<->|->|<-|--|>=|<=|~=) (?!\S) )
    | (?P<address> https?(?=://) | www(?=\.) | (?<=[-.\w+])@(?=[-\w]+\.) )
    | (?P<icon> : (?=(?!\d+:)[\w+-]+:|100:|1234:|material/) )
    | (?P<sign> [\\`*\[\]~|$\{] | (?<![^\W_])_|_(?![^\W_]) | <(?=[a-z/!?]) | :(?=[^\W\d]|:|\d+[-<>~]) | &(?=\#?\w+;) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
# What would begin a heading, a quotation, an item of a list, or a line: after it, a backslash.
_START = re.compile(r"\ ?(?: (?=[#>] | [-+](?:\ |$) | =+\ ?$ | -[-\ ]*$) | \d{1,9}(?=[.)](?:\ |$)) )", re.VERBOSE)


class Markdown(str):
    """A text in which markup counts: a template of the app's own, with values in its fields that stand as words.

    >>> Markdown("**{}** scores {:.0f}", "A *very* bold one", 41.7)
    '**A \\\\*very\\\\* bold one** scores 42'
    """

    __slots__ = ()

    def __new__(cls, template: LiteralString, *values: Any, **named: Any) -> Self:
        """Fill the template's fields, as `str.format` does."""
        fields = {name: _field(value) for name, value in named.items()}
        return super().__new__(cls, template.format(*map(_field, values), **fields))

    def __add__(self, other: str) -> Markdown:
        return _marked(str(self) + str(escape(other)))

    def __radd__(self, other: str) -> Markdown:
        return _marked(str(escape(other)) + str(self))


def escape(words: object) -> Markdown:
    """Words of anybody, so that Markdown shows them as they are written, in one line.

    >>> print(escape("![a](http://x.example) :red[b] $c$ <b> 1_000 | a@b.example :smile:"))
    !\\[a\\](http:small[]://x.example) \\:red\\[b\\] \\$c\\$ \\<b> 1_000 \\| a@:small[]b.example \\::small[]smile:
    """
    if isinstance(words, Markdown):
        return words
    text = _MARKUP.sub(_escaped, _SPACE.sub(" ", riskcast.visible(str(words))))
    begin = _START.match(text)
    if begin is not None:
        text = f"{begin[0]}\\{text[begin.end() :]}"
    # Beside a blank, what makes letters bold would not be read as such.
    return _marked(re.sub("^ | $", "&#32;", text))


def lines(parts: Iterable[str]) -> Markdown:
    """Texts one below the other; those that are no Markdown are escaped."""
    return _marked("\n".join(str(escape(part)) for part in parts))


def code(words: str) -> Markdown:
    """Words in letters of one width, as they are written.

    >>> print(code("a `b`"), code("c"))
    `` a `b` `` `c`
    """
    text = _SPACE.sub(" ", riskcast.visible(words)).strip(" ")
    # Streamlit looks for the names of icons in code too.
    return _marked(NOTHING.join(_fenced(part) for part in re.split("(?<=:)(?=material/)", text) if part))


def link(words: str, address: str | None) -> Markdown:
    """Words that lead to an address where `riskcast.followed` lets them; else with the address beside them, to copy."""
    leads = riskcast.followed(address)
    if leads is not None:
        return _marked(f"[{escape(words)}]({re.sub('&(?=#?[a-zA-Z0-9]+;)', '%26', leads)})")
    is_of_web = address is not None and address.lower().startswith(("https://", "http://"))
    return Markdown("{} ({})", words, code(address)) if is_of_web else escape(words)


def _fenced(text: str) -> str:
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{room}{text}{room}{fence}"


def _field(value: Any) -> Any:
    """A value as a template takes it: numbers and days as they are, so that they can be formatted."""
    return value if isinstance(value, Number | dt.date) else str(escape(value))


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    if found["address"]:
        return text + NOTHING
    if found["arrow"]:
        return NOTHING.join(f"\\{sign}" for sign in text)
    return f"\\{text}{NOTHING}" if found["icon"] else f"\\{text}"


def _marked(text: str) -> Markdown:
    return str.__new__(Markdown, text)
