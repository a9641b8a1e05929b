"""What changed from one forecast to a later one, as a page of HTML that stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from riskcast.comparison.change_splits import METHOD, WhatChanged
from riskcast.exports.change_tables import groups_table, moved_probabilities, parts_table
from riskcast.exports.html_pages import render_page
from riskcast.machinery.staging import write_atomically
from riskcast.numbers import long_date

MOST_SHOWN: Final = 12
WORDS: Final = (
    ("Days that passed", "What days alone do: levels age, memories of past events fade, the window moves on."),
    ("New events", "What each event does through memories, with rates and effects as they were."),
    ("New values and nowcasts", "Another level of an indicator today, all else held."),
    ("Relearning", "The posterior of the newer record in place of the older one's, all else held."),
    ("Ripple", "What relearning does to a number of which the record has nothing new."),
    ("Changed beliefs", "Priors, effects and rules that were written anew, each learned under."),
    ("± MC", "The Monte Carlo standard error of a part."),
)


def changed_page(found: WhatChanged) -> str:
    """What changed as one page: sentences, scores by group, every score's parts, and the probabilities that moved.

    >>> import datetime as dt
    >>> import riskcast
    >>> case = riskcast.load_case("central_asia_2024")
    >>> same = riskcast.changed(case, case, draws=100, allow_unreliable=True)
    >>> "What changed" in changed_page(same)
    True
    """
    ranked = sorted(found.scores, key=lambda split: -abs(split.points))[:MOST_SHOWN]
    one, two = (long_date(day) for day in found.days)
    return render_page(
        "changed",
        title="What changed",
        summary=[f"From {found.first} to {found.second}: as of {one}, and of {two}.", METHOD],
        cautions=list(found.notes),
        words=WORDS,
        provenance={
            "Cases": f"{found.hashes[0][:12]} and {found.hashes[1][:12]}",
            "Scenario": found.scenario,
            "Draws, seed": f"{found.draws:,}, {found.seed}",
            "Made by": f"riskcast {found.versions[0]} and {found.versions[1]}",
        },
        failures=list(found.failures),
        sentences=[split.sentence for split in ranked],
        groups=groups_table(found, MOST_SHOWN),
        scores=[parts_table(split) for split in ranked],
        chances=[(split.sentence, parts_table(split, 5)) for split in moved_probabilities(found, MOST_SHOWN)],
    )


def write_changed_page(found: WhatChanged, file: Path) -> None:
    """Write the page to a file, whole or not at all; raises OptionError for a folder, and RiskcastError where it cannot
    be written."""
    write_atomically(file, changed_page(found))
