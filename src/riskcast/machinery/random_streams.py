"""Random numbers that depend only on a seed and a purpose, so that nothing shifts when something is added."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from riskcast.errors import OptionError
from riskcast.machinery.array_types import Floats


def bit_stream(seed: int, *purpose: str | int) -> np.random.PCG64:
    """The bit stream of a seed and a purpose; raises OptionError for a seed that is none.

    >>> bit_stream(1, "demarche", 3).random_raw() == bit_stream(1, "demarche", 3).random_raw()
    True
    """
    if not 0 <= seed < 2**63:
        raise OptionError(f"seed is {seed}; give a whole number from 0 to 2^63 - 1")
    words = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in purpose]
    return np.random.PCG64(np.random.SeedSequence([seed, *words]))


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A generator for a seed and a purpose."""
    return np.random.Generator(bit_stream(seed, *purpose))


PAGE = 1 << 48


class UniformTable:
    """Rows of endless (rows, columns) tables of uniforms, one page after the other: the same however they are cut.

    >>> whole = UniformTable(1, ("x",), 0, 6, 2).page(0)
    >>> part = UniformTable(1, ("x",), 4, 2, 2)
    >>> bool((part.page(0) == whole[4:]).all()), bool((part.page(3) == part.page(0)).any())
    (True, False)
    """

    def __init__(self, seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int) -> None:
        self._stream = bit_stream(seed, *purpose)
        self._generator = np.random.Generator(self._stream)
        self._shape = (rows, columns)
        self._first = first * columns
        self._at = 0

    def page(self, number: int, out: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """The rows of one page, written into `out` where it is given."""
        start = number * PAGE + self._first
        self._stream.advance(start - self._at)
        self._at = start + self._shape[0] * self._shape[1]
        return self._generator.random(out=np.empty(self._shape) if out is None else out)


class NormalTable:
    """Rows of endless tables of standard normals, cut like those of `UniformTable` (Box and Muller, 1958)."""

    def __init__(self, seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int) -> None:
        self._pairs = UniformTable(seed, purpose, first, rows, 2 * columns)
        self._columns, self._both = columns, np.empty((rows, 2 * columns))

    def page(self, number: int, out: Floats | None = None) -> Floats:
        """The rows of one page, written into `out` where it is given."""
        both, columns = self._pairs.page(number, out=self._both), self._columns
        radius, angle = both[:, :columns], both[:, columns:]
        # Within one array: fresh ones of this size cost more than the arithmetic.
        np.log1p(np.negative(radius, out=radius), out=radius)
        np.sqrt(np.multiply(radius, -2.0, out=radius), out=radius)
        np.cos(np.multiply(angle, 2.0 * np.pi, out=angle), out=angle)
        return np.multiply(radius, angle, out=out)


def normals(seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int) -> Floats:
    """The first page of a table of standard normals."""
    return NormalTable(seed, purpose, first, rows, columns).page(0)
