"""Fits of many cases that differ in little: each event type is fitted once for each of its fingerprints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws
from riskcast.engines.fitting import fingerprint
from riskcast.engines.hazard import build_event_model
from riskcast.engines.posterior import Posterior
from riskcast.record.arrays import build_record


class Refits:
    """What is known of earlier fits with the same engine, draws and seed."""

    def __init__(self, kept: Iterable[Posterior] = ()) -> None:
        self._drawn: dict[tuple[str, str], EventDraws] = {}
        self._last: Posterior | None = None
        for posterior in kept:
            self.keep(posterior)

    def keep(self, posterior: Posterior, goes_on: bool = True) -> None:
        """Remember the draws of all event types of a fit.

        goes_on: whether the next fit of event types that share tension or trust goes on from it: what that comes to
        depends on where it began.
        """
        if goes_on or self._last is None:
            self._last = posterior
        for event, print_ in (posterior.fingerprints or {}).items():
            # What event types share has a fingerprint too, and no draws of its own.
            if event in posterior.events:
                self._drawn[event, print_] = posterior.events[event]

    def reusable(self, case: Case) -> Posterior | None:
        """What `fit(..., reuse=)` can take over: the last fit, with the draws of all event types of a case that some
        earlier case had in the same form."""
        last = self._last
        if last is None:
            return None
        record, kind = build_record(case), "prior" if last.prior_only else last.engine
        known = {}
        for event in case.order:
            own = fingerprint(kind, last.draws, last.seed, build_event_model(case, record, event))
            if (event, own) in self._drawn:
                known[event] = own
        events = {event: self._drawn[event, own] for event, own in known.items()}
        return replace(last, events=events, fingerprints=known)
