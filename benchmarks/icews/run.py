"""Score forecasts of the directed ICEWS dyad-years beside rivals in one run: `panels.py icews`.

uv run python benchmarks/icews/run.py --data FILE --out DIR
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.argv.insert(1, "icews")

from panels import main  # noqa: E402

main()
