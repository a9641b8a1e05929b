"""The record retold without some of its events: exact where nothing is taken out, as the fit has it where something is,
and as closed forms say on toys."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from riskcast.case.model import Case
from riskcast.challenge.edges_anew import Happenings
from riskcast.challenge.removals import Reduced, find_removed, held_events, moments_of, without_events
from riskcast.challenge.retelling import at_least_one, retell, retell_draws
from riskcast.challenge.worlds_anew import Abducted, Factual
from riskcast.engines.fitting import fit
from riskcast.engines.hazard import build_event_model, memory_columns
from riskcast.engines.posterior import Posterior
from riskcast.errors import OptionError, RiskcastError
from riskcast.machinery.array_types import Floats
from riskcast.record.arrays import Dated, Record, day_number
from tests.support.cases import edge, event, event_row, indicator, make_case, quantity, random_case, searched
from tests.support.remembering import answering, needing, remembering, remembering_panel, some_rows


def within_months(rows: tuple) -> tuple:
    """Rows of which none is at an end of its month, where it could come before an event that is dated to a month."""
    return tuple(row.model_copy(update={"date": row.date.replace(day=min(max(row.date.day, 3), 26))}) for row in rows)


def answered() -> Case:
    sparks = [("spark", 4), ("note", 9), ("spark", 20), ("note", 14)]
    days = [(kind, dt.date(2016, month, day)) for month in (2, 5, 6, 11) for kind, day in sparks[: 1 + month % 4]]
    return answering().revised(
        event_rows=tuple(event_row(day, kind, f"HHH-P{1 + n % 2:03d}") for n, (kind, day) in enumerate(days))
    )


CASES: dict[str, Callable[[], Case]] = {
    "answers": answered,
    "half-lives": needing,
    "every kind": lambda: remembering(within_months(some_rows(3))),
    "panel": remembering_panel,
    "every part": lambda: random_case(2, years=4),
}


def prior(case: Case, draws: int = 100) -> Posterior:
    return fit(case, draws=draws, seed=4, prior_only=True, allow_unreliable=True)


def untouched(posterior: Posterior, since: int = 0) -> Reduced:
    """A record from which nothing is taken."""
    case, record = posterior.case, posterior.record
    none = {name: np.zeros(own.shape, dtype=bool) for name, own in record.occurred.items()}
    settled = {name: (own > 0.0) & ~record.counted[name] for name, own in record.occurred.items()}
    return Reduced((), record, since, case.settings.history_from, settled, none, moments_of(case, record))


def by_the_fit(posterior: Posterior, record: Record, draw: int) -> Mapping[str, Floats]:
    """Rates of every cell at risk of a record as the regression fitted to it has them, not a number elsewhere."""
    out = {}
    for name in posterior.case.order:
        model, drawn = build_event_model(posterior.case, record, name, pooled=False), posterior.events[name]
        hyper = {key: own[draw] for key, own in drawn.hyper.items()}
        columns = memory_columns(model, model.rows, hyper)
        eta = np.concatenate([model.rows.x, columns], axis=1) @ drawn.coefficients[draw]
        eta += drawn.shocks[draw, model.rows.year] + drawn.effects[draw, model.rows.unit]
        out[name] = np.full(record.occurred[name].shape, np.nan)
        out[name][model.rows.period, model.rows.unit] = model.rows.exposure * np.exp(eta)
    return out


@pytest.fixture(scope="module", params=CASES)
def posterior(request: pytest.FixtureRequest) -> Posterior:
    return prior(CASES[request.param]())


def test_the_record_is_as_it_was_where_nothing_is_taken_out(posterior: Posterior) -> None:
    found = retell_draws(posterior, untouched(posterior), np.arange(3), 2, seed=5)
    for (name, t), now in found.now.items():
        assert (now.happened == (posterior.record.occurred[name][t] > 0.0)).all()
        assert (found.kept[name, t] == 1.0).all()
        assert (found.added[name, t] == 0.0).all()


def watched(monkeypatch: pytest.MonkeyPatch, kind: type) -> dict[tuple[str, int], Floats]:
    """The rates at which worlds of a kind are decided, kept as they come."""
    rates: dict[tuple[str, int], Floats] = {}
    plain = kind.__call__

    def call(self: object, name: str, t: int, rate: Floats) -> Happenings:
        rates[name, t] = rate.copy()
        return plain(self, name, t, rate)

    monkeypatch.setattr(kind, "__call__", call)
    return rates


def assert_rates(rates: Mapping[tuple[str, int], Floats], world: int, expected: Mapping[str, Floats]) -> None:
    for (name, t), rate in rates.items():
        known = ~np.isnan(expected[name][t])
        np.testing.assert_allclose(rate[world][known], expected[name][t][known], rtol=1e-6)


def test_factual_rates_are_those_of_the_fit(posterior: Posterior, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = watched(monkeypatch, Factual)
    retell_draws(posterior, untouched(posterior), np.arange(3), 1, seed=5)
    for draw in range(3):
        assert_rates(rates, draw, by_the_fit(posterior, posterior.record, draw))


def with_what_happened(case: Case, told: Record, found: Abducted, world: int, since: int) -> Record:
    """The record of one world: what is told where it is as told, and what has happened anew, dated to its period."""
    occurred = {name: own.copy() for name, own in told.occurred.items()}
    numbers = {name: own.copy() for name, own in told.numbers.items()}
    dated: dict[str, list] = {}
    for name, own in told.dated.items():
        rows = zip(own.period, own.unit, own.earliest, own.latest, own.placed, strict=True)
        dated[name] = [row for row in rows if row[0] < since or found.now[name, int(row[0])].as_told[world, row[1]]]
    line = told.timeline
    for (name, t), now in found.now.items():
        occurred[name][t] = now.happened[world]
        anew = ~now.as_told[world]
        if name in numbers:
            numbers[name][t, anew] = now.number[world, anew]
        first, last = (day_number(case.calendar.first_day(line.first + s)) for s in (t, t + 1))
        for unit in np.flatnonzero(anew & now.happened[world]).tolist() if name in dated else ():
            row = (t, unit, first, last - 1, first + int(now.day[world, unit]) - 1)
            dated[name] += [row] * int(now.number[world, unit])
    counted = {name: (own > 0.0) & told.at_risk[name] for name, own in occurred.items()}
    rows = {name: Dated.of(own) for name, own in dated.items()}
    return replace(told, occurred=occurred, counted=counted, numbers=numbers, dated=rows)


def test_rates_without_an_event_are_those_of_the_fit_to_each_world_s_own_record(
    posterior: Posterior, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, record = posterior.case, posterior.record
    changed = 0
    rates = watched(monkeypatch, Abducted)
    for name in case.order:
        held = held_events(case, name)
        if not held:
            continue
        reduced = without_events(case, record, find_removed(case, [held[len(held) // 3].id]))
        found = retell_draws(posterior, reduced, np.arange(40), 2, seed=5)
        moved = np.sum([(~now.as_told).sum(axis=1) for now in found.now.values()], axis=0)
        for world in np.argsort(-moved)[:2].tolist():
            own = with_what_happened(case, reduced.told, found, world, reduced.since)
            expected = by_the_fit(posterior, own, world // 2)
            for (kind, t), now in found.now.items():
                # Where an answer is told, the triggers before it are felt, whether it happens or not.
                expected[kind][t, reduced.told.occurred[kind][t] > now.happened[world]] = np.nan
            assert_rates(rates, world, expected)
        changed += int(moved.max())
        rates.clear()
    assert changed > 0


BASE = 0.7
DAY, LATER = dt.date(2019, 3, 10), dt.date(2019, 4, 20)


def toy(*edges: dict, rows: tuple[tuple[str, dt.date], ...], **changes) -> Posterior:
    """One dyad, all quantities fixed: what is drawn is the futures alone."""
    names = dict.fromkeys(name for one in edges for name in (one["from"], one["to"]) if name != "mood")
    events = {name: event(quantity(BASE)) for name in names}
    case = make_case(
        events,
        list(edges),
        partners=1,
        years=4,
        rows=tuple(event_row(day, name, "HHH-P001") for name, day in rows),
        **changes,
    )
    return prior(case, draws=200)


def rate() -> float:
    return -np.log1p(-BASE) / 12.0


def chance(rate: float) -> float:
    return -np.expm1(-rate)


NEXT = {"whose": "own", "memory": "fast", "acts": "next"}


def test_an_answer_is_kept_with_the_ratio_of_its_chances() -> None:
    posterior = toy(edge("a", "b", quantity(5.0), **NEXT), rows=(("a", DAY), ("b", LATER)))
    found = retell(posterior, "2019-03-10:a")
    [answer] = found.of("b", "HHH-P001")
    assert answer.probability.mean == pytest.approx(chance(rate()) / chance(5.0 * rate()), rel=1e-9)
    assert answer.probability.error == pytest.approx(0.0, abs=1e-9)
    assert (answer.when, found.instead) == (("2019-04-20",), ())
    calmed = toy(edge("a", "b", quantity(0.2), **NEXT), rows=(("a", DAY), ("b", LATER)))
    [answer] = retell(calmed, "2019-03-10:a").of("b", "HHH-P001")
    assert answer.probability.mean == 1.0


def test_at_least_one_is_the_chance_on_average_and_has_less_chance_in_it() -> None:
    first, second = 0.1, {False: 0.2, True: 0.9}
    mean = square = 0.0
    for one in (False, True):
        for two in (False, True):
            chances, happened = np.array([[first], [second[one]]]), np.array([[one], [two]])
            [value] = at_least_one(chances, happened)
            weight = float(np.prod(np.where(happened, chances, 1.0 - chances)))
            mean, square = mean + weight * value, square + weight * value**2
    exact = 1.0 - (1.0 - first) * (1.0 - second[False])
    assert mean == pytest.approx(exact)
    assert square - mean**2 < 0.2 * exact * (1.0 - exact)


def test_what_an_event_kept_down_happens_instead() -> None:
    posterior = toy(edge("a", "b", quantity(0.2), **NEXT), rows=(("a", DAY),), half_life=quantity(0.05))
    [instead] = retell(posterior, "2019-03-10:a").instead
    expected = 1.0 - np.exp(-(rate() - 0.2 * rate()))
    assert (instead.event, instead.unit) == ("b", "HHH-P001")
    assert instead.expected.mean == pytest.approx(expected, rel=1e-3)
    assert instead.probability.mean == pytest.approx(expected, abs=4.0 * instead.probability.error)


def test_a_chain_is_kept_as_enumeration_says() -> None:
    """a calls forth b at once and b calls forth c: c may lose its cause and happen all the same."""
    same = {**NEXT, "acts": "same"}
    edges = (edge("a", "b", quantity(4.0), **same), edge("b", "c", quantity(6.0), **NEXT))
    posterior = toy(*edges, rows=(("a", DAY), ("b", dt.date(2019, 3, 15)), ("c", LATER)), half_life=quantity(0.05))
    found = retell(posterior, "2019-03-10:a", paths=16)
    [b], [c] = found.of("b", "HHH-P001"), found.of("c", "HHH-P001")
    of_b = chance(rate()) / chance(4.0 * rate())
    of_c = of_b + (1.0 - of_b) * chance(rate()) / chance(6.0 * rate())
    assert b.probability.mean == pytest.approx(of_b, rel=1e-6)
    assert c.probability.mean == pytest.approx(of_c, abs=4.0 * c.probability.error)
    assert 0.0 < c.probability.error < 0.01
    [count] = [one for one in found.counts if one.event == "c"]
    assert (count.recorded, pytest.approx(count.expected.mean, abs=1e-3)) == (1, c.probability.mean)


def test_worlds_are_those_of_nested_simulation() -> None:
    """Four months gone through by hand, many times: worlds that are like the record, and the same without one event."""
    months = {"a": (9, 11), "b": (10,)}
    rows = tuple((name, dt.date(2020, month, 9)) for name, held in months.items() for month in held)
    ratios = {("a", "b"): 4.0, ("b", "b"): 0.5, ("b", "a"): 2.0, ("a", "a"): 0.4}
    edges = [edge(source, target, quantity(ratio), **NEXT) for (source, target), ratio in ratios.items()]
    found = retell(toy(*edges, rows=rows, half_life=quantity(1.0)), "2020-09-09:a", paths=32)

    uniforms = np.random.default_rng(1).random((250_000, 4, 2))

    def gone_through(without: bool) -> Floats:
        happened = np.zeros(uniforms.shape)
        left = np.zeros((len(uniforms), 2))
        for t in range(4):
            logs = sum(
                np.log(ratio) * np.log2(1.0 + left[:, "ab".index(source), None]) * (np.array(["a", "b"]) == target)
                for (source, target), ratio in ratios.items()
            )
            happened[:, t] = uniforms[:, t] < -np.expm1(-rate() * np.exp(logs))
            if without and t == 0:
                happened[:, 0, 0] = 0.0
            left = left / 2.0 + happened[:, t]
        return happened

    record = np.zeros((4, 2))
    for name, held in months.items():
        record[np.array(held) - 9, "ab".index(name)] = 1.0
    like_it = (gone_through(without=False) == record).all(axis=(1, 2))
    simulated, worlds = gone_through(without=True)[like_it], int(like_it.sum())
    assert worlds > 300
    for name, t in (("b", 1), ("a", 2)):
        [one] = [one for one in found.of(name, "HHH-P001") if one.period == f"2020-{t + 9:02d}"]
        share = float(simulated[:, t, "ab".index(name)].mean())
        assert one.probability.mean == pytest.approx(share, abs=4.0 * np.sqrt(share * (1.0 - share) / worlds))
    new = simulated * (1.0 - record)
    for one in found.instead:
        expected = float(new[:, :, "ab".index(one.event)].sum(axis=1).mean())
        assert one.expected.mean == pytest.approx(expected, abs=4.0 * np.sqrt(expected / worlds) + 1e-3)


def test_what_an_event_has_raised_goes_with_it() -> None:
    rise = {"steps": quantity(2.0), "half_life": quantity(1.0), "whose": "own"}
    mood = indicator(scope="dyad", raises={"a": rise})
    edges = (edge("mood", "b", quantity(3.0)), edge("b", "a", quantity(1.0), **NEXT))
    posterior = toy(*edges, rows=(("a", DAY), ("b", LATER)), indicators={"mood": mood})
    [answer] = retell(posterior, "2019-03-10:a").of("b", "HHH-P001")
    gap = (1.0 + 0.5) - (9.5 / 31.0)
    assert answer.probability.mean == pytest.approx(chance(rate()) / chance(rate() * 3.0 ** (2.0 * 0.5**gap)), rel=1e-9)


def test_a_trigger_that_loses_its_answer_is_not_spent() -> None:
    spent = {**NEXT, "acts": "same", "spent": True}
    rows = (("a", dt.date(2019, 3, 2)), ("b", dt.date(2019, 3, 8)))
    posterior = toy(edge("a", "b", quantity(5.0), **spent), rows=rows, half_life=quantity(1.0))
    [instead] = retell(posterior, "2019-03-08:b", paths=16).instead
    [with_spent] = [one for one in retell(posterior, "2019-03-08:b").counts if one.event == "b"]
    # In April half of the trigger is left, in May a quarter, unless it is answered anew.
    left, expected = 1.0, 0.0
    for gap in range(1, 30):
        added = rate() * (5.0 ** np.log2(1.0 + 0.5**gap) - 1.0)
        expected += left * chance(added)
        left *= 1.0 - chance(added)
    assert instead.probability.mean == pytest.approx(expected, abs=4.0 * instead.probability.error)
    assert (with_spent.recorded, with_spent.expected.mean > 0.0) == (1, True)


def test_what_came_before_that_day_and_what_no_search_covers_stand() -> None:
    rows = (("b", dt.date(2019, 3, 4)), ("a", DAY), ("b", LATER), ("b", dt.date(2019, 9, 9)))
    posterior = toy(edge("a", "b", quantity(5.0), **{**NEXT, "acts": "same"}), rows=rows)
    searches = [(kind, unit, dt.date(2017, 1, 1), dt.date(2019, 6, 30), 0.5) for unit in ("HHH-P001",) for kind in "ab"]
    posterior = prior(searched(posterior.case, *searches), draws=100)
    found = retell(posterior, "2019-03-10:a")
    assert (found.earlier, found.unsearched) == (1, 1)
    [april] = found.of("b", "HHH-P001")
    ratio = 5.0 ** np.log2(1.0 + 0.5 ** (1.0 / 3.0))
    assert april.probability.mean == pytest.approx(chance(0.5 * rate()) / chance(0.5 * ratio * rate()), rel=1e-9)


def test_a_part_of_a_cell_goes_and_the_rest_stays() -> None:
    rows = (("a", DAY), ("a", dt.date(2019, 3, 20)), ("b", LATER))
    posterior = toy(edge("a", "b", quantity(5.0), **NEXT), rows=rows)
    [answer] = retell(posterior, ["2019-03-10:a"]).of("b", "HHH-P001")
    assert answer.probability.mean == 1.0
    [answer] = retell(posterior, ["2019-03-10:a", "2019-03-20:a"]).of("b", "HHH-P001")
    assert answer.probability.mean < 1.0


def test_the_same_worlds_whatever_blocks_they_are_made_in(monkeypatch: pytest.MonkeyPatch) -> None:
    posterior = prior(CASES["answers"](), draws=100)
    without = [held_events(posterior.case, "spark")[0].id]
    whole = retell(posterior, without).to_frame()
    monkeypatch.setattr("riskcast.challenge.retelling.BLOCK_CELLS", 200)
    np.testing.assert_allclose(whole["probability"], retell(posterior, without).to_frame()["probability"], rtol=1e-12)


@pytest.mark.parametrize(
    ("without", "told"),
    [
        ([], "no event is named"),
        (["demarche"], "write DATE:TYPE"),
        (["2019-03-10:c"], "unknown event type 'c'"),
        (["2019-03-11:a"], "nearest are dated 2001-01-01, 2019-03-10, 2019-04-20"),
        (["spring:a"], "the last are dated"),
        (["2019-03-10:a"], "say of which unit: 2019-03-10:a:HHH-P001, 2019-03-10:a:HHH-P002"),
        (["2019-03-10:a:HHH-P009"], "unknown unit"),
        (["2019-04-20:a:HHH-P002"], "it has 2019-04-20:a:HHH-P001"),
        (["2001-01-01:a"], "lies before the record"),
        (["2019-03-10:b"], "none at all"),
    ],
)
def test_what_names_no_event_is_told_with_the_mend(without: list[str], told: str) -> None:
    rows = [event_row(DAY, "a", f"HHH-P00{n}") for n in (1, 2)] + [event_row(LATER, "a", "HHH-P001")]
    rows.append(event_row(dt.date(2001, 1, 1), "a", "HHH-P001"))
    case = make_case({"a": event(quantity(0.3)), "b": event(quantity(0.3))}, rows=tuple(rows))
    with pytest.raises(RiskcastError, match=told):
        find_removed(case, without)


def test_paths_are_within_bounds() -> None:
    posterior = toy(edge("a", "b", quantity(5.0), **NEXT), rows=(("a", DAY),))
    with pytest.raises(OptionError, match="paths is 0"):
        retell(posterior, "2019-03-10:a", paths=0)
