"""Bytes of a file -> text: which encoding they are in, and which of its characters nobody can see."""

from __future__ import annotations

import gzip
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from riskcast.errors import refusal

UTF8: Final = "UTF-8"
CP1252: Final = "Windows-1252"
# Spaces that are no blanks, and what takes no room at all.
ODD_SPACES: Final = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
INVISIBLE: Final = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig", UTF8), (b"\xff\xfe\0\0", "utf-32", "UTF-32"))
_MARKS_16: Final = ((b"\xff\xfe", "utf-16", "UTF-16"), (b"\xfe\xff", "utf-16", "UTF-16"))
_CODED_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
NOT_TEXT: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROLS: Final = bytes({*range(32), 127} - {9, 10, 13})
_LINE_END: Final = re.compile(r"\r\n?|\n")
# Western letters of Windows-1252, and what of another encoding looks like when it is read as that.
_HIGH: Final = "À-ÖØ-öø-ÿŠšŒœŽžŸ"
_WORD: Final = re.compile(f"[A-Za-z{_HIGH}]+")
_LETTER: Final = f"[A-Za-z{_HIGH}]"
_CAPITAL: Final = "[À-ÖØ-ÞŠŒŽŸ]"
_NO_WESTERN_TEXT: Final = re.compile(
    # Three letters and more that all have marks.
    f"(?<!{_LETTER})[{_HIGH}]{{3,}}(?!{_LETTER})|[{_HIGH}]{{4,}}"
    # A capital within a word of small letters.
    f"|{_LETTER}{{0,30}}[a-zß-öø-ÿšœž]{_CAPITAL}|[A-ZÀ-Þ]{_CAPITAL}[a-zà-öø-ÿšœž]{_LETTER}{{0,30}}"
    # Signs that stand before a letter behind one, signs between letters, and signs among letters with marks.
    f"|{_LETTER}{{1,30}}[‚„¿ƒˆ˜‰¤¦¨¬¯¸]|{_LETTER}{{1,30}}[•“”†‡™®©¹²³¼½¾¡¢£¥§¶]{_LETTER}{{1,30}}"
    f"|[¢£¤¥¦¨¬¯¸¶ˆ˜ƒ‰][{_HIGH}]{_LETTER}{{0,30}}"
    f"|(?=[{_HIGH}]*[^{_HIGH}\x00-\x7f])[^\x00-\x7f‘’“”–—…«»\xa0°€]{{3,}}"
)
_HIGH_WORD: Final = re.compile(r"\w*[\x80-\U0010ffff]\w*")
_HEAD: Final = 4096
_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Text:
    """Text that was read from a file.

    encoding: which one it was in; sample: where that is a guess, the first word that depends on it, else empty.
    """

    content: str
    encoding: str = UTF8
    sample: str = ""


@dataclass(frozen=True)
class Coded:
    """A text, and how it becomes the bytes of its file again: the codec, and the mark before it."""

    text: str
    codec: str = "utf-8"
    mark: bytes = b""

    def to_bytes(self, shown: str) -> bytes:
        """The bytes of the file; raises CaseError where the encoding has no sign for some letter."""
        try:
            return self.mark + self.text.encode(self.codec)
        except UnicodeEncodeError as error:
            wrong = f"is in {CP1252}, which has no sign for {self.text[error.start]!r}"
            raise refusal(shown, wrong, "save the file as UTF-8 (in Excel: CSV UTF-8), then add it again") from None


def read_bytes(file: Path, shown: str, most: int, too_large: str) -> bytes:
    """The content of a file of at most so many bytes; raises CaseError that says `too_large` to mend a larger one."""

    try:
        with file.open("rb") as opened:
            raw = read_at_most(opened, most)
    except FileNotFoundError:
        raise refusal(shown, "is missing", "add the file, or check its name") from None
    except IsADirectoryError:
        raise refusal(shown, "is a folder", "name a file") from None
    except OSError as error:
        raise refusal(shown, f"cannot be read ({error.strerror})", "check the path and its permissions") from None
    except ValueError:
        raise refusal(shown, "is not a file name", "check the path") from None
    if raw is None:
        raise refusal(shown, "is too large", too_large)
    return raw


def read_at_most(opened: IO[bytes] | gzip.GzipFile, most: int) -> bytes | None:
    """All that a file holds, None where that is more than so many bytes; takes no more memory than there is to read.

    >>> import io
    >>> read_at_most(io.BytesIO(b"abc"), 3), read_at_most(io.BytesIO(b"abcd"), 3)
    (b'abc', None)
    """
    chunks, total = [], 0
    while chunk := opened.read(_CHUNK):
        chunks.append(chunk)
        total += len(chunk)
        if total > most:
            return None
    return b"".join(chunks)


