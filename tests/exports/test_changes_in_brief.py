"""What changed since an earlier forecast, in the brief."""

from __future__ import annotations

import pytest

from riskcast import changed, fit, forecast, make_dossier, score
from riskcast.errors import OptionError
from riskcast.exports.brief.content import make_brief
from riskcast.exports.brief.files import brief_html, brief_pdf
from tests.comparison.test_what_changed import DRAWS, FIRST, toy


def test_the_brief_says_what_changed_and_why() -> None:
    found = changed(toy(), since=FIRST, draws=DRAWS, orders=2, allow_unreliable=True)
    risk = score(forecast(fit(toy(), draws=DRAWS, allow_unreliable=True)))
    dossier = make_dossier(risk, changed=found)
    section = make_brief(dossier).changes
    assert section is not None
    assert section.sentences == found.sentences
    page = brief_html(dossier)
    assert "What changed, and why" in page
    assert found.sentences[0] in page.replace("&#39;", "'")
    assert brief_pdf(dossier).startswith(b"%PDF")
    assert "What changed, and why" not in brief_html(make_dossier(risk))
    other = score(forecast(fit(toy(FIRST), draws=DRAWS, allow_unreliable=True)))
    with pytest.raises(OptionError, match="leads to another case"):
        make_dossier(other, changed=found)
