"""Log rates of the record's rows for many parameter draws at once, with memories by interpolation in the half-life."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from riskcast.case.quantities import stretch
from riskcast.engines.cells import ROWS_AT_ONCE, Cells, Groups
from riskcast.engines.hazard import EventModel, Rows, edge_columns, memory_columns, natural_hyper
from riskcast.machinery.array_types import Floats, Ints

INTERPOLATION_NODES = 20
CHUNK_CELLS = 150_000


@dataclass(frozen=True)
class MemoryTable:
    """Memories of rows for many half-lives at once, by Chebyshev interpolation in the log half-life.

    For each memory: a table (rows, escalations * nodes) and each draw's barycentric weights (draws, nodes; Berrut and
    Trefethen, 2004), so that the part of eta that comes from memories is a matrix product. Exact where the half-life
    is fixed. A memory on whose half-life indicators act is worked out for every draw: `exact`, hyper-parameters by
    name, of which such memories have theirs, (draws,) or (); `rows`, of which memories are asked.
    """

    tables: tuple[Floats, ...]
    shares: tuple[Floats, ...]
    exact: Mapping[str, Floats]
    rows: Rows

    @classmethod
    def of(cls, model: EventModel, rows: Rows, xi: Mapping[str, Floats]) -> MemoryTable:
        """The table of some rows at given hyper-parameters."""
        hyper = natural_hyper(model, {})
        shares = []
        for name in model.memories:
            prior, own = model.hyper.get(f"half_life.{name}"), xi.get(f"half_life.{name}")
            # In u(z) memories are as smooth as in the log half-life; in z the knee of a skewed prior is in the way.
            nodes, share = _interpolation(None if own is None or prior is None else stretch(own, prior.skew)[0])
            if len(nodes) > 1 and prior is not None:
                hyper[f"half_life.{name}"] = prior.link.inverse(prior.middle + prior.spread * nodes)
            shares.append(share)
        columns = memory_columns(model, rows, hyper) if model.escalations else np.zeros((len(rows), 0))
        columns = columns[None] if columns.ndim == 2 else columns
        tables = []
        for place, memory in enumerate(model.memories):
            chosen = _interpolated(model, memory)
            nodes = shares[place].shape[1]
            table = columns[:nodes, :, chosen].transpose(1, 2, 0)
            # Neighbouring nodes tell much the same: keep the few directions in which memories differ.
            sizes, directions = np.linalg.eigh(np.einsum("rek,rel->kl", table, table, optimize=True))
            kept = directions[:, sizes > 1e-14 * max(float(sizes[-1]), 1e-300)]
            tables.append((table @ kept).reshape(len(rows), len(chosen) * kept.shape[1]))
            shares[place] = shares[place] @ kept
        stretched = any(edge.stretches for edge in model.escalations)
        return cls(tuple(tables), tuple(shares), natural_hyper(model, xi) if stretched else {}, rows)

    def take(self, draws: slice) -> MemoryTable:
        """The table for some of the draws."""
        shares = tuple(share[draws] if len(share) > 1 else share for share in self.shares)
        exact = {name: value[draws] if np.ndim(value) else value for name, value in self.exact.items()}
        return MemoryTable(self.tables, shares, exact, self.rows)

    def of_rows(self, rows: slice) -> MemoryTable:
        """The table for some of the rows."""
        return MemoryTable(tuple(table[rows] for table in self.tables), self.shares, self.exact, self.rows.take(rows))

    def add_to(self, eta: Floats, model: EventModel, coefficients: Floats) -> Floats:
        """Add what memories contribute to log rates (rows, draws)."""
        for memory, table, share in zip(model.memories, self.tables, self.shares, strict=True):
            chosen = [model.indicators + i for i in _interpolated(model, memory)]
            weights = coefficients[:, chosen][:, :, None] * share[:, None, :]
            eta += table @ weights.reshape(len(weights), -1).T
        for place, edge in enumerate(model.escalations):
            if edge.stretches:
                # Rows first: whole rows of draws are copied, and not one number at a time.
                columns = np.moveaxis(edge_columns(edge, self.exact), (-2, -1), (0, 1))
                column = columns[self.rows.period, self.rows.unit].reshape(len(eta), -1)
                eta += np.multiply(column, coefficients[:, model.indicators + place])
        return eta


def _interpolated(model: EventModel, memory: str) -> list[int]:
    """Which escalations of a model have a memory that is interpolated."""
    edges = enumerate(model.escalations)
    return [i for i, edge in edges if edge.memory == memory and not edge.stretches]


def _interpolation(u: Floats | None) -> tuple[Floats, Floats]:
    """Chebyshev nodes over the range of `u`, and the barycentric weights of each draw; one node where it is fixed."""
    if u is None:
        return np.zeros(1), np.ones((1, 1))
    low = float(u.min())
    # Draws that are all alike would leave no room between the nodes.
    high = max(float(u.max()), low + 1e-3)
    angles = (2 * np.arange(INTERPOLATION_NODES) + 1) * math.pi / (2 * INTERPOLATION_NODES)
    nodes = 0.5 * (low + high) + 0.5 * (high - low) * np.cos(angles)
    signs = (-1.0) ** np.arange(INTERPOLATION_NODES) * np.sin(angles)
    gaps = u[:, None] - nodes
    pull = signs / np.where(gaps == 0.0, 1e-300, gaps)
    return nodes, pull / pull.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Rates:
    """Rates without dyad effects, for many draws: summed over each unit's event-free rows, and logarithms of those of
    each row with an event; free (units, draws), log_hits (hits, draws); cells (cells, draws), those of event-free rows
    summed in `Cells`, in single precision."""

    free: Floats
    log_hits: Floats
    cells: Floats

    def take(self, draws: slice | Ints) -> Rates:
        """The rates of some of the draws."""
        return Rates(self.free[:, draws], self.log_hits[:, draws], self.cells[:, draws])


def free_cells(model: EventModel) -> Cells:
    """The cells of a model's event-free rows: of every period of tension, or one for each unit."""
    return Cells.of(model.free.unit, model.free.year if model.has_tension else np.zeros_like(model.free.unit))


