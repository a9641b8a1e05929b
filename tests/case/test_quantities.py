"""Elicited numbers come back as elicited, and links are one-to-one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from riskcast.case.quantities import IDENTITY, LOG, LOGIT, Link, LogitLink, Quantity, base_rate_link, elicit

CLOGLOG = base_rate_link(12)
LINKS = {"identity": IDENTITY, "log": LOG, "logit": LOGIT, "cloglog": CLOGLOG}
# Where 1 - probability still has digits of its own; on the log scale, any rate or duration that an analyst may write.
REACH = {"identity": (-1e3, 1e3), "log": (-20.0, 20.0), "logit": (-12.0, 12.0), "cloglog": (-15.0, -1.0)}


def link_values(name: str) -> st.SearchStrategy[float]:
    low, high = REACH[name]
    return st.floats(low, high, allow_nan=False)


@pytest.mark.parametrize("name", LINKS)
@given(data=st.data())
def test_every_link_inverts(name: str, data: st.DataObject) -> None:
    link, x = LINKS[name], data.draw(link_values(name))
    natural = float(link.inverse(x))
    low, high = link.domain
    assert low < natural < high
    assert float(link.forward(natural)) == pytest.approx(x, abs=1e-8)
    assert float(link.inverse(link.forward(natural))) == pytest.approx(natural, rel=1e-9)


@pytest.mark.parametrize("name", LINKS)
@given(data=st.data())
def test_a_symmetric_interval_and_its_median_are_recovered(name: str, data: st.DataObject) -> None:
    link = LINKS[name]
    low, high = sorted(data.draw(st.tuples(link_values(name), link_values(name)).filter(lambda p: p[0] != p[1])))
    natural = [float(link.inverse(x)) for x in (low, (low + high) / 2, high)]
    if not natural[0] < natural[1] < natural[2]:
        return
    prior = elicit(Quantity(median=natural[1], interval=(natural[0], natural[2])), link)
    found = prior.quantile(stats.norm.ppf([0.05, 0.5, 0.95]))
    np.testing.assert_allclose(found, natural, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", LINKS)
@given(data=st.data())
def test_an_asymmetric_interval_keeps_its_median_and_its_width(name: str, data: st.DataObject) -> None:
    link = LINKS[name]
    x = sorted(data.draw(st.lists(link_values(name), min_size=3, max_size=3, unique=True)))
    natural = [float(link.inverse(value)) for value in x]
    if not natural[0] < natural[1] < natural[2]:
        return
    prior = elicit(Quantity(median=natural[1], interval=(natural[0], natural[2])), link)
    assert float(prior.quantile(0.0)) == pytest.approx(natural[1], rel=1e-12, abs=1e-12)
    within = stats.norm.ppf(0.95) - stats.norm.ppf(0.05)
    assert within * prior.sd == pytest.approx(float(link.forward(natural[2]) - link.forward(natural[0])), rel=1e-9)


def test_ninety_per_cent_of_the_prior_lies_within_the_interval() -> None:
    prior = elicit(Quantity(median=2.0, interval=(0.5, 8.0)), LOG)
    inside = stats.norm(prior.mean, prior.sd).cdf(np.log([0.5, 8.0]))
    np.testing.assert_allclose(inside, [0.05, 0.95], atol=1e-12)


@pytest.mark.parametrize("per_year", [1, 4, 12])
@given(p=st.floats(1e-6, 1 - 1e-6))
def test_a_base_rate_is_the_chance_of_at_least_one_event_in_a_year(per_year: int, p: float) -> None:
    alpha = float(base_rate_link(per_year).forward(p))
    quiet_period = math.exp(-math.exp(alpha))
    assert 1.0 - quiet_period**per_year == pytest.approx(p, rel=1e-9, abs=1e-12)


def test_a_spread_fixed_at_nothing_stays_nothing_at_every_score() -> None:
    prior = elicit(Quantity(value=0.0), LOG)
    assert prior.is_fixed
    assert prior.quantile([-3.0, 0.0, 3.0]).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("link", "median", "interval"),
    [(LOG, 1.0, (0.0, 2.0)), (LOGIT, 0.5, (0.1, 1.0)), (CLOGLOG, 0.5, (0.0, 0.9))],
)
def test_a_quantity_outside_its_link_is_refused(link: Link, median: float, interval: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        elicit(Quantity(median=median, interval=interval), link)


def test_links_are_told_apart_as_fingerprints_of_kept_runs_have_them() -> None:
    assert [link.parts for link in (IDENTITY, LOG, LOGIT)] == [("identity", 0.0), ("log", 0.0), ("logit", 0.0)]
    assert base_rate_link(12).parts == ("cloglog", math.log(12))
    assert LogitLink(0.0, 100.0).parts == ("logit", 0.0, 0.0, 100.0)
