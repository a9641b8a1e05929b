"""Claims held against the model as a page of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from riskcast.challenge.claim_data import digest_of_claims
from riskcast.challenge.claim_records import Finding, JudgedClaim, JudgedClaims
from riskcast.challenge.claim_words import MARKS, MEANING, ORDER, counts_text, found_text, made_text, quantities_text
from riskcast.errors import visible
from riskcast.forecasting.lineage import lineage_of
from riskcast.machinery.staging import write_atomically
from riskcast.numbers import counted

# What Markdown or HTML would take for a command.
_COMMANDS: Final = re.compile(r"([\\`*_\[\]<>#|&])")


def claims_page(found: JudgedClaims) -> str:
    """The page: how many claims have each status, then every claim with where it stands and what was found of it.

    >>> from riskcast import fit, forecast, load_case
    >>> ahead = forecast(fit(load_case("central_asia_2024"), draws=200), paths=4)
    >>> from riskcast.challenge import judge_claims
    >>> "reproduced" in claims_page(judge_claims(ahead, ["xenophobia_brings_abuse"]))
    True
    """
    return "\n".join(_lines(found)) + "\n"


def write_claims_page(found: JudgedClaims, file: Path) -> None:
    """Write the page to a file, whole or not at all; raises OptionError for a folder, and RiskcastError where it cannot
    be written."""
    write_atomically(file, claims_page(found).encode())


def _lines(found: JudgedClaims) -> Iterator[str]:
    lineage, case = lineage_of(found.forecast), found.forecast.case
    yield f"# {_plain(case.settings.title)}: what its sources say, and what the model says"
    yield ""
    held = len(found.claims) + len(found.untested)
    some = "every claim" if held == found.stated else f"{held} of {counted(found.stated, 'claim')}"
    yield (
        f"`riskcast claims {case.name}` holds {some} of `claims.yaml` against the forecast (docs/claims.md). "
        f"**{counts_text(found)}.** In brackets stand 90 % intervals of what more knowledge could change; after ± the "
        "Monte Carlo error, in points. A claim is as good as the worst of its assertions."
    )
    yield ""
    yield "| status | claims | meaning |"
    yield "|---|---:|---|"
    for status, count in found.counts.items():
        yield f"| {MARKS[status]} {status} | {count} | {MEANING[status]} |"
    if found.untested:
        yield f"| untested | {len(found.untested)} | says nothing that a model could contradict |"
    for status in ORDER:
        own = found.of(status)
        if own:
            yield from ("", f"## {status.capitalize()}")
        for one in own:
            yield from _claim(found, one)
    if found.untested:
        yield from ("", "## Untested", "")
        for id, claim in found.untested.items():
            yield f"- **{_plain(id)}** ({_plain(claim.at)}): {_plain(claim.claim)} {_plain(claim.untested or '')}"
    yield from ("", "## Provenance", "")
    yield f"- Case: {case.name}, as of {case.as_of:%Y-%m-%d}, sha256 {case.hash}"
    if case.overlay_hash:
        yield f"- Overlay: sha256 {case.overlay_hash}"
    yield f"- Claims: sha256 {digest_of_claims(case)}"
    yield f"- Made by: {made_text(found)}; riskcast {lineage.riskcast_version}"


def _claim(found: JudgedClaims, one: JudgedClaim) -> Iterator[str]:
    title = found.forecast.case.sources[one.claim.source].title
    yield from ("", f"### {MARKS[one.status]} {_plain(one.id)}", "")
    yield f"{_plain(one.claim.claim)} *{_plain(title)}; {_plain(one.claim.at)}* (`{one.claim.source}`)"
    yield ""
    if one.claim.missing is not None:
        yield f"- {_plain(one.claim.missing)}"
    yield from (_finding(each) for each in one.findings)


def _finding(found: Finding) -> str:
    behind = f" By {', '.join(f'`{key}`' for key in quantities_text(found))}." if found.quantities else ""
    return f"- {MARKS[found.status]} `{visible(found.text)}`: {_plain(found_text(found))}.{behind}"


def _plain(text: str) -> str:
    return _COMMANDS.sub(r"\\\1", visible(text))
