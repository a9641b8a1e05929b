"""Uploaded cases, kept by name and hash while the app runs, so that an address of one leads back to it."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import streamlit as st

import riskcast

MOST_BYTES = 200_000_000
DIGITS = 16


class KeptCases:
    """Cases with the size of the files that they came from; those looked at last stay.

    >>> kept = KeptCases(most_bytes=10)
    >>> case = riskcast.load_case("central_asia_2024")
    >>> kept.keep(case, 6)
    >>> kept.find(case.name, short_hash(case)).hash == case.hash, kept.find("other", short_hash(case))
    (True, None)
    >>> kept.keep(case.revised(name="second"), 6)
    >>> kept.find(case.name, short_hash(case)) is None
    True
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._cases: OrderedDict[tuple[str, str], tuple[riskcast.Case, int]] = OrderedDict()
        self._most = most_bytes
        # Sessions run in threads of one process.
        self._lock = Lock()

    def keep(self, case: riskcast.Case, size: int) -> None:
        """Keep a case that came from files of so many bytes, in place of those not looked at for longest."""
        with self._lock:
            self._cases[case.name, short_hash(case)] = case, size
            self._cases.move_to_end((case.name, short_hash(case)))
            while len(self._cases) > 1 and sum(size for _, size in self._cases.values()) > self._most:
                self._cases.popitem(last=False)

    def find(self, name: str, digits: str) -> riskcast.Case | None:
        """The case of a name and of the first digits of a hash, as `short_hash` gives them."""
        with self._lock:
            found = self._cases.get((name, digits))
            if found is not None:
                self._cases.move_to_end((name, digits))
            return None if found is None else found[0]


def short_hash(case: riskcast.Case) -> str:
    """The digits of a case's hash that stand in an address: too many to be guessed."""
    return case.hash[:DIGITS]


@st.cache_resource(show_spinner=False)
def kept_cases() -> KeptCases:
    """The uploaded cases of all sessions."""
    return KeptCases()
