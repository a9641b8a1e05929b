"""The default engine: event types one after the other, or together where they share tension or trust."""

from __future__ import annotations

from riskcast.engines.draws import EventDraws
from riskcast.engines.jobs import Job, Joint, one_by_one
from riskcast.engines.laplace import fit_event
from riskcast.engines.together import fit_together


class Laplace:
    """Nested Laplace with importance resampling: `fit_event`, and `fit_together`."""

    packages = ()
    advice = "--engine nuts"
    chains = 1

    def sample(self, job: Job) -> dict[str, EventDraws]:
        """Draws of every event type, with k-hat and effective sample size."""
        return one_by_one(job, fit_event)

    def sample_together(self, job: Job) -> Joint:
        """The same of event types that share tension or trust, with what they share."""
        return fit_together(job)


ENGINE = Laplace()
