"""Where a brief's numbers come from, and the command that makes it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from riskcast.case.places import find_places
from riskcast.case.quantities import quantity_text
from riskcast.engines.registry import DEFAULT_ENGINE
from riskcast.exports.brief.sentences import listed
from riskcast.exports.dossier import Dossier
from riskcast.forecasting.forecasts import Forecast
from riskcast.forecasting.lineage import lineage_of
from riskcast.forecasting.mixed_priors import quantities_of
from riskcast.names import BASELINE
from riskcast.numbers import share

MOST_CHANGES: Final = 12


def origin_rows(dossier: Dossier) -> Iterator[tuple[str, str]]:
    """Case, overlay, engine, seed and version, and the command that gives the same digits."""
    found = lineage_of(dossier.headline.forecast)
    yield "Case", f"{found.case.name}, as of {found.case.as_of}"
    yield "sha256 of the case", found.case.hash
    before = {key: quantity for key, quantity, _ in dossier.published.quantities()}
    changed = [
        f"{key}: {quantity_text(before[key])} → {quantity_text(quantity)}"
        for key, quantity, _ in dossier.case.quantities()
        if key in before and (before[key].center, before[key].range) != (quantity.center, quantity.range)
    ]
    if found.case.overlay_hash:
        yield "sha256 of the overlay", found.case.overlay_hash
    yield from expert_rows(dossier)
    if changed:
        rest = f"; and {len(changed) - MOST_CHANGES:,} more" if len(changed) > MOST_CHANGES else ""
        yield f"Changed quantities ({len(changed):,})", "; ".join(changed[:MOST_CHANGES]) + rest
    yield "Scenarios", ", ".join(risk.forecast.scenario_name for risk in dossier.risks)
    other = f", simulation seed {found.simulation_seed}" if found.simulation_seed != found.seed else ""
    futures = f"{found.paths} futures each" if found.paths else "closed form"
    yield "Engine", f"{found.engine}, {found.draws:,} draws, {futures}, seed {found.seed}{other}"
    yield "Program", f"riskcast {found.riskcast_version}"
    yield "The same digits", _command(dossier)
    needed = [*_needs(dossier)]
    if needed:
        yield "To that end", "; ".join(needed)


def expert_rows(dossier: Dossier) -> Iterator[tuple[str, str]]:
    """Of a mixture, every expert with the share of draws, and what that expert changed."""
    mixture = dossier.headline.forecast.posterior.mixture
    for place, part in enumerate(() if mixture is None else mixture.parts):
        assert mixture is not None
        own, known = quantities_of(mixture, place), {key: one for key, one, _ in dossier.case.quantities()}
        changed = [
            f"{key}: {quantity_text(known[key])} → {quantity_text(one)}"
            for key, one in own.items()
            if (known[key].center, known[key].range) != (one.center, one.range)
        ]
        rest = f"; and {len(changed) - MOST_CHANGES:,} more" if len(changed) > MOST_CHANGES else ""
        overlay = f"overlay {part.case.overlay_hash}" if part.case.overlay_hash else "as published"
        told = "; ".join([overlay, *changed[:MOST_CHANGES]]) + rest
        yield f"Expert {part.name}, {share(part.share)}", told


def _command(dossier: Dossier) -> str:
    """The command that makes this brief again."""
    ahead, case = dossier.headline.forecast, dossier.case
    posterior, places = ahead.posterior, find_places(case)
    names = [risk.forecast.scenario_name for risk in dossier.risks]
    words = ["riskcast", "export", case.name, "--out", "OUT", "--formats", "html,pdf"]
    if names != [BASELINE]:
        words += [word for name in names for word in ("--scenario", name)]
    words += ["--draws", str(posterior.draws), "--seed", str(posterior.seed)]
    words += ["--paths", str(ahead.paths)] if ahead.paths_given else []
    words += ["--overlay", "OVERLAY"] if case.overlay_hash else []
    words += ["--panel", "PANEL"] if posterior.mixture is not None else []
    if places is not None and places.case.as_of != case.as_of:
        words += ["--as-of", case.as_of.isoformat()]
    words += ["--engine", posterior.engine] if posterior.engine != DEFAULT_ENGINE else []
    words += ["--horizon", str(ahead.horizon)] if ahead.horizon != case.settings.horizon else []
    words += ["--prior-only"] if posterior.prior_only else []
    words += [] if posterior.is_reliable else ["--allow-unreliable"]
    words += ["--previous", "EARLIER"] if dossier.previous is not None else []
    return shlex.join(words)


def _needs(dossier: Dossier) -> Iterator[str]:
    """What has to be given to that command, or done before it."""
    ahead, case = dossier.headline.forecast, dossier.case
    if case.overlay_hash:
        yield "OVERLAY is the file of the changed quantities"
    if ahead.posterior.mixture is not None:
        yield "PANEL is the file of the panel of experts, with these weights"
    if dossier.previous is not None:
        yield "EARLIER is the folder in which the earlier run is kept"
    if find_places(case) is None:
        yield f"{case.name} stands for the case's folder"
    unknown = [r.forecast.scenario_name for r in dossier.risks if r.forecast.scenario_name not in case.scenarios]
    unknown = [name for name in unknown if name != BASELINE]
    if unknown:
        yield f"what {listed(unknown)} assumes has to be written into scenarios.yaml first"
    counts = {risk.forecast.paths for risk in dossier.risks}
    if len(counts) > 1:
        yield f"scenarios were forecast one by one, from {listed(sorted(map(str, counts)))} futures of each draw"
    if ahead.seed != ahead.posterior.seed:
        yield f"futures were drawn in Python, by forecast(..., seed={ahead.seed})"


def footer(ahead: Forecast) -> str:
    """What stands at the foot of each page: a failed check first, then where the numbers come from."""
    found = lineage_of(ahead)
    case = found.case
    alarm = "" if found.health.is_reliable else "CHECKS FAILED · "
    overlay = f" + {case.overlay}" if case.overlay else ""
    return (
        f"{alarm}riskcast {found.riskcast_version} · {case.name} {case.short_hash}{overlay} · as of {case.as_of} · "
        f"{found.engine}, seed {found.seed}"
    )
