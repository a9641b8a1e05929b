"""Random numbers that depend only on a seed and on what they are for, so that nothing shifts when something is added."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray


def bit_stream(seed: int, *purpose: str | int) -> np.random.PCG64:
    """The bit stream of a seed and a purpose.

    >>> bit_stream(1, "demarche", 3).random_raw() == bit_stream(1, "demarche", 3).random_raw()
    True
    """
    words = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in purpose]
    return np.random.PCG64(np.random.SeedSequence([seed, *words]))


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A generator for a seed and a purpose."""
    return np.random.Generator(bit_stream(seed, *purpose))


def uniforms(seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int) -> NDArray[np.float64]:
    """Rows `first` to `first + rows` of an endless (rows, columns) table of uniforms: the same however it is cut.

    >>> whole = uniforms(1, ("x",), 0, 6, 2)
    >>> bool((uniforms(1, ("x",), 4, 2, 2) == whole[4:]).all())
    True
    """
    stream = bit_stream(seed, *purpose)
    stream.advance(first * columns)
    return np.random.Generator(stream).random((rows, columns))


def normals(seed: int, purpose: tuple[str | int, ...], first: int, rows: int, columns: int) -> NDArray[np.float64]:
    """Rows of an endless table of standard normals, cut like `uniforms` (Box and Muller, 1958)."""
    pairs = uniforms(seed, purpose, first, rows, 2 * columns)
    radius = np.sqrt(-2.0 * np.log1p(-pairs[:, :columns]))
    return radius * np.cos((2.0 * np.pi) * pairs[:, columns:])
