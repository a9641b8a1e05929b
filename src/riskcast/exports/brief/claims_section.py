"""The brief's table of what sources say and the model does not, or hardly."""

from __future__ import annotations

from typing import Final

from riskcast.challenge.claim_records import JudgedClaims
from riskcast.challenge.claim_words import MEANING, counts_text, decisive, found_text
from riskcast.machinery.tables import Column, Table
from riskcast.numbers import counted

MOST_CLAIMS: Final = 12


def claims_part(found: JudgedClaims) -> Table:
    """Claims that are contradicted, then those that are weak, each with what decided about it."""
    chosen = [one for status in ("contradicted", "weak") for one in found.of(status)]
    rows = []
    for one in chosen[:MOST_CLAIMS]:
        each = decisive(one.findings, one.status)
        told = "" if each is None else found_text(each)
        rows.append((f"{one.claim.claim} ({one.claim.at})", one.status, "" if each is None else each.text, told))
    left = len(chosen) - len(rows)
    more = f" {counted(left, 'more is', 'more are')} contradicted or weak." if left > 0 else ""
    meaning = "; ".join(f"{status}: {MEANING[status]}" for status in ("contradicted", "weak"))
    columns = (Column("What a source says"), Column("Status"), Column("Asserted"), Column("Found"))
    return Table(f"Claims: {counts_text(found)}", columns, tuple(rows), note=f"{meaning}.{more}")
