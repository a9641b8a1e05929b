"""claims.yaml as frozen, validated records: what a case's sources say, in our own words, and how the model is asked."""

from __future__ import annotations

from pydantic import model_validator

from riskcast.case.quantities import Strict
from riskcast.case.settings import Id, Text


class Claim(Strict):
    """What a source says, in our own words and with the place where it stands, and what a model that says the same must
    show: every one of its assertions, in the language of `docs/claims.md`.

    missing: what a model would need to say it, where this one has nothing of the kind; untested: why it says nothing
    that a model could contradict. Nothing here moves a digit of a forecast.

    >>> Claim(claim="Words from above license those below.", source="umarov_2024", at="third section",
    ...       asserts=("official_rhetoric raises TJK:abuse_incident",)).untested is None
    True
    """

    claim: Text
    source: Id
    at: Text
    asserts: tuple[Text, ...] = ()
    missing: Text | None = None
    untested: Text | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> Claim:
        given = [bool(self.asserts), self.missing is not None, self.untested is not None]
        if sum(given) > 1:
            raise ValueError("says more than one of `asserts:`, `missing:` and `untested:`; keep one of them")
        if not any(given):
            mend = "add `asserts:` with a list of sentences, or the reason as `missing:` or `untested:`"
            raise ValueError(f"asserts nothing; {mend}")
        return self
