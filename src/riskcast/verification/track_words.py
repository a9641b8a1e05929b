"""A track record in plain words: who was right, whose numbers are too high, and what cannot be told yet."""

from __future__ import annotations

from typing import Final

from riskcast.numbers import (
    counted,
    has_ends,
    leaves_out_zero,
    number,
    percent,
    share,
    signed,
    signed_ends,
    skill as skill_text,
)
from riskcast.verification.forecasters import MODEL
from riskcast.verification.track_rows import ForecasterRecord, Paired, TrackRecord, TrackRow
from riskcast.verification.verdicts import Verdict, label_of

MOST_MORE: Final = 10_000
NEXT: Final = (
    "Publish a run (riskcast publish RUN) before its window is over",
    "add your own number (riskcast publish RUN --mine 0.3 --question 'UNIT OUTCOME')",
    "and answer questions as the record grows (riskcast resolve CASE).",
)
TRACK_WORDS: Final = (
    ("Brier score", "Mean squared distance between the probability and what happened (1 or 0). 0 is perfect."),
    ("Log score", "Penalty that grows without bound as something happens that was called impossible. 0 is perfect."),
    (
        "Skill",
        "By how much the Brier score is below that of another forecaster on the questions that both answered: 0 % is "
        "no better, 100 % perfect, less than 0 % worse.",
    ),
    ("Bias", "Mean probability less the share that came, in points: above 0 is too high."),
    (
        "90 % interval",
        "Roughly where the number would lie in nine of ten such records. Questions of one host whose windows overlap "
        "are drawn together, as what befalls the host befalls them all; what all of a year shares is not in it before "
        "there are several years. Where all hang together there is no interval.",
    ),
    (
        "More questions",
        "How many further questions like these would tell a difference of the size seen so far from none, with a power "
        "of 80 %. As it comes from few questions itself, it is the order that counts.",
    ),
    ("In time", "Registered by the deadline, and before the day of the event. What is late is not scored."),
    ("Void", "A question that cannot be answered. It is not scored."),
    ("Disputed", "Sources disagree. It counts as having happened, and the range says what scores are either way."),
)


def track_verdict(record: TrackRecord) -> Verdict:
    """What the record shows of the model, or of the first forecaster, against references."""
    if not record.forecasters:
        return Verdict("open", "There is no track record yet.", what_next(record), firm=False)
    first = record.forecasters[0]
    against = [pair for pair in record.pairs if pair.forecaster == first.forecaster and pair.against != MODEL]
    answered = f"{counted(record.questions, 'question')} answered"
    name = label_of(first.forecaster)
    if not against:
        return Verdict("open", f"{answered}: {bias_in_words(first)}", "Nobody is there to compare with.", firm=False)
    best = max(against, key=lambda pair: pair.difference.value)
    told = pair_in_words(best)
    kind = "open"
    if has_ends(best.difference):
        kind = "better" if best.difference.high < 0 else "worse" if best.difference.low > 0 else "open"
    words = {
        "better": f"{name} beats every reference that it was published beside",
        "worse": f"{name} is beaten by {label_of(best.against)}",
        "open": f"It cannot be told yet whether {name} beats {label_of(best.against)}",
    }
    return Verdict(kind, f"{answered}. {words[kind]}.", f"{told} {bias_in_words(first)}", firm=kind != "open")


def bias_in_words(record: ForecasterRecord) -> str:
    """How far a forecaster's probabilities are off on average, in a sentence.

    `me says 31 % on average where 18 % came: too high by 13 points (6 to 20).`
    """
    name, mean, came = label_of(record.forecaster), share(record.mean_forecast), share(record.frequency)
    said = f"{name} says {mean} on average where {came} came"
    bias = record.bias
    points = f"{number(100 * abs(bias.value), 0)} points"
    if not has_ends(bias):
        return f"{said}: {signed(100 * bias.value, 0)} points, and how sure that is cannot be told yet."
    if leaves_out_zero(bias):
        which = "high" if bias.value > 0 else "low"
        ends = sorted((abs(bias.low), abs(bias.high)))
        return f"{said}: too {which} by {points} ({number(100 * ends[0], 0)} to {number(100 * ends[1], 0)})."
    told = f"{signed(100 * bias.value, 0)} points, {signed_ends(bias, 0, 100)}"
    return f"{said}: no bias that can be told ({told})."


