"""The door to standard output and standard error: any encoding, any disk, open or closed."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

READABLE: Final = "riskcast-readable"
# Where whole blocks can be held, half of one and more is better shown as a whole one than as another sign.
IN_BLOCKS: Final = "riskcast-readable-in-blocks"
BLOCK: Final = "█"
MORE_THAN_HALF: Final = "▌▋▊▉"
# As wide as the sign itself wherever tables and bars use it.
PLAIN: Final = str.maketrans(
    {"×": "x", "·": ".", "→": "->", **dict.fromkeys("▏▎▍", "."), **dict.fromkeys(MORE_THAN_HALF, "#")}
)


class OutputError(Exception):
    """What is printed cannot be written; `code` is the number of the system's error."""

    def __init__(self, error: OSError | ValueError) -> None:
        self.code = getattr(error, "errno", None) or errno.EBADF
        super().__init__(getattr(error, "strerror", None) or str(error))


class Door:
    """A stream in the place of `stream`, or of one that is closed, for which no error of the system is a surprise.

    Where `quiet`, what cannot be written is left out: nobody could be told. Else it raises OutputError.
    """

    def __init__(self, stream: Any, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream if self._stream is not None else io.StringIO(), name)

    def write(self, text: str) -> int:
        """Write text, in signs that the stream can hold."""
        self._try("write", text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Bring what was written to where it goes."""
        if self._stream is not None:
            self._try("flush")

    def abandon(self) -> None:
        """Send what is still held, and all that follows, nowhere, so that the end of the process does not stumble."""
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)

    def _try(self, name: str, *given: str) -> None:
        try:
            if self._stream is None:
                raise OSError(errno.EBADF, "it is closed")
            getattr(self._stream, name)(*given)
        except (OSError, ValueError) as error:
            if not self._quiet:
                raise OutputError(error) from error


@contextmanager
def standard_streams() -> Generator[tuple[Door, Door]]:
    """Standard output and standard error behind doors, which write what a stream cannot hold in other signs."""
    before = sys.stdout, sys.stderr
    doors = Door(before[0]), Door(before[1], quiet=True)
    strictness = [_tolerate(stream) for stream in before]
    sys.stdout, sys.stderr = doors
    try:
        yield doors
    finally:
        sys.stdout, sys.stderr = before
        for stream, errors in zip(before, strictness, strict=True):
            if errors is not None and isinstance(stream, io.TextIOWrapper):
                # A disk that is full is told once, by the door.
                with suppress(OSError, ValueError):
                    stream.reconfigure(errors=errors)


def _tolerate(stream: Any) -> str | None:
    """Have a stream write other signs in place of those that it cannot hold; gives what it did before."""
    if not isinstance(stream, io.TextIOWrapper):
        return None
    errors = stream.errors
    try:
        stream.reconfigure(errors=IN_BLOCKS if can_hold(stream, BLOCK) else READABLE)
    except (OSError, ValueError):
        return None
    return errors


def can_hold(stream: Any, text: str) -> bool:
    """Whether a stream holds a text as it is."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def readable(text: str) -> str:
    """A text in ASCII that reads as much alike as may be; no sign is left out.

    >>> readable("Škoda – 3 ≤ 4, █▎··"), readable("Таджикистан"), readable("\\u200b")
    ('Skoda - 3 <= 4, #...', 'Tadzhikistan', '\\\\u200b')
    """
    from anyascii import anyascii

    return "".join(
        sign if sign.isascii() else anyascii(sign) or sign.encode("ascii", "backslashreplace").decode()
        for sign in text.translate(PLAIN)
    )


def _replace(error: UnicodeError, blocks: str = "") -> tuple[str, int]:
    """Other signs for those that cannot be encoded; a whole block for each of `blocks`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(BLOCK if sign in blocks else readable(sign) for sign in signs), error.end


codecs.register_error(READABLE, _replace)
codecs.register_error(IN_BLOCKS, partial(_replace, blocks=MORE_THAN_HALF))
