"""CPU time of whole processes, against `import pymc`, and what they import.

Every command runs several times, in turn; the least CPU time (user and system) counts. With --no-bytecode Python
compiles every module at each start, as on a machine that keeps no bytecode.
Run: uv run python benchmarks/startup.py [--json] [--no-bytecode]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from typing import Any

FORBIDDEN = ("pymc", "arviz", "matplotlib", "streamlit")
COMMANDS = {
    "import pymc": [sys.executable, "-c", "import pymc"],
    "riskcast --help": [sys.executable, "-m", "riskcast", "--help"],
    "riskcast forecast": [sys.executable, "-m", "riskcast", "forecast"],
}


def cpu_seconds(command: list[str], environment: dict[str, str]) -> float:
    """User and system time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def forbidden_imports(arguments: list[str]) -> list[str]:
    """Which of the forbidden packages a command imports."""
    script = (
        "import sys, runpy; sys.argv = ['riskcast', *sys.argv[1:]]\n"
        "try: runpy.run_module('riskcast', run_name='__main__')\n"
        "except SystemExit: pass\n"
        f"print([name for name in {FORBIDDEN} if name in sys.modules], file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return json.loads(run.stderr.strip().splitlines()[-1].replace("'", '"'))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--no-bytecode", action="store_true")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    if options.no_bytecode:
        # An empty cache folder hides what other runs have compiled.
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": tempfile.mkdtemp()}
    else:
        for command in COMMANDS.values():
            cpu_seconds(command, environment)
    seconds = {name: float("inf") for name in COMMANDS}
    for _ in range(options.repeat):
        for name, command in COMMANDS.items():
            seconds[name] = min(seconds[name], cpu_seconds(command, environment))
    base = seconds["import pymc"]
    result: dict[str, Any] = {
        "cpu_seconds": seconds,
        "ratio_to_import_pymc": {name: value / base for name, value in seconds.items()},
        "forbidden_imports": {
            "riskcast --help": forbidden_imports(["--help"]),
            "riskcast forecast": forbidden_imports(["forecast"]),
        },
    }
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in seconds.items():
        print(f"{name:20} {value:6.2f} s CPU   {value / base:5.2f} x import pymc")
    for name, found in result["forbidden_imports"].items():
        print(f"{name:20} imports of {', '.join(FORBIDDEN)}: {', '.join(found) or 'none'}")


if __name__ == "__main__":
    main()
