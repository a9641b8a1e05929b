"""What every registered engine promises, tried on a stranger's too."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from typer.testing import CliRunner

from riskcast import fit, forecast, score
from riskcast.case.model import Case
from riskcast.engines.draws import EventDraws, draw_prior
from riskcast.engines.jobs import Job, one_by_one
from riskcast.engines.pymc_model import build_model
from riskcast.engines.registry import ENGINES, engine_versions
from riskcast.errors import UnknownNameError, UnreliablePosteriorError
from tests.support.cases import edge, event, make_case, quantity

STRANGER = "guess"


class Guess:
    """An engine that has learned nothing: draws of the priors."""

    packages = ("numpy", "no-such-package")
    advice = "another engine"
    chains = 1

    def sample(self, job: Job) -> dict[str, EventDraws]:
        return one_by_one(job, draw_prior)


@pytest.fixture
def stranger() -> Iterator[str]:
    ENGINES.add(STRANGER, "guesses", Guess())
    yield STRANGER
    ENGINES.remove(STRANGER)


def small() -> Case:
    return make_case(
        {
            "quarrel": event(quantity(0.4, 0.2, 0.6), severity=30.0),
            "clash": event(quantity(0.2, 0.1, 0.4), severity=60.0),
        },
        [edge("quarrel", "clash", quantity(2.0, 1.2, 3.0), whose="own", memory="fast", acts="next")],
        years=4,
        sd_time=quantity(0.3),
        persistence=quantity(0.5),
    )


@pytest.fixture(params=["laplace", "nuts", STRANGER])
def engine(request: pytest.FixtureRequest, stranger: str) -> str:
    return request.param


def test_every_engine_is_tried() -> None:
    assert set(ENGINES) == {"laplace", "nuts"}


def test_an_engine_gives_draws_of_every_event_type(engine: str) -> None:
    case, heard = small(), []
    posterior = fit(case, engine=engine, draws=200, allow_unreliable=True, progress=lambda *told: heard.append(told))
    assert heard
    assert posterior.engine == posterior.diagnostics.engine == engine
    assert list(posterior.events) == list(case.order)
    for name, drawn in posterior.events.items():
        model = posterior.models[name]
        assert drawn.coefficients.shape == (200, len(model.coefficients))
        assert drawn.shocks.shape == (200, len(model.years))
        assert drawn.effects.shape == (200, len(model.units))
        assert set(drawn.hyper) == set(model.hyper)
        assert all(values.shape == (200,) for values in drawn.hyper.values())
        assert np.isfinite(drawn.ess)
    chains = ENGINES.get(engine).chains
    assert 200 % chains == 0
    # Chains are handed on whole, of the free variables of the model that anybody can build.
    assert (posterior.chains is not None) == (chains > 1)
    if posterior.chains is not None:
        free = {one.name: tuple(one.shape.eval()) for one in build_model(case).free_RVs}
        whole = {str(name): one.shape for name, one in posterior.chains["posterior"].data_vars.items()}
        assert {name: shape[2:] for name, shape in whole.items()} == free
        assert {shape[0] for shape in whole.values()} == {chains}
        assert posterior.chains["sample_stats"]["diverging"].shape == whole["z"][:2]
    risk = score(forecast(posterior, horizon=3))
    assert all(0.0 <= dyad.score.low <= dyad.score.mean <= dyad.score.high <= 100.0 for dyad in risk.dyads)


def test_the_same_seed_gives_the_same_draws(stranger: str) -> None:
    for name in ("laplace", stranger):
        one, two = (fit(small(), engine=name, draws=200, allow_unreliable=True) for _ in range(2))
        for event_type in one.events:
            first, second = (each.events[event_type].coefficients for each in (one, two))
            np.testing.assert_array_equal(first, second)


def test_engines_are_told_by_name_in_help_and_errors(engine: str) -> None:
    from riskcast.cli.commands import app

    assert ENGINES.about(engine)
    told = CliRunner().invoke(app, ["forecast", "--help"]).output
    if engine != STRANGER:
        assert f"{engine} {ENGINES.about(engine).split()[0]}" in " ".join(told.split())
    with pytest.raises(UnknownNameError, match="unknown engine 'laplase'; did you mean 'laplace'"):
        fit(small(), engine="laplase")


def test_versions_are_those_of_its_packages(stranger: str) -> None:
    assert engine_versions("laplace") == {}
    assert set(engine_versions("nuts")) == {"pymc", "nutpie"}
    assert engine_versions(stranger) == {"numpy": np.__version__, "no-such-package": "unknown"}


def test_advice_is_the_engine_s_own(stranger: str) -> None:
    class Unsure(Guess):
        advice = "a coin"

        def sample(self, job: Job) -> dict[str, EventDraws]:
            from dataclasses import replace

            return {name: replace(drawn, ess=1.0) for name, drawn in super().sample(job).items()}

    ENGINES.add("unsure", "knows that it does not know", Unsure())
    try:
        with pytest.raises(UnreliablePosteriorError, match=r"the unsure posterior failed .* or a coin;"):
            fit(small(), engine="unsure", draws=200)
    finally:
        ENGINES.remove("unsure")