def pair_in_words(pair: Paired) -> str:
    """Who did better on the questions that both answered, and how many more would tell."""
    name, other = label_of(pair.forecaster), label_of(pair.against)
    on = f"on {counted(pair.questions, 'question')} that both answered"
    skill = ""
    if pair.skill is not None:
        value, ends = skill_text(pair.skill)
        skill = f" (skill {value}{f', {ends}' if ends else ''})"
    if leaves_out_zero(pair.difference):
        return f"{name} did {'better' if pair.difference.value < 0 else 'worse'} than {other} {on}{skill}."
    return f"{name} and {other} cannot be told apart {on}{skill}{more_in_words(pair)}."


def more_in_words(pair: Paired) -> str:
    """How many further questions would tell a pair apart, as the end of a sentence.

    >>> from riskcast.verification.measured import Measured
    >>> none = Measured(0.01, float("nan"), float("nan"))
    >>> more_in_words(Paired("me", "model", 9, none, none, None, None, 40))
    '; about 40 more like these would tell a difference of this size'
    """
    if pair.more is None:
        return "; there is no difference so far" if pair.questions > 1 else "; one question tells nothing"
    if pair.more == 0:
        return "; the number of questions would be enough, were they independent"
    if pair.more > MOST_MORE:
        return f"; more than {MOST_MORE:,} more like these would be needed: there is hardly a difference"
    return f"; about {pair.more:,} more like these would tell a difference of this size"


def miss_in_words(miss: TrackRow) -> str:
    """A forecast that gave what came less than one half."""
    when = f" on {miss.happened}" if miss.happened is not None else ""
    came = f"It happened{when}" if miss.answer == "yes" else "It did not happen"
    return f"{miss.text}: {label_of(miss.forecaster)} said {percent(miss.probability)}. {came}."


def misses_in_words(record: TrackRecord) -> str:
    """What the last month brought, in a sentence."""
    recent = len({row.question for row in record.last_month if row.kind != "reference"})
    if not recent:
        return "No question was answered in the last month."
    many = f"{counted(recent, 'question was', 'questions were')} answered in the last month"
    missed = len(record.misses)
    if not missed:
        return f"{many}, and no forecast gave what came less than one half."
    return f"{many}; {counted(missed, 'forecast')} gave what came less than one half, the worst first."


def disputed_in_track(record: ForecasterRecord) -> str:
    """The range of scores over disputed questions, in words; empty where none is disputed."""
    if record.brier_range is None:
        return ""
    low, high = record.brier_range
    many = f"{counted(record.disputed, 'question is', 'questions are')} disputed"
    whose = f"the Brier score of {label_of(record.forecaster)}"
    return f"{many}: {whose} is {number(low, 3)} to {number(high, 3)}, whichever way."


def left_out_in_words(record: TrackRecord) -> str:
    """What is not scored, and what waits, in a sentence; empty where there is nothing."""
    parts = []
    if record.void:
        parts.append(f"{record.void:,} void")
    if record.late:
        parts.append(f"{counted(record.late, 'forecast')} late")
    left = f"Not scored: {' and '.join(parts)}. " if parts else ""
    if record.waiting:
        over = f", {record.overdue:,} of them though their window is over" if record.overdue else ""
        left += f"{counted(record.waiting, 'question waits', 'questions wait')} for an answer{over}."
    return left.strip()


def what_next(record: TrackRecord) -> str:
    """What to do where there is no track record yet."""
    if record.late and not record.questions:
        return "Every answered forecast was registered late: publish runs before the answers can be known."
    if record.overdue:
        return f"{record.overdue:,} questions wait though their window is over: riskcast resolve CASE answers them."
    if record.waiting:
        mend = "answer them as the record grows: riskcast resolve CASE"
        return f"{record.waiting:,} questions wait, and none has been answered; {mend}"
    return ", ".join(NEXT)
