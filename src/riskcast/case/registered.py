"""Fields whose values are the names in a registry."""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticKnownError, core_schema

from riskcast.machinery.registry import Registry


class NameIn:
    """Tells pydantic and JSON Schema which names a field can have: those that the registry holds when they ask.

    >>> from typing import Annotated
    >>> from pydantic import TypeAdapter
    >>> from riskcast.case.scales import SCALES
    >>> TypeAdapter(Annotated[str, NameIn(SCALES)]).json_schema()["enum"]
    ['identity', 'log', 'logit']
    """

    def __init__(self, registry: Registry[Any]) -> None:
        self._registry = registry

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._known)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"enum": list(self._registry), "type": "string"}

    def _known(self, given: Any) -> str:
        if isinstance(given, str) and given in self._registry:
            return given
        *others, last = (repr(name) for name in self._registry)
        raise PydanticKnownError("literal_error", {"expected": f"{', '.join(others)} or {last}" if others else last})
