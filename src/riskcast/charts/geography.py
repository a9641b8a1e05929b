"""Outlines of countries and capitals of those without, what a map of some states shows, and where labels stand."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from riskcast.case.states import states

type Ring = NDArray[np.float64]

MARGIN: Final = 1.12
WIDEST: Final = 3.4
SCANS: Final = 41
BREADTH: Final = 0.6
# Degrees about a capital that are shown, so that its neighbours tell where it is.
AROUND: Final = 3.0


@dataclass(frozen=True)
class Country:
    """A country by its id in the table of states: polygons as GeoJSON coordinates, and the outer ring of the largest,
    (points, 2) of longitude and latitude."""

    id: str
    polygons: tuple[Any, ...]
    main: Ring


@dataclass(frozen=True)
class View:
    """What a map shows: its centre, points (longitude, latitude) that it must hold, every country in sight with the
    polygons that are, and how far a chart of any shape reaches to the east and north, degrees."""

    centre: tuple[float, float]
    corners: tuple[tuple[float, float], ...]
    shown: Mapping[str, tuple[Any, ...]]
    reach: tuple[float, float]

    def holds(self, ring: Ring) -> bool:
        """Whether some of a ring is in sight in a chart of any shape.

        >>> view_of(["KAZ"]).holds(np.array([[76.9, 43.2]])), view_of(["KAZ"]).holds(np.array([[37.6, 55.7]]))
        (True, False)
        """
        return _in_sight(ring, self.centre, self.reach)


@cache
def countries() -> Mapping[str, Country]:
    """All countries that have an outline, by ISO 3166 alpha-3 code.

    >>> "KGZ" in countries(), "SGP" in countries()
    (True, False)
    """
    text = resources.files("riskcast").joinpath("data", "countries.geojson").read_text(encoding="utf-8")
    found = {}
    for feature in json.loads(text)["features"]:
        shape = feature["geometry"]
        polygons = tuple([shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"])
        main = max((np.array(polygon[0]) for polygon in polygons), key=_area)
        found[feature["id"]] = Country(feature["id"], polygons, main)
    return MappingProxyType(found)


def feature_of(polygons: Sequence[Any], **fields: Any) -> dict[str, Any]:
    """A row of a chart's data that is a shape as well."""
    return {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": list(polygons)}, **fields}


def view_of(ids: Collection[str]) -> View | None:
    """A view of some states by their ids in the table of states, and whatever else a chart of any usual shape would
    show around them; None where none of them has a place.

    >>> view = view_of(["KAZ", "KGZ"])
    >>> "RUS" in view.shown, "BRA" in view.shown
    (True, False)
    >>> "MYS" in view_of(["SGP"]).shown, view_of(["UMI"]) is None
    (True, True)
    """
    rings = [ring for state in ids if (ring := _room_of(state)) is not None]
    if not rings:
        return None
    points = np.concatenate(rings)
    middle = _middle_longitude(points[:, 0])
    east, north = wrapped(points[:, 0] - middle), points[:, 1]
    centre = (wrapped(middle + (east.min() + east.max()) / 2), (north.min() + north.max()) / 2)
    reach_north = MARGIN * (north.max() - north.min()) / 2
    shrink = max(float(np.cos(np.radians(centre[1]))), 0.2)
    reach_east = MARGIN * shrink * (east.max() - east.min()) / 2
    sight = (max(reach_east, WIDEST * reach_north) / shrink, max(reach_north, 1.2 * reach_east))
    corners = tuple(
        (round(float(wrapped(centre[0] + MARGIN * wrapped(x - centre[0]))), 2), round(float(y), 2))
        for x, y in _extremes(points, middle, centre[1])
    )
    shown = {}
    for country in countries().values():
        polygons = tuple(polygon for polygon in country.polygons if _in_sight(np.array(polygon[0]), centre, sight))
        if polygons:
            shown[country.id] = polygons
    return View((float(centre[0]), float(centre[1])), corners, shown, (reach_east / shrink, reach_north))


def capital_place(state: str) -> tuple[float, float] | None:
    """Longitude and latitude of the capital of a state that has no outline; None where it has one, or no capital.

    >>> capital_place("MLT"), capital_place("KAZ")
    ((14.51, 35.9), None)
    """
    return None if state in countries() or state not in states() else states()[state].place


def label_place(state: str) -> tuple[float, float]:
    """Longitude and latitude of the point of a state that is farthest from its border, where a label has most room.

    >>> [round(x) for x in label_place("KAZ")]
    [71, 48]
    """
    ring = countries()[state].main
    low, high = ring.min(axis=0), ring.max(axis=0)
    grid = np.stack(np.meshgrid(*np.linspace(low, high, SCANS).T), axis=-1).reshape(-1, 2)
    inside = grid[_holds(ring, grid)]
    if not len(inside):
        return float(ring[:, 0].mean()), float(ring[:, 1].mean())
    # A label is broader than high, so that room to the east and west counts for less.
    flat = np.array([BREADTH * np.cos(np.radians(ring[:, 1].mean())), 1.0])
    place = inside[int(_distance(ring * flat, inside * flat).argmax())]
    return float(place[0]), float(place[1])


def wrapped(longitude: Any) -> Any:
    """Longitudes between -180 and 180.

    >>> wrapped(190.0), wrapped(-10.0)
    (-170.0, -10.0)
    """
    return (longitude + 180.0) % 360.0 - 180.0


def _room_of(state: str) -> Ring | None:
    """What a map of a state must hold: its outline, or what lies about its capital."""
    if state in countries():
        return countries()[state].main
    place = capital_place(state)
    if place is None:
        return None
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    shrink = max(float(np.cos(np.radians(place[1]))), 0.2)
    around = np.column_stack([place[0] + AROUND / shrink * np.cos(angles), place[1] + AROUND * np.sin(angles)])
    return np.column_stack([wrapped(around[:, 0]), np.clip(around[:, 1], -89.0, 89.0)])


def _area(ring: Ring) -> float:
    x, y = ring.T
    return float(abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2 * np.cos(np.radians(y.mean())))


def _middle_longitude(longitudes: NDArray[np.float64]) -> float:
    """The middle of the shortest arc that holds all longitudes: opposite to the middle of their widest gap."""
    east = np.unique(longitudes)
    gaps = np.diff(np.append(east, east[0] + 360.0))
    widest = int(gaps.argmax())
    return float(wrapped(east[widest] + gaps[widest] / 2 + 180.0))


def _extremes(points: Ring, middle: float, latitude: float) -> list[tuple[float, float]]:
    """The outermost of some points in each of sixteen directions, moved out a little to the north and south."""
    flat = np.column_stack([wrapped(points[:, 0] - middle), points[:, 1]])
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    outer = sorted({int((flat @ (np.cos(a), np.sin(a))).argmax()) for a in angles})
    north = np.clip(latitude + MARGIN * (points[outer, 1] - latitude), -89.0, 89.0)
    return list(zip(points[outer, 0].tolist(), north.tolist(), strict=True))


def _in_sight(ring: Ring, centre: tuple[float, float], sight: tuple[float, float]) -> bool:
    east, north = wrapped(ring[:, 0] - centre[0]), ring[:, 1] - centre[1]
    # A ring that passes the far side of the globe is cut there by the projection.
    if east.max() - east.min() > 180 and sight[0] < 90:
        near = np.abs(east) <= sight[0]
        return bool(near.any() and (np.abs(north[near]) <= sight[1]).any())
    return bool(
        east.min() <= sight[0] and east.max() >= -sight[0] and north.min() <= sight[1] and north.max() >= -sight[1]
    )


def _holds(ring: Ring, points: Ring) -> NDArray[np.bool_]:
    """Which points lie inside a ring: those from which a ray to the east meets it an odd number of times."""
    first, second = ring[:-1], ring[1:]
    x, y = points[:, :1], points[:, 1:]
    crosses = (first[:, 1] > y) != (second[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = first[:, 0] + (y - first[:, 1]) / (second[:, 1] - first[:, 1]) * (second[:, 0] - first[:, 0])
    return (crosses & (x < at)).sum(axis=1) % 2 == 1


def _distance(ring: Ring, points: Ring) -> NDArray[np.float64]:
    """How far each point is from the nearest edge of a ring."""
    first, edge = ring[:-1], np.diff(ring, axis=0)
    away = points[:, None] - first
    share = np.clip((away * edge).sum(axis=-1) / np.maximum((edge**2).sum(axis=-1), 1e-12), 0.0, 1.0)
    return np.linalg.norm(away - share[..., None] * edge, axis=-1).min(axis=1)
