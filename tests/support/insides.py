"""What of riskcast's results is no business of whoever shows them: the arrays that engines and simulation work on.

A class is an inside where it is a dataclass of the rooms `record` or `engines`, or of the modules that plan and
simulate a horizon, and is on no room's face. An attribute is an inside where it belongs to such a class, or is a field
of a public class that holds one.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any

import pytest

import riskcast
from tests.support.places import APP

ROOMS = ("case", "charts", "comparison", "engines", "exports", "forecasting", "runs", "verification")
SHUT = (
    "riskcast.record.",
    "riskcast.engines.",
    "riskcast.forecasting.plan",
    "riskcast.forecasting.edge_plans",
    "riskcast.forecasting.days_ahead",
    "riskcast.forecasting.futures",
    "riskcast.forecasting.shocks_ahead",
    "riskcast.forecasting.simulation",
    "riskcast.challenge.held",
)


class Trespass(AssertionError):
    """The app has read an inside."""


def faces() -> dict[str, ModuleType]:
    """The rooms that have a face, by name."""
    return {room: importlib.import_module(f"riskcast.{room}") for room in ROOMS}


def public_classes() -> set[type]:
    """Every class on the face of the package or of a room."""
    found = [getattr(face, name) for face in (riskcast, *faces().values()) for name in face.__all__]
    return {one for one in found if isinstance(one, type)}


def classes_of(shut: bool) -> set[type]:
    """The classes that are defined in the shut modules, or in all others."""
    found = set()
    for module in pkgutil.walk_packages(riskcast.__path__, "riskcast."):
        if module.name.startswith(SHUT) == shut and not module.name.endswith("__main__"):
            own = importlib.import_module(module.name)
            found |= {one for one in vars(own).values() if isinstance(one, type) and one.__module__ == module.name}
    return found


def inner_classes() -> set[type]:
    """The dataclasses that are insides."""
    return {one for one in classes_of(shut=True) - public_classes() if is_dataclass(one)}


def leaks() -> dict[type, set[str]]:
    """The fields of public dataclasses that hold an inside."""
    inner = "|".join(sorted(one.__name__ for one in inner_classes()))
    held = {
        one: {field.name for field in fields(one) if re.search(rf"\b({inner})\b", str(field.type))}
        for one in public_classes()
        if is_dataclass(one)
    }
    return {one: names for one, names in held.items() if names}


def members(one: type) -> set[str]:
    """What can be asked of a class's objects without an underscore: fields, properties, methods."""
    known = {*dir(one), *getattr(one, "__annotations__", ()), *getattr(one, "model_fields", ())}
    return {name for name in known if not name.startswith("_")}


def telltale_names() -> set[str]:
    """Names of attributes that only an inside has."""
    held = leaks()
    inner = set().union(*map(members, inner_classes()), *held.values())
    outer = {name for one in public_classes() | classes_of(shut=False) for name in members(one) - held.get(one, set())}
    return inner - outer - {name for plain in (str, bytes, list, tuple, dict, set) for name in dir(plain)}


def guarded(plain: Callable[[Any, str], Any], forbidden: set[str] | None) -> Callable[[Any, str], Any]:
    """Reading of attributes that refuses insides to code of the app; all without an underscore where None is given."""
    app = f"{APP}/"

    def read(self: Any, name: str) -> Any:
        inner = not name.startswith("_") if forbidden is None else name in forbidden
        if inner and sys._getframe(1).f_code.co_filename.startswith(app):
            raise Trespass(f"the app reads {type(self).__name__}.{name}, which is an inside of riskcast")
        return plain(self, name)

    return read


def keep_out() -> Iterator[None]:
    """While this goes on, whatever code of the app reads an inside fails."""
    watched: dict[type, set[str] | None] = dict.fromkeys(inner_classes()) | leaks()
    with pytest.MonkeyPatch.context() as patch:
        for one, forbidden in watched.items():
            patch.setattr(one, "__getattribute__", guarded(inspect.getattr_static(one, "__getattribute__"), forbidden))
        yield
