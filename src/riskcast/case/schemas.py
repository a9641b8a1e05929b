"""JSON Schemas of a case's files, from its records."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from riskcast.case.claims import Claim
from riskcast.case.model import Effect, EventType, Indicator, Scenario, Source
from riskcast.case.overlays import Overlay
from riskcast.case.settings import Settings


def case_schemas() -> dict[str, Any]:
    """JSON Schema of every YAML file of a case, and of an overlay, by file name."""
    shapes: dict[str, Any] = {
        "case.yaml": Settings,
        "indicators.yaml": dict[str, Indicator],
        "outcomes.yaml": dict[str, EventType],
        "effects.yaml": list[Effect],
        "scenarios.yaml": dict[str, Scenario],
        "sources.yaml": dict[str, Source],
        "claims.yaml": dict[str, Claim],
        "overlay.yaml": Overlay,
    }
    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": name}
        | TypeAdapter(shape).json_schema(by_alias=True)
        for name, shape in shapes.items()
    }
