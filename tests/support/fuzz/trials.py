"""One piece of nonsense through one door, in a folder of its own and within a time limit."""

from __future__ import annotations

import signal
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.support.fuzz.doors import DOORS, Fault

MOST_SECONDS = 40
PATIENCE = 120


def trial(door: str, seed: int, folder: Path | None = None, swallow: bool = False) -> str:
    """What became of the input of a seed; raises Fault or whatever was not foreseen.

    `folder` keeps the files; `swallow`: without raising.
    """
    with tempfile.TemporaryDirectory(prefix="riskcast-fuzz-") as top:
        place = folder or Path(top) / "case"
        place.mkdir(parents=True, exist_ok=True)
        try:
            with warnings.catch_warnings(), _limited():
                warnings.simplefilter("error", RuntimeWarning)
                return DOORS[door](Random(f"{door} {seed}"), place)
        except Exception:
            if not swallow:
                raise
            return "fault"


@contextmanager
def _limited() -> Generator[None]:
    """Raise Fault in what takes too long: of the processor's time, as the machine may be busy, or of anybody's."""

    def late(number: int, frame: object) -> None:
        raise Fault(f"took more than {MOST_SECONDS} s, or does not end")

    before = {number: signal.signal(number, late) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
