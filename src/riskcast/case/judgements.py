"""Named judgements of plausibility: what each looks for, and whether it refuses what it finds unless that is allowed.

To add one, write what finds it in `riskcast.case.plausibility` and name it here: checks, files that say `allow:`, their
JSON Schema and the documents ask this registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Final

from pydantic import Field

from riskcast.case.registered import NameIn
from riskcast.machinery.registry import Entry, Registry

Owner = tuple[str, str | int]
WHOLE_CASE: Final[Owner] = ("case", "")
ALLOWS_NOTHING: Final = "allows-nothing"
NAMELESS: Final = "nameless-overlay"
# What was guessed where a case was read, so that whoever wrote it may not know.
OF_READING: Final = ("guessed-encoding", "other-sheets")


@dataclass(frozen=True)
class Found:
    """What a judgement has found in one place.

    document, path: a YAML file without its ending and the keys that lead there, or a table and its row and column;
    owners: the records beside which `allow:` may accept it, such as ("indicators", "mood").
    """

    document: str
    path: tuple[str | int, ...]
    wrong: str
    mend: str
    owners: tuple[Owner, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """How problems of one kind are found.

    refuses: whether a case with such a problem is refused unless it is allowed, or else told of it; finder: what finds
    it, itself or as `module:attribute`; of_scenarios: whether it takes a case and the name and record of one of its
    scenarios, or a case alone; is_slow: whether it simulates.
    """

    refuses: bool
    finder: str | Callable[..., Iterable[Found]]
    of_scenarios: bool = False
    is_slow: bool = False

    def find(self, *given: Any) -> Iterable[Found]:
        """What it finds in a case, or in one scenario of a case."""
        if not isinstance(self.finder, str):
            return self.finder(*given)
        module, _, attribute = self.finder.partition(":")
        return getattr(import_module(module), attribute)(*given)


@dataclass(frozen=True)
class Doubt:
    """Something that a case says and that can hardly be meant.

    judgement: the name by which `allow:` accepts it; refused: whether it is refused unless it is allowed; allowed:
    whether the case allows it; quantity: the id of the quantity that it is about, empty where it is about another part.

    >>> print(Doubt("tiny-step", "indicators.yaml", 12, "mood.step", "is 1e-9", "give a larger one", False, False))
    indicators.yaml:12: mood.step: is 1e-9; give a larger one [tiny-step]
    """

    judgement: str
    file: str
    line: int | None
    key: str
    wrong: str
    mend: str
    refused: bool
    allowed: bool
    quantity: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f"{self.key}: " if self.key else ""
        return f"{place}: {key}{self.wrong}; {self.mend} [{self.judgement}]"


_HERE: Final = "riskcast.case.plausibility"
_OF_CASES: Final = {
    "extreme-base-rate": ("a base rate outside the legal range", True, "limits:base_rates"),
    "extreme-ratio": ("a rate ratio outside the legal range", True, "limits:ratios"),
    "extreme-spread": ("a spread of log rates outside the legal range", True, "limits:spreads"),
    "extreme-persistence": ("a persistence outside the legal range", True, "limits:persistences"),
    "extreme-half-life": ("a half-life outside the legal range", True, "limits:half_lives"),
    "extreme-drift": ("a drift outside the legal range", True, "limits:drifts"),
    "extreme-slope": ("a parent that passes on steps outside the legal range", True, "limits:slopes"),
    "extreme-severity": ("a severity outside the legal range", True, "limits:severities"),
    "extreme-level": ("a level more than a million steps from the reference", True, "limits:levels"),
    "outside-pair": ("an event begun by a state outside its pair", True, "record:outside_pairs"),
    "wrong-side": ("an event begun by another side than its type says", True, "record:wrong_sides"),
    "same-label": ("two of a kind with one label", True, "structure:same_labels"),
    "same-edge": ("an effect listed twice under another `path`", True, "structure:same_edges"),
    "wide-spread": ("an interval so wide that it says nothing", False, "numbers:wide_spreads"),
    "strong-effect": (
        "a step that changes a rate more than twentyfold, or an event more than a thousandfold",
        False,
        "numbers:strong_effects",
    ),
    "runaway-rate": ("today's levels that change a rate more than ten-thousandfold", False, "numbers:runaway_rates"),
    "fast-drift": ("a year's drift that crosses all that the indicator can be", False, "numbers:fast_drifts"),
    "floored-drift": ("a drift smaller than what parents pass on", False, "numbers:floored_drifts"),
    "raised-fixed": ("events that raise a level which is held fixed", False, "levels:raised_fixed"),
    "lone-tension": ("tension that one event type alone feels", False, "structure:lone_tension"),
    "unreached-grave": ("a `grave` that no own outcome reaches", False, "structure:unreached_grave"),
    "steep-slope": ("a parent whose step, or an event that, passes on more than ten", False, "numbers:steep_slopes"),
    "odd-half-life": ("a half-life that leaves nothing, or forgets nothing", False, "numbers:odd_half_lives"),
    "short-burn-in": ("a rate or mean of events that the record is too short for", False, "numbers:short_burn_ins"),
    "odd-step": ("a step that does not go with what the levels span", False, "numbers:odd_steps"),
    "share-for-percent": ("0.54 where 54 is meant, or 54 for 0.54", False, "levels:shares"),
    "today-jumps": ("a level of today far from the last dated value", False, "levels:jumps_today"),
    "series-jumps": ("a value far from the one before it", False, "levels:jumps_in_series"),
    "far-level": ("a level more than 50 steps from the reference", False, "levels:far_levels"),
    "before-record": ("an event before its type's `recorded_from`", False, "record:early_events"),
    "unreached-number": ("an `at_least` that no row of the panel reaches", False, "record:unreached_numbers"),
    "outside-coverage": ("an event on a day that the record does not cover", False, "record:uncovered_events"),
    "twice-covered": ("days that two rows of coverage speak of", False, "record:twice_covered"),
    "early-source": ("sources older than what they document", False, "record:early_sources"),
    "guessed-encoding": ("a table whose encoding had to be guessed", False, "tables:guessed_encodings"),
    "other-sheets": ("a workbook with sheets that are not read", False, "tables:other_sheets"),
    "missing-mark": ("-9 or the like as a level, where it may mark a missing value", False, "tables:missing_marks"),
    "misnamed-state": ("a state's name beside the code of another", False, "states:misnamed_states"),
    "unknown-code": ("three letters that are no code, beside the name of a state", False, "states:unknown_codes"),
    "foreign-codes": (
        "a panel's ids as the Correlates of War write them, without a word of it",
        False,
        "states:foreign_codes",
    ),
    "outside-existence": (
        "events of a state before it was there, or after its end; states that are gone when they are forecast",
        False,
        "states:outside_existence",
    ),
}
_OF_SCENARIOS: Final = {
    "extreme-move": ("a scenario's factor, shift or level outside the legal range", True, "limits:moves"),
    "for-nobody": ("an assumption for no pair at all", True, "scenarios:for_nobody"),
    "drowned-move": ("a move of which another leaves nothing", True, "scenarios:drowned_moves"),
    "moved-beyond-bounds": ("a shift by more than the bounds are apart", True, "scenarios:beyond_bounds"),
    "clipped-move": ("a move that bounds cut short", False, "scenarios:clipped_moves"),
    "large-move": ("a move of more than ten steps", False, "scenarios:large_moves"),
    "moved-twice": ("moves of one indicator that meet", False, "scenarios:meeting_moves"),
    "assumed-twice": ("a pair or an event that is assumed twice", False, "scenarios:assumed_twice"),
    "empty-move": ("a move or scenario that changes nothing", False, "scenarios:empty_moves"),
    "late-move": ("a move that is not whole within the horizon", False, "scenarios:late_moves"),
    "set-share": ("a scenario that sets 0.54 where 54 is meant", False, "scenarios:set_shares"),
}
JUDGEMENTS = Registry[Judgement](
    "judgement",
    {
        **{name: Entry(about, Judgement(refuses, f"{_HERE}.{at}")) for name, (about, refuses, at) in _OF_CASES.items()},
        **{
            name: Entry(about, Judgement(refuses, f"{_HERE}.{at}", of_scenarios=True))
            for name, (about, refuses, at) in _OF_SCENARIOS.items()
        },
        "priors-exceed-record": Entry(
            "priors that expect twice the record or more",
            Judgement(False, "riskcast.verification.coverage:priors_exceed_record", is_slow=True),
        ),
        # What is allowed in vain is known only once all others are done, and no case tells what lies on top of it.
        ALLOWS_NOTHING: Entry("an `allow:` that accepts nothing", Judgement(False, lambda case: ())),
        NAMELESS: Entry("an overlay that does not say which case it was made for", Judgement(False, lambda case: ())),
    },
)

# Left out where it is empty, so that hashes of cases that allow nothing stay as they are.
Allowed = Annotated[tuple[Annotated[str, NameIn(JUDGEMENTS)], ...], Field(exclude_if=lambda names: not names)]
