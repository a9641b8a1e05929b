"""The client of the World Bank: what it gives becomes a table that the ready map reads; what it cannot give is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from riskcast.errors import OptionError, RiskcastError
from riskcast.imports.importing import import_tables
from riskcast.imports.maps import load_map
from riskcast.imports.world_bank import fetch_world_bank

SERIES = ("NY.GDP.MKTP.KD", "SP.POP.TOTL")


def answer(series: str, economy: Any, time: range, **asked: bool) -> Iterator[dict[str, Any]]:
    """Rows as wbgapi gives them: one for each economy and year, without a value where there is none."""
    assert asked == {"skipAggs": True, "numericTimeKeys": True}
    for year in (2001, 2002):
        value = None if (series, year) == ("SP.POP.TOTL", 2002) else year * (1 + SERIES.index(series))
        yield {"economy": "KAZ", "time": year, "series": series, "value": value, "aggregate": False}


def client(monkeypatch: pytest.MonkeyPatch, fetch: Any) -> None:
    monkeypatch.setitem(sys.modules, "wbgapi", SimpleNamespace(data=SimpleNamespace(fetch=fetch)))


def test_series_become_a_table_that_the_ready_map_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client(monkeypatch, answer)
    raw = fetch_world_bank(SERIES, ["KAZ"], 2001, 2002)
    assert raw.decode().splitlines() == [
        "economy,year,NY.GDP.MKTP.KD,SP.POP.TOTL",
        "KAZ,2001,2001.0,4002.0",
        "KAZ,2002,2002.0,",
    ]
    (tmp_path / "wb.csv").write_bytes(raw)
    [report] = import_tables([tmp_path / "wb.csv"], [load_map("world_bank")]).reports
    assert [(column.id, column.cells) for column in report.columns] == [("product", 2), ("population", 1)]


def test_without_network_package_or_series_it_fails_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: Any, **__: Any) -> Iterator[dict[str, Any]]:
        raise OSError("Name or service not known")
        yield {}

    client(monkeypatch, no_network)
    with pytest.raises(RiskcastError, match=r"did not give SP.POP.TOTL \(Name or service not known\); check"):
        fetch_world_bank(["SP.POP.TOTL"])
    client(monkeypatch, lambda *_, **__: iter(()))
    with pytest.raises(RiskcastError, match=r"has no value of SP\.POP\.TOTL"):
        fetch_world_bank(["SP.POP.TOTL"])
    with pytest.raises(OptionError, match="is no series"):
        fetch_world_bank(["../etc"])
    monkeypatch.setitem(sys.modules, "wbgapi", None)
    with pytest.raises(RiskcastError, match="is not installed; install it"):
        fetch_world_bank(["SP.POP.TOTL"])
