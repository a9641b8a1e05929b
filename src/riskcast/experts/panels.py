"""Experts as named overlays, and panels of them as files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from riskcast.case.files import validate
from riskcast.case.model import Case
from riskcast.case.overlays import Overlay, apply_overlay, check_belongs, load_overlay, validate_overlay
from riskcast.case.quantities import Quantity, Strict
from riskcast.case.yaml_lines import Document, parse_yaml, read_text
from riskcast.errors import CaseError, Problem, UnknownNameError, refusal

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
class ExpertPanel:
    """Experts on one case.

    weights: how they are weighed, None where nobody has said; blanks: what stands where an expert gives no number for a
    quantity that another one does: the published one, or what the others pool to; None where nobody has chosen, which
    is the published one, and said wherever it is used. seeds: the table of their answers to seed questions; case,
    case_hash: the case that all of them speak of, by name and by the first digits of its hash; document: the file that
    says so, for errors.
    """

    experts: tuple[Expert, ...]
    title: str = "Panel"
    weights: Weighting | None = None
    blanks: Blanks | None = None
    seeds: Path | None = None
    case: str | None = None
    case_hash: str | None = None
    document: Document | None = None

    def __repr__(self) -> str:
        return f"<ExpertPanel {self.title!r}: {', '.join(self.names)}; {len(self.stated)} quantities>"

    @property
    def names(self) -> tuple[str, ...]:
        """Who they are, in the order of the file."""
        return tuple(expert.name for expert in self.experts)

    @property
    def stated(self) -> tuple[str, ...]:
        """Ids of all quantities for which at least one of them gives a number."""
        return tuple(dict.fromkeys(key for expert in self.experts for key in expert.overlay.changes))

    @property
    def spoken_of(self) -> tuple[str, ...]:
        """Ids of all quantities that one of them gives a number for, or was asked for and left blank."""
        left = (key for expert in self.experts for key in expert.overlay.blank)
        return tuple(dict.fromkeys([*self.stated, *left]))

    def blank(self, expert: Expert) -> tuple[str, ...]:
        """Ids of quantities that the panel speaks of and this expert gives no number for."""
        return tuple(key for key in self.spoken_of if key not in expert.overlay.changes)

    def without(self, name: str) -> ExpertPanel:
        """The same panel without one of them; raises UnknownNameError for nobody of it."""
        if name not in self.names:
            raise UnknownNameError("expert", name, self.names)
        return replace(self, experts=tuple(expert for expert in self.experts if expert.name != name))


def load_panel(file: str | Path) -> ExpertPanel:
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
    experts = [_member(member, place, document, path.parent) for place, member in enumerate(found.experts)]
    seeds = None if found.seeds is None else path.parent / found.seeds
    made = ExpertPanel(
        tuple(experts), found.title, found.weights, found.blanks, seeds, found.case, found.case_hash, document
    )
    return _checked(made, str(file))


def gather_experts(files: Iterable[str | Path]) -> ExpertPanel:
    """A panel of the overlays of experts, a file each; raises CaseError."""
    return _checked(ExpertPanel(tuple(_expert(*load_overlay(file)) for file in files)), "--expert")


def _member(member: Member, place: int, document: Document, folder: Path) -> Expert:
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
    return _expert(validate_overlay(own, part), part, member.weight)


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


def _checked(panel: ExpertPanel, file: str) -> ExpertPanel:
    names = panel.names
    if not 2 <= len(names) <= MOST_EXPERTS:
        raise refusal(file, f"{len(names)} expert{'s' * (len(names) != 1)}", f"give 2 to {MOST_EXPERTS}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise refusal(file, f"two experts are called {twice}", "give each a name of its own, in `who:`")
    return panel


def published_quantities(case: Case, panel: ExpertPanel) -> dict[str, Quantity]:
    """The case's own numbers of all quantities that the panel speaks of; raises CaseError for what is none of it, and
    for a panel that was made for another case or edition."""
    whole = Overlay(case=panel.case, case_hash=panel.case_hash, changes={})
    check_belongs(case, whole, panel.document or Document("panel", {}))
    for expert in panel.experts:
        apply_overlay(case, expert.overlay, expert.document)
    known = {key: quantity for key, quantity, _ in case.quantities()}
    return {key: known[key] for key in panel.spoken_of}


def hindsight(case: Case, panel: ExpertPanel) -> tuple[str, ...]:
    """Experts who spoke after the day of the forecast, in sentences."""
    late = [e for e in panel.experts if e.overlay.when is not None and e.overlay.when > case.as_of]
    return tuple(f"{e.name} spoke on {e.overlay.when}, after the day of the forecast, {case.as_of}." for e in late)
