"""Elicited numbers come back as elicited, and links are one-to-one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st
from scipy import stats
from scipy.integrate import quad

from riskcast.case.links import IDENTITY, LOG, LOGIT, BoundedLink, HeldLink, Link, LogitLink, base_rate_link
from riskcast.case.quantities import Z90, Prior, Quantity, elicit, find_misfit

CLOGLOG = base_rate_link(12)
LINKS: dict[str, Link] = {
    "identity": IDENTITY,
    "log": LOG,
    "logit": LOGIT,
    "cloglog": CLOGLOG,
    "bounded": BoundedLink(-20.0, 60.0),
}
# Where 1 - probability still has digits of its own; on the log scale, any rate or duration that an analyst may write.
REACH = {
    "identity": (-1e3, 1e3),
    "log": (-20.0, 20.0),
    "logit": (-12.0, 12.0),
    "cloglog": (-15.0, -1.0),
    "bounded": (-9.0, 9.0),
}


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


@st.composite
def elicited(draw: st.DrawFn, name: str) -> tuple[Quantity, Link]:
    """A quantity on a link with sides of any legal lengths, from nearly nothing to all that numbers can tell."""
    link = LINKS[name]
    middle = draw(link_values(name))
    longer = draw(st.floats(1e-3, max(1e-3, min(middle - REACH[name][0], REACH[name][1] - middle))))
    shorter = longer / draw(st.floats(1.0, 6.69))
    below, above = draw(st.permutations((longer, shorter)))
    natural = [float(link.inverse(value)) for value in (middle - below, middle, middle + above)]
    assume(natural[0] < natural[1] < natural[2])
    quantity = Quantity(median=natural[1], interval=(natural[0], natural[2]))
    assume(find_misfit(quantity, link) is None)
    return quantity, link.fitting(*natural)


@pytest.mark.parametrize("name", LINKS)
@given(data=st.data())
def test_median_and_both_ends_are_quantiles_of_the_prior(name: str, data: st.DataObject) -> None:
    quantity, link = data.draw(elicited(name))
    prior = elicit(quantity, LINKS[name])
    low, high = quantity.range
    found = prior.quantile(stats.norm.ppf([0.05, 0.5, 0.95]))
    np.testing.assert_allclose(found, [low, quantity.center, high], rtol=1e-7, atol=1e-6 * (high - low))
    assert prior.link == link


@pytest.mark.parametrize("name", LINKS)
@given(data=st.data(), z=st.lists(st.integers(-800, 800), min_size=2, max_size=5, unique=True))
def test_the_prior_rises_and_its_scores_are_those_it_was_asked_at(name: str, data: st.DataObject, z: list[int]) -> None:
    quantity, link = data.draw(elicited(name))
    prior = elicit(quantity, LINKS[name])
    at = np.sort(z) / 100.0
    assert (np.diff(prior.on_link(at)) > 0).all()
    # The steeper the link or the flatter the prior, the fewer digits a natural value has left.
    kept = np.spacing(np.abs(prior.quantile(at))) * link.slope(prior.quantile(at)) / prior.spread
    kept += np.spacing(np.abs(prior.on_link(at)) + abs(prior.middle)) / prior.spread
    rise = 1.0 + prior.skew * at / np.sqrt(at**2 + 0.25)
    seen = kept < 1e-6
    assert (np.abs(prior.score(prior.quantile(at)) - at) <= 8 * kept / rise + 1e-9)[seen].all()


@pytest.mark.parametrize("name", LINKS)
@given(data=st.data())
def test_a_symmetric_interval_has_the_normal_of_its_median_and_width(name: str, data: st.DataObject) -> None:
    link = LINKS[name]
    low, high = sorted(data.draw(st.tuples(link_values(name), link_values(name)).filter(lambda p: p[1] - p[0] > 1e-3)))
    natural = [float(link.inverse(x)) for x in (low, (low + high) / 2, high)]
    assume(natural[0] < natural[1] < natural[2] and link.fitting(*natural) == link)
    ends = link.forward(natural)
    # Where the natural unit keeps the digits of the link.
    assume(abs(ends[0] + ends[2] - 2 * ends[1]) < 1e-10 * (ends[2] - ends[0]))
    prior = elicit(Quantity(median=natural[1], interval=(natural[0], natural[2])), link)
    assert prior == Prior(ends[1], float(ends[2] - ends[0]) / (2 * Z90), link)
    z = np.linspace(-4.0, 4.0, 9)
    assert (prior.on_link(z) == prior.middle + prior.spread * z).all()


@pytest.mark.parametrize("skew", [-0.99, -0.4, 0.0, 0.7])
def test_mean_sd_and_density_are_those_of_the_prior(skew: float) -> None:
    prior = Prior(1.0, 0.5, LOG, skew)

    def expected(value: Callable[[float], float]) -> float:
        return quad(lambda z: value(z) * stats.norm.pdf(z), -12, 12, points=[0], epsabs=1e-12)[0]

    mean = expected(lambda z: float(prior.on_link(z)))
    assert prior.mean == pytest.approx(mean, abs=1e-9)
    assert prior.sd == pytest.approx(math.sqrt(expected(lambda z: (float(prior.on_link(z)) - mean) ** 2)), abs=1e-9)
    at = prior.quantile(np.linspace(-2.0, 2.0, 9))
    step = 1e-5 * at
    slope = (stats.norm.cdf(prior.score(at + step)) - stats.norm.cdf(prior.score(at - step))) / (2 * step)
    np.testing.assert_allclose(np.exp(prior.log_density(at)), slope, rtol=1e-6)


@pytest.mark.parametrize("name", LINKS)
@given(data=st.data())
def test_slopes_of_links_are_their_derivatives(name: str, data: st.DataObject) -> None:
    link = LINKS[name]
    at = float(link.inverse(data.draw(st.floats(-3.0, -1.0))))
    step = 1e-6 * min(abs(at) + 1e-3, abs(at - link.domain[0]), abs(link.domain[1] - at))
    slope = (float(link.forward(at + step)) - float(link.forward(at - step))) / (2 * step)
    assert float(link.slope(at)) == pytest.approx(slope, rel=1e-4)


def test_ninety_per_cent_of_the_prior_lies_within_the_interval() -> None:
    drawn = elicit(Quantity(median=3.0, interval=(0.9, 6.0)), LOG).quantile(
        np.random.default_rng(1).standard_normal(400_000)
    )
    shares = [(drawn < 0.9).mean(), (drawn < 3.0).mean(), (drawn < 6.0).mean()]
    np.testing.assert_allclose(shares, [0.05, 0.5, 0.95], atol=2e-3)


@pytest.mark.parametrize(
    ("median", "interval", "mend"),
    [
        (0.02, (0.019, 0.6), "give a low end of at most 0.0113, or a high end of at most 0.0281"),
        (0.02, (0.0001, 0.021), "give a low end of at least 0.0145, or a high end of at least 0.0437"),
    ],
)
def test_an_interval_that_is_too_lopsided_is_refused_with_ends_that_will_do(
    median: float, interval: tuple[float, float], mend: str
) -> None:
    misfit = find_misfit(Quantity(median=median, interval=interval), CLOGLOG)
    assert misfit is not None
    assert (misfit.part, misfit.mend) == ("interval", mend)
    with pytest.raises(ValueError, match=r"6\.7 times at most; give a low end"):
        elicit(Quantity(median=median, interval=interval), CLOGLOG)


@pytest.mark.parametrize("name", LINKS)
@given(data=st.data())
def test_ends_that_are_offered_instead_are_taken(name: str, data: st.DataObject) -> None:
    link = LINKS[name]
    x = sorted(data.draw(st.lists(link_values(name), min_size=3, max_size=3, unique=True)))
    low, middle, high = (float(link.inverse(value)) for value in x)
    assume(low < middle < high)
    misfit = find_misfit(Quantity(median=middle, interval=(low, high)), link)
    ends = re.findall(r"(low|high) end (?:of at (?:most|least)|such as) (\S+?)(?:,|$)", misfit.mend if misfit else "")
    for side, end in ends:
        new = (float(end), high) if side == "low" else (low, float(end))
        assert elicit(Quantity(median=middle, interval=new), link).quantile(0.0) == pytest.approx(middle, rel=1e-9)


@pytest.mark.parametrize("interval", [(2.0, 5.0), (1.0, 2.0)])
def test_an_end_that_is_the_median_is_refused(interval: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="is the median itself"):
        Quantity(median=2.0, interval=interval)


# What is said of levels between bounds.


@given(
    inner=st.sampled_from([IDENTITY, LOG]),
    shares=st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3, unique=True).map(sorted),
    z=st.floats(-30.0, 30.0),
)
def test_no_prior_of_a_level_leaves_its_bounds(inner: Link, shares: list[float], z: float) -> None:
    bounds = (0.5, 20.0)
    low, middle, high = (bounds[0] + share * (bounds[1] - bounds[0]) for share in shares)
    assume(low < middle < high)
    quantity, link = Quantity(median=middle, interval=(low, high)), BoundedLink(*bounds, inner)
    assume(find_misfit(quantity, link) is None)
    prior = elicit(quantity, link)
    assert bounds[0] <= float(prior.quantile(z)) <= bounds[1]
    np.testing.assert_allclose(prior.quantile([-Z90, 0.0, Z90]), [low, middle, high], rtol=1e-6)


def test_an_end_at_a_bound_means_that_the_level_is_there_one_time_in_twenty() -> None:
    prior = elicit(Quantity(median=0.3, interval=(0.0, 1.0)), BoundedLink(0.0, 100.0))
    drawn = prior.quantile(np.random.default_rng(2).standard_normal(200_000))
    assert (drawn == 0.0).mean() == pytest.approx(0.05, abs=0.002)
    assert (drawn <= 0.3).mean() == pytest.approx(0.5, abs=0.005)
    assert (drawn <= 1.0).mean() == pytest.approx(0.95, abs=0.002)
    assert elicit(Quantity(value=100.0), BoundedLink(0.0, 100.0)).quantile(0.0) == 100.0


def test_a_level_beside_its_bound_is_measured_on_its_own_scale_where_log_odds_are_too_lopsided() -> None:
    link = BoundedLink(0.0, 1000.0)
    assert link.fitting(0.01, 5.0, 10.0) == HeldLink(0.0, 1000.0, IDENTITY)
    assert link.fitting(1.0, 5.0, 10.0) == link
    assert BoundedLink(0.0, 1000.0, LOG).fitting(0.0, 5.0, 10.0) == BoundedLink(0.0, 1000.0, LOG)
    misfit = find_misfit(Quantity(median=5.0, interval=(0.0, 100.0)), link)
    assert misfit is not None
    assert misfit.mend == "give a high end of at most 38.5, or a low end such as 0.227"


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
