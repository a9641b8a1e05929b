"""Changes of a YAML text that leave comments, order, quotes and every line that they do not touch as they are."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark, YAMLError
from ruamel.yaml.tokens import CommentToken

# No line is broken anew.
_WIDE: Final = 1_000_000
_LINE_END: Final = re.compile(r"\r\n?|\n")
_SEQUENCE: Final = re.compile(r"^( *)[^ #\n][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*( *)- ", re.MULTILINE)
_MAPPING: Final = re.compile(
    r"^( *)[^ #\n-][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*(?:#[^\n]*)?\n)*(\1 +)[^ #\n-]", re.MULTILINE
)
_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#[^\n]*")


def edit_yaml(text: str, change: Callable[[Any], None]) -> str:
    r"""A YAML text after `change` was made to its data, a round-trip mapping or sequence of ruamel.yaml.

    ruamel.yaml writes some lines otherwise than they stand. What it writes before and after the change is compared, and
    the difference is carried over into the text, so that no other line moves. Raises ValueError where the text is no
    YAML, or a comment would be lost.

    >>> print(edit_yaml("a:   1 # one\nb: 'two'\n", lambda data: put(data, "a", 3)), end="")
    a:   3 # one
    b: 'two'
    """
    found = _LINE_END.search(text)
    newline = "\n" if found is None else found[0]
    plain = _LINE_END.sub("\n", text)
    try:
        _, before = _round_trip(plain, None)
        data, after = _round_trip(plain, change)
        lines = [text.splitlines(keepends=True) for text in (plain, before, after)]
        merged = _with_spaces_of(plain, "".join(_carried(*lines)))
        if not _says(merged, data):
            merged = after
    except YAMLError as error:
        raise ValueError(str(error).partition("\n")[0]) from None
    lost = _comments(plain) - _comments(merged)
    if lost:
        raise ValueError(f"the comment {next(iter(lost))!r} would be lost; move it to a line of its own")
    return merged.replace("\n", newline)


def _comments(text: str) -> Counter[str]:
    return Counter(comment.rstrip() for comment in _COMMENT.findall(text))


def _says(text: str, data: Any) -> bool:
    """Whether a text holds this data."""
    try:
        return _yaml(text).load(text) == data
    except YAMLError:
        return False


def put(data: Any, key: Any, value: Any) -> None:
    """Set an entry of a mapping or sequence, and let a list of the same length keep its look.

    Works on plain data and on that of ruamel.yaml.
    """
    old = data.get(key) if isinstance(data, Mapping) else data[key]
    if isinstance(old, list) and isinstance(value, list) and len(old) == len(value):
        for place, item in enumerate(value):
            old[place] = item
    else:
        data[key] = flowing(value) if isinstance(data, CommentedMap | CommentedSeq) else value


def put_after(data: Any, before: str, key: str, value: Any) -> None:
    """Add an entry to a mapping behind another one, and behind the comment that stands in the other's line.

    What stands in lines of its own beneath stays with what follows it.
    """
    if not isinstance(data, CommentedMap):
        data[key] = value
        return
    data.insert(list(data).index(before) + 1, key, flowing(value))
    tokens = data.ca.items.get(before)
    own = data[before]
    if tokens is None and isinstance(own, CommentedMap | CommentedSeq):
        tokens = own.ca.comment if own.fa.flow_style() else None
        place = 0
    else:
        place = 2
    token = tokens[place] if tokens is not None and len(tokens) > place else None
    if isinstance(token, CommentToken):
        first, _, rest = token.value.partition("\n")
        if rest:
            token.value = first + "\n"
            data.ca.items[key] = [None, None, CommentToken("\n" + rest, CommentMark(0), None), None]


def put_in_place_of(data: Any, old: str, entries: Mapping[str, Any]) -> None:
    """Put entries of a mapping where another one was, with its comment behind the last of them."""
    if not isinstance(data, CommentedMap):
        del data[old]
        data.update(entries)
        return
    place, comment = list(data).index(old), data.ca.items.pop(old, None)
    del data[old]
    for key, value in reversed(list(entries.items())):
        data.insert(place, key, flowing(value))
    if comment is not None:
        data.ca.items[list(entries)[-1]] = comment


def flowing(value: Any) -> Any:
    """A value in which lists stand in one line, as numbers and names of sources do."""
    if isinstance(value, Mapping):
        return CommentedMap((key, flowing(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        listed = CommentedSeq(flowing(each) for each in value)
        listed.fa.set_flow_style()
        return listed
    return value


def _yaml(text: str) -> YAML:
    """A reader and writer that indents as a text does."""
    yaml = YAML(typ="rt")
    yaml.preserve_quotes, yaml.width, yaml.allow_duplicate_keys = True, _WIDE, True
    # One value in several places is written in each of them.
    yaml.representer.ignore_aliases = lambda data: True
    shown, deeper = _SEQUENCE.search(text), _MAPPING.search(text)
    offset = max(0, len(shown[2]) - len(shown[1])) if shown is not None else 0
    mapping = len(deeper[2]) - len(deeper[1]) if deeper is not None else 2
    yaml.indent(mapping=max(mapping, 1), sequence=2 + offset, offset=offset)
    return yaml


def _round_trip(text: str, change: Callable[[Any], None] | None) -> tuple[Any, str]:
    yaml = _yaml(text)
    data = yaml.load(text)
    if change is not None:
        change(data)
    out = io.StringIO()
    yaml.dump(data, out)
    return data, out.getvalue()


def _carried(own: Sequence[str], before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The lines of a text with what changed between two others: a three-way merge, in which the change wins."""
    out: list[str] = []
    spot_own = spot_before = spot_after = 0
    for start_own, start_before, start_after, length in _in_all(own, before, after):
        mine, was, becomes = (
            own[spot_own:start_own],
            before[spot_before:start_before],
            after[spot_after:start_after],
        )
        out += mine if was == becomes else becomes
        out += own[start_own : start_own + length]
        spot_own, spot_before, spot_after = start_own + length, start_before + length, start_after + length
    return out


