"""Overlays: small files that change some quantities of a case."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from riskcast.case.checks import find_problems
from riskcast.case.files import validate
from riskcast.case.judgements import JUDGEMENTS, NAMELESS, Doubt
from riskcast.case.model import Case, Indicator
from riskcast.case.plain_settings import files_of_setting
from riskcast.case.plausibility.judge import judge
from riskcast.case.quantities import Quantity, Strict
from riskcast.case.quantity_ids import LEVEL, parse_id
from riskcast.case.quantity_names import id_at, locate
from riskcast.case.settings import Day
from riskcast.case.where import Where
from riskcast.case.yaml_lines import Document, ScalarError, parse_yaml, read_scalar, read_text
from riskcast.errors import CaseError, Problem, suggest
from riskcast.machinery.digests import digest

SHORT: Final = 12
PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*( [A-Za-z0-9_]+)*")
Read = tuple["Overlay", Document]


class Overlay(Strict):
    """Changed quantities by id, such as `indicators.xenophobia.now` or `effects.xenophobia->demarche`.

    case, case_hash: the case that it was made for, by name and by the first digits of its hash; it changes no other.
    who, when, why: of an expert's overlay, whose beliefs these are, of which day, and on which grounds; blank: ids of
    quantities that the expert was asked for and gave no number of.
    """

    label: str = "Overlay"
    who: Annotated[str, Field(min_length=1)] | None = None
    when: Day | None = None
    why: Annotated[str, Field(min_length=1)] | None = None
    case: Annotated[str, Field(min_length=1)] | None = None
    case_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{12,64}$")] | None = None
    blank: tuple[str, ...] = ()
    changes: dict[str, Quantity]

    @property
    def hash(self) -> str:
        """sha256 of the changes, blind to order, comments, label and the case it was made for."""
        return digest(self.model_dump(mode="json")["changes"])

    def belongs_to(self, case: Case) -> bool:
        """Whether it was made for a case, as far as it says: by the hash of its files, else by its name."""
        if self.case_hash is not None:
            return case.original_hash.startswith(self.case_hash)
        return self.case is None or self.case == case.name


def load_overlay(file: str | Path) -> Read:
    """Read an overlay file: `changes:`, a mapping of quantity ids to quantities, beside `label:`, and the `case:` and
    `case_hash:` that it was made for.

    Returns the overlay with the document it came from, for errors that name its lines. Raises CaseError.
    """
    return parse_overlay(read_text(Path(file), str(file)), str(file))


def parse_overlay(text: str, file: str) -> Read:
    """The text of an overlay file as `load_overlay` gives it; `file` is what errors call it."""
    document = parse_yaml(text, file)
    if not isinstance(document.data, dict):
        raise CaseError([document.problem((), "is not a mapping", "write `changes:` with quantities below it")])
    return validate_overlay(document.data, document), document


def validate_overlay(data: dict[str, Any], document: Document) -> Overlay:
    """An overlay from plain data; raises CaseError at the lines of its document."""
    problems: list[Problem] = []
    overlay = validate(Overlay, data, document, (), problems)
    if problems:
        raise CaseError(problems)
    return overlay


def apply_overlay(case: Case, overlay: Overlay | Mapping[str, Any], document: Document | None = None) -> Case:
    """The case with the overlay's quantities in place of its own: the same case as editing the files would give.

    A change that says nothing of evidence keeps the evidence of the quantity it replaces. A plain mapping of ids to
    quantities will do. Raises CaseError for an overlay that was made for another case, an unknown id or a quantity that
    does not fit.

    >>> from riskcast import load_case
    >>> case = load_case("central_asia_2024")
    >>> hotter = apply_overlay(case, {"indicators.xenophobia.now": {"median": 55.0, "interval": (48.0, 62.0)}})
    >>> hotter.indicators["xenophobia"].now.median
    55.0
    """
    where = document or Document("overlay", {})
    if not isinstance(overlay, Overlay):
        overlay = validate_overlay({"changes": dict(overlay)}, where)
    check_belongs(case, overlay, where)
    known = {key: quantity for key, quantity, _ in case.quantities()}
    problems = [
        where.problem(("changes", key), *_unknown(case, key, known)) for key in overlay.changes if key not in known
    ]
    for place, key in enumerate(overlay.blank):
        if key not in known:
            problems.append(where.problem(("blank", place), *_unknown(case, key, known)))
        elif key in overlay.changes:
            wrong = f"{key} is left blank, and has a number as well"
            problems.append(where.problem(("blank", place), wrong, "keep one of the two"))
    if problems:
        raise CaseError(problems)
    plain = {
        "settings": case.settings.model_dump(),
        "indicators": {name: indicator.model_dump() for name, indicator in case.indicators.items()},
        "events": {name: event.model_dump() for name, event in case.events.items()},
        "effects": [effect.model_dump(by_alias=True) for effect in case.effects],
    }
    for key, quantity in overlay.changes.items():
        file, path = locate(case, key)
        kept = {} if quantity.evidence or _is_inferred(case, key) else {"evidence": known[key].evidence}
        place: Any = plain[{"case": "settings", "outcomes": "events"}.get(file, file)]
        if parse_id(key).kind is LEVEL:
            _set_level(place[path[0]], case.indicators[str(path[0])], len(path) > 2)
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = quantity.model_copy(update=kept).model_dump()
    hashes = [] if case.overlay_hash is None else [case.overlay_hash]
    combined = digest([*hashes, overlay.hash]) if hashes else overlay.hash
    changed = case.revised(**plain, published_hash=case.original_hash, overlay_hash=combined)
    lines = _InOverlay(case=case, overlay=where, changes=frozenset(overlay.changes))
    problems = [problem for problem in find_problems(changed, lines, evidence=False) if problem in lines.blamed]
    if problems:
        raise CaseError(problems)
    return changed


def _unknown(case: Case, key: str, known: Iterable[str]) -> tuple[str, str]:
    """What is wrong with an id that is no quantity of the case, and how to mend it."""
    if files := files_of_setting(case, key):
        return "is a setting, not an elicited quantity, and no overlay changes it", f"edit it in {' or '.join(files)}"
    return "is not a quantity of the case", suggest(key, known)


def _is_inferred(case: Case, key: str) -> bool:
    """Whether a quantity is a level of today that nobody has stated, so that what it comes from says nothing for
    another one."""
    found = parse_id(key)
    return found.kind is LEVEL and case.indicators[found.name].stated(found.of or case.host) is None


def _set_level(plain: dict[str, Any], indicator: Indicator, by_unit: bool) -> None:
    """Make room for a level of today that is set; levels of the past stay what they were inferred to be."""
    if indicator.is_smoothed:
        plain["past"] = "smoothed"
    if plain["now"] is None:
        plain["now"] = {} if by_unit else None


def apply_overlays(case: Case, overlays: Iterable[Read]) -> Case:
    """The case with several overlays on it; raises CaseError as `apply_overlay` does, and where two of them set the
    same quantity to different things.

    >>> from riskcast import load_case
    >>> one = parse_overlay("changes: {indicators.xenophobia.now: {value: 50}}", "a.yaml")
    >>> two = parse_overlay("changes: {indicators.xenophobia.now: {value: 60}}", "b.yaml")
    >>> apply_overlays(load_case("central_asia_2024"), [one, two])
    Traceback (most recent call last):
    riskcast.errors.CaseError: b.yaml:1: changes.indicators.xenophobia.now: is set in a.yaml:1 already, to something \
