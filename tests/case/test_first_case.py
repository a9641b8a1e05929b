"""What the first case promises its readers."""

from __future__ import annotations

import datetime as dt

import pytest

from riskcast import Case, fit, forecast, load_case, respond
from riskcast.engines.posterior import Posterior

THE_FOUR = ("xenophobia", "labour_shortage", "remittance_dependency", "security_diversification")


@pytest.fixture(scope="module")
def case() -> Case:
    return load_case("central_asia_2024")


@pytest.fixture(scope="module")
def posterior(case: Case) -> Posterior:
    return fit(case, seed=1)


def test_nothing_is_later_than_the_article(case: Case) -> None:
    last = dt.date(2024, 5, 6)
    assert case.as_of == last
    assert all(row.date <= last and row.known_on <= last for row in case.event_rows)
    assert all(row.date <= last and row.published <= last for row in case.series_rows)
    assert all(source.date <= last for source in case.sources.values())


def test_base_rates_come_from_elsewhere(case: Case) -> None:
    assert all(
        event.base_rate.evidence is not None and event.base_rate.evidence.basis != "record"
        for event in case.events.values()
    )


def test_an_answered_protest_is_rarely_repeated_within_a_month(posterior: Posterior) -> None:
    # In none of 20 cases on record, which allows .14, did a second one follow an answered trigger so soon.
    assert forecast(posterior, horizon=1).probability("demarche", "RUS-TJK").mean <= 0.2


@pytest.mark.parametrize(("name", "sign"), list(zip(THE_FOUR, (1, -1, -1, 1), strict=True)))
def test_each_of_the_four_moves_scores_its_own_way(posterior: Posterior, name: str, sign: int) -> None:
    change = respond(posterior, name, points=2).change()
    most = max(change.score.values(), key=lambda one: abs(one.mean))
    assert sign * most.mean > 2.0
    assert all(sign * one.mean > -0.5 for one in change.score.values())
    assert max(abs(one.mean) for one in change.probability.values()) > 0.05


def test_need_holds_back_and_multi_vector_policy_steadies(posterior: Posterior) -> None:
    held = respond(posterior, "security_diversification", points=2).change()
    assert held.probability["domestic_crisis", "RUS-KGZ"].mean < -0.01
    assert held.probability["institutional_distancing", "RUS-UZB"].mean > 0.01
    need = respond(posterior, "labour_shortage", points=2).change()
    assert need.probability["mass_expulsion", "RUS-TJK"].mean < -0.05


def test_shared_acts_touch_whom_they_can(case: Case) -> None:
    assert "RUS-TKM" not in (case.events["restrictive_act"].applies_to or case.dyads)
