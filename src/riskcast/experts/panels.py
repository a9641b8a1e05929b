"""Experts as named overlays, and panels of them as files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from riskcast.case.files import validate
from riskcast.case.model import Case
from riskcast.case.overlays import Overlay, load_overlay, validate_overlay
from riskcast.case.quantities import Quantity, Strict
from riskcast.case.yaml_lines import Document, parse_yaml, read_text
from riskcast.errors import CaseError, OptionError, Problem, UnknownNameError, refusal

Blanks = Literal["published", "others"]
Weighting = Literal["equal", "given", "seeds", "ledger"]
BLANKS: Final[tuple[Blanks, ...]] = ("published", "others")
WEIGHTINGS: Final[tuple[Weighting, ...]] = ("equal", "given", "seeds", "ledger")
MOST_EXPERTS: Final = 40
ABOUT = ("who", "when", "why")


class Member(Strict):
    """An entry of panel.yaml: the file of an expert's overlay, or the overlay itself, and how much it weighs."""

    file: Annotated[str, Field(min_length=1)] | None = None
    weight: Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)] | None = None
    who: str | None = None
    when: Any = None
    why: str | None = None
    changes: Any = None


class PanelFile(Strict):
    """What panel.yaml says: experts, how they are weighed, and what is used where one of them says nothing."""

    title: Annotated[str, Field(min_length=1)] = "Panel"
    case: Annotated[str, Field(min_length=1)] | None = None
    case_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{12,64}$")] | None = None
    weights: Weighting | None = None
    blanks: Blanks | None = None
    seeds: Annotated[str, Field(min_length=1)] | None = None
    experts: tuple[Member, ...]


@dataclass(frozen=True)
class Expert:
    """Somebody's beliefs about a case: an overlay with who, when and why; weight: as given, None where none is."""

    overlay: Overlay
    document: Document
    weight: float | None = None

    @property
    def name(self) -> str:
        """Who it is."""
        return str(self.overlay.who)


@dataclass(frozen=True)
class Panel:
    """Experts on one case.

    weights: how they are weighed, None where nobody has said; blanks: what stands where an expert gives no number for a
    quantity that another one does: the published one, or what the others pool to; None where nobody has chosen, which
    is the published one, and said wherever it is used. seeds: the table of their answers to seed questions.
    """

    experts: tuple[Expert, ...]
    title: str = "Panel"
    weights: Weighting | None = None
    blanks: Blanks | None = None
    seeds: Path | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Who they are, in the order of the file."""
        return tuple(expert.name for expert in self.experts)

    @property
    def stated(self) -> tuple[str, ...]:
        """Ids of all quantities for which at least one of them gives a number."""
        return tuple(dict.fromkeys(key for expert in self.experts for key in expert.overlay.changes))

    def blank(self, expert: Expert) -> tuple[str, ...]:
        """Ids of quantities for which others give a number and this expert gives none."""
        return tuple(key for key in self.stated if key not in expert.overlay.changes)

    def without(self, name: str) -> Panel:
        """The same panel without one of them; raises UnknownNameError for nobody of it."""
        if name not in self.names:
            raise UnknownNameError("expert", name, self.names)
        return replace(self, experts=tuple(expert for expert in self.experts if expert.name != name))


def load_panel(file: str | Path) -> Panel:
    """A panel from panel.yaml: `experts:`, a list of entries with a `file:` beside it or with who, when, why and
    changes, each with a `weight:` where it has one; `weights:`, `blanks:` and `seeds:` where they are settled.

    Raises CaseError with file, line and mend for what cannot be used.

    >>> import riskcast
    >>> panel = riskcast.load_panel("docs/panel_2024/panel.yaml")
    >>> len(panel.experts), panel.blanks
    (3, 'published')
    """
    path = Path(file)
    document = parse_yaml(read_text(path, str(file)), str(file))
    problems: list[Problem] = []
    if not isinstance(document.data, dict):
        raise CaseError([document.problem((), "is not a mapping", "write `experts:` with a list of experts below it")])
    found = validate(PanelFile, document.data, document, (), problems)
    if problems:
        raise CaseError(problems)
    about = {"case": found.case, "case_hash": found.case_hash}
    experts = [_member(member, place, document, path.parent, about) for place, member in enumerate(found.experts)]
    seeds = None if found.seeds is None else path.parent / found.seeds
    return _checked(Panel(tuple(experts), found.title, found.weights, found.blanks, seeds), str(file))


def gather_experts(files: Iterable[str | Path]) -> Panel:
    """A panel of the overlays of experts, a file each; raises CaseError."""
    return _checked(Panel(tuple(_expert(*load_overlay(file)) for file in files)), "--expert")


def _member(member: Member, place: int, document: Document, folder: Path, about: dict[str, Any]) -> Expert:
    here = ("experts", place)
    own = {name: value for name in (*ABOUT, "changes") if (value := getattr(member, name)) is not None}
    if member.file is not None and own:
        wrong = f"has a file and {', '.join(own)} as well"
        raise CaseError([document.problem(here, wrong, "keep either the file, or who, when, why and changes")])
    if member.file is not None:
        return _expert(*load_overlay(folder / member.file), member.weight)
    if "changes" not in own:
        raise CaseError([document.problem(here, "has neither a file nor changes", "add one of the two")])
    lines = {path[2:]: line for path, line in document.lines.items() if path[:2] == here}
    part = Document(document.file, own, lines)
    plain = {**own, **{key: value for key, value in about.items() if value is not None}}
    return _expert(validate_overlay(plain, part), part, member.weight)


def _expert(overlay: Overlay, document: Document, weight: float | None = None) -> Expert:
    mends = {"who": "a name", "when": "a day, such as 2024-05-02", "why": "in a sentence on what it rests"}
    lacking = [name for name in ABOUT if getattr(overlay, name) is None]
    if lacking:
        raise CaseError(
            document.problem((name,), "is missing", f"an expert has who, when and why: add `{name}:`, {mends[name]}")
            for name in lacking
        )
    if not overlay.changes:
        wrong = "says nothing: all quantities are blank"
        raise CaseError([document.problem(("changes",), wrong, "give at least one quantity, or leave the expert out")])
    return Expert(overlay, document, weight)


def _checked(panel: Panel, file: str) -> Panel:
    names = panel.names
    if not 2 <= len(names) <= MOST_EXPERTS:
        raise refusal(file, f"{len(names)} expert{'s' * (len(names) != 1)}", f"give 2 to {MOST_EXPERTS}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise refusal(file, f"two experts are called {twice}", "give each a name of its own, in `who:`")
    return panel


@dataclass(frozen=True)
class Blank:
    """A quantity for which an expert gave no number, and what is used in its place."""

    expert: str
    id: str
    used: Quantity
    of: Blanks


def published_quantities(case: Case, panel: Panel) -> dict[str, Quantity]:
    """The case's own numbers of all quantities that the panel speaks of; raises CaseError for what is none of it."""
    from riskcast.case.overlays import apply_overlay

    for expert in panel.experts:
        apply_overlay(case, expert.overlay, expert.document)
    known = {key: quantity for key, quantity, _ in case.quantities()}
    return {key: known[key] for key in panel.stated}


