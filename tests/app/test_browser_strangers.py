"""What strangers send, in a browser: it is read as words on every page, and nothing but this machine is asked."""

from __future__ import annotations

import http.server
import io
import itertools
import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

import riskcast
from state.kept_cases import short_hash
from state.session import encode
from tests.support.hostile import (
    BAITS,
    OUTSIDE,
    bad_overlay_file,
    hostile_files,
    overlay_file,
    words_of,
    write_hostile_case,
)
from tests.support.places import APP
from tests.support.watched import watch

pytest.importorskip("playwright.sync_api", reason="drives a browser with Playwright")

import psutil
from playwright.sync_api import Browser, Error as PlaywrightError, Page, expect

from tests.support import browser as app

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(app.CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
expect.set_options(timeout=app.PATIENCE_MS)
HOME = {"127.0.0.1", "localhost"}
PAGES = ("Overview", "Assumptions", "Scenarios", "Why", "Record", "Update", "Export")
# What markup of a stranger would have become: anything that leads away, loads, runs, or looks like the app's own voice.
FOREIGN = """
() => {
  const found = []
  const own = location.origin
  for (const one of document.querySelectorAll('a[href], area[href]'))
    if (new URL(one.href, own).origin !== own) found.push('link ' + one.href)
  for (const one of document.querySelectorAll('[src], image, use'))
    for (const from of [one.src, one.getAttribute('href'), one.getAttribute('xlink:href')])
      if (from && !['data:', 'blob:'].includes(new URL(from, own).protocol) && new URL(from, own).origin !== own)
        found.push('source ' + from)
  for (const kind of ['.katex', 'del', 'blockquote', 'iframe', 'object', 'embed', 'video', 'audio', 'section sup a',
                      '[data-testid=stMarkdownContainer] img', '[data-testid=stMarkdownContainer] input',
                      '.stMarkdownColoredText', '.stMarkdownColoredBackground', '[data-testid=stException]'])
    if (document.querySelector(kind)) found.push(kind + ' ' + document.querySelector(kind).outerHTML.slice(0, 200))
  for (const one of document.querySelectorAll('h1, h2, h3, h4, li, .stMarkdownBadge'))
    if (/^(Heading|item|first\\.|official)$/.test(one.innerText.trim())) found.push('own voice ' + one.innerText)
  return found
}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """The app's address and process, and the file in which its turns to the outside are written down."""
    variables, log = watch(tmp_path_factory.mktemp("watch"))
    with app.app_server(variables) as (address, process):
        yield address, process, log


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with app.chromium() as running:
        yield running


@pytest.fixture
def page(chromium: Browser, served: tuple[str, Any, Path]) -> Iterator[Page]:
    """A page of a fresh browser; at the end, neither it nor the server asked anything outside, and no rule broke."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(app.PATIENCE_MS)
    made = context.new_page()
    asked: list[str] = []
    broken: list[str] = []
    made.on("request", lambda request: asked.append(request.url))
    made.on("websocket", lambda socket: asked.append(socket.url))
    policy = re.compile("Content Security Policy(?!.*frame-ancestors)", re.DOTALL)
    made.on("console", lambda told: broken.append(told.text) if policy.search(told.text) else None)
    made.on("dialog", lambda dialog: broken.append(dialog.message))
    yield made
    context.close()
    places = {(urlsplit(url).scheme, urlsplit(url).hostname) for url in asked}
    assert {host for scheme, host in places if scheme not in ("data", "blob")} <= HOME
    assert broken == []
    assert served[2].read_text() == ""


def settled(page: Page) -> str:
    """What the page says once it is at rest, in one line."""
    app.await_shown(page, "at rest", lambda shown: bool(shown.title))
    page.wait_for_timeout(500)
    app.await_shown(page, "at rest", lambda shown: bool(shown.title))
    return said(page)


def said(page: Page) -> str:
    return re.sub(r"\s+", " ", page.locator("[data-testid=stApp]").inner_text())


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in hostile_files().items():
            archive.writestr(f"mine/{name}", content)
    return packed.getvalue()


def upload(page: Page, name: str, content: bytes) -> None:
    """Give a file to the app as a person does."""
    door = page.locator("[data-testid=stSidebar] details").filter(has_text="Open a case or overlay")
    if door.get_attribute("open") is None:
        door.locator("summary").click()
    kind = "application/zip" if name.endswith(".zip") else "application/yaml"
    page.locator("input[type=file]").first.set_input_files({"name": name, "mimeType": kind, "buffer": content})


def opened(page: Page, address: str, title: str) -> None:
    """Open the hostile case, and wait until its title stands there."""
    page.goto(address, timeout=app.PATIENCE_MS)
    settled(page)
    upload(page, "mine.zip", zipped())
    app.await_shown(page, "at the hostile case", lambda shown: re.sub(r"\s+", " ", shown.title) == title)


def unfold(page: Page) -> None:
    """Open all that a page keeps shut, so that everything is drawn."""
    shut = page.locator("[data-testid=stMain] details:not([open]) > summary:visible")
    for _ in range(shut.count()):
        shut.first.click()
        settled(page)
    for one in page.get_by_text(re.compile("^(Down to effects|Show the)")).all()[:3]:
        one.click()
        settled(page)
    for place in range(page.get_by_role("tab").count()):
        page.get_by_role("tab").nth(place).click()
        settled(page)
        for _ in range(shut.count()):
            shut.first.click()
            settled(page)
        assert page.evaluate(FOREIGN) == []


def test_a_hostile_case_is_words_on_every_page(page: Page, served: tuple[str, Any, Path], tmp_path: Path) -> None:
    case = riskcast.load_case(write_hostile_case(tmp_path / "mine"))
    opened(page, served[0], words_of(case.settings.title))
    shown = {
        "Overview": [case.settings.title, case.events["protest"].label[:40].lower()],
        "Assumptions": [case.indicators["mood"].label],
        "Scenarios": [case.scenario("storm").label, case.scenario("storm").story],
        "Why": [case.effects[0].rationale],
        "Record": [],
        "Update": [],
        "Export": [case.scenario("baseline").label],
    }
    for name in PAGES:
        page.get_by_role("link", name=name).first.click()
        settled(page)
        assert page.evaluate(FOREIGN) == [], name
        unfold(page)
        words = settled(page)
        assert page.evaluate(FOREIGN) == [], name
        for one in shown[name]:
            assert words_of(one) in words, (name, one)
        for icon in page.locator("[data-testid=stMain] [data-testid=stTooltipIcon]").all()[:6]:
            if icon.is_visible():
                icon.hover()
                page.wait_for_timeout(300)
        assert page.evaluate(FOREIGN) == [], name


def test_a_hostile_overlay_is_words_whether_it_can_be_used_or_not(page: Page, served: tuple[str, Any, Path]) -> None:
    opened(page, served[0], words_of(f"{BAITS[0]} 0"))
    upload(page, "![x](http://evil.example/o.png).yaml", overlay_file())
    expect(page.get_by_text("1 changed assumption", exact=True)).to_be_visible()
    page.get_by_role("link", name="Assumptions").first.click()
    settled(page)
    page.get_by_text("Changed", exact=True).first.click()
    settled(page)
    assert page.evaluate(FOREIGN) == []
    upload(page, "[red](https://evil.example/o).yaml", bad_overlay_file())
    expect(page.get_by_text("This cannot be opened; nothing has changed.")).to_be_visible()
    assert words_of(BAITS[0]) in settled(page)
    assert page.evaluate(FOREIGN) == []


def addresses() -> Iterator[dict[str, str]]:
    """Addresses in which every part is a bait, as it is and within what the app packs."""
    for bait in BAITS:
        yield dict.fromkeys(("case", "scenario", "overlay", "built", "observed", "other"), bait)
    move = {"indicator": "xenophobia", "shift": 5.0}
    published = riskcast.load_case("central_asia_2024")
    own = {"case": published.name, "hash": short_hash(published)}
    for one, other in itertools.pairwise(BAITS):
        event = {
            **{"date": "2024-05-05", "precision": "day", "type": "demarche", "dyad": "RUS-UZB", "initiator": "UZB"},
            **{"description": one, "sources": [], "status": "unverified"},
        }
        yield own | {
            "built": encode({"mine": {"label": one, "story": other, "indicators": [move]}}),
            "observed": encode([event]),
            "scenario": "mine",
        }
        yield own | {
            "built": encode({one: {"label": one, other: one}}),
            "observed": encode([{one: other, other: one}]),
            "overlay": encode({one: {other: 1}, other: {"median": one}}),
        }


def test_hostile_addresses_are_words(page: Page, served: tuple[str, Any, Path]) -> None:
    rng = random.Random(3)
    for number, parts in enumerate(rng.sample(list(addresses()), 8)):
        name = ("", "scenarios", "record", "assumptions")[number % 4]
        page.goto(f"{served[0]}/{name}?" + "&".join(f"{key}={quote(value, safe='')}" for key, value in parts.items()))
        words = settled(page)
        assert page.evaluate(FOREIGN) == [], parts
        told = parts.get("scenario", "")
        if told in BAITS:
            # An address is told of as Python writes texts.
            assert words_of(repr(told)[1:30]) in words
        if told == "mine" and name == "scenarios":
            assert "built here" in words


class Stranger(http.server.BaseHTTPRequestHandler):
    """A page of another origin, which frames the app and speaks to its stream."""

    app = ""

    def do_GET(self) -> None:
        page = f"""<title>x</title><iframe id="frame" src="{self.app}/"></iframe><script>
          window.told = []
          const line = new WebSocket("{self.app.replace("http", "ws")}/_stcore/stream")
          line.onopen = () => told.push("open"); line.onerror = () => told.push("refused")
          const read = fetch("{self.app}/_stcore/health").then(answer => answer.text())
          read.then(text => told.push("read " + text), () => told.push("unread"))
        </script>"""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, format: str, *_: Any) -> None:
        pass


def test_a_page_of_another_origin_gets_nothing(page: Page, served: tuple[str, Any, Path]) -> None:
    Stranger.app = served[0]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        page.goto(f"http://localhost:{other.server_address[1]}/")
        page.wait_for_function("() => told.length >= 2")
        page.wait_for_timeout(2000)
        told = set(page.evaluate("told"))
        framed = page.frames[1].evaluate("() => document.body ? document.body.innerText : ''")
        other.shutdown()
    assert {"refused", "unread"} <= told
    assert "open" not in told
    assert "riskcast" not in framed.lower()
    assert page.frames[1].locator("[data-testid=stApp]").count() == 0


def test_an_upload_of_100_mb_costs_the_server_nothing(
    page: Page, served: tuple[str, subprocess.Popen[bytes], Path], tmp_path: Path
) -> None:
    address, process, _ = served
    vast = tmp_path / "vast.zip"
    with vast.open("wb") as file:
        file.write(b"PK\3\4")
        file.truncate(100_000_000)
    page.goto(address, timeout=app.PATIENCE_MS)
    settled(page)
    before = psutil.Process(process.pid).memory_info().rss
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "upload_file" in request.url else None)
    page.get_by_text("Open a case or overlay").first.click()
    page.locator("input[type=file]").first.set_input_files(vast)
    expect(page.get_by_text(re.compile("must be 20"))).to_be_visible()
    assert sent == []
    # A browser that does not ask: the server counts for itself.
    places: list[str] = []
    page.on("request", lambda request: places.append(request.url) if request.method == "PUT" else None)
    page.locator("input[type=file]").first.set_input_files(
        {"name": "small.zip", "mimeType": "application/zip", "buffer": b"PK\3\4x"}
    )
    expect(page.get_by_text("This cannot be opened")).to_be_visible()
    status = page.evaluate(
        """async ([place]) => {
          const form = new FormData()
          form.append('file', new Blob([new Uint8Array(100_000_000)]), 'vast.zip')
          const cookie = document.cookie.split('; ').find(each => each.startsWith('_streamlit_xsrf='))
          const headers = cookie ? {'X-Xsrftoken': cookie.split('=').slice(1).join('=')} : {}
          try { return (await fetch(place, {method: 'PUT', body: form, headers})).status } catch (e) { return 0 }
        }""",
        places[:1],
    )
    assert status in (0, 413)
    page.wait_for_timeout(1000)
    assert psutil.Process(process.pid).memory_info().rss - before < 60_000_000


ATOMS = (
    *(
        "# ",
        "- ",
        "+ ",
        "1. ",
        "12) ",
        "-",
        "=",
        "---",
        "===",
        "> ",
        ":",
        "::",
        ":tada:",
        ":+1:",
        ":100:",
        ":material/home:",
    ),
    *(":material_home:", ":streamlit:", ":red[x]", ":small[]", ":blue-badge[x]", ':color[x]{foreground="red"}', "{.x}"),
    *("$x$", "$$x$$", "https://evil.example/t.png", "www.evil.example", "a@evil.example", "mailto:a@evil.example"),
    *("![t](http://evil.example/t.png)", "[t](http://evil.example)", "[1]: http://evil.example", "[^1]", "[^1]: n"),
    *(
        "<img src=x>",
        "<script>",
        "<https://evil.example>",
        "<br>",
        "<!-- c -->",
        "&lt;",
        "&#60;",
        "&nbsp",
        "*a*",
        "**b**",
    ),
    *(
        "_c_",
        "~e~",
        "~~f~~",
        "`g`",
        "``",
        "```",
        "~~~",
        "|",
        "||",
        "\\",
        "\\*",
        "->",
        "<->",
        "<-",
        "--",
        ">=",
        "<=",
        "~=",
    ),
    *(
        " ",
        "  ",
        "\n",
        "\n\n",
        "\t",
        "    ",
        "a",
        "B",
        "é",
        "語",
        "\u202e",
        "\x1b[31m",
        "]",
        "[",
        "(",
        ")",
        "!",
        "'",
        '"',
        "@",
    ),
    *("/", "%", "^", "1", "2.", "10:30", "[ ] ", "[x] ", "* * *", "\r\n"),
)
SCRIPT = """
import json, pathlib
import streamlit
from parts import door as st
from parts.markdown import Markdown, code, lines

# With this on the page, everything that Streamlit knows of Markdown is loaded.
streamlit.markdown(":tada: $a_1$")
for place, text in enumerate(json.loads(pathlib.Path(__file__).with_name("texts.json").read_text())):
    table = lines([Markdown("| a | b |"), Markdown("|---|---|"), Markdown("| {} | **{}** |", text, text)])
    with st.container(key=f"text{place}"):
        st.markdown(text)
    with st.container(key=f"label{place}"):
        st.button(text, key=f"button{place}")
    with st.container(key=f"table{place}"):
        st.markdown(table)
    with st.container(key=f"code{place}"):
        st.markdown(code(text))
"""
READ = """
([kind, place]) => {
  const shown = document.querySelector(`.st-key-${kind}${place}`)
  const parts = kind === 'table' ? [...shown.querySelectorAll('td')] : [shown]
  const odd = 'img, script, a[href], .katex, input, h1, h2, h3, h4, ul, ol, hr, blockquote, del, em, [role=img]'
  return [parts.map(part => part.textContent), shown.querySelectorAll(odd).length]
}
"""


def test_any_text_is_drawn_as_it_is_written(chromium: Browser, tmp_path: Path) -> None:
    rng = random.Random(5)
    texts = [*ATOMS, *("".join(rng.choices(ATOMS, k=rng.randint(2, 8))) for _ in range(200))]
    texts = [text for text in dict.fromkeys(texts) if text.strip()]
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    (tmp_path / "page.py").write_text(SCRIPT, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["run", tmp_path / "page.py", "--server.port", port, "--server.headless", "true"]
    words += ["--server.address", "127.0.0.1", "--browser.gatherUsageStats", "false"]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(APP)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        page = chromium.new_page()
        for _ in range(200):
            try:
                page.goto(f"http://127.0.0.1:{port}/", timeout=app.PATIENCE_MS)
                break
            except PlaywrightError:
                page.wait_for_timeout(300)
        page.wait_for_selector(f".st-key-code{len(texts) - 1}", state="attached", timeout=app.PATIENCE_MS)
        page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')", timeout=app.PATIENCE_MS)
        page.wait_for_timeout(2000)
        wrong = []
        for place, text in enumerate(texts):
            for kind in ("text", "label", "table", "code"):
                shown, odd = page.evaluate(READ, [kind, place])
                plain = {re.sub(r"\s+", " ", one).strip() for one in shown}
                if odd or plain != {words_of(text)}:
                    wrong.append((kind, text, shown, odd))
        page.close()
        assert wrong == []
    finally:
        server.terminate()
        server.wait()


def test_links_lead_where_they_may(chromium: Browser, tmp_path: Path) -> None:
    case = riskcast.load_case("central_asia_2024")
    with app.app_server({"RISKCAST_LINKS": OUTSIDE}) as (address, _):
        context = chromium.new_context()
        context.set_default_timeout(app.PATIENCE_MS)
        page = context.new_page()
        app.visit(page, f"{address}/assumptions", app.TITLES["Assumptions"])
        cited = next(
            key
            for key, quantity, _ in case.quantities()
            if quantity.evidence and any(riskcast.followed(case.sources[s].url) for s in quantity.evidence.sources)
        )
        app.choose_assumption(page, cited)
        links = page.locator(".st-key-editor a[href^='https://']")
        assert links.count() > 0
        assert links.first.get_attribute("rel") == "noopener noreferrer"
        opened(page, address, words_of(f"{BAITS[0]} 0"))
        page.get_by_role("link", name="Assumptions").first.click()
        settled(page)
        app.choose_assumption(page, "indicators.mood.now")
        leads = {link.get_attribute("href") for link in page.locator(".st-key-editor a").all()}
        assert leads == {
            f"https://{OUTSIDE}/s",
            f"https://{OUTSIDE}/a%29b%5D%28http://{OUTSIDE}",
            f"https://{OUTSIDE}/",
        }
        context.close()
