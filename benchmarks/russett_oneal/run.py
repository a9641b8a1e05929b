"""Score forecasts of the Russett-Oneal dyad-years beside rivals in one run: `panels.py russett_oneal`.

uv run python benchmarks/russett_oneal/run.py --data FILE --out DIR
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.argv.insert(1, "russett_oneal")

from panels import main  # noqa: E402

main()
