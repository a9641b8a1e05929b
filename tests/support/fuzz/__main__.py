"""Carry nonsense through doors: `uv run python -m tests.support.fuzz all 1000 --seed 1 [--keep FOLDER]`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.support.fuzz.doors import DOORS
from tests.support.fuzz.trials import trial

# The tests' settings put the app there for all others.
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "app"))


def main() -> int:
    """Count what became of every input, and print every fault with the seed that makes it again."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("door", choices=[*DOORS, "all"])
    reader.add_argument("count", type=int)
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--keep", type=Path, help="where the folders of faults are kept")
    asked = reader.parse_args()
    names = list(DOORS) if asked.door == "all" else [asked.door]
    fates, faults, slowest = Counter[str](), Counter[str](), 0.0
    for number in range(asked.count):
        name, seed = names[number % len(names)], asked.seed + number
        began = time.monotonic()
        try:
            fates[f"{name} {trial(name, seed)}"] += 1
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                break
            where = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{name} {type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
            faults[kind] += 1
            if faults[kind] <= 2:
                print(f"FAULT {kind}, seed {seed}: {str(error)[:300]}", flush=True)
                if asked.keep:
                    trial(name, seed, asked.keep / f"{name}-{seed}", swallow=True)
        slowest = max(slowest, time.monotonic() - began)
    print(dict(sorted(fates.items())), f"slowest {slowest:.1f} s;", f"{sum(faults.values())} faults", dict(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