def _in_all(own: Sequence[str], before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """Runs of lines that all three texts have: where they begin in each, and how many lines they are."""
    with_own = SequenceMatcher(None, before, own, autojunk=False).get_matching_blocks()
    with_after = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    runs, i, j = [], 0, 0
    while i < len(with_own) and j < len(with_after):
        (a, o, n), (b, c, m) = with_own[i], with_after[j]
        start, end = max(a, b), min(a + n, b + m)
        if start < end:
            runs.append((o + start - a, start, c + start - b, end - start))
        if a + n < b + m:
            i += 1
        else:
            j += 1
    return [*runs, (len(own), len(before), len(after), 0)]


def _with_spaces_of(old: str, new: str) -> str:
    """A text whose changed lines have their blanks before comments and behind colons as those that they replace."""
    was, now = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for tag, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if tag == "replace" and b - a == d - c:
            now[c:d] = [_spaced(one, other) for one, other in zip(was[a:b], now[c:d], strict=True)]
    return "".join(now)


_ENTRY: Final = re.compile(r"( *(?:- )?[A-Za-z0-9_]+:)( +)(\S[^\n]*)(\n?)")
_COMMENTED: Final = re.compile(r"(.*\S)( +)(#.*)")


def _spaced(old: str, new: str) -> str:
    """A line with another value, with its blanks where they were."""
    one, other = _ENTRY.fullmatch(old), _ENTRY.fullmatch(new)
    if one is None or other is None or one[1] != other[1]:
        return new
    was, becomes = _COMMENTED.fullmatch(one[3]), _COMMENTED.fullmatch(other[3])
    value = other[3]
    if was is not None and becomes is not None and was[3] == becomes[3]:
        value = f"{becomes[1]}{was[2]}{becomes[3]}"
    return f"{other[1]}{one[2]}{value}{other[4]}"
