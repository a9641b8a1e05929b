"""Ledgers in both kinds of database, and a run to publish in them."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Generator
from pathlib import Path

import pytest

import riskcast
from tests.support import smallcase
from tests.support.databases import new_database, postgresql_server

AS_OF = dt.date(2019, 12, 31)
MORNING = dt.datetime(2020, 1, 1, 9, tzinfo=dt.UTC)
_numbers = itertools.count()


@pytest.fixture(scope="session")
def socket() -> Generator[str]:
    with postgresql_server() as place:
        yield place


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place where no ledger is yet."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite")
    return new_database(request.getfixturevalue("socket"), f"ledger_{next(_numbers)}")


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> riskcast.Case:
    """The small case, as of the end of 2020."""
    return riskcast.load_case(smallcase.write_files(tmp_path_factory.mktemp("cases") / "small"))


@pytest.fixture(scope="session")
def run(case: riskcast.Case) -> riskcast.Run:
    """A run of the small case a year earlier."""
    return riskcast.run(case, as_of=AS_OF, draws=100)
