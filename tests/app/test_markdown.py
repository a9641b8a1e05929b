"""Words of others are words: what the app puts into Markdown, and that nothing is drawn past the door."""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import riskcast
from parts import door, markdown
from parts.markdown import Markdown, code, escape, lines, link
from tests.support.places import APP

DOOR = APP / "parts" / "door.py"
FILES = sorted(set(APP.rglob("*.py")) - {DOOR, APP / "server.py"})
# What has no text: state, keeping, flow.
WORDLESS = {"cache_resource", "context", "query_params", "rerun", "session_state"}
DRAWN = {name for name in vars(door) if hasattr(st, name) and getattr(st, name) is not getattr(door, name)}


def trespasses(source: str) -> Iterator[str]:
    """Ways in which a file of the app would draw a text that nobody has escaped."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "streamlit":
                yield ast.unparse(node)
            case ast.Call(func=ast.Name("Markdown"), args=args) if not args or not _is_written_here(args[0]):
                yield ast.unparse(node)
            case ast.Call(func=ast.Attribute(value=of, attr=name)) if name in DRAWN and ast.unparse(of) != "st":
                yield ast.unparse(node.func)
    if any(isinstance(node, ast.Import) and node.names[0].name == "streamlit" for node in ast.walk(tree)):
        used = {
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "st"
        }
        yield from used - WORDLESS


def _is_written_here(node: ast.expr) -> bool:
    """Whether a text stands in the source as it is, or is one of several that do."""
    if isinstance(node, ast.IfExp):
        return _is_written_here(node.body) and _is_written_here(node.orelse)
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id.isupper()
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(APP)))
def test_a_file_of_the_app_draws_through_the_door(file: Path) -> None:
    assert list(trespasses(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import streamlit as st\nst.caption(label)",
        "from streamlit import caption",
        "left.button(label)",
        "st.columns(2)[0].metric(label, 1)",
        "st.sidebar.caption(label)",
        "Markdown(f'**{label}**')",
        "Markdown('**' + label)",
        "Markdown(template, label)",
    ],
)
def test_other_ways_would_be_noticed(source: str) -> None:
    assert list(trespasses(source))
    assert len(FILES) > 20


def test_the_examples_hold() -> None:
    assert doctest.testmod(markdown).failed == 0


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("[a](https://x.example)", r"\[a\](https:small[]://x.example)"),
        (":red[a] :material/home: :tada:", r"\:red\[a\] \::small[]material/home: \::small[]tada:"),
        ("$a$ `b` ~c~ <i> &lt; a|b", r"\$a\$ \`b\` \~c\~ \<i> \&lt; a\|b"),
        ("# a", r"\# a"),
        ("1. a", r"1\. a"),
        ("two\n\n# lines\tof it", "two # lines of it"),
        ("As of 6 May 2024: 12:30, up to <1 % (events.csv:104), as_of", None),
        ("turned \u202eround \x1b[31m", r"turned \\u202eround \\x1b\[31m"),
    ],
)
def test_words_stand_as_they_are_written(words: str, shown: str | None) -> None:
    assert str(escape(words)) == (words if shown is None else shown)
    assert escape(escape(words)) == escape(words)


def test_markdown_takes_values_as_words_and_numbers_as_numbers() -> None:
    made = Markdown("**{}** {:.1f} {}", "*a*", 1.25, Markdown("*b*"))
    assert str(made) == r"**\*a\*** 1.2 *b*"
    assert isinstance(made + "*c*", Markdown)
    assert str("*c* " + made + "*d*").startswith(r"\*c\*&#32;**")
    assert str(lines(["*a*", Markdown("- b")])) == "\\*a\\*\n- b"
    # What Python makes of it is a text of unknown origin again.
    assert str(escape(f"{made}")) != str(made)


def test_a_link_leads_only_where_riskcast_lets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISKCAST_LINKS", "www.example.org")
    address = "https://www.example.org/a_(b)?c=1&copy;=*"
    assert str(link("A [b]", address)) == rf"[A \[b\]]({riskcast.followed(address)})".replace("&copy;", "%26copy;")
    for other in ("http://www.example.org/", "https://evil.example/`x`", "HTTP://www.example.org/"):
        assert str(link("A", other)) == f"A ({code(other)})"
    for odd in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "", None):
        assert str(link("A", odd)) == "A"


def test_the_door_escapes_labels_tooltips_options_and_heads_of_columns() -> None:
    def page() -> None:
        from parts import door as st
        from parts.markdown import Markdown

        odd = "*a*"
        st.caption(odd, help=odd)
        st.caption(Markdown("*{}*", odd))
        st.button(label=odd, help=odd, key="b")
        st.selectbox(odd, [odd], help=odd, key="s")
        st.radio(odd, [odd], format_func=lambda one: f"{one}!", key="r")
        st.pills(odd, [odd], key="p")
        st.tabs([odd, Markdown(":material/home:")])
        st.metric(odd, odd, odd)
        st.expander(odd)
        st.dataframe([{odd: odd}], column_config={odd: st.column_config.TextColumn(odd, help=odd)})

    shown = AppTest.from_function(page, default_timeout=60).run()
    assert not shown.exception
    mild = r"\*a\*"
    assert [one.value for one in shown.caption] == [mild, rf"*{mild}*"]
    assert (shown.caption[0].help, shown.button[0].label, shown.button[0].help) == (mild, mild, mild)
    assert (shown.selectbox[0].label, shown.selectbox[0].options) == (mild, ["*a*"])
    assert (shown.radio[0].label, shown.radio[0].options) == (mild, [f"{mild}!"])
    assert shown.pills[0].options == [mild]
    assert [one.label for one in shown.tabs] == [mild, ":material/home:"]
    assert (shown.metric[0].label, shown.metric[0].value, shown.metric[0].delta) == (mild, mild, mild)
    assert shown.expander[0].label == mild
    assert r'"help": "\\*a\\*"' in shown.dataframe[0].proto.columns
