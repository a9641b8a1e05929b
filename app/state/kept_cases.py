"""Uploaded cases, kept by name and hash while the app runs, so that an address of one leads back to it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

import streamlit as st

import riskcast

MOST_BYTES = 200_000_000
MOST_CASES = 64
# About what a row of events or dated values takes in memory.
ROW_BYTES = 2_000
DIGITS = 16


class KeptCases:
    """Cases, as many as memory is set aside for; those looked at last stay.

    >>> case = riskcast.load_case("central_asia_2024")
    >>> kept = KeptCases(most_bytes=size_of(case))
    >>> kept.keep(case)
    >>> kept.find(case.name, short_hash(case)).hash == case.hash, kept.find("other", short_hash(case))
    (True, None)
    >>> kept.keep(case.revised(name="second"))
    >>> kept.find(case.name, short_hash(case)) is None
    True
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._cases: OrderedDict[tuple[str, str], tuple[riskcast.Case, Mapping[str, bytes] | None, int]] = OrderedDict()
        self._most = most_bytes
        # Sessions run in threads of one process.
        self._lock = Lock()

    def keep(self, case: riskcast.Case, files: Mapping[str, bytes] | None = None) -> None:
        """Keep a case, with the files that it was read from, in place of those not looked at for longest."""
        size = size_of(case) + sum(map(len, (files or {}).values()))
        with self._lock:
            self._cases[case.name, short_hash(case)] = case, files, size
            self._cases.move_to_end((case.name, short_hash(case)))
            while len(self._cases) > 1 and self._is_full():
                self._cases.popitem(last=False)

    def _is_full(self) -> bool:
        return len(self._cases) > MOST_CASES or sum(size for *_, size in self._cases.values()) > self._most

    def find(self, name: str, digits: str) -> riskcast.Case | None:
        """The case of a name and of the first digits of a hash, as `short_hash` gives them."""
        with self._lock:
            found = self._cases.get((name, digits))
            if found is not None:
                self._cases.move_to_end((name, digits))
            return None if found is None else found[0]

    def files(self, case: riskcast.Case) -> Mapping[str, bytes] | None:
        """The files that a case was read from, by path; None where they are not known."""
        with self._lock:
            found = self._cases.get((case.name, short_hash(case)))
            return None if found is None else found[1]


def size_of(case: riskcast.Case) -> int:
    """About how many bytes of memory the rows of a case take."""
    rows = len(case.event_rows) + len(case.series_rows) + len(case.coverage)
    panel = () if case.panel is None else (*case.panel.levels.values(), *case.panel.events.values())
    inputs = None if case.panel is None else case.panel.inputs
    if inputs is not None:
        states = {} if inputs.states is None else inputs.states.columns
        panel = (*panel, *inputs.columns.values(), *inputs.events.values(), *states.values())
    return ROW_BYTES * (1 + rows) + sum(values.nbytes for values in panel)


def short_hash(case: riskcast.Case) -> str:
    """The digits of a case's hash that stand in an address: too many to be guessed."""
    return case.hash[:DIGITS]


@st.cache_resource(show_spinner=False)
def kept_cases() -> KeptCases:
    """The uploaded cases of all sessions."""
    return KeptCases()
