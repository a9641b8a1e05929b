"""Random numbers that depend only on a seed and a purpose, so that nothing shifts when something is added."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import lru_cache

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
# The largest factor that leaves every word below 1: a word rounds up to 2^32 in single precision.
WORD = np.float32(2.0**-32 * (1.0 - 2.0**-24))


class _WordTable:
    """Rows of endless (rows, columns) tables of 32-bit words, one page after the other: the same however they are
    cut."""

    def __init__(self, seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int) -> None:
        self._stream, self._shape, self._at = bit_stream(seed, *purpose), (rows, columns), 0
        # Two words are drawn at a time.
        self._first, self._odd = divmod(first * columns, 2)

    def write(self, number: int, out: NDArray[np.float32]) -> None:
        """The rows of one page as numbers from 0 to 2^32."""
        start = number * PAGE + self._first
        count = self._shape[0] * self._shape[1]
        pairs = (self._odd + count + 1) // 2
        self._stream.advance(start - self._at)
        self._at = start + pairs
        # The same words on machines of either byte order.
        words = self._stream.random_raw(pairs).astype("<u8", copy=False).view("<u4")
        # To numbers first, then into their layout: both at once takes half as long again.
        np.copyto(out, words[self._odd : self._odd + count].astype(np.float32).reshape(self._shape))


class UniformTable:
    """Rows of endless (rows, columns) tables of uniforms in [0, 1), in single precision, one page after the other: the
    same however they are cut.

    >>> whole = UniformTable(1, ("x",), 0, 6, 2).page(0)
    >>> part = UniformTable(1, ("x",), 4, 2, 2)
    >>> bool((part.page(0) == whole[4:]).all()), bool((part.page(3) == part.page(0)).any())
    (True, False)
    """

    def __init__(self, seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int) -> None:
        self._words, self._shape = _WordTable(seed, purpose, first, rows, columns), (rows, columns)

    def page(self, number: int, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The rows of one page, written into `out` where it is given, which may have any layout."""
        out = np.empty(self._shape, dtype=np.float32) if out is None else out
        self._words.write(number, out)
        return np.multiply(out, WORD, out=out)


class NormalTable:
    """Rows of endless tables of standard normals, cut like those of `UniformTable` (Box and Muller, 1958).

    Two pages are made of one radius and one angle, of 32 bits each, whose sine and cosine are independent.

    >>> table = NormalTable(1, ("x",), 0, 3, 1)
    >>> bool((table.page(1) == NormalTable(1, ("x",), 0, 3, 1).page(1)).all())
    True
    """

    def __init__(self, seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int) -> None:
        self._words = _WordTable(seed, purpose, first, rows, 2 * columns)
        order = "F" if rows > columns else "C"
        self._both = np.empty((rows, 2 * columns), dtype=np.float32, order=order)
        self._radius, self._angle = self._both[:, :columns], self._both[:, columns:]
        self._shape, self._pair = (rows, columns), -1

    def page(self, number: int, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """The rows of one page, written into `out` where it is given, which may have any layout."""
        pair, second = divmod(number, 2)
        if pair != self._pair:
            self._draw(pair)
        out = np.empty(self._shape, dtype=np.float32) if out is None else out
        side = np.sin(self._angle, out=out) if second else np.cos(self._angle, out=out)
        return np.multiply(side, self._radius, out=out)

    def _draw(self, pair: int) -> None:
        """Radius and angle of a pair of pages."""
        self._words.write(pair, self._both)
        self._pair, radius = pair, self._radius
        # (word + 1) / 2^32 is never 0. Within one array: fresh ones of this size cost more than the arithmetic.
        np.multiply(np.add(radius, np.float32(1.0), out=radius), np.float32(2.0**-32), out=radius)
        np.multiply(np.log(radius, out=radius), np.float32(-2.0), out=radius)
        np.sqrt(radius, out=radius)
        np.multiply(self._angle, np.float32(2.0 * np.pi * 2.0**-32), out=self._angle)


# Small tables are kept, as every what-if asks for those of the last one: of so many numbers at most, 8 MB in all.
KEPT_NUMBERS, KEPT_TABLES = 4096, 256
# The same of pages in single precision: 2 MB each, 64 MB in all.
KEPT_PAGES, KEPT_BOOKS = 1 << 19, 32


def normal_pages(
    seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int, pages: int, *, keep: bool = False
) -> Iterator[NDArray[np.float32]]:
    """The first pages of a `NormalTable`, one after the other, not to be written to.

    Each may be written over with the next; with `keep`, those of small tables are held for who asks for them again.
    """
    if keep and rows * columns * pages <= KEPT_PAGES:
        return iter(_few_pages(seed, purpose, first, rows, columns, pages))
    table = NormalTable(seed, purpose, first, rows, columns)
    out = np.empty((rows, columns), dtype=np.float32, order="F" if rows > columns else "C")
    return (table.page(number, out=out) for number in range(pages))


@lru_cache(maxsize=KEPT_BOOKS)
def _few_pages(
    seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int, pages: int
) -> tuple[NDArray[np.float32], ...]:
    table, found = NormalTable(seed, purpose, first, rows, columns), []
    for number in range(pages):
        out = np.empty((rows, columns), dtype=np.float32, order="F" if rows > columns else "C")
        found.append(table.page(number, out=out))
        out.flags.writeable = False
    return tuple(found)


def normals(seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int) -> Floats:
    """Standard normals in double precision, (rows, columns), not to be written to: the rows from `first` on of an
    endless table."""
    draw = _few_normals if rows * columns <= KEPT_NUMBERS else _draw_normals
    return draw(seed, purpose, first, rows, columns)


def _draw_normals(seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int) -> Floats:
    stream = bit_stream(seed, *purpose)
    stream.advance(first * 2 * columns)
    both = np.random.Generator(stream).random((rows, 2 * columns))
    radius, angle = np.sqrt(-2.0 * np.log1p(-both[:, :columns])), 2.0 * np.pi * both[:, columns:]
    out = radius * np.cos(angle)
    out.flags.writeable = False
    return out


_few_normals = lru_cache(maxsize=KEPT_TABLES)(_draw_normals)