def decode(raw: bytes, shown: str, *, guess: bool = False) -> Text:
    """Text in UTF-8, in UTF-16 or UTF-32 as their marks say, or in UTF-16 as its zeros show.

    With `guess`, other bytes are taken for Windows-1252 where they look like Western text in it. Raises CaseError
    where they are no text, or are in an encoding that cannot be told.

    >>> decode("Zürich".encode("utf-16"), "a.csv").encoding
    'UTF-16'
    >>> decode("Zürich".encode("cp1252"), "a.csv", guess=True)
    Text(content='Zürich', encoding='Windows-1252', sample='Zürich')
    """
    codec, encoding = _told_codec(raw)
    try:
        text = Text(raw.decode(codec), encoding)
    except UnicodeDecodeError as error:
        if codec != "utf-8":
            line = raw[: error.start].count(b"\n") + 1
            raise refusal(shown, f"is not whole {encoding}, as its first bytes say", "save it as UTF-8", line) from None
        text = _guessed(raw, error.start, shown, guess)
    if codec != "utf-8" or text.encoding != UTF8 or len(raw.translate(None, _CONTROLS)) < len(raw) or not raw.isascii():
        check_characters(text.content, shown)
    return text


def decode_as_coded(raw: bytes, shown: str) -> Coded:
    r"""Text as `decode` reads it, guesses included, that goes back into the same bytes.

    >>> decode_as_coded(b"\xef\xbb\xbfday\r\n", "a.csv")
    Coded(text='day\r\n', codec='utf-8', mark=b'\xef\xbb\xbf')
    """
    text = decode(raw, shown, guess=True)
    for mark, codec in _CODED_MARKS:
        if raw.startswith(mark):
            return Coded(text.content, codec, mark)
    codec, _ = _told_codec(raw)
    return Coded(text.content, "cp1252" if text.encoding == CP1252 else codec)


def check_characters(text: str, shown: str) -> None:
    """Raise CaseError for control characters and others that are no text."""
    odd = NOT_TEXT.search(text)
    if odd:
        line = len(_LINE_END.findall(text, 0, odd.start())) + 1
        wrong = f"contains the control character U+{ord(odd[0]):04X}"
        raise refusal(shown, wrong, "remove it, or save the file as plain UTF-8 text", line)


def name_character(character: str) -> str:
    """What a character is called, for one that looks like another or like nothing.

    >>> name_character("\\u00a0"), name_character("\\uff1a")
    ('no-break space (U+00A0)', 'fullwidth colon (U+FF1A)')
    """
    name = "byte order mark" if character == "\ufeff" else unicodedata.name(character, "unnamed character").lower()
    return f"{name} (U+{ord(character):04X})"


def _told_codec(raw: bytes) -> tuple[str, str]:
    for mark, codec, encoding in (*_MARKS, *_MARKS_16):
        if raw.startswith(mark):
            return codec, encoding
    # Half of the bytes of UTF-16 are zeros where its text is mostly Latin, and text holds none.
    head = raw[: min(_HEAD, len(raw) // 2 * 2)]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if len(head) >= 8 and max(even, odd) > 0.4 * len(head) / 2 and min(even, odd) == 0:
        return ("utf-16-le" if odd else "utf-16-be"), "UTF-16"
    return "utf-8", UTF8


def _guessed(raw: bytes, start: int, shown: str, guess: bool) -> Text:
    line, byte = raw[:start].count(b"\n") + 1, f"0x{raw[start]:02x}"
    mend = "save the file as UTF-8" + (" (in Excel: CSV UTF-8)" if guess else "")
    try:
        content = raw.decode("cp1252")
    except UnicodeDecodeError:
        raise refusal(shown, f"is neither UTF-8 nor Windows-1252 (byte {byte})", mend, line) from None
    words = _HIGH_WORD.findall(content)
    sample = words[0][:40] if words else ""
    if not guess:
        like = f", as in Windows-1252 {sample!r} would be" if sample else ""
        raise refusal(shown, f"is not UTF-8 (byte {byte}{like})", mend, line)
    foreign = _foreign(content)
    if foreign:
        wrong = f"is not UTF-8, and no Western text either ({foreign[:40]!r} in Windows-1252; "
        raise refusal(shown, f"{wrong}Cyrillic, in Windows-1251? Or an old Mac, DOS or Asian encoding)", mend, line)
    return Text(content, CP1252, sample or byte)


def _foreign(content: str) -> str:
    """What in this text shows that it is none in Windows-1252; empty where nothing does."""
    found = _NO_WESTERN_TEXT.search(content)
    if found is not None:
        return found[0]
    # Western words have a letter with a mark here and there; words of nothing else are in another alphabet.
    marked = [word for word in _WORD.findall(content) if not word.isascii()]
    if any(re.search("[A-Za-z]", word) for word in marked):
        return ""
    return next((word for word in marked if len(word) > 1), "")
