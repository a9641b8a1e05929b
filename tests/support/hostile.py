"""A case, an overlay and an address by somebody who means harm: every text that may be free holds markup of some kind.

Nothing in them is an error: a person may write all of it, and all of it must be read as words.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

import riskcast
from riskcast.case.yaml_lines import parse_yaml
from tests.support.smallcase import FILES

OUTSIDE = "evil.example"
# Each asks for something from outside, runs, opens, hides or pretends, in one of the languages that texts pass through.
BAITS = (
    "![pixel](http://evil.example/p.png)",
    "[Log in again](https://evil.example/login)",
    "<img src='http://evil.example/i.png' onerror='alert(1)'>",
    "<script src='https://evil.example/s.js'></script>",
    "https://evil.example/plain and www.evil.example and a@evil.example",
    "<https://evil.example/angle>",
    ":red[alarm] :blue-badge[official] :material/home: :tada: :streamlit:",
    "$\\int_0^1 x$ and $$\\sum y$$ and `code` and ~~struck~~ **bold** _slanted_",
    "# Heading\n\n- item\n- [x] done\n\n| a | b |\n|---|---|\n| c | d |",
    "1. first\n\n> quoted\n\n---\n\n[^1] and [^1]: note",
    "turned \u202eelpmaxe.live\u202c and \u2066isolated\u2069",
    "red \x1b[31mletters\x1b[0m, \x1b]8;;http://evil.example\x07link\x1b]8;;\x07, \x9b1m, \r over, \x00 nothing",
    "[red]rich[/red] [link=http://evil.example]rich link[/link] :warning:",
    '=HYPERLINK("http://evil.example","open")',
    "@SUM(1+1)|';=cmd|' /C calc'!A0",
    '"}); throw 1; ({"a": "b\u2028c',
    '#link("http://evil.example")[typst] #image("/etc/passwd") $ x $ \\ _e_ *b*',
    "{{ 7 * 7 }} {% include 'x' %} {0.__class__} %s %(a)s ${HOME}",
    "&lt;b&gt; &#60;i&#62; &copy; &nbsp;",
    "</title></svg><a href='http://evil.example'>svg</a><image href='http://evil.example/x.svg'/>",
    "&L&G&P header code",
)
URLS = (
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "file:///etc/passwd",
    "https://evil.example/a)b](http://evil.example",
    "https://www.example.org@evil.example/",
    "https://еxample.org/",
    "http://evil.example/",
    "HTTPS://EVIL.EXAMPLE/",
)
# Keys of the files whose texts are free.
FREE = {
    *("title", "name", "label", "question", "unit", "yes", "no", "resolved_by", "claim", "rationale", "story"),
    *("publisher", "author", "note", "description"),
}


def hostile_files() -> dict[str, bytes]:
    """The files of the small case with a bait in every free text, each with its number, and so no two alike."""
    numbered = _numbered()
    files: dict[str, bytes] = {}
    for name, text in FILES.items():
        if name.endswith(".csv"):
            rows = list(csv.DictReader(io.StringIO(text)))
            filled = [
                {key: _of_a_table(next(numbered)) if key == "description" else value for key, value in row.items()}
                for row in rows
            ]
            out = io.StringIO(newline="")
            writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(filled)
            files[name] = out.getvalue().encode()
            continue
        plain = _filled(parse_yaml(text, name).data, numbered)
        if name == "sources.yaml":
            plain = _sources(plain, numbered)
        if name == "indicators.yaml":
            evidence: Any = plain["mood"]["now"]["evidence"]
            evidence["sources"] = ["survey", *(f"odd{place}" for place in range(len(URLS)))]
        if name == "case.yaml":
            plain["note"] = next(numbered)
        # JSON is YAML, with every odd character as an escape.
        files[name] = json.dumps(plain, default=str).encode()
    return files


def write_hostile_case(folder: Path) -> Path:
    """The hostile case in a folder."""
    for name, content in hostile_files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def overlay_file() -> bytes:
    """An overlay of the small case with a bait in its label, its evidence and a key."""
    evidence = {"basis": "judgement", "claim": BAITS[0]}
    change = {"median": 57.0, "interval": [50.0, 64.0], "evidence": evidence}
    return yaml.safe_dump({"label": BAITS[1], "changes": {"indicators.mood.now": change}}).encode()


def bad_overlay_file() -> bytes:
    """An overlay that cannot be used, and whose error repeats it."""
    return yaml.safe_dump({"label": BAITS[1], "changes": {BAITS[0]: {"median": BAITS[2]}}}).encode()


def words_of(bait: str) -> str:
    """A bait as a reader must see it: with what cannot be seen as escapes, in one line."""
    return re.sub(r"\s+", " ", riskcast.visible(bait)).strip()


def _sources(plain: Mapping[str, Any], numbered: Iterator[str]) -> dict[str, Any]:
    """The sources with addresses outside, and one for every odd address."""
    odd = {
        f"odd{place}": {"title": next(numbered), "publisher": next(numbered), "date": "2020-01-01", "url": url}
        for place, url in enumerate(URLS)
    }
    return {source: {**row, "url": "https://evil.example/s"} for source, row in plain.items()} | odd


def _of_a_table(text: str) -> str:
    """A text without the characters that tables are refused for."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text)


def _numbered() -> Iterator[str]:
    for number, bait in enumerate(itertools.cycle(BAITS)):
        yield f"{bait} {number}"


def _filled(value: Any, numbered: Iterator[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            key: next(numbered) if key in FREE and isinstance(each, str) else _filled(each, numbered)
            for key, each in value.items()
        }
    return [_filled(each, numbered) for each in value] if isinstance(value, list) else value
