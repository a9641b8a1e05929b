"""Words and signs of queries, and what to say of those that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from riskcast.errors import RiskcastError, shorten

TOKEN: Final = re.compile(
    r"\s*(?:(?P<date>\d{4}-\d{2}-\d{2})|(?P<number>\d+(?:\.\d+)?)|(?P<word>[^\W\d][\w]*(?:-[^\W\d]\w*)*)"
    r"|(?P<sign>>=|<=|≥|≤|>|<|[-()|:,−]))"
)
SIGNS: Final = {"≥": ">=", "≤": "<=", "−": "-"}
WORDS: Final = frozenset(
    ("and", "or", "not", "given", "by", "in", "from", "to", "within", "after", "before", "of", "at")
)
MOST_CHARACTERS: Final = 2000


class QueryError(RiskcastError, ValueError):
    """A query that cannot be read; tells the column, what is wrong there and how to mend it."""

    def __init__(self, text: str, column: int, wrong: str) -> None:
        self.column, self.wrong = column, wrong
        shown = shorten(text, MOST_CHARACTERS)
        super().__init__(f"the query cannot be read: column {column}: {wrong}\n  {shown}\n  {' ' * (column - 1)}^")


@dataclass(frozen=True)
class Token:
    """One word or sign of a query, and the column in which it begins, counted from 1."""

    kind: str
    text: str
    column: int


def split(text: str) -> list[Token]:
    """The words and signs of a query, and its end; raises QueryError for what is neither.

    >>> [token.text for token in split("P(note by month 3)")]
    ['P', '(', 'note', 'by', 'month', '3', ')', '']
    """
    if len(text) > MOST_CHARACTERS:
        raise QueryError(text, 1, f"it has {len(text):,} characters; ask with at most {MOST_CHARACTERS:,}")
    return list(_split(text))


def _split(text: str) -> Iterator[Token]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = TOKEN.match(text, place)
        if found is None:
            column = place + len(text[place:]) - len(text[place:].lstrip()) + 1
            raise QueryError(text, column, f"{shorten(repr(text[column - 1]))} has no meaning here; remove it")
        kind = str(found.lastgroup)
        said = found[kind]
        yield Token(kind, SIGNS.get(said, said), found.start(kind) + 1)
        place = found.end()
    yield Token("end", "", end + 1)


def quoted(token: Token) -> str:
    """A word or sign as messages show it."""
    return "the end" if token.kind == "end" else f"`{shorten(token.text, 60)}`"
