"""What all tests of the app share: its code may show results, and read nothing inside them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.insides import keep_out


@pytest.fixture(scope="package", autouse=True)
def _outside() -> Iterator[None]:
    yield from keep_out()
