"""Questions and forecasts put into a ledger, before anybody can know the answers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from riskcast.errors import OptionError, shorten, visible
from riskcast.forecasting.requests import Request
from riskcast.ledger.entries import all_entries, append, now_of
from riskcast.ledger.outside_numbers import OutsideNumber, matched
from riskcast.ledger.places import LedgerPlace, find_place
from riskcast.ledger.questions import asked_by
from riskcast.ledger.reading import LedgerContents
from riskcast.ledger.records import Content, LedgerEntry, LedgerForecast, LedgerQuestion
from riskcast.ledger.store import writing
from riskcast.runs.making import Run
from riskcast.verification.forecasters import forecaster_names
from riskcast.verification.track_rows import Kind

MOST_NAME = 100


@dataclass(frozen=True)
class Publication:
    """What was added to a ledger.

    entries: with their receipts, the last of which stands for all before it; already: how many forecasts were there,
    word for word; late: how many were registered after the deadline or the answer; told: what changed under questions
    that were published before.
    """

    place: str
    entries: tuple[LedgerEntry, ...]
    already: int = 0
    late: int = 0
    told: tuple[str, ...] = ()

    @property
    def questions(self) -> tuple[LedgerQuestion, ...]:
        """The questions that were added."""
        return tuple(e.content for e in self.entries if isinstance(e.content, LedgerQuestion))

    @property
    def forecasts(self) -> tuple[LedgerForecast, ...]:
        """The forecasts that were added."""
        return tuple(e.content for e in self.entries if isinstance(e.content, LedgerForecast))

    @property
    def receipt(self) -> str:
        """The hash of the last entry that was added; empty where none was."""
        return self.entries[-1].hash if self.entries else ""


def publish(
    run: Run,
    ledger: str | Path | None = None,
    *,
    by: str = "",
    horizons: Sequence[int] = (),
    deadline: dt.date | None = None,
    late: bool = False,
    supersede: bool = False,
    now: dt.datetime | None = None,
) -> Publication:
    """Publish a run: every question that it answers, with the probabilities of the model and of every reference.

    What is there already, word for word, is not added again. A forecast after the deadline or the answer is refused
    unless `late`, which marks it; another forecast of the same forecaster is, unless it is to `supersede` that. `by` is
    who publishes; `now` the time, that of this machine where none is given. Raises OptionError for what is refused,
    and for a run of another case under the name of one that is in the ledger; nothing is added then.

    >>> import tempfile
    >>> import riskcast
    >>> run = riskcast.run(riskcast.load_case("central_asia_2024"), draws=200)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = publish(run, Path(folder) / "ledger.sqlite", now=dt.datetime(2024, 5, 7, tzinfo=dt.UTC))
    >>> len(made.questions) > 20, len(made.receipt)
    (True, 64)
    """
    place, at = find_place(ledger), now_of(now)
    asked = asked_by(run, horizons, deadline)
    with writing(place) as connection:
        before = LedgerContents(str(place), all_entries(connection))
        _check_case(before, run)
        told = tuple(_changed(before, [each.question for each in asked]))
        new = [each.question for each in asked if each.question.id not in before.questions]
        return _add(
            place,
            connection,
            before,
            new,
            [forecast for each in asked for forecast in each.forecasts],
            _author(by),
            at,
            late=late,
            supersede=supersede,
            told=told,
        )


def publish_numbers(
    numbers: Iterable[OutsideNumber],
    by: str,
    ledger: str | Path | None = None,
    *,
    kind: Kind = "person",
    author: str = "",
    request: Request | None = None,
    late: bool = False,
    supersede: bool = False,
    now: dt.datetime | None = None,
) -> Publication:
    """Register somebody's own probabilities for questions that are published: an analyst's, a crowd's, a market's.

    `by` is the forecaster; `request`, where it is given, that of the run whose questions are meant where others are
    alike. Raises OptionError for the name of a forecaster of riskcast's own, where there is no ledger, and as `publish`
    does.
    """
    place, at, name = find_place(ledger), now_of(now), _forecaster(by)
    given = tuple(numbers)
    with writing(place, begin=False) as connection:
        before = LedgerContents(str(place), all_entries(connection))
        forecasts = []
        for number, question in matched(given, before, None if request is None else request.id):
            forecasts.append(
                LedgerForecast(
                    question.id,
                    name,
                    kind,
                    number.probability,
                    known=number.known,
                    source=visible(number.source),
                )
            )
        _check_once(forecasts)
        return _add(
            place, connection, before, [], forecasts, _author(author or name), at, late=late, supersede=supersede
        )


def _add(
    place: LedgerPlace,
    connection: Connection,
    before: LedgerContents,
    questions: Sequence[LedgerQuestion],
    forecasts: Sequence[LedgerForecast],
    author: str,
    at: dt.datetime,
    *,
    late: bool,
    supersede: bool,
    told: tuple[str, ...] = (),
) -> Publication:
    known = {**before.questions, **{each.id: each for each in questions}}
    today = before.today(at)
    new: list[Content] = list(questions)
    already, marked = 0, 0
    for forecast in forecasts:
        question, earlier = known[forecast.question], before.forecasts.get((forecast.question, forecast.forecaster))
        over = _over(question, before, today)
        if earlier is not None:
            entry, last = earlier[-1]
            if replace(last, supersedes=None, late=False) == forecast:
                already += 1
                continue
            if not supersede:
                raise OptionError(
                    f"{shorten(forecast.forecaster)} has said {last.probability:.4g} already of question {question.id} "
                    f"({question.text}); add --supersede to put {forecast.probability:.4g} in its place"
                )
            forecast = replace(forecast, supersedes=entry.number)
        if over:
            if not late:
                mend = "add --late to register it all the same, marked as late and left out of scores"
                raise OptionError(f"question {question.id} ({question.text}) {over}; {mend}")
            forecast, marked = replace(forecast, late=True), marked + 1
        new.append(forecast)
    return Publication(str(place), append(connection, new, author, at), already, marked, told)


def _over(question: LedgerQuestion, before: LedgerContents, today: dt.date) -> str:
    """Why a forecast comes too late, in words; empty where it does not."""
    if question.id in before.answers:
        return f"is answered: {before.answers[question.id][1].answer}"
    return f"was to be forecast by {question.deadline}" if today > question.deadline else ""


def _check_case(before: LedgerContents, run: Run) -> None:
    """Raise OptionError where the ledger has questions of another case under the name of the run's."""
    case = run.case
    other = next(
        (q for q in before.questions.values() if q.case_name == case.name and q.host != case.host),
        None,
    )
    if other is not None:
        wrong = f"the ledger's case {case.name} is of {other.host} ({other.title}), and this run of {case.host}"
        raise OptionError(f"{wrong}; rename the folder of the case, or give another --ledger")