else; keep one of the two
    """
    overlays = tuple(overlays)
    _check_agreement(overlays)
    for overlay, document in overlays:
        case = apply_overlay(case, overlay, document)
    return case


def beneath_overlays(case: Case, overlays: Iterable[Read], where: Where) -> tuple[Case, Where]:
    """The case with several overlays on it, and where its parts stand: what they change, in the overlays.

    Raises CaseError as `apply_overlays` does.
    """
    overlays = tuple(overlays)
    _check_agreement(overlays)
    for overlay, document in overlays:
        changed = apply_overlay(case, overlay, document)
        where = _InOverlay(case=case, overlay=document, changes=frozenset(overlay.changes), beneath=where)
        case = changed
    return case, where


def overlay_doubts(case: Case, overlays: Iterable[Read]) -> tuple[Doubt, ...]:
    """What overlays say of a case and can hardly mean, at their own lines; none that the case has without them, nor
    what becomes of its scenarios.

    Raises CaseError as `apply_overlays` does.
    """
    overlays = tuple(overlays)
    if not overlays:
        return ()
    changed, where = beneath_overlays(case, overlays, Where())
    known = {str(doubt) for doubt in judge(case, quick=True)}
    return (
        *nameless_overlays(case, overlays),
        *(
            doubt
            for doubt in judge(changed, where, quick=True)
            if not (doubt.allowed or str(doubt) in known or JUDGEMENTS.get(doubt.judgement).of_scenarios)
        ),
    )


def nameless_overlays(case: Case, overlays: Iterable[Read]) -> tuple[Doubt, ...]:
    """Overlays that do not say which case they were made for; none where the case accepts that."""
    if NAMELESS in case.settings.allow:
        return ()
    mend = f'write `case: {_scalar(case.name)}` and `case_hash: "{case.original_hash[:SHORT]}"` above its changes'
    return tuple(
        Doubt(NAMELESS, document.file, None, "", "names no case and changes whichever it is given", mend, False, False)
        for overlay, document in overlays
        if overlay.case is None and overlay.case_hash is None
    )


def _check_agreement(overlays: Iterable[Read]) -> None:
    """Raise CaseError where two overlays set the same quantity to different things."""
    problems = []
    known: dict[str, tuple[Quantity, Document]] = {}
    for overlay, document in overlays:
        for key, quantity in overlay.changes.items():
            first, place = known.setdefault(key, (quantity, document))
            if first != quantity:
                told = place.problem(("changes", key), "", "")
                at = told.file if told.line is None else f"{told.file}:{told.line}"
                wrong = f"is set in {at} already, to something else"
                problems.append(document.problem(("changes", key), wrong, "keep one of the two"))
    if problems:
        raise CaseError(problems)


def check_belongs(case: Case, overlay: Overlay, document: Document) -> None:
    """Raise CaseError where an overlay was made for another case, or another edition of this one."""
    if not overlay.belongs_to(case):
        key = "case" if overlay.case_hash is None else "case_hash"
        made_for = ", ".join(part for part in (overlay.case, (overlay.case_hash or "")[:SHORT]) if part)
        here = f"{case.name}, {case.original_hash[:SHORT]}"
        wrong = f"was made for {made_for}, and this is another case or another edition of it ({here})"
        mend = "open the case that it was made for; or look its changes over, and correct `case` and `case_hash`"
        raise CaseError([document.problem((key,), wrong, mend)])


def overlay_text(
    changes: Mapping[str, Any], label: str = "Overlay", case: Case | None = None, blank: Iterable[str] = ()
) -> str:
    """Changed quantities as the text of an overlay file; it names the `case` that it was made for, where one is given,
    and what was left blank.

    >>> print(overlay_text({"indicators.xenophobia.now": {"median": 55.0, "interval": (47.0, 63.0)}}, "Mine"), end="")
    label: Mine
    changes:
      indicators.xenophobia.now: {median: 55.0, interval: [47.0, 63.0]}
    """
    import yaml

    overlay = validate_overlay({"label": label, "changes": dict(changes)}, Document("overlay", {}))
    lines = [f"label: {_scalar(label)}"]
    if case is not None:
        # Twelve digits of a hash may look like a number.
        lines += [f"case: {_scalar(case.name)}", f'case_hash: "{case.original_hash[:SHORT]}"']
    left = [f"  - {_scalar(key)}" for key in blank]
    lines += ["blank:", *left] if left else []
    lines += ["changes:" if overlay.changes else "changes: {}"]
    for key, quantity in overlay.changes.items():
        plain = quantity.model_dump(mode="json", exclude_none=True)
        text = yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000)
        lines.append(f"  {key}: {text.strip()}")
    return "\n".join(lines) + "\n"


def _scalar(text: str) -> str:
    """A text as YAML has it, in quotes where it would be read as anything else."""
    try:
        is_plain = PLAIN.fullmatch(text) is not None and isinstance(read_scalar(text), str)
    except ScalarError:
        is_plain = False
    return text if is_plain else json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True)
class _InOverlay(Where):
    """Tells the problems of a changed case at the line of the overlay that made the change.

    `blamed` are those that a change made; a case as of an earlier day may lack rows, which no overlay can mend.
    """

    case: Case = field(kw_only=True)
    overlay: Document = field(kw_only=True)
    changes: frozenset[str] = field(kw_only=True)
    beneath: Where = field(default_factory=Where, kw_only=True)
    blamed: list[Problem] = field(default_factory=list, kw_only=True)

    def problem(self, document: str, path: tuple[str | int, ...], wrong: str, mend: str) -> Problem:
        for end in range(len(path), 0, -1):
            key = id_at(self.case, document, path[:end])
            if key in self.changes:
                found = self.overlay.problem(("changes", key, *path[end:]), wrong, mend)
                self.blamed.append(found)
                return found
        return self.beneath.problem(document, path, wrong, mend)

    def row(self, file: str, index: int, key: str, wrong: str, mend: str) -> Problem:
        return self.beneath.row(file, index, key, wrong, mend)

    def table(self, file: str) -> str:
        return self.beneath.table(file)
