"""Whether an installed riskcast works: python .ci/smoke.py digits exports panel app reference, or some of them.

It is run with the Python that has riskcast, and knows nothing of the clone but README.md, whose forecast is compared;
all else is the package's own.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
CASE = "central_asia_2024"
PATIENCE = 120.0

EVIDENCE = "evidence: {basis: judgement, claim: Judged.}"
PANEL = {
    "case.yaml": f"""\
title: A panel to try
as_of: 2010-12-31
panel: {{file: history/panel.csv, covariates: before}}
period: year
history_from: 2001-01-01
horizon: 2
bands:
  - {{name: low, start: 0}}
  - {{name: high, start: 30}}
memories:
  fast: {{label: Fast, half_life: {{median: 2, interval: [1, 4], {EVIDENCE}}}}}
hyperpriors:
  sd_dyad: {{median: 0.5, interval: [0.2, 1.2], {EVIDENCE}}}
  sd_time: {{median: 0.4, interval: [0.15, 1], {EVIDENCE}}}
  persistence: {{value: 0.7, {EVIDENCE}}}
""",
    "indicators.yaml": f"""\
mood:
  label: Mood
  question: How hostile is opinion?
  scope: dyad
  unit: points
  scale: identity
  reference: 50
  step: 10
  bounds: [0, 100]
  history: panel
  drift: {{value: 0.1, {EVIDENCE}}}
""",
    "outcomes.yaml": f"""\
clash:
  label: Clash
  kind: outcome
  scope: dyad
  severity: 60
  initiator: either
  resolution: {{yes: A clash., no: A quarrel., resolved_by: Reports.}}
  base_rate: {{median: 0.2, interval: [0.05, 0.5], {EVIDENCE}}}
""",
    "effects.yaml": f"""\
- from: mood
  to: clash
  rate_ratio: {{median: 1.5, interval: [1.1, 2], {EVIDENCE}}}
  rationale: Words come first.
""",
    "scenarios.yaml": "baseline: {label: As things stand, story: Nothing is assumed.}\n",
    "sources.yaml": "{}\n",
}


def command(*words: str, folder: Path) -> str:
    """What a command of riskcast prints."""
    done = subprocess.run(
        [sys.executable, "-m", "riskcast", *words],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"},
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"riskcast {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def digits(folder: Path) -> None:
    """The forecast of the bundled case is the one in README.md."""
    told = README.read_text(encoding="utf-8").split("```text\n")[1].split("\n```")[0]
    # An older rich leaves other gaps between columns.
    made = {" ".join(line.split()) for line in command("forecast", folder=folder).splitlines()}
    other = [line for line in told.splitlines() if " ".join(line.split()) not in {*made, "..."}]
    assert not other, f"README.md has other lines: {other}"


def exports(folder: Path) -> None:
    """Every format can be written, and the run behind it comes out the same again."""
    import pandas
    import xarray

    command("export", CASE, "--draws", "100", "--out", "exported", folder=folder)
    out = folder / "exported"
    names = {path.name for path in out.rglob("*") if path.is_file()}
    due = {"scores.csv", "scores.parquet", "forecast.json", "forecast.xlsx", "draws.nc", "brief.html", "brief.pdf"}
    assert due <= names, f"not written: {due - names}"
    assert len(pandas.read_parquet(out / "parquet" / "scores.parquet")) == 5
    json.loads((out / "forecast.json").read_text(encoding="utf-8"))
    xarray.open_datatree(out / "draws.nc", engine="h5netcdf").close()
    kept = command("run", CASE, "--draws", "100", folder=folder).strip()
    assert "The same digits." in command("rerun", kept, folder=folder)


def panel(folder: Path) -> None:
    """A case with a panel is read, judged, fitted and backtested."""
    case = folder / "panel"
    (case / "history").mkdir(parents=True)
    for name, text in PANEL.items():
        (case / name).write_text(text, encoding="utf-8")
    rows = ["dyad,period,mood,clash"]
    for year in range(2001, 2012):
        for number, dyad in enumerate(("AAA-BBB", "AAA-CCC", "BBB-CCC", "CCC-DDD")):
            happened = "" if year == 2011 else str(int((year * 7 + number * 3) % 5 == 0))
            rows.append(f"{dyad},{year},{40 + (year * 3 + 5 * number) % 20},{happened}")
    (case / "history" / "panel.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    command("check", str(case), folder=folder)
    found = json.loads(command("forecast", str(case), "--draws", "200", "--json", folder=folder))
    assert len(found["dyads"]) == 4
    command("backtest", str(case), "--draws", "100", "--workers", "2", "--out", "tested", folder=folder)


def app(folder: Path) -> None:
    """The app draws its first page, and its server answers and ends."""
    from importlib.util import find_spec

    spec = find_spec("riskcast")
    assert spec is not None
    assert spec.origin is not None
    inside = Path(spec.origin).parent
    main = next(place / "app" / "main.py" for place in (inside, inside.parents[1]) if (place / "app").is_dir())
    sys.path.insert(0, str(main.parent))
    from streamlit.testing.v1 import AppTest

    drawn = AppTest.from_file(str(main), default_timeout=PATIENCE).run()
    assert not drawn.exception, drawn.exception
    assert any("Forecast for" in each.value for each in (*drawn.caption, *drawn.markdown)), "no forecast is drawn"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "riskcast", "app", "--port", str(port), "--no-browser"]
    server = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ends = time.monotonic() + PATIENCE
        while not _answers(port):
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < ends, "the server does not answer"
            time.sleep(0.5)
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def reference(folder: Path) -> None:
    """The reference engine samples the case of `panel`, and hardly differs from the default engine."""
    import riskcast

    case = riskcast.load_case(folder / "panel")
    scores = []
    for engine in ("laplace", "nuts"):
        posterior = riskcast.fit(case, engine=engine, draws=400, seed=1, allow_unreliable=True)
        risk = riskcast.score(riskcast.forecast(posterior))
        scores.append(sum(dyad.score.mean for dyad in risk.dyads) / len(risk.dyads))
    assert abs(scores[0] - scores[1]) < 5, f"the engines differ: {scores}"


def main() -> None:
    """Try what is asked for, and say how long each took."""
    tries: dict[str, Callable[[Path], None]] = {one.__name__: one for one in (digits, exports, panel, app, reference)}
    parser = argparse.ArgumentParser(description="Whether an installed riskcast works.")
    parser.add_argument("tries", nargs="+", choices=tries)
    asked = parser.parse_args().tries
    with tempfile.TemporaryDirectory(prefix="riskcast-smoke-") as place:
        os.chdir(place)
        import riskcast

        print(f"riskcast {riskcast.__version__} in {Path(str(riskcast.__file__)).parent}")
        for name in asked:
            begun = time.monotonic()
            tries[name](Path(place))
            print(f"{name}: as it should be, {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