def _changed(before: LedgerContents, questions: Sequence[LedgerQuestion]) -> Iterable[str]:
    """What a case now says otherwise of outcomes that are asked about in the ledger, each once."""
    last = {(q.case_name, q.outcome): q for q in before.waiting}
    for (case, outcome), now in {(q.case_name, q.outcome): q for q in questions}.items():
        then = last.get((case, outcome))
        if then is not None:
            yield from changes_under(then, now.severity, now.rules)


def changes_under(then: LedgerQuestion, severity: float, rules: tuple[str, str, str]) -> Iterable[str]:
    """What is said otherwise now of the outcome of a question that was published."""
    if then.severity != severity:
        yield (
            f"the severity of {then.outcome} was {then.severity:g} when question {then.id} was published, and is "
            f"{severity:g} now"
        )
    for what, was, is_now in zip(
        ("counts where", "does not count where", "is told by"), then.rules, rules, strict=True
    ):
        if was != is_now:
            yield (
                f"the rule of {then.outcome} changed since question {then.id} was published: it {what} "
                f"{shorten(was, 160)!r} then, and {shorten(is_now, 160)!r} now"
            )


def _check_once(forecasts: Sequence[LedgerForecast]) -> None:
    ids = Counter(forecast.question for forecast in forecasts)
    twice = next((name for name, count in ids.items() if count > 1), None)
    if twice is not None:
        raise OptionError(f"question {twice} is given two probabilities; give one")


def _author(name: str) -> str:
    if name:
        return shorten(visible(name), MOST_NAME)
    import getpass

    try:
        return shorten(getpass.getuser(), MOST_NAME)
    except (OSError, KeyError, ImportError):
        return "unknown"


def _forecaster(name: str) -> str:
    found = " ".join(visible(name).split())
    if not found or len(found) > MOST_NAME:
        raise OptionError(f"a forecaster's name has {len(found)} characters; give 1 to {MOST_NAME} with --by")
    if found in forecaster_names():
        wrong = f"{found} is a forecaster of riskcast's own, and forecasts by itself"
        raise OptionError(f"{wrong}; give another name with --by")
    return found