def log_rates(model: EventModel, coefficients: Floats, shocks: Floats, table: MemoryTable) -> Floats:
    """Log rates per period, without dyad effects, of the rows of a table of memories, for many draws: (rows, draws)."""
    with np.errstate(over="ignore", invalid="ignore"):
        eta = table.rows.x @ coefficients[:, : model.indicators].T
        eta += np.ascontiguousarray(shocks.T)[table.rows.year]
        return table.add_to(eta, model, coefficients)


def rates(model: EventModel, coefficients: Floats, shocks: Floats, xi: Mapping[str, Floats]) -> Rates:
    """Rates of a model's rows for many draws of its parameters, a block of rows and of draws at a time."""
    count, draws, cells = len(model.free), len(coefficients), free_cells(model)
    table = MemoryTable.of(model, model.rows, xi)
    unpooled, whole = (bool((rows.exposure == 1.0).all()) for rows in (model.free, model.hits))
    free, log_hits = np.zeros((len(model.units), draws)), np.empty((len(model.hits), draws))
    by_cell = np.empty((len(cells.unit), draws), dtype=np.float32)

    def in_blocks(own: MemoryTable, wanted: int) -> Iterator[tuple[slice, Floats]]:
        block = max(16, CHUNK_CELLS // max(wanted, 1))
        for first in range(0, draws if wanted else 0, block):
            part = slice(first, min(first + block, draws))
            yield part, log_rates(model, coefficients[part], shocks[part], own.take(part))

    # Memories that are worked out for every draw are so for all rows together.
    for rows, chosen, inside in cells.blocks(cells.rows if table.exact else ROWS_AT_ONCE):
        groups, exposure = Groups.of(inside.unit), model.free.exposure[rows, None]
        for part, eta in in_blocks(table.of_rows(rows), inside.rows):
            with np.errstate(over="ignore", invalid="ignore"):
                rate = np.exp(eta, out=eta)
                sums = inside.sum(rate if unpooled else np.multiply(rate, exposure, out=rate))
                groups.add(free[:, part], sums)
                by_cell[chosen, part] = sums
    for part, eta in in_blocks(table.of_rows(slice(count, None)), len(model.hits)):
        log_hits[:, part] = eta if whole else eta + np.log(model.hits.exposure)[:, None]
    return Rates(free, log_hits, by_cell)