def hindsight(case: Case, panel: Panel) -> tuple[str, ...]:
    """Experts who spoke after the day of the forecast, in sentences."""
    late = [e for e in panel.experts if e.overlay.when is not None and e.overlay.when > case.as_of]
    return tuple(f"{e.name} spoke on {e.overlay.when}, after the day of the forecast, {case.as_of}." for e in late)


def settle_weights(
    panel: Panel, weighting: Weighting | None = None, earned: Sequence[float] | None = None
) -> tuple[Weighting, tuple[float, ...]]:
    """How experts are weighed, and their weights, which add up to 1.

    weighting: as asked for, else as the panel says, else as given where all have a weight, else equal; earned: of each
    expert, what seed questions or a ledger make of it. Raises OptionError where weights lack, are no weights or are
    all 0, and for earned ones that would not be used.

    >>> panel = load_panel("docs/panel_2024/panel.yaml")
    >>> settle_weights(panel, "equal")[1] == (1 / 3, 1 / 3, 1 / 3)
    True
    """
    given = [expert.weight for expert in panel.experts]
    way = weighting or panel.weights or ("given" if None not in given else "equal")
    if earned is not None and way not in ("seeds", "ledger"):
        raise OptionError(
            f"earned weights are given, and experts weigh as {way}; ask for seeds or ledger, or leave them"
        )
    if way == "equal":
        own: Sequence[float] = [1.0] * len(given)
    elif way == "given":
        lacking = [expert.name for expert in panel.experts if expert.weight is None]
        if lacking:
            mend = "add `weight:` to each in panel.yaml, or take equal weights"
            raise OptionError(f"weights are to be those given, and {', '.join(lacking)} has none; {mend}")
        own = [float(weight or 0.0) for weight in given]
    elif earned is None:
        raise OptionError(f"weights by {way} are to be worked out first; give them, or take equal weights")
    else:
        own = earned
    if len(own) != len(given) or not all(0.0 <= weight < float("inf") for weight in own):
        raise OptionError(
            f"earned weights are {list(own)}; give a number of at least 0 for each of {len(given)} experts"
        )
    total = sum(own)
    if not total > 0.0:
        wrong = "all weights are 0" if way == "given" else f"no expert has earned a weight by {way}"
        raise OptionError(f"{wrong}; take equal weights, or give others")
    return way, tuple(float(weight) / total for weight in own)
