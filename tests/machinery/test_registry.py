"""A registry takes parts of others, each under a name of its own."""

from __future__ import annotations

import pytest

from riskcast.errors import OptionError, UnknownNameError
from riskcast.machinery.registry import Entry, Registry


def test_a_part_is_added_once_and_can_be_taken_out() -> None:
    scales = Registry[object]("scale", {"log": Entry("ratios", "math:log")})
    scales.add("root", "square roots", "math:sqrt")
    assert scales.names == ("log", "root")
    with pytest.raises(OptionError, match=r"^the scale 'root' is there already; choose another name$"):
        scales.add("root", "again", "math:sqrt")
    scales.remove("root")
    assert "root" not in scales
    with pytest.raises(UnknownNameError, match="unknown scale 'root'"):
        scales.get("root")
