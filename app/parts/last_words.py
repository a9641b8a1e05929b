"""What a page says where something ends that nobody foresaw, in place of a traceback or of nothing."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import riskcast
from parts import door as st


@contextmanager
def spoken() -> Generator[None]:
    """Say what went wrong in riskcast's words; with RISKCAST_DEBUG set, raise it."""
    try:
        yield
    except riskcast.RiskcastError as error:
        _say(str(error))
    except Exception as error:
        if riskcast.wants_traceback():
            raise
        _say(riskcast.unforeseen(error))


def _say(what: str) -> None:
    st.error(f"This cannot be shown: {what}.", icon=":material/error:")
    st.caption("Undo the last change in the sidebar, or choose another page.")
