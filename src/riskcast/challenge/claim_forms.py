"""The forms of assertions and of their terms, as patterns; `docs/claims.md` has a table of them."""

from __future__ import annotations

from typing import Final

_NAME, _WHO, _COUNT = r"[a-z][a-z0-9_]*", r"[A-Za-z][\w-]*", r"\d{1,12}(?:\.\d{1,12})?"
_SUBJECT = (
    rf"(?:scenario (?P<scenario>{_NAME})|"
    rf"(?:(?P<at>{_WHO}):)?(?P<subject>{_NAME})(?: (?P<steps>[-+] ?{_COUNT}) steps?)?)"
)
_OBJECT = rf"(?:the score(?: of (?P<whose>{_WHO}))?|(?:(?P<whom>{_WHO}):)?(?P<object>{_NAME}))"
_SIZE = rf"(?: by at least (?P<size>{_COUNT})(?: ?(?P<unit>%|[a-z]+))?)?"
_VERB = r"(?P<verb>raises|lowers)"
_THROUGH = r"(?: through (?P<path>\w+))?"
_LIST = rf"(?:{_NAME}|\({_NAME}(?:, ?{_NAME})*\))"

SHARES: Final = {"half of": 1 / 2, "a third of": 1 / 3, "a quarter of": 1 / 4, "a tenth of": 1 / 10, "twice": 2.0}
SHARE: Final = rf"(?P<share>half of|a third of|a quarter of|a tenth of|twice|{_COUNT}(?:/{_COUNT})? (?:times|of))"

RATE: Final = rf"(?P<subject>{_NAME}) {_VERB} the rate of (?P<object>{_NAME}){_THROUGH}{_SIZE}"
MORE: Final = rf"{_SUBJECT} {_VERB} {_OBJECT} more in (?P<one>{_WHO}) than (?:in (?P<two>{_WHO})|elsewhere)"
CHANGE: Final = rf"{_SUBJECT} {_VERB} {_OBJECT}{_SIZE}"
ALONE: Final = rf"{_SUBJECT} leaves {_OBJECT} alone"
MEMORY: Final = (
    rf"(?P<subject>{_NAME})(?: up:)? (?P<verb>shortens|lengthens|shorter|longer)(?: the)? memory of "
    rf"(?P<object>{_NAME}){_SIZE}"
)
ENDS: Final = rf"(?P<object>{_NAME}) ends (?P<subject>{_NAME})"
BOTH_WAYS: Final = rf"(?P<subject>{_NAME}) works both ways"
OUTWEIGH: Final = rf"in (?P<whom>{_WHO}),? (?P<one>{_LIST}) outweighs? (?P<two>{_LIST})"
ADDS: Final = rf"(?P<one>{_LIST}) (?:(?P<adds>adds?) to|takes? from) the score of (?P<whom>{_WHO}){_SIZE}"
FALLS: Final = (
    rf"(?P<query>P\(.*\)) (?P<verb>falls below|rises above)(?: {SHARE})? (?P<period>\w+) (?P<first>\d+) "
    r"by (?P=period) (?P<last>\d+)"
)

CHANCE: Final = r"P\(.*\)"
SCORE: Final = rf"(?:the )?score(?: of (?P<whom>{_WHO}))?"
LEVEL: Final = rf"(?:the )?level of (?:(?P<whom>{_WHO}):)?(?P<name>{_NAME})"
REFERENCE: Final = rf"(?:the )?reference of (?P<name>{_NAME})"
BASE: Final = rf"(?:the )?base rate of (?P<name>{_NAME})"
HALF_LIFE: Final = rf"(?:the )?half-life of (?P<memory>{_NAME})(?: of (?P<name>{_NAME}))?"
RECORDS: Final = (
    rf"(?:the )?records? of (?:(?P<whom>{_WHO}):)?(?P<name>{_NAME}) "
    r"from (?P<first>[\d-]+)(?: to (?P<last>[\d-]+))?"
)
EFFECT: Final = rf"(?:the )?effect of (?P<subject>{_NAME}) on (?P<object>{_NAME}){_THROUGH}"
CONTRIBUTION: Final = rf"(?:the )?contribution of (?P<one>{_LIST}) to (?P<whom>{_WHO})"
NUMBER: Final = rf"(?P<value>-?{_COUNT})(?P<unit> ?%.*| \S.*)?"

KNOWN_TERMS: Final = (
    "P(...), score of, level of, reference of, base rate of, half-life of, records of, effect of, contribution of, or "
    "a number"
)
EXAMPLES: Final = (
    "xenophobia +1 step raises TJK:abuse_incident",
    "P(TJK:demarche in month 6) < P(TJK:demarche in month 1)",
    "labour_shortage shortens the memory of mass_expulsion",
)
