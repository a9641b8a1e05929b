"""Every door of riskcast, and nonsense carried through it from what is read to the numbers that are shown.

A refusal in words is right, and so are numbers that can be meant; anything else is raised.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, Final

import pandas
import yaml

import riskcast
from riskcast.case.yaml_lines import parse_yaml
from riskcast.cli.commands import main
from riskcast.errors import DEBUG
from tests.support import smallcase, smallpanel
from tests.support.fuzz.nonsense import NUMBERS, anything, bend, cell, smudge
from tests.support.numbered import number_edits, numbers_table

DRAWS: Final = 100
SCENARIOS: Final = ("baseline", "storm")
# Much of what is bent once is still a case that can be fitted.
HOW_MANY: Final = (1, 1, 1, 2, 3)
DELIMITERS: Final = (",", ";", "\t", "|")
ENCODINGS: Final = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp1251")
SETTLED: Final = "settled"
REFUSED: Final = "refused"


class Fault(AssertionError):
    """What no user should meet."""


def case(chance: Random, folder: Path) -> str:
    """A case with some of its YAML bent, read, judged, fitted, forecast and scored."""
    files = dict(smallcase.FILES)
    for _ in range(chance.choice(HOW_MANY)):
        name = chance.choice([name for name in files if name.endswith(".yaml")])
        if chance.random() < 0.25:
            files[name] = smudge(files[name], chance)
            continue
        try:
            tree = parse_yaml(files[name], name).data
        except riskcast.CaseError:
            continue
        files[name] = yaml.safe_dump(bend(tree, chance), allow_unicode=True, sort_keys=False, width=1000)
    return _whole(_written(files, folder), chance)


def table(chance: Random, folder: Path) -> str:
    """The small case with one of its tables bent, in some dialect."""
    files: dict[str, str | bytes] = dict(smallcase.FILES)
    name = chance.choice(("history/events.csv", "history/indicators.csv", "history/coverage.csv"))
    text = str(files.get(name, "unit,type,from,until\nHHH-AAA,protest,2016-01-01,2018-12-31\n"))
    rows = _bent_rows(list(csv.reader(io.StringIO(text))), chance)
    files[name] = _dialect(rows, chance)
    return _whole(_written(files, folder), chance)


def panel(chance: Random, folder: Path) -> str:
    """The small panel with its table bent, as CSV, Parquet or a sheet; now and then with numbers of events."""
    frame, edits = smallpanel.table(), ()
    if chance.random() < 0.4:
        frame = numbers_table(chance.randrange(5), chance.choice((1.0, 40.0, 1e6)))
        least = anything(chance) if chance.random() < 0.2 else chance.choice((1, 2, 5, 1000))
        edits = number_edits(yaml.safe_dump(least, default_flow_style=True).splitlines()[0])
    smallpanel.write_panel_case(folder, edits=edits)
    frame = frame.astype(object)
    for _ in range(chance.choice(HOW_MANY)):
        column, row = chance.choice(list(frame.columns)), chance.randrange(len(frame))
        known = frame.at[chance.randrange(len(frame)), column]
        value = anything(chance) if chance.random() < 0.5 else cell(chance)
        frame.at[row, column] = (
            known if chance.random() < 0.5 else str(value) if isinstance(value, list | dict) else value
        )
    if chance.random() < 0.08:
        frame = frame.rename(columns={chance.choice(list(frame.columns)): cell(chance)})
    if chance.random() < 0.08:
        frame = frame.sample(frac=1, random_state=chance.randrange(1000))
    if chance.random() < 0.08:
        frame = pandas.concat([frame, frame.iloc[: chance.randrange(1, 4)]])
    place = folder / "history" / "panel.csv"
    if chance.random() < 0.4 and _as_parquet(frame, folder, chance):
        place.unlink()
        settings = (folder / "case.yaml").read_text(encoding="utf-8")
        (folder / "case.yaml").write_text(settings.replace("panel.csv", "panel.parquet"), encoding="utf-8")
    else:
        rows = [list(map(str, frame.columns)), *(["" if _is_missing(x) else str(x) for x in r] for r in frame.values)]
        place.write_bytes(_dialect(rows, chance))
    return _whole(folder, chance, scenario="baseline")


def overlay(chance: Random, folder: Path) -> str:
    """One or two overlays of nonsense on the small case, asked for as the command line asks."""
    base = riskcast.load_case(smallcase.write_files(folder))
    texts = []
    for _ in range(chance.randrange(1, 3)):
        known = [(key, quantity) for key, quantity, _ in base.quantities()]
        changes = {key: _quantity(quantity, chance) for key, quantity in chance.sample(known, chance.randrange(1, 4))}
        tree: dict[str, Any] = {"label": "Mine", "case": base.name, "changes": changes}
        if chance.random() < 0.5:
            tree = bend(tree, chance)
        text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
        texts.append(smudge(text, chance) if chance.random() < 0.2 else text)

    def asked() -> None:
        files = tuple(riskcast.OverlayFile(text, f"{number}.yaml") for number, text in enumerate(texts))
        request = riskcast.Request(base, overlays=files, scenarios=("storm",), draws=DRAWS, allow_unreliable=True)
        riskcast.request_doubts(request)
        posterior = riskcast.fit_requested(request)
        for ahead in riskcast.forecast_requested(request, posterior):
            _check_numbers(riskcast.score(ahead))

    return _told(asked)


def command(chance: Random, folder: Path) -> str:
    """A command line of known words and nonsense."""
    place = str(smallcase.write_files(folder / "small"))
    (folder / "mine.yaml").write_text("changes:\n  indicators.mood.now: {value: 60}\n", encoding="utf-8")
    name = chance.choice(("forecast", "compare", "explain", "check", "diff", "scenarios", "export", "run", "schema"))
    words = [name]
    words += [place] if name not in ("schema", "diff") else [place, place] if name == "diff" else []
    words += [chance.choice(("HHH-AAA", cell(chance)))] if name == "explain" else []
    words += ["--out", str(folder / chance.choice(("out", "mine.yaml", "a/b/c")))] if name in ("export", "run") else []
    words += ["--formats", chance.choice(("csv,json", "json", cell(chance)))] if name == "export" else []
    options = {
        "--draws": lambda: str(chance.choice((100, 200, 0, -1, 10**9, cell(chance)))),
        "--scenario": lambda: chance.choice(("storm", "baseline", cell(chance))),
        "--horizon": lambda: str(chance.choice((1, 6, 0, -3, 601, cell(chance)))),
        "--seed": lambda: str(chance.choice((1, 0, -1, 2**64, cell(chance)))),
        "--paths": lambda: str(chance.choice((1, 2, 0, 10**8, cell(chance)))),
        "--as-of": lambda: chance.choice(("2018-06-30", "2030-01-01", "1900-01-01", cell(chance))),
        "--overlay": lambda: chance.choice((str(folder / "mine.yaml"), place, str(folder / "none.yaml"), cell(chance))),
        "--engine": lambda: chance.choice(("laplace", cell(chance))),
        "--case": lambda: chance.choice((place, cell(chance))),
        "--json": lambda: None,
        "--prior-only": lambda: None,
        "--strict": lambda: None,
        cell(chance): lambda: cell(chance),
    }
    for option in chance.sample(list(options), chance.randrange(4)):
        value = options[option]()
        words += [option] if value is None else [option, value]
    if name in ("forecast", "compare", "explain", "export", "run", "diff") and "--draws" not in words:
        words += ["--draws", "100"]
    words += ["--allow-unreliable"] if name in ("forecast", "compare", "explain", "export", "run", "diff") else []
    if chance.random() < 0.2:
        words[chance.randrange(len(words))] = cell(chance)
    # No command line can hold it.
    words = [word for word in words if "\x00" not in word]
    return _called(words, folder)


def address(chance: Random, folder: Path) -> str:
    """A session of the app at an address of nonsense: the page Overview with its sidebar."""
    from streamlit.testing.v1 import AppTest

    from state import session
    from state.kept_cases import short_hash

    published = riskcast.load_case("central_asia_2024")
    key, quantity, _ = chance.choice(list(published.quantities()))
    row = published.event_rows[-1].model_dump(mode="json") | {"description": "Something happened"}
    move = {"indicator": "xenophobia", "shift": 3.0, "start": 2}
    whole: dict[str, Any] = {
        "overlay": {key: _quantity(quantity, chance)},
        "built": {"mine": {"label": "Mine", "story": "S", "indicators": [move], "events": [{"event": "demarche"}]}},
        "observed": [row, row | {"date": "2023-05-01", "precision": "day"}],
    }
    test = AppTest.from_function(_overview, default_timeout=120)
    test.query_params["case"] = chance.choice((published.name, published.name, cell(chance)))
    test.query_params["hash"] = chance.choice((*[short_hash(published)] * 6, cell(chance)))
    test.query_params["scenario"] = chance.choice(("baseline", "second_attack", "mine", cell(chance)))
    for name in chance.sample(list(whole), chance.randrange(1, 4)):
        plain = whole[name]
        for _ in range(chance.randrange(3)):
            plain = bend(plain, chance)
        text = session.encode(_plain(plain))
        test.query_params[name] = smudge(text, chance) if chance.random() < 0.1 else text
    test.run()
    if test.exception:
        raise Fault("; ".join(f"{one.message}" for one in test.exception))
    for text in (*test.error, *test.warning):
        if "fault of riskcast" in text.value:
            raise Fault(text.value)
    return REFUSED if test.warning else SETTLED


DOORS: Final[Mapping[str, Callable[[Random, Path], str]]] = MappingProxyType(
    {each.__name__: each for each in (case, table, panel, overlay, command, address)}
)


def _overview() -> None:
    import sidebar
    from state import session
    from views import overview

    session.view()
    sidebar.show()
    overview.show()
    session.write_address()


def _quantity(known: riskcast.Quantity, chance: Random) -> dict[str, Any]:
    """A quantity as an overlay has it: the known one moved, narrowed or widened, or any numbers."""
    if chance.random() < 0.2:
        middle = chance.choice(NUMBERS)
        return chance.choice(({"value": middle}, {"median": middle, "interval": [chance.choice(NUMBERS), middle]}))
    factor = chance.choice((1.0, 1.0, 0.5, 0.9, 1.1, 1.5, 2.0, 4.0))
    middle = known.center * factor
    if chance.random() < 0.3 or known.is_fixed:
        return {"value": middle}
    width = chance.choice((1.0, 0.01, 0.3, 2.0, 5.0))
    low, high = (middle + (end - known.center) * width for end in known.range)
    return {"median": middle, "interval": [low, high]}


def _plain(tree: Any) -> Any:
    """A tree that JSON holds; numbers that it does not know are left to the reader."""
    if isinstance(tree, dict):
        return {str(key): _plain(part) for key, part in tree.items()}
    return [_plain(part) for part in tree] if isinstance(tree, list) else tree


def _written(files: Mapping[str, str | bytes], folder: Path) -> Path:
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return folder


def _bent_rows(rows: list[list[str]], chance: Random) -> list[list[str]]:
    for _ in range(chance.choice(HOW_MANY)):
        row = chance.choice(rows)
        turn = chance.random()
        if turn < 0.7:
            column = chance.randrange(len(row))
            other = chance.choice(rows[1:])
            row[column] = other[column] if column < len(other) and chance.random() < 0.6 else cell(chance)
        elif turn < 0.8:
            row.append(cell(chance))
        elif turn < 0.9:
            rows.insert(chance.randrange(len(rows) + 1), list(row))
        elif len(row) > 1:
            row.pop()
    return rows


def _dialect(rows: list[list[str]], chance: Random) -> bytes:
    """Rows as bytes, plain in half of all cases, else in some dialect and perhaps smudged."""
    out = io.StringIO()
    plain = chance.random() < 0.5
    delimiter = "," if plain else chance.choice(DELIMITERS)
    ending = "\n" if plain else chance.choice(("\n", "\r\n", "\r"))
    csv.writer(out, delimiter=delimiter, lineterminator=ending).writerows(rows)
    text = out.getvalue()
    if not plain and chance.random() < 0.2:
        text = f"sep={delimiter}{ending}{text}"
    if chance.random() < 0.1:
        text = smudge(text, chance)
    return text.encode("utf-8" if plain else chance.choice(ENCODINGS), "replace")


def _as_parquet(frame: pandas.DataFrame, folder: Path, chance: Random) -> bool:
    """Write a table as Parquet where that takes its cells; columns are cast where they can be."""
    frame = frame.copy()
    frame.columns = [str(name) for name in frame.columns]
    frame = frame.infer_objects()
    names = list(dict.fromkeys(frame.columns))
    for name in chance.sample(names, chance.choice((0, 1, 1, 2))):
        kind = chance.choice(("str", "float64", "category", "datetime64[ns]", "datetime64[ns, UTC]", "bytes", "Int64"))
        try:
            values = frame[name]
            frame[name] = values.astype(str).str.encode("utf-16") if kind == "bytes" else values.astype(kind)
        except (ValueError, TypeError, AttributeError, OverflowError):
            frame[name] = frame[name].astype(str)
    try:
        frame.to_parquet(folder / "history" / "panel.parquet", index=chance.random() < 0.3)
    except Exception:
        return False
    return True


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _whole(folder: Path, chance: Random, scenario: str | None = None) -> str:
    """What becomes of a case folder: read, judged, written and read again, fitted, forecast, scored, told."""

    def carried() -> None:
        found = riskcast.load_case(folder)
        riskcast.find_doubts(folder, quick=True)
        posterior = riskcast.fit(found, draws=DRAWS, seed=1, allow_unreliable=True)
        names = [name for name in SCENARIOS if name == "baseline" or name in found.scenarios]
        ahead = riskcast.forecast(posterior, scenario or chance.choice(names), paths=2)
        risk = riskcast.score(ahead)
        _check_numbers(risk)
        json.dumps(riskcast.forecast_data(risk, riskcast.explain(ahead)), allow_nan=False)

    return _told(carried)


def _told(carried: Callable[[], None]) -> str:
    try:
        carried()
    except riskcast.RiskcastError as error:
        _check_words(str(error))
        return REFUSED
    return SETTLED


def _check_words(words: str) -> None:
    """Raise Fault for a refusal without a mend, or one that shows what no line can."""
    if not words or any(not line.isprintable() for line in words.splitlines()) or "; " not in words:
        raise Fault(f"a refusal without a mend, or not in plain lines: {words!r}")


def _check_numbers(risk: riskcast.Risk) -> None:
    for dyad in risk.dyads:
        for value in (dyad.score.mean, dyad.score.low, dyad.score.high):
            if not 0.0 <= value <= 100.0:
                raise Fault(f"a score of {value} for {dyad.id}")
        for outcome in dyad.outcomes:
            for value in (outcome.probability.mean, outcome.probability.low, outcome.probability.high):
                if not 0.0 <= value <= 1.0:
                    raise Fault(f"a probability of {value} for {outcome.id} of {dyad.id}")


def _called(words: list[str], folder: Path) -> str:
    out, err = io.StringIO(), io.StringIO()
    here, debug = Path.cwd(), os.environ.get(DEBUG)
    os.environ[DEBUG] = "1"
    os.chdir(folder)
    status = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main(words)
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        os.chdir(here)
        os.environ.pop(DEBUG, None) if debug is None else os.environ.update({DEBUG: debug})
    if status not in (0, 1, 2):
        raise Fault(f"exit status {status} of {words}")
    told = out.getvalue() + err.getvalue()
    if "Traceback" in told or "fault of riskcast" in told:
        raise Fault(f"{words}: {told[-2000:]}")
    if status and not err.getvalue().strip() and "--strict" not in words:
        raise Fault(f"exit status {status} without a word of {words}")
    return REFUSED if status else SETTLED
