"""One family of errors: every message says what is wrong, where, and how to mend it."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_SHOWN = 50
DEBUG = "RISKCAST_DEBUG"
# What moves a cursor or turns the direction of writing: Unicode's controls but tab and line feed, halves of characters,
# embeddings, overrides, isolates, and the two that no XML may hold, which end the process of whoever draws them. Marks
# of direction and joiners stay, as some scripts are not written without them.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


class RiskcastError(Exception):
    """Base of everything that riskcast raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in one place of one file.

    >>> print(Problem("outcomes.yaml", 12, "demarche.severity", "is 120", "give a number from 0 to 100"))
    outcomes.yaml:12: demarche.severity: is 120; give a number from 0 to 100
    """

    file: str
    line: int | None
    key: str
    wrong: str
    mend: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f"{shorten(self.key, 150)}: " if self.key else ""
        return f"{place}: {key}{shorten(self.wrong)}; {shorten(self.mend)}"


class CaseError(RiskcastError, ValueError):
    """A case, overlay or record that cannot be used; carries the problems found, and shows the first of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        shown = [str(problem) for problem in self.problems[:MOST_SHOWN]]
        if len(self.problems) > MOST_SHOWN:
            shown.append(f"... and {len(self.problems) - MOST_SHOWN} more")
        super().__init__("\n".join(shown))


def refusal(file: str, wrong: str, mend: str, line: int | None = None, key: str = "") -> CaseError:
    """The error of one problem of a file.

    >>> raise refusal("outcomes.yaml", "is empty", "write at least one entry", line=1)
    Traceback (most recent call last):
    riskcast.errors.CaseError: outcomes.yaml:1: is empty; write at least one entry
    """
    return CaseError([Problem(file, line, key, wrong, mend)])


class UnknownNameError(RiskcastError, LookupError):
    """A name that is not among those it can be; suggests the nearest.

    >>> print(UnknownNameError("scenario", "second_atack", ["baseline", "second_attack"]))
    unknown scenario 'second_atack'; did you mean 'second_attack'? (known: baseline, second_attack)
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = list(known)
        super().__init__(f"unknown {kind} {shorten(repr(name))}; {suggest(name, known)}")


class OptionError(RiskcastError, ValueError):
    """An option or argument outside what it may be."""


class UnreliablePosteriorError(RiskcastError, RuntimeError):
    """A posterior that failed its health checks and may not be used as it is."""


def wants_traceback() -> bool:
    """Whether whoever runs riskcast asked for the traceback of what it did not foresee: RISKCAST_DEBUG is set."""
    return bool(os.environ.get(DEBUG))


def unforeseen(error: BaseException) -> str:
    """What riskcast says of an error that it did not foresee, so that nobody has to read a traceback.

    >>> unforeseen(ZeroDivisionError("division by zero")).partition(". ")[0]
    'this is a fault of riskcast, not of yours: ZeroDivisionError (division by zero)'
    """
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; ask for fewer draws (--draws) or a shorter horizon"
    if isinstance(error, RecursionError):
        return "something is nested too deeply to be read; look for a list within a list, over and over, in your files"
    said = f" ({shorten(str(error), 200)})" if str(error) else ""
    return (
        f"this is a fault of riskcast, not of yours: {type(error).__name__}{said}. No number was given. Report it "
        f"{_where_to_report()}: what you did, your files, what it says with {DEBUG}=1, and this: {_where_it_runs()}"
    )


def _where_to_report() -> str:
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        named = metadata("riskcast").get_all("Project-URL") or []
    except PackageNotFoundError:
        named = []
    places = {name.strip().lower(): place.strip() for name, _, place in (each.partition(",") for each in named)}
    found = next((places[name] for name in ("issues", "bug tracker", "tracker", "bugs") if name in places), None)
    return f"at {found}" if found else "to whoever you have riskcast from"


def _where_it_runs() -> str:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    try:
        ours = version("riskcast")
    except PackageNotFoundError:
        ours = "(not installed)"
    return f"riskcast {ours}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def suggest(name: str, known: Iterable[str], most: int = 12) -> str:
    """Name the nearest known name, by its letters or as a part of it, and list the known ones.

    >>> suggest("sevrity", ["label", "severity"])
    "did you mean 'severity'? (known: label, severity)"
    >>> suggest("expulsion", ["mass_expulsion", "rupture"])
    "did you mean 'mass_expulsion'? (known: mass_expulsion, rupture)"
    """
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    near = near or [each for each in known if name and name.lower() in each.lower()]
    listed = ", ".join(known[:most]) + (", ..." if len(known) > most else "")
    hint = f"did you mean {near[0]!r}? " if near else "use one of the known names "
    return f"{hint}(known: {listed})" if known else f"{hint}(none is known)"


def show(value: object, most: int = 60) -> str:
    """A value as a message shows it, in short; Python refuses to write numbers of more than 4300 digits.

    >>> show("30 %"), show(10**5000)
    ("'30 %'", 'a int too large to show')
    """
    try:
        return shorten(repr(value), most)
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} too large to show"


def shorten(text: str, most: int = 400) -> str:
    """One printable line of at most so many characters, whatever a file contained.

    >>> shorten("a\\nb"), shorten("abcdef", most=4)
    ('a\\\\nb', 'abc…')
    """
    text = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def visible(text: str) -> str:
    r"""A text in which nothing acts that cannot be seen: what a terminal or a page would obey is shown as its escape.

    >>> print(visible("red \x1b[31m, turned \u202eround, ordinary ä"))
    red \x1b[31m, turned \u202eround, ordinary ä
    """
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text.replace("\r\n", "\n"))
